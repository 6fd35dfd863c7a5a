// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/result.h"
#include "views/pareto/pareto_data.h"

#include <QSize>
#include <QString>

namespace paretoscope::views {

class ParetoPlot;

enum class PlotFormat
{
    Svg,
    Png,
    Pdf,
    Csv
};

/// The format that the ending of a file name asks for. Errors: InvalidArgument with the endings that are known.
core::Result<PlotFormat> plotFormatOf(const QString& file);

/// Writes what the plot shows now, in light colours with the legend inside; CSV holds the points. Errors: Io.
core::Status exportPlot(ParetoPlot& plot, const QString& file, PlotFormat format);

/// Points as CSV: pipeline, x, y, standard errors, method, whether on the front, id; names with units in the header,
/// numbers in C notation.
QString plotCsv(const ParetoData& data);

} // namespace paretoscope::views
