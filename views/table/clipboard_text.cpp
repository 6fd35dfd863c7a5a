// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/table/clipboard_text.h"

using namespace Qt::Literals::StringLiterals;

namespace paretoscope::views {

namespace {

template <typename Escape>
QString joined(const QList<QStringList>& rows, QLatin1StringView separator, Escape escape)
{
    QString text;
    for (const QStringList& row : rows) {
        QStringList cells;
        for (const QString& cell : row)
            cells << escape(cell);
        text += cells.join(separator) + '\n'_L1;
    }
    return text;
}

QString escapedForLatex(const QString& cell)
{
    QString escaped;
    for (const QChar character : cell) {
        if (u"&%$#_{}"_s.contains(character))
            escaped += '\\'_L1;
        if (character == '\\'_L1)
            escaped += u"\\textbackslash{}"_s;
        else if (character == u'±')
            escaped += u"$\\pm$"_s;
        else
            escaped += character;
    }
    return escaped;
}

} // namespace

QString asTsv(const QList<QStringList>& rows)
{
    return joined(rows, "\t"_L1, [](QString cell) { return cell.replace('\t'_L1, ' '_L1).replace('\n'_L1, ' '_L1); });
}

QString asCsv(const QList<QStringList>& rows)
{
    return joined(rows, ","_L1, [](QString cell) {
        if (cell.contains(','_L1) || cell.contains('"'_L1) || cell.contains('\n'_L1))
            cell = '"'_L1 + cell.replace('"'_L1, "\"\""_L1) + '"'_L1;
        return cell;
    });
}

QString asMarkdown(const QList<QStringList>& rows)
{
    QString text;
    for (qsizetype i = 0; i < rows.size(); ++i) {
        QStringList cells = rows[i];
        for (QString& cell : cells)
            cell.replace('|'_L1, "\\|"_L1).replace('\n'_L1, ' '_L1);
        text += u"| "_s + cells.join(" | "_L1) + u" |\n"_s;
        if (i == 0)
            text += u"|"_s + u" --- |"_s.repeated(cells.size()) + u"\n"_s;
    }
    return text;
}

QString asLatex(const QList<QStringList>& rows)
{
    if (rows.isEmpty())
        return {};
    QString text = u"\\begin{tabular}{%1}\n\\hline\n"_s.arg(u"l"_s.repeated(rows.first().size()));
    for (qsizetype i = 0; i < rows.size(); ++i) {
        QStringList cells;
        for (const QString& cell : rows[i])
            cells << escapedForLatex(cell);
        text += cells.join(" & "_L1) + u" \\\\\n"_s + (i == 0 ? u"\\hline\n"_s : QString());
    }
    return text + u"\\hline\n\\end{tabular}\n"_s;
}

} // namespace paretoscope::views
