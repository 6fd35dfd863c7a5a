// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "roofline/operations/operation_catalogue.h"
#include "roofline/prediction/ceilings.h"
#include "views/pareto/marker_painter.h"

namespace paretoscope::views {

/// Colour and shape of a bound: both differ, so that neither colour vision nor a grey printer loses it.
MethodLook lookOf(roofline::Bound bound, const QPalette& palette);

QColor colourOf(roofline::OperationKind kind, const QPalette& palette);

} // namespace paretoscope::views
