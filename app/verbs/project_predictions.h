// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/verbs/roofline_request.h"
#include "core/project/project_store.h"

#include <string>
#include <vector>

namespace paretoscope::app {

/// `roofline PROJECT`: what the models of its trials take on a device.
class ProjectPredictions
{
public:
    /// The options --trial, --where and --record.
    void declare(OptionTable& options);
    bool isUsed() const { return !m_trials.empty() || !m_where.empty() || m_record; }
    static bool isProject(const std::string& path);

    /// One trial in full, several as a table; with --record they are kept in the project.
    Outcome report(const RooflineRequest& request, const roofline::HardwareSpec& hardware, Session& session) const;

private:
    core::Result<std::vector<core::TrialRecord>> chosenTrials(const core::ProjectStore& project) const;

    std::vector<std::string> m_trials;
    std::string m_where;
    bool m_record = false;
};

} // namespace paretoscope::app
