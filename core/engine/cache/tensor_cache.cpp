// SPDX-License-Identifier: Apache-2.0
#include "core/engine/cache/tensor_cache.h"

#include "core/base/mapped_file.h"
#include "core/base/sha256.h"
#include "core/engine/device/transfer.h"

#include <unistd.h>

#include <cstring>
#include <fstream>
#include <system_error>

namespace paretoscope::engine {

namespace {

namespace fs = std::filesystem;

/// Layout: 64 hex digits of the SHA-256 of all that follows, a line feed, the header as one line of JSON, raw float32.
constexpr std::size_t kDigestLength = 64;

std::optional<CachedTensor> parseEntry(std::string_view content)
{
    if (content.size() < kDigestLength + 1)
        return std::nullopt;
    const std::string_view body = content.substr(kDigestLength + 1);
    if (core::sha256(body).hex() != content.substr(0, kDigestLength))
        return std::nullopt;
    // The checksum held, so the header is what store() wrote.
    const std::size_t end = body.find('\n');
    core::Json header = core::Json::parse(body.substr(0, end));
    CachedTensor entry {at::empty(header.at("shape").get<std::vector<std::int64_t>>(), at::kFloat), header.at("note")};
    const std::string_view raw = body.substr(end + 1);
    if (raw.size() != entry.value.nbytes())
        return std::nullopt;
    std::memcpy(entry.value.mutable_data_ptr<float>(), raw.data(), raw.size());
    return entry;
}

} // namespace

fs::path TensorCache::fileOf(const core::Json& key) const
{
    const std::string hex = core::sha256(core::canonicalJson(key)).hex();
    return m_folder / hex.substr(0, 2) / hex.substr(2);
}

bool TensorCache::contains(const core::Json& key) const
{
    std::error_code ignored;
    return enabled() && fs::is_regular_file(fileOf(key), ignored);
}

std::optional<CachedTensor> TensorCache::find(const core::Json& key) const
{
    if (!enabled())
        return std::nullopt;
    const fs::path path = fileOf(key);
    const auto file = core::MappedFile::open(path);
    if (!file.ok())
        return std::nullopt;
    auto entry = parseEntry(file.value().text());
    if (!entry) {
        std::error_code ignored;
        fs::remove(path, ignored);
    }
    return entry;
}

bool TensorCache::store(const core::Json& key, const at::Tensor& value, const core::Json& note) const
{
    if (!enabled())
        return false;
    const at::Tensor raw = toHost(value.to(at::kFloat));
    std::string body = core::Json {{"shape", raw.sizes().vec()}, {"note", note}}.dump() + '\n';
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
            return false;
        }
    }
    // Not synced: an entry torn by a power cut fails its checksum.
    fs::rename(temporary, path, problem);
    if (!problem)
        return true;
    fs::remove(temporary, problem);
    return false;
}

} // namespace paretoscope::engine
