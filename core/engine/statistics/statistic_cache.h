// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/json.h"
#include "core/engine/plugin/statistic.h"

#include <filesystem>
#include <optional>

namespace paretoscope::engine {

/// Finished statistics on disk, by the hash of what they were made from. Safe for several processes: files appear whole
/// under their final name, and one whose checksum is wrong is removed and counts as absent. A cache that cannot be
/// written costs speed, never a trial.
class StatisticCache
{
public:
    /// An empty folder switches the cache off.
    explicit StatisticCache(std::filesystem::path folder)
        : m_folder(std::move(folder))
    {}

    /// `key` names everything that the value depends on.
    std::optional<StatisticValue> find(const core::Json& key) const;
    void store(const core::Json& key, const StatisticValue& value) const;
    bool enabled() const { return !m_folder.empty(); }

private:
    std::filesystem::path fileOf(const core::Json& key) const;

    std::filesystem::path m_folder;
};

} // namespace paretoscope::engine
