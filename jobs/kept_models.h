// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/quantity.h"
#include "core/project/project_store.h"
#include "core/sweep/trial_exchange.h"

#include <filesystem>
#include <map>
#include <vector>

namespace paretoscope::jobs {

/// The packed compressed models of a project as a sweep uses them: measured again instead of compressed again, and
/// joined by those of new trials as long as all together stay within a limit.
class KeptModels
{
public:
    KeptModels() = default;
    /// @param folder of the files; @param limit of their sizes together, 0: no new one is kept
    KeptModels(const std::vector<core::StoredArtifact>& artifacts, std::filesystem::path folder, core::Bytes limit);

    /// "kept", "embedded" or empty: where the model of the trial is.
    std::string_view placeOf(const core::TrialId& trial) const;
    /// The model of the trial as a file; nothing when there is none. An embedded one is written into the folder first;
    /// when that fails the trial is computed again.
    std::optional<core::KeptModel> find(const core::TrialId& trial, const core::ProjectStore& store);
    void add(const std::vector<core::ArtifactRecord>& artifacts);
    const std::filesystem::path& folder() const { return m_folder; }
    core::Bytes left() const; ///< until the limit
    /// The files that `find` wrote.
    void removeExtracted();

private:
    std::map<core::TrialId, core::StoredArtifact> m_models;
    std::filesystem::path m_folder;
    core::Bytes m_limit;
    core::Bytes m_kept;
    std::vector<std::filesystem::path> m_extracted;
};

} // namespace paretoscope::jobs
