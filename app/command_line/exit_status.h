// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/error.h"

namespace paretoscope::app {

/// The exit statuses that scripts and schedulers rely on. 130 and 143 only follow a second SIGINT or SIGTERM.
enum class ExitStatus
{
    Done = 0,   ///< also "nothing to do"
    Failed = 1, ///< our bug, a lost worker, a failing disk
    Usage = 2,
    SomeTrialsFailed = 3,
    InvalidInput = 4,
    ProjectUnavailable = 5,    ///< written by another process, or made by a newer version
    ResourcesInsufficient = 6, ///< found out before the work
    Stopped = 75,              ///< EX_TEMPFAIL: work is left, the same command resumes
};

/// What was being done when an error turned up; the same code means different things to a scheduler.
enum class ErrorSource
{
    Arguments,    ///< the command line itself
    Input,        ///< reading a sweep, model, corpus, manifest
    Project,      ///< opening or reading the project file
    Work,         ///< running a worker
    Installation, ///< a part of this program is missing
};

ExitStatus exitStatusOf(core::ErrorCode code, ErrorSource source);

} // namespace paretoscope::app
