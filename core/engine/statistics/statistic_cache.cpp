// SPDX-License-Identifier: Apache-2.0
#include "core/engine/statistics/statistic_cache.h"

#include "core/base/mapped_file.h"
#include "core/base/sha256.h"

#include <unistd.h>

#include <cstring>
#include <fstream>
#include <system_error>

namespace paretoscope::engine {

namespace {

namespace fs = std::filesystem;

/// Layout: 64 hex digits of the SHA-256 of all that follows, a line feed, the header as one line of JSON, raw float32.
constexpr std::size_t kDigestLength = 64;

std::optional<StatisticValue> parseEntry(std::string_view content)
{
    if (content.size() < kDigestLength + 1)
        return std::nullopt;
    const std::string_view body = content.substr(kDigestLength + 1);
    if (core::sha256(body).hex() != content.substr(0, kDigestLength))
        return std::nullopt;
    // The checksum held, so the header is what store() wrote.
    const std::size_t end = body.find('\n');
    const core::Json header = core::Json::parse(body.substr(0, end));
    StatisticValue value {at::empty(header.at("shape").get<std::vector<std::int64_t>>(), at::kFloat),
                          header.at("samples").get<std::int64_t>()};
    const std::string_view raw = body.substr(end + 1);
    if (raw.size() != value.value.nbytes())
        return std::nullopt;
    std::memcpy(value.value.mutable_data_ptr<float>(), raw.data(), raw.size());
    return value;
}

} // namespace

fs::path StatisticCache::fileOf(const core::Json& key) const
{
    const std::string hex = core::sha256(core::canonicalJson(key)).hex();
    return m_folder / "statistics" / hex.substr(0, 2) / hex.substr(2);
}

std::optional<StatisticValue> StatisticCache::find(const core::Json& key) const
{
    if (!enabled())
        return std::nullopt;
    const fs::path path = fileOf(key);
    const auto file = core::MappedFile::open(path);
    if (!file.ok())
        return std::nullopt;
    auto value = parseEntry(file.value().text());
    if (!value) {
        std::error_code ignored;
        fs::remove(path, ignored);
    }
    return value;
}

void StatisticCache::store(const core::Json& key, const StatisticValue& value) const
{
    if (!enabled())
        return;
    const at::Tensor raw = value.value.to(at::kFloat).contiguous();
    std::string body = core::Json {{"shape", raw.sizes().vec()}, {"samples", value.samples}}.dump() + '\n';
    body.append(static_cast<const char*>(raw.const_data_ptr()), raw.nbytes());

    const fs::path path = fileOf(key);
    const fs::path temporary = path.string() + ".new" + std::to_string(::getpid());
    std::error_code problem;
    fs::create_directories(path.parent_path(), problem);
    {
        std::ofstream out(temporary, std::ios::binary);
        out << core::sha256(body).hex() << '\n' << body;
        if (!out.flush()) {
            fs::remove(temporary, problem);
            return;
        }
    }
    // Not synced: an entry torn by a power cut fails its checksum.
    fs::rename(temporary, path, problem);
    if (problem)
        fs::remove(temporary, problem);
}

} // namespace paretoscope::engine
