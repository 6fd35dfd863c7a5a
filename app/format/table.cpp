// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/format/table.h"

#include "app/format/text.h"
#include "core/base/assert.h"

#include <algorithm>
#include <utility>

namespace paretoscope::app {

namespace {
constexpr std::size_t kGap = 2;
constexpr std::size_t kNarrowest = 12; ///< a flexible column keeps at least this much
} // namespace

void TextTable::addRow(std::vector<std::string> cells, Emphasis emphasis)
{
    PSC_ASSERT(cells.size() == m_columns.size(), "a row has one cell per column");
    for (std::string& cell : cells)
        cell = printable(cell);
    m_rows.push_back({std::move(cells), emphasis});
}

std::vector<std::size_t> TextTable::widthsFor(int available) const
{
    std::vector<std::size_t> widths;
    std::size_t total = 0;
    for (std::size_t i = 0; i < m_columns.size(); ++i) {
        std::size_t width = displayWidth(m_columns[i].title);
        for (const Row& row : m_rows)
            width = std::max(width, displayWidth(row.cells[i]));
        widths.push_back(width);
        total += width + (i > 0 ? kGap : 0);
    }
    const auto limit = available > 0 ? static_cast<std::size_t>(available) : total;
    for (std::size_t i = m_columns.size(); i-- > 0 && total > limit;) {
        if (m_columns[i].optional)
            total -= std::exchange(widths[i], 0) + kGap;
    }
    for (std::size_t i = 0; i < m_columns.size() && total > limit; ++i) {
        if (!m_columns[i].flexible || widths[i] <= kNarrowest)
            continue;
        const std::size_t cut = std::min(total - limit, widths[i] - kNarrowest);
        widths[i] -= cut;
        total -= cut;
    }
    return widths;
}

std::string TextTable::lineOf(const std::vector<std::string>& cells, const std::vector<std::size_t>& widths) const
{
    std::string line;
    for (std::size_t i = 0; i < cells.size(); ++i) {
        if (widths[i] == 0 && m_columns[i].optional)
            continue;
        if (i > 0)
            line.append(kGap, ' ');
        const std::string cell = elided(cells[i], widths[i]);
        line += m_columns[i].right ? padLeft(cell, widths[i]) : padRight(cell, widths[i]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    return line;
}

core::TextRows TextTable::rows() const
{
    core::TextRows rows(1);
    for (const Column& column : m_columns)
        rows.front().push_back(column.title);
    for (const Row& row : m_rows)
        rows.push_back(row.cells);
    return rows;
}

std::string TextTable::text(const Stream& stream) const
{
    const std::vector<std::size_t> widths = widthsFor(stream.width);
    std::vector<std::string> titles;
    for (const Column& column : m_columns)
        titles.push_back(column.title);
    std::string text = Console::styled(lineOf(titles, widths), Emphasis::Strong, stream) + '\n';
    for (const Row& row : m_rows)
        text += Console::styled(lineOf(row.cells, widths), row.emphasis, stream) + '\n';
    return text;
}

} // namespace paretoscope::app
