// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QList>
#include <QString>
#include <QStringList>

namespace paretoscope::views {

/// Rows of cells (the first one may be the header) as text that other programs paste.
QString asTsv(const QList<QStringList>& rows);
QString asCsv(const QList<QStringList>& rows);      ///< RFC 4180, LF line ends
QString asMarkdown(const QList<QStringList>& rows); ///< the first row is the header
QString asLatex(const QList<QStringList>& rows);    ///< a tabular; the first row is the header

} // namespace paretoscope::views
