// SPDX-License-Identifier: Apache-2.0
#include "core/engine/stage/derived_values.h"

#include "core/engine/device/transfer.h"

#include <optional>
#include <utility>

namespace paretoscope::engine {

DerivedValue DerivedValues::get(const std::string& input, const std::string& statistic, const core::Json& recipe,
                                const std::function<DerivedValue()>& make)
{
    core::Json of {input, statistic, recipe};
    if (of == m_of)
        return m_last;
    m_of = nullptr;
    m_last = {}; // makes room first
    m_last = findOrMake(input, statistic, recipe, make);
    m_of = std::move(of);
    return m_last;
}

DerivedValue DerivedValues::findOrMake(const std::string& input, const std::string& statistic, const core::Json& recipe,
                                       const std::function<DerivedValue()>& make) const
{
    if (!m_cache || !m_cache->enabled())
        return make();
    const core::Json key {{"derived", recipe}, {"from", m_keyOf(input, statistic)}};
    if (std::optional<CachedTensor> found = m_cache->find(key))
        return {toDevice(found->value, m_device), std::move(found->note)};
    DerivedValue made = make();
    m_cache->store(key, made.value, made.note); // a cache: absence only costs time
    return made;
}

} // namespace paretoscope::engine
