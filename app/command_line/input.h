// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/result.h"

#include <cstdio>
#include <string>

namespace paretoscope::app {

/// Everything a stream gives. Errors: Io.
core::Result<std::string> readAll(std::FILE* input);
/// The content of a file; "-" and "" are `input`. Errors: those of readTextFile, Io.
core::Result<std::string> readFileOrInput(const std::string& file, std::FILE* input);

} // namespace paretoscope::app
