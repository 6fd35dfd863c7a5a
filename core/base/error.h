// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace paretoscope::core {

/// Decides exit status and retry policy, so choose it with care.
enum class ErrorCode {
    InvalidArgument,
    NotFound,
    Io,
    Corrupt,
    Busy,
    OutOfMemory,
    Numerical,
    Cancelled,
    Unsupported,
};

/// An expected failure. `message` says what failed with the offending value and place; `hint` what the user can do.
struct Error
{
    ErrorCode code = ErrorCode::InvalidArgument;
    std::string message;
    std::string hint;

    /// The same error seen from one level up: "where: message".
    Error withContext(std::string_view where) const;
    /// One sentence for a terminal: "message (hint)".
    std::string sentence() const;
    bool operator==(const Error&) const = default;
};

/// The spelling used in JSON, the project file and the worker protocol, e.g. "NotFound".
std::string_view errorCodeName(ErrorCode code);
/// The code of that spelling; InvalidArgument for an unknown one.
ErrorCode errorCodeFromName(std::string_view name);

} // namespace paretoscope::core
