// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/quantity.h"
#include "core/base/result.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace paretoscope::app {

/// Numbers for people; --json never goes through here. All are independent of the locale.

/// Four significant digits, no exponent between 1e-3 and 1e7: "23.46", "0.01234", "1.235e+09". "-" for nothing.
std::string significant(std::optional<double> value, int digits = 4);
/// "70.21 ± 4.7": two digits of the error; of the value four, or as many as the error has.
std::string withError(std::optional<double> value, std::optional<double> standardError);
/// Powers of ten, as disks and models are sold: "269.0 MB", "1.303 MB".
std::string decimalBytes(std::int64_t bytes);
/// Powers of two, for memory: "256.5 MiB".
std::string binaryBytes(std::int64_t bytes);
/// "0.84 s", "12 s", "3 min 05 s", "2 h 07 min", "3 d 04 h".
std::string duration(double seconds);
/// Thousands apart: "134,515,008".
std::string grouped(std::int64_t number);
/// "1 trial", "2 trials".
std::string counted(std::int64_t number, std::string_view singular, std::string_view plural = {});

/// "90", "90s", "3h50m", "1:30:00", "2d". Errors: InvalidArgument.
core::Result<double> readDuration(std::string_view text);
/// "4GiB", "500MB", "4G" (as Slurm: powers of two), bytes without a unit. Errors: InvalidArgument.
core::Result<core::Bytes> readBytes(std::string_view text);

} // namespace paretoscope::app
