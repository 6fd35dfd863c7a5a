// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/table/text_file.h"

#include <QCoreApplication>
#include <QSaveFile>

namespace paretoscope::views {

core::Status writeFile(const QString& file, const QByteArray& content)
{
    QSaveFile out(file);
    if (out.open(QIODevice::WriteOnly) && out.write(content) == content.size() && out.commit())
        return core::success();
    return core::Error {
        core::ErrorCode::Io,
        QCoreApplication::translate("Export", "%1 could not be written: %2").arg(file, out.errorString()).toStdString(),
        QCoreApplication::translate("Export", "choose a folder you may write to, with free space").toStdString()};
}

core::Status writeTextFile(const QString& file, const QString& text)
{
    return writeFile(file, text.toUtf8());
}

} // namespace paretoscope::views
