// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/result.h"
#include "core/project/store_environment.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace paretoscope::core {

/// Something in a project that should not be so.
struct Finding
{
    std::string kind;        ///< what sort of damage: "header", "page", "index", ... (docs/project-file.md lists them)
    std::string where;       ///< "trial 5", "index \"tag_by_name\"", "p.pscope-wal"
    std::string message;     ///< one sentence
    std::string remedy;      ///< what the user can do
    bool repairable = false; ///< a salvaged copy is without it, and loses nothing but what the message names
};

struct VerifyReport
{
    std::vector<Finding> findings;  ///< none: the project is sound
    std::vector<std::string> notes; ///< what is worth knowing, but no damage; also what could not be checked, and why
    std::int64_t trials = 0;        ///< that could be counted

    /// Adds a finding; of one kind only the first hundred are kept, a note counts the others.
    void add(Finding finding);

private:
    friend Result<VerifyReport> verifyProject(const std::filesystem::path&, const StoreEnvironment&);
    void noteWhatWasLeftOut();
    std::map<std::string, std::int64_t> m_counts;
};

/// Examines a project with all that lies beside it: structure of the file, schema, every row, references, hashes,
/// trial ids, artifacts. Works on a private copy: neither the project nor its side files are changed, also while a
/// sweep writes.
/// Errors: NotFound; Io (unreadable, no room for the copy); Busy (it keeps changing); Unsupported (newer schema);
/// Corrupt (nothing that could be a project). Whatever else is wrong is a finding.
Result<VerifyReport> verifyProject(const std::filesystem::path& project, const StoreEnvironment& environment = {});

} // namespace paretoscope::core
