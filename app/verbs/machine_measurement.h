// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/verbs/progress_option.h"
#include "roofline/measured/layer_points.h"

#include <string>

namespace paretoscope::app {

/// What a profile is called, and looked for, when nobody says.
inline constexpr const char* kDefaultMachine = "local";

/// `roofline --measure`: a worker measures this machine; the profile is kept under a name.
class MachineMeasurement
{
public:
    /// The options --measure, --quick, --name, --out, --project, --threads and --progress.
    void declare(OptionTable& options);
    bool isWanted() const { return m_isWanted; }
    /// Whether an option was given that only means something with --measure.
    bool isConfigured() const { return m_isQuick || !m_out.empty(); }
    /// Its devices and machine profiles are known, too; empty: there is none.
    const std::string& project() const { return m_project; }

    /// @param model empty: only ceilings @param device empty: cpu
    Outcome run(const std::string& model, const std::string& device, Session& session) const;

private:
    core::Status keep(const roofline::MachineProfile& profile, const roofline::MeasuredPoints& points,
                      Session& session) const;

    bool m_isWanted = false;
    bool m_isQuick = false;
    std::string m_name = kDefaultMachine;
    std::string m_out;
    std::string m_project;
    int m_threads = 0;
    ProgressOption m_progress;
};

} // namespace paretoscope::app
