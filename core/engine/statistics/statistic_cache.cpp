// SPDX-License-Identifier: Apache-2.0
#include "core/engine/statistics/statistic_cache.h"

namespace paretoscope::engine {

std::optional<StatisticValue> StatisticCache::find(const core::Json& key) const
{
    std::optional<CachedTensor> entry = m_tensors.find(key);
    if (!entry)
        return std::nullopt;
    return StatisticValue {std::move(entry->value), entry->note.at("samples").get<std::int64_t>()};
}

void StatisticCache::store(const core::Json& key, const StatisticValue& value) const
{
    (void)m_tensors.store(key, value.value, {{"samples", value.samples}}); // a cache: absence only costs time
}

} // namespace paretoscope::engine
