// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/project/records.h"
#include "core/sweep/sweep.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace paretoscope::jobs {

/// How long trials took, to tell how long others will take: the mean of those with the same methods, else of all.
class TrialExperience
{
public:
    TrialExperience() = default;
    /// Finished trials of one workload among `recorded`. @param workload name of its model
    TrialExperience(const std::vector<core::TrialRecord>& recorded, const std::string& workload);

    void add(const core::Pipeline& pipeline, double seconds);
    /// Seconds; nothing when no trial was ever finished.
    std::optional<double> secondsOf(const core::Pipeline& pipeline) const;

private:
    struct Mean
    {
        double sum = 0;
        int count = 0;
        void add(double value)
        {
            sum += value;
            ++count;
        }
    };

    Mean m_all;
    std::map<std::vector<std::string>, Mean> m_byPlugins;
};

} // namespace paretoscope::jobs
