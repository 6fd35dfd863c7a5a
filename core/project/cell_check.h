// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace paretoscope::core {

/// What is wrong with one value of a project.
struct CellComplaint
{
    const char* kind; ///< as Finding::kind
    std::string what;
};

// `column` is "table.column". Empty when nothing is wrong.

/// UTF-8, JSON of the right form, times, names of states, hashes in hexadecimal.
std::optional<CellComplaint> wrongText(const std::string& column, std::string_view text);
/// Finite, and not negative where it counts something.
std::optional<CellComplaint> wrongNumber(const std::string& column, double value);
/// Hashes have 32 bytes.
std::optional<CellComplaint> wrongBlob(const std::string& column, std::size_t bytes);

} // namespace paretoscope::core
