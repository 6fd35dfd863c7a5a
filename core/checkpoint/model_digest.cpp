// SPDX-License-Identifier: Apache-2.0
#include "core/checkpoint/checkpoint.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

namespace paretoscope::core {

namespace {

constexpr std::size_t kBufferBytes = std::size_t(1) << 20;

struct CloseFile
{
    void operator()(std::FILE* file) const { std::fclose(file); }
};

/// Reads through a buffer rather than a mapping, so that hashing a model of any size takes one megabyte.
Status update(Sha256& hash, const std::filesystem::path& path)
{
    const auto fail = [&] {
        return Error {ErrorCode::Io, "cannot read " + path.string() + ": " + std::strerror(errno),
                      "check permissions and the disk"};
    };
    const std::unique_ptr<std::FILE, CloseFile> file(std::fopen(path.c_str(), "rbe"));
    if (!file)
        return fail();
    std::setvbuf(file.get(), nullptr, _IONBF, 0);
    std::vector<std::byte> buffer(kBufferBytes);
    std::uint64_t total = 0;
    while (const std::size_t count = std::fread(buffer.data(), 1, buffer.size(), file.get())) {
        hash.update(std::span(buffer.data(), count));
        total += count;
    }
    if (std::ferror(file.get()))
        return fail();
    hash.update(std::as_bytes(std::span(&total, 1))); // so that no two lists of files give the same bytes
    return success();
}

} // namespace

Result<Sha256Digest> modelDigest(const Checkpoint& checkpoint)
{
    Sha256 hash;
    for (const std::filesystem::path& path : checkpoint.files()) {
        hash.update(path.filename().string());
        hash.update(std::string_view("\0", 1));
        PSC_TRY(update(hash, path));
    }
    return hash.finish();
}

} // namespace paretoscope::core
