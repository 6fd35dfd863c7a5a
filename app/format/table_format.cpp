// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/format/table_format.h"

namespace paretoscope::app {

void TableFormat::declare(OptionTable& options)
{
    options
        .choice("--format", m_name, {"text", "csv", "markdown", "latex"},
                "How to write the table: text for the terminal, csv exact and with units, markdown and latex rounded.")
        .defaultText = "text";
}

std::string TableFormat::write(const TextTable& table, const Stream& stream) const
{
    if (m_name == "markdown")
        return core::asMarkdown(table.rows());
    if (m_name == "latex")
        return core::asLatex(table.rows());
    return table.text(stream);
}

} // namespace paretoscope::app
