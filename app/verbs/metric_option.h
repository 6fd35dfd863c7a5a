// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/json.h"
#include "core/base/result.h"

#include <string>
#include <string_view>
#include <vector>

namespace paretoscope::app {

/// "corpus=wiki.txt,length=512,bos=none" as an object: integers, numbers, true and false as such, the rest as text.
/// A comma that no "name=" follows belongs to the value, so that paths may have commas. A first part without "=" is
/// the value of `bare`, if one is given. The values of `paths` are made absolute.
/// Errors: InvalidArgument (a part without "=", a name twice).
core::Result<core::Json> readMetricOptions(std::string_view text, std::string_view bare,
                                           const std::vector<std::string>& paths);

} // namespace paretoscope::app
