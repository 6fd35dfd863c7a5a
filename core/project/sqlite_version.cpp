// SPDX-License-Identifier: Apache-2.0
#include "core/project/sqlite_version.h"

#include <sqlite3.h>

namespace paretoscope::core {

std::string sqliteVersion()
{
    return sqlite3_libversion();
}

} // namespace paretoscope::core
