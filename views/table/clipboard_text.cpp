// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/table/clipboard_text.h"

#include "core/table/table_text.h"
#include "views/format/text.h"

namespace paretoscope::views {

namespace {

core::TextRows toText(const QList<QStringList>& rows)
{
    core::TextRows text;
    for (const QStringList& row : rows) {
        std::vector<std::string>& cells = text.emplace_back();
        for (const QString& cell : row)
            cells.push_back(cell.toStdString());
    }
    return text;
}

} // namespace

QString asTsv(const QList<QStringList>& rows)
{
    return toQString(core::asTsv(toText(rows)));
}

QString asCsv(const QList<QStringList>& rows)
{
    return toQString(core::asCsv(toText(rows)));
}

QString asMarkdown(const QList<QStringList>& rows)
{
    return toQString(core::asMarkdown(toText(rows)));
}

QString asLatex(const QList<QStringList>& rows)
{
    return toQString(core::asLatex(toText(rows)));
}

} // namespace paretoscope::views
