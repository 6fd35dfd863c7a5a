// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/engine/cache/tensor_cache.h"
#include "core/engine/plugin/statistic.h"

#include <filesystem>
#include <optional>

namespace paretoscope::engine {

/// Finished statistics on disk, by the hash of what they were made from (TensorCache).
class StatisticCache
{
public:
    /// An empty folder switches the cache off.
    explicit StatisticCache(const std::filesystem::path& folder)
        : m_tensors(std::make_shared<core::ArtifactCache>(folder), core::ArtifactKind::Statistic)
    {}
    explicit StatisticCache(TensorCache tensors)
        : m_tensors(std::move(tensors))
    {}

    /// `key` names everything that the value depends on.
    std::optional<StatisticValue> find(const core::Json& key) const;
    void store(const core::Json& key, const StatisticValue& value) const;
    bool contains(const core::Json& key) const { return m_tensors.contains(key); }
    bool enabled() const { return m_tensors.enabled(); }
    const TensorCache& tensors() const { return m_tensors; }
    core::ArtifactCache& artifacts() const { return m_tensors.artifacts(); }

private:
    TensorCache m_tensors;
};

} // namespace paretoscope::engine
