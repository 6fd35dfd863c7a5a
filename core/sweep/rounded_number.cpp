// SPDX-License-Identifier: Apache-2.0
#include "core/sweep/rounded_number.h"

#include <array>
#include <charconv>

namespace paretoscope::core {

double roundedNumber(double number, int digits)
{
    std::array<char, 64> text {};
    const auto written =
        std::to_chars(text.data(), text.data() + text.size(), number, std::chars_format::scientific, digits - 1);
    double rounded = number;
    std::from_chars(text.data(), written.ptr, rounded);
    return rounded;
}

} // namespace paretoscope::core
