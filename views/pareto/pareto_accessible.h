// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

namespace paretoscope::views {

/// Lets assistive technology read a ParetoPlot: a chart whose children are its points. Called by ParetoPlot.
void installParetoAccessibility();

} // namespace paretoscope::views
