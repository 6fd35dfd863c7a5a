// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/result.h"

#include <QString>

class QMimeData;

namespace paretoscope::app {

/// What a path that the user opens, drops or types on the command line is.
struct OpenedFile
{
    enum class Kind
    {
        Project,
        Model,
        Sweep,
        Configuration ///< a config.json: of a model, without its weights
    };
    Kind kind = Kind::Project;
    QString path; ///< absolute
};

/// By name and kind of file only: projects are opened by the store alone, everything else by who needs it.
/// Errors: NotFound; Unsupported with what can be opened.
core::Result<OpenedFile> classifyFile(const QString& path);

/// The one local file of a drag, if it can be opened. Errors: as classifyFile, or what is wrong with the drag.
core::Result<OpenedFile> classifyDrop(const QMimeData& data);

} // namespace paretoscope::app
