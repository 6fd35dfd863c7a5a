// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/command_line/option_table.h"
#include "app/format/table.h"
#include "core/table/exact_table.h"

#include <string>

namespace paretoscope::app {

/// How a verb writes its table: for people on a terminal ("text"), for papers ("markdown", "latex": rounded, with
/// errors), or exact for other programs ("csv").
class TableFormat
{
public:
    /// The option --format.
    void declare(OptionTable& options);

    bool isText() const { return m_name == "text"; }
    bool isExact() const { return m_name == "csv"; }
    /// @param table a format that is not exact
    std::string write(const TextTable& table, const Stream& stream) const;

private:
    std::string m_name = "text";
};

} // namespace paretoscope::app
