// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/error.h"
#include "core/project/store_environment.h"

#include <filesystem>
#include <functional>
#include <vector>

namespace paretoscope::core {

enum class JournalKind
{
    Wal,     ///< a local disk
    Rollback ///< a network file system
};

/// The surroundings of the scripted run. `migrated`: with a second schema version, as a later program would have it.
StoreEnvironment scriptEnvironment(JournalKind journal, bool migrated);

/// Trials 0 to 3 before the migration, the last one after it.
inline constexpr int kScriptTrials = 5;

/// All that a store does, in order: make a project, record a workload, a sweep, trials, events and states, close; open
/// again with a newer schema, record more, read, close. A step that fails is tried once more.
/// @param finished is called with the number of each trial whose finishTrial() has returned
/// @return the errors that were met
std::vector<Error> scriptedRun(const std::filesystem::path& file, JournalKind journal,
                               const std::function<void(int)>& finished);

} // namespace paretoscope::core
