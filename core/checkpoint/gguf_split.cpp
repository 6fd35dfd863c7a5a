// SPDX-License-Identifier: Apache-2.0
#include "core/checkpoint/gguf_split.h"

#include "core/checkpoint/untrusted_text.h"

#include <cstdio>
#include <string>
#include <system_error>
#include <utility>

namespace paretoscope::core {

namespace {

namespace fs = std::filesystem;

constexpr char kHint[] = "download all parts again, under their original names";
constexpr std::int64_t kMaxParts = 99'999; // five digits

/// "-00001-of-00003.gguf" for number 0 of 3.
std::string partSuffix(std::int64_t number, std::int64_t count)
{
    char text[64];
    std::snprintf(text, sizeof text, "-%05lld-of-%05lld.gguf", static_cast<long long>(number + 1),
                  static_cast<long long>(count));
    return text;
}

Result<std::int64_t> partNumber(const GgufFile& file)
{
    return file.metadata().integerOr("split.no", 0);
}

Status checkPart(const GgufFile& part, const fs::path& path, std::int64_t number, std::int64_t count)
{
    PSC_ASSIGN(const std::int64_t statedNumber, partNumber(part));
    PSC_ASSIGN(const std::int64_t statedCount, part.metadata().integerOr("split.count", 0));
    if (statedNumber == number && statedCount == count)
        return success();
    return Error {ErrorCode::Corrupt,
                  path.string() + " says that it is part " + std::to_string(statedNumber + 1) + " of " +
                      std::to_string(statedCount) + ", not part " + std::to_string(number + 1) + " of " +
                      std::to_string(count),
                  kHint};
}

Status checkTensorCount(const GgufParts& parts)
{
    constexpr char kKey[] = "split.tensors.count";
    const GgufMetadata& metadata = parts.files.front().metadata();
    std::size_t found = 0;
    for (const GgufFile& part : parts.files)
        found += part.tensors().size();
    PSC_ASSIGN(const std::int64_t stated, metadata.integerOr(kKey, static_cast<std::int64_t>(found)));
    if (stated == static_cast<std::int64_t>(found))
        return success();
    return Error {ErrorCode::Corrupt,
                  metadata.source() + ": " + kKey + " is " + std::to_string(stated) + ", but the parts hold " +
                      std::to_string(found) + " tensors",
                  kHint};
}

} // namespace

Result<GgufParts> openGgufParts(const fs::path& file)
{
    PSC_ASSIGN(GgufFile opened, GgufFile::open(file));
    PSC_ASSIGN(const std::int64_t count, opened.metadata().integerOr("split.count", 0));
    GgufParts parts;
    if (count <= 1) {
        parts.files.push_back(std::move(opened));
        parts.paths.push_back(file);
        return parts;
    }
    PSC_ASSIGN(const std::int64_t own, partNumber(opened));
    const std::string name = file.filename().string();
    if (count > kMaxParts || own < 0 || own >= count || !name.ends_with(partSuffix(own, count)))
        return Error {ErrorCode::Corrupt,
                      file.string() + " says that it is part " + std::to_string(own + 1) + " of " +
                          std::to_string(count) + ", but its name does not",
                      kHint};
    const std::string stem = name.substr(0, name.size() - partSuffix(own, count).size());
    for (std::int64_t number = 0; number < count; ++number) {
        const fs::path path = file.parent_path() / (stem + partSuffix(number, count));
        std::error_code ignored;
        if (!fs::exists(path, ignored))
            return Error {ErrorCode::NotFound,
                          file.string() + " is one of " + std::to_string(count) + " parts, but " +
                              path.filename().string() + " is not beside it",
                          "download the missing part into that folder"};
        PSC_ASSIGN(GgufFile part, GgufFile::open(path));
        PSC_TRY(checkPart(part, path, number, count));
        parts.files.push_back(std::move(part));
        parts.paths.push_back(path);
    }
    PSC_TRY(checkTensorCount(parts));
    return parts;
}

} // namespace paretoscope::core
