// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "views/pareto/plot_export.h"

#include "views/pareto/qcustomplot.h"

#include <functional>

namespace paretoscope::views {

/// Something to draw into a file: SVG and PDF as paths, PNG at about 300 dpi of the size on screen.
struct Picture
{
    QSize size;
    QString title;
    std::function<void(QCPPainter&)> draw; ///< within `size`
};

/// Errors: Io; InvalidArgument (CSV is no picture).
core::Status writePicture(const Picture& picture, const QString& file, PlotFormat format);

QPixmap pixmapOf(const Picture& picture, double scale);

} // namespace paretoscope::views
