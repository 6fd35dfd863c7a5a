// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/result.h"

#include <string>
#include <string_view>
#include <vector>

namespace paretoscope::core {

/// Rows of cells in UTF-8, the first one the header.
using TextRows = std::vector<std::vector<std::string>>;

// Text that other programs read or paste; every line ends in "\n".
std::string asTsv(const TextRows& rows); ///< tabs and line breaks in a cell become spaces
std::string asCsv(const TextRows& rows); ///< RFC 4180
std::string asMarkdown(const TextRows& rows);
std::string asLatex(const TextRows& rows); ///< a tabular

/// Reads CSV (RFC 4180; also with CRLF, a byte order mark, and ; or tab as the separator of its first line).
/// Errors: Corrupt, naming the line (not UTF-8, a quotation mark that is not closed or stands inside a plain cell, a
/// row with another number of cells than the header), InvalidArgument (no header).
Result<TextRows> parseCsv(std::string_view text, std::string_view what);

} // namespace paretoscope::core
