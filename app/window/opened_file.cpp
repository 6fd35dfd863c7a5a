// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/window/opened_file.h"

#include <QCoreApplication>
#include <QDir>
#include <QFileInfo>
#include <QMimeData>
#include <QUrl>

using namespace Qt::Literals::StringLiterals;

namespace paretoscope::app {

namespace {

struct Text
{
    Q_DECLARE_TR_FUNCTIONS(OpenedFile)
};

core::Error problem(core::ErrorCode code, const QString& message, const QString& hint)
{
    return {code, message.toStdString(), hint.toStdString()};
}

} // namespace

core::Result<OpenedFile> classifyFile(const QString& path)
{
    const QFileInfo info(path);
    if (!info.exists())
        return problem(core::ErrorCode::NotFound, Text::tr("%1 does not exist").arg(path), Text::tr("check the path"));
    const QString absolute = info.absoluteFilePath();
    const QString suffix = info.suffix().toLower();
    if (info.isDir()) {
        if (QFileInfo::exists(QDir(absolute).filePath(u"config.json"_s)))
            return OpenedFile {OpenedFile::Kind::Model, absolute};
        return problem(core::ErrorCode::Unsupported, Text::tr("%1 is no model folder: it has no config.json").arg(path),
                       Text::tr("open a Hugging Face model folder, a GGUF file, a project or a sweep file"));
    }
    if (suffix == "pscope"_L1)
        return OpenedFile {OpenedFile::Kind::Project, absolute};
    if (suffix == "gguf"_L1)
        return OpenedFile {OpenedFile::Kind::Model, absolute};
    if (suffix == "safetensors"_L1) // its folder holds the configuration it belongs to
        return classifyFile(info.absolutePath());
    if (info.fileName() == "config.json"_L1)
        return OpenedFile {OpenedFile::Kind::Configuration, absolute};
    if (suffix == "yaml"_L1 || suffix == "yml"_L1 || suffix == "json"_L1)
        return OpenedFile {OpenedFile::Kind::Sweep, absolute};
    return problem(
        core::ErrorCode::Unsupported, Text::tr("%1 cannot be opened here").arg(path),
        Text::tr(
            "open a project (.pscope), a model folder, a GGUF file, a config.json or a sweep file (.yaml, .json)"));
}

core::Result<OpenedFile> classifyDrop(const QMimeData& data)
{
    const QList<QUrl> urls = data.urls();
    if (urls.size() != 1 || !urls.first().isLocalFile())
        return problem(core::ErrorCode::Unsupported, Text::tr("One file at a time can be dropped here"),
                       Text::tr("drop a project, a model or a sweep file"));
    return classifyFile(urls.first().toLocalFile());
}

} // namespace paretoscope::app
