// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace paretoscope::core {

/// Of the SQLite library in use, e.g. "3.40.1".
std::string sqliteVersion();

} // namespace paretoscope::core
