// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/json.h"
#include "core/engine/cache/tensor_cache.h"
#include "core/engine/plugin/stage.h"

#include <functional>
#include <string>

namespace paretoscope::engine {

/// What stages derive from statistics (StageTask::derived), for units that come one after the other. Holds the last
/// value only: units that read one input follow each other.
class DerivedValues
{
public:
    /// The key of a statistic in the cache.
    using KeyOf = std::function<core::Json(const std::string& input, const std::string& statistic)>;

    /// Without a cache: for statistics that no other trial has.
    DerivedValues() = default;
    /// @param device where what comes out of the cache is wanted
    DerivedValues(const TensorCache& cache, KeyOf keyOf, at::Device device)
        : m_cache(&cache)
        , m_keyOf(std::move(keyOf))
        , m_device(device)
    {}

    DerivedValue get(const std::string& input, const std::string& statistic, const core::Json& recipe,
                     const std::function<DerivedValue()>& make);

private:
    DerivedValue findOrMake(const std::string& input, const std::string& statistic, const core::Json& recipe,
                            const std::function<DerivedValue()>& make) const;

    const TensorCache* m_cache = nullptr;
    KeyOf m_keyOf;
    at::Device m_device = at::kCPU;
    core::Json m_of; ///< what m_last is: input, statistic, recipe
    DerivedValue m_last;
};

} // namespace paretoscope::engine
