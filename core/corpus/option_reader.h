// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/json.h"
#include "core/base/result.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace paretoscope::core {

/// Reads a user's options. The first wrong one is kept as the error that `finish` returns (InvalidArgument, naming the
/// option, its value and what it must be); until then the defaults stand in.
class OptionReader
{
public:
    /// `what` names the options in messages. `options` must outlive the reader.
    OptionReader(const Json& options, std::string what);

    std::string text(std::string_view key); ///< required, not empty
    std::int64_t integer(std::string_view key, std::int64_t fallback, std::int64_t least, std::int64_t most);
    std::uint64_t natural(std::string_view key, std::uint64_t fallback);               ///< any unsigned 64-bit integer
    std::string choice(std::string_view key, const std::vector<std::string>& choices); ///< the first is the default
    /// Errors: also an option that nobody asked for, with the near one.
    Status finish();

private:
    const Json* find(std::string_view key);
    void fail(std::string_view key, const std::string& expected, std::string hint = {});

    const Json& m_options;
    std::string m_what;
    std::vector<std::string> m_known;
    std::optional<Error> m_error;
};

} // namespace paretoscope::core
