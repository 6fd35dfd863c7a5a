// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/command_line/exit_status.h"

namespace paretoscope::app {

ExitStatus exitStatusOf(core::ErrorCode code, ErrorSource source)
{
    if (source == ErrorSource::Arguments)
        return ExitStatus::Usage;
    if (source == ErrorSource::Installation)
        return ExitStatus::Failed;
    switch (code) {
    case core::ErrorCode::Busy:
        return ExitStatus::ProjectUnavailable;
    case core::ErrorCode::OutOfMemory:
        return ExitStatus::ResourcesInsufficient;
    case core::ErrorCode::Cancelled:
        return ExitStatus::Stopped;
    case core::ErrorCode::Unsupported: // of a project: its schema is newer than this program
        return source == ErrorSource::Project ? ExitStatus::ProjectUnavailable : ExitStatus::InvalidInput;
    case core::ErrorCode::InvalidArgument:
    case core::ErrorCode::NotFound:
    case core::ErrorCode::Corrupt:
        return ExitStatus::InvalidInput;
    case core::ErrorCode::Io: // an unreadable input is the user's to mend; a full disk or a lost pipe is not
        return source == ErrorSource::Input ? ExitStatus::InvalidInput : ExitStatus::Failed;
    case core::ErrorCode::Numerical:
        return ExitStatus::Failed;
    }
    return ExitStatus::Failed;
}

} // namespace paretoscope::app
