// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/verbs/verb.h"
#include "jobs/slurm/slurm_sweep.h"

#include <string>

namespace paretoscope::app {

/// "200" or "200%16": elements of an array, and how many run at the same time. Errors: InvalidArgument.
core::Status readArray(const std::string& text, int& elements, int& atOnce);
/// This program as a file.
std::string runningProgram();

/// What `run --executor slurm` takes besides the options of every run.
class SlurmArguments
{
public:
    void declare(OptionTable& options);
    jobs::SlurmSettings settings(const std::string& project, jobs::SweepOptions options, const Session& session) const;

private:
    std::string m_script;
    int m_elements = 0;
    int m_atOnce = 0;
    double m_pollSeconds = 15;
};

} // namespace paretoscope::app
