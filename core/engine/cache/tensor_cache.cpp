// SPDX-License-Identifier: Apache-2.0
#include "core/engine/cache/tensor_cache.h"

#include "core/engine/device/transfer.h"

#include <array>
#include <cstring>

namespace paretoscope::engine {

std::optional<CachedTensor> TensorCache::find(const core::Json& key) const
{
    const auto entry = m_cache->find(m_kind, key);
    if (!entry)
        return std::nullopt;
    // The checksum held, so the note is what store() wrote.
    CachedTensor found {at::empty(entry->note.at("shape").get<std::vector<std::int64_t>>(), at::kFloat),
                        entry->note.at("note")};
    std::memcpy(found.value.mutable_data_ptr<float>(), entry->content.data(), found.value.nbytes());
    return found;
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
