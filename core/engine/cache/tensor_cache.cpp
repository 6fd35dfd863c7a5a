// SPDX-License-Identifier: Apache-2.0
#include "core/engine/cache/tensor_cache.h"

#include "core/checkpoint/mapped_pages.h"
#include "core/engine/device/transfer.h"

#include <array>
#include <cstring>

namespace paretoscope::engine {

namespace {

/// The checksum held, so the note is what store() wrote.
at::Tensor valueOf(const core::ArtifactCache::Entry& entry)
{
    at::Tensor value = at::empty(entry.note.at("shape").get<std::vector<std::int64_t>>(), at::kFloat);
    std::memcpy(value.mutable_data_ptr<float>(), entry.content.data(), value.nbytes());
    return value;
}

} // namespace

PinnedTensor::PinnedTensor(core::ArtifactCache::Entry entry)
    : m_entry(std::move(entry))
{
    core::dropMappedPages(m_entry.file.bytes());
}

at::Tensor PinnedTensor::read() const
{
    at::Tensor value = valueOf(m_entry);
    core::dropMappedPages(m_entry.file.bytes());
    return value;
}

std::optional<CachedTensor> TensorCache::find(const core::Json& key) const
{
    const auto entry = m_cache->find(m_kind, key);
    if (!entry)
        return std::nullopt;
    return CachedTensor {valueOf(*entry), entry->note.at("note")};
}

std::optional<PinnedTensor> TensorCache::pin(const core::Json& key) const
{
    auto entry = m_cache->find(m_kind, key);
    if (!entry)
        return std::nullopt;
    return PinnedTensor(std::move(*entry));
}

bool TensorCache::store(const core::Json& key, const at::Tensor& value, const core::Json& note) const
{
    if (!enabled())
        return false;
    const at::Tensor raw = toHost(value.to(at::kFloat));
    const std::array<std::string_view, 1> content {
        std::string_view(static_cast<const char*>(raw.const_data_ptr()), raw.nbytes())};
    return m_cache->store(m_kind, key, {{"shape", raw.sizes().vec()}, {"note", note}}, content);
}

} // namespace paretoscope::engine
