// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QString>

#include <string_view>

namespace paretoscope::views {

/// What people read about a metric: the name on an axis, and what it means.
struct MetricText
{
    QString title;   ///< "Perplexity"
    QString doc;     ///< meaning, unit, source; for tooltips
    int rank = 1000; ///< order in menus
};

/// Of a metric of the engine, or derived from the name of one that a plugin brought along.
MetricText metricText(std::string_view name);

} // namespace paretoscope::views
