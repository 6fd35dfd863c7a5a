// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace paretoscope::core {

/// The number with so many significant digits that is nearest: steps of a range read as people would write them.
double roundedNumber(double number, int digits);

} // namespace paretoscope::core
