// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/command_line/exit_status.h"
#include "core/base/error.h"

#include <optional>
#include <string>
#include <utility>

namespace paretoscope::app {

/// How a verb ended: an exit status, or an error that still has to be shown. PSC_TRY works inside verbs, as an Error
/// converts to an outcome of source Input.
class [[nodiscard]] Outcome
{
public:
    Outcome(ExitStatus status)
        : m_status(static_cast<int>(status))
    {}
    Outcome(core::Error error, ErrorSource source = ErrorSource::Input)
        : m_status(static_cast<int>(exitStatusOf(error.code, source)))
        , m_error(std::move(error))
    {}
    /// The user wrote something that the verb does not know.
    static Outcome usage(std::string message, std::string hint)
    {
        return {core::Error {core::ErrorCode::InvalidArgument, std::move(message), std::move(hint)},
                ErrorSource::Arguments};
    }
    /// Ended by a second SIGINT or SIGTERM.
    static Outcome killedBy(int signal)
    {
        Outcome outcome(ExitStatus::Stopped);
        outcome.m_status = 128 + signal;
        return outcome;
    }

    int status() const { return m_status; }
    const std::optional<core::Error>& error() const { return m_error; }

private:
    int m_status;
    std::optional<core::Error> m_error;
};

} // namespace paretoscope::app
