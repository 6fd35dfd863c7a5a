// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/result.h"
#include "views/theme/theme.h"

#include <QSize>
#include <QString>
#include <QStringList>

#include <optional>

namespace paretoscope::app {

/// The window's part of the command line.
struct StartOptions
{
    QStringList files;                 ///< projects, models, sweeps
    std::optional<views::Theme> theme; ///< for this run only
    // For developers: not in --help.
    QString screenshot;         ///< draws the window into this PNG file without a display, then ends
    QSize size;                 ///< of the window
    QString select;             ///< label of the trial to select
    QString dock;               ///< id of the dock to raise
    bool quitAfterShow = false; ///< prints the seconds from the start of the process to the first paint, then ends
};

/// Errors: InvalidArgument, naming the argument.
core::Result<StartOptions> readStartOptions(const QStringList& arguments);

} // namespace paretoscope::app
