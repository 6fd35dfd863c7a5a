// SPDX-License-Identifier: Apache-2.0
#include "core/base/error.h"

#include <array>
#include <utility>

namespace paretoscope::core {

namespace {
constexpr std::array<std::pair<ErrorCode, std::string_view>, 9> kNames {{
    {ErrorCode::InvalidArgument, "InvalidArgument"},
    {ErrorCode::NotFound, "NotFound"},
    {ErrorCode::Io, "Io"},
    {ErrorCode::Corrupt, "Corrupt"},
    {ErrorCode::Busy, "Busy"},
    {ErrorCode::OutOfMemory, "OutOfMemory"},
    {ErrorCode::Numerical, "Numerical"},
    {ErrorCode::Cancelled, "Cancelled"},
    {ErrorCode::Unsupported, "Unsupported"},
}};
} // namespace

Error Error::withContext(std::string_view where) const
{
    return {code, std::string(where) + ": " + message, hint};
}

std::string Error::sentence() const
{
    return hint.empty() ? message : message + " (" + hint + ")";
}

std::string_view errorCodeName(ErrorCode code)
{
    for (const auto& [value, name] : kNames) {
        if (value == code)
            return name;
    }
    return "InvalidArgument";
}

ErrorCode errorCodeFromName(std::string_view name)
{
    for (const auto& [value, known] : kNames) {
        if (known == name)
            return value;
    }
    return ErrorCode::InvalidArgument;
}

} // namespace paretoscope::core
