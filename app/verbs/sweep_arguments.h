// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/verbs/verb.h"
#include "core/sweep/sweep.h"
#include "jobs/sweep_runner.h"

#include <string>
#include <vector>

namespace paretoscope::app {

/// What `run` and `estimate` take: which sweep, into which project, how.
class SweepArguments
{
public:
    void declare(OptionTable& options);

    /// The sweep with its overrides; "-" is stdin. Errors: those of readSweep; with a hint when no plugin is there.
    core::Result<core::Sweep> readSweep(const Session& session) const;
    /// How to run it. Errors: InvalidArgument (a combination that cannot be).
    core::Result<jobs::SweepOptions> options(const Session& session) const;
    const std::string& project() const { return m_project; }
    std::string sweepName() const { return m_sweep; }
    bool usesSlurm() const { return m_executor == "slurm"; }
    /// Of what stood on the command line, the words that an element of an array needs, too.
    static std::vector<std::string> elementOptions(const ParsedOptions& parsed);

private:
    void declareResources(OptionTable& options);
    void declareSelection(OptionTable& options);

    std::string m_sweep;
    std::string m_project;
    std::vector<std::string> m_set;
    jobs::SweepOptions m_options;
    std::string m_device = "auto";
    std::string m_executor = "local";
    std::string m_retry = "interrupted";
    std::string m_cache;
    std::string m_logFolder;
    bool m_failFast = false;
    bool m_keepGoing = false;
};

} // namespace paretoscope::app
