// SPDX-License-Identifier: Apache-2.0
#include "core/table/table_text.h"

#include "core/tokenizer/utf8.h"

#include <algorithm>

namespace paretoscope::core {

namespace {

template <typename Escape>
std::string joined(const std::vector<std::string>& cells, std::string_view separator, const Escape& escape)
{
    std::string line;
    for (std::size_t i = 0; i < cells.size(); ++i)
        line += (i == 0 ? "" : std::string(separator)) + escape(cells[i]);
    return line;
}

std::string withSpacesFor(std::string cell, std::string_view characters)
{
    std::replace_if(
        cell.begin(), cell.end(), [&](char c) { return characters.find(c) != std::string_view::npos; }, ' ');
    return cell;
}

std::string escapedForCsv(const std::string& cell)
{
    if (cell.find_first_of(",\"\r\n") == std::string::npos)
        return cell;
    std::string escaped = "\"";
    for (const char c : cell)
        escaped += c == '"' ? std::string("\"\"") : std::string(1, c);
    return escaped + '"';
}

std::string escapedForMarkdown(const std::string& cell)
{
    std::string escaped;
    for (const char c : withSpacesFor(cell, "\r\n")) {
        if (std::string_view("|\\<*`").find(c) != std::string_view::npos)
            escaped += '\\';
        escaped += c;
    }
    return escaped;
}

std::string escapedForLatex(const std::string& cell)
{
    static constexpr std::string_view kPlusMinus = "±";
    std::string escaped;
    for (std::size_t i = 0; i < cell.size(); ++i) {
        const char c = cell[i];
        if (cell.compare(i, kPlusMinus.size(), kPlusMinus) == 0) {
            escaped += "$\\pm$";
            i += kPlusMinus.size() - 1;
        } else if (c == '\\')
            escaped += "\\textbackslash{}";
        else if (c == '~' || c == '^')
            escaped += c == '~' ? "\\textasciitilde{}" : "\\textasciicircum{}";
        else if (std::string_view("&%$#_{}").find(c) != std::string_view::npos)
            escaped += {'\\', c};
        else
            escaped += c;
    }
    return escaped;
}

class CsvReader
{
public:
    CsvReader(std::string_view text, std::string_view what)
        : m_text(text.starts_with("\xEF\xBB\xBF") ? text.substr(3) : text)
        , m_what(what)
    {
        const std::string_view head = m_text.substr(0, m_text.find('\n'));
        const auto count = [&](char c) { return std::count(head.begin(), head.end(), c); };
        for (const char candidate : {';', '\t'}) {
            if (count(candidate) > count(m_separator))
                m_separator = candidate;
        }
    }

    Result<TextRows> rows()
    {
        if (firstInvalidUtf8(m_text))
            return Error {ErrorCode::Corrupt, std::string(m_what) + " is not UTF-8", "save the table as UTF-8"};
        TextRows rows;
        while (m_at < m_text.size()) {
            const int line = m_line;
            PSC_ASSIGN(std::vector<std::string> cells, row());
            if (cells.size() == 1 && cells.front().empty())
                continue; // an empty line
            if (!rows.empty() && cells.size() != rows.front().size())
                return broken(line, "has " + std::to_string(cells.size()) + " cells, the header has " +
                                        std::to_string(rows.front().size()));
            rows.push_back(std::move(cells));
        }
        if (rows.empty())
            return Error {ErrorCode::InvalidArgument, std::string(m_what) + " holds no table",
                          "its first line has to name the columns"};
        return rows;
    }

private:
    Result<std::vector<std::string>> row()
    {
        std::vector<std::string> cells;
        while (true) {
            PSC_ASSIGN(std::string text, cell());
            cells.push_back(std::move(text));
            if (m_at < m_text.size() && m_text[m_at] == m_separator) {
                ++m_at;
                continue;
            }
            if (m_text.substr(m_at, 2) == "\r\n")
                ++m_at;
            ++m_at; // the line's end, or the text's
            ++m_line;
            return cells;
        }
    }

    Result<std::string> cell()
    {
        if (m_at < m_text.size() && m_text[m_at] == '"')
            return quotedCell();
        const std::size_t begin = m_at;
        while (m_at < m_text.size() && !isEndOfCell())
            ++m_at;
        std::string text(m_text.substr(begin, m_at - begin));
        if (text.find('"') != std::string::npos)
            return broken(m_line, "has a quotation mark inside a plain cell");
        return text;
    }

    Result<std::string> quotedCell()
    {
        const int line = m_line;
        std::string text;
        for (++m_at; m_at < m_text.size(); ++m_at) {
            const char c = m_text[m_at];
            if (c == '\n')
                ++m_line;
            if (c != '"') {
                text += c;
                continue;
            }
            if (m_text.substr(m_at, 2) != "\"\"") {
                ++m_at;
                if (m_at < m_text.size() && !isEndOfCell())
                    return broken(m_line, "has text after a closing quotation mark");
                return text;
            }
            text += '"';
            ++m_at;
        }
        return broken(line, "opens a quotation mark that is never closed");
    }

    bool isEndOfCell() const
    {
        return m_text[m_at] == m_separator || m_text[m_at] == '\n' || m_text.substr(m_at, 2) == "\r\n";
    }

    Error broken(int line, const std::string& what) const
    {
        return {ErrorCode::Corrupt, std::string(m_what) + ": line " + std::to_string(line) + " " + what,
                "cells with separators, quotation marks or line breaks stand in double quotes, \" in them as \"\""};
    }

    std::string_view m_text;
    std::string_view m_what;
    char m_separator = ',';
    std::size_t m_at = 0;
    int m_line = 1;
};

} // namespace

std::string asTsv(const TextRows& rows)
{
    std::string text;
    for (const auto& row : rows)
        text += joined(row, "\t", [](const std::string& cell) { return withSpacesFor(cell, "\t\r\n"); }) + '\n';
    return text;
}

std::string asCsv(const TextRows& rows)
{
    std::string text;
    for (const auto& row : rows)
        text += joined(row, ",", escapedForCsv) + '\n';
    return text;
}

std::string asMarkdown(const TextRows& rows)
{
    std::string text;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        text += "| " + joined(rows[i], " | ", escapedForMarkdown) + " |\n";
        if (i == 0) {
            text += '|';
            for (std::size_t column = 0; column < rows[i].size(); ++column)
                text += " --- |";
            text += '\n';
        }
    }
    return text;
}

std::string asLatex(const TextRows& rows)
{
    if (rows.empty())
        return {};
    std::string text = "\\begin{tabular}{" + std::string(rows.front().size(), 'l') + "}\n\\hline\n";
    for (std::size_t i = 0; i < rows.size(); ++i)
        text += joined(rows[i], " & ", escapedForLatex) + " \\\\\n" + (i == 0 ? "\\hline\n" : "");
    return text + "\\hline\n\\end{tabular}\n";
}

Result<TextRows> parseCsv(std::string_view text, std::string_view what)
{
    return CsvReader(text, what).rows();
}

} // namespace paretoscope::core
