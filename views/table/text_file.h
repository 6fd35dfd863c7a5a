// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/result.h"

#include <QByteArray>
#include <QString>

namespace paretoscope::views {

/// Writes a file completely or not at all. Errors: Io, with file and reason.
core::Status writeFile(const QString& file, const QByteArray& content);
core::Status writeTextFile(const QString& file, const QString& text); ///< UTF-8

} // namespace paretoscope::views
