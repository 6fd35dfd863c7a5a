// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QString>

namespace paretoscope::views::format {

/// Three or four digits with a prefix of ten: "33.6 MFLOP", "2.04 TB/s", "10.87 ms", "48.2 FLOP/B". Times down to ns.
QString scaled(double value, const QString& unit);
/// "42 %", "0.3 %", "<0.01 %"; "–" where it is not known.
QString percent(double share);

} // namespace paretoscope::views::format
