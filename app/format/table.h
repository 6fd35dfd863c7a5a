// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/command_line/console.h"
#include "core/table/table_text.h"

#include <string>
#include <vector>

namespace paretoscope::app {

/// Text in aligned columns. Where the terminal is too narrow, optional columns are left out, the last one first, and
/// then flexible ones shrink; a number is never cut.
class TextTable
{
public:
    struct Column
    {
        std::string title;
        bool right = false;    ///< numbers
        bool flexible = false; ///< may be cut to fit a terminal
        bool optional = false; ///< may be left out
    };

    explicit TextTable(std::vector<Column> columns)
        : m_columns(std::move(columns))
    {}

    /// As many cells as there are columns.
    void addRow(std::vector<std::string> cells, Emphasis emphasis = Emphasis::None);
    bool empty() const { return m_rows.empty(); }

    /// Titles and cells, uncut.
    core::TextRows rows() const;
    /// Title line and rows, each ending in a newline and without spaces at its end. Uncut when `stream` is no terminal.
    std::string text(const Stream& stream) const;

private:
    struct Row
    {
        std::vector<std::string> cells;
        Emphasis emphasis = Emphasis::None;
    };

    /// The width of each column; 0 for one that is left out.
    std::vector<std::size_t> widthsFor(int available) const;
    std::string lineOf(const std::vector<std::string>& cells, const std::vector<std::size_t>& widths) const;

    std::vector<Column> m_columns;
    std::vector<Row> m_rows;
};

} // namespace paretoscope::app
