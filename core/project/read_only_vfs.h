// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace paretoscope::core {

/// The name of a SQLite file system that is the system's own one without the means to change anything: files are opened
/// for reading only, nothing is created or deleted. Without it a read-only connection still makes `-wal` and `-shm`
/// files beside a project in WAL mode. Registered on the first call.
const char* readOnlyVfs();

} // namespace paretoscope::core
