// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/result.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace paretoscope::jobs {

/// Seconds of a time span as Slurm writes it: "minutes", "minutes:seconds", "hours:minutes:seconds", "days-hours",
/// "days-hours:minutes", "days-hours:minutes:seconds". Errors: InvalidArgument (also nothing and more than a year).
core::Result<std::int64_t> readSlurmTime(std::string_view text);

/// "4:00:00", "1-06:00:00".
std::string slurmTime(std::int64_t seconds);

} // namespace paretoscope::jobs
