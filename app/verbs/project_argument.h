// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/verbs/verb.h"
#include "core/project/project_store.h"

#include <optional>
#include <string>
#include <vector>

namespace paretoscope::app {

/// The argument PROJECT of the verbs that read one.
class ProjectArgument
{
public:
    void declare(OptionTable& options);

    /// Opens it read-only; also while a sweep writes it.
    core::Result<core::ProjectStore> open() const;
    const std::string& path() const { return m_path; }

private:
    std::string m_path;
};

/// Opens a project that a verb does without, to read it; nothing where none is named. Errors: those of
/// ProjectStore::open.
core::Result<std::optional<core::ProjectStore>> openIfNamed(const std::string& path);

/// The trials that `where` lets through. Errors: InvalidArgument (the filter; column and near name).
core::Result<std::vector<core::TrialRecord>> filtered(std::vector<core::TrialRecord> trials, const std::string& where);

/// Errors: InvalidArgument with the near name, for a column that is none of `known` (core::fieldNames).
core::Status checkColumns(const std::vector<std::string>& columns, const std::vector<std::string>& known);

/// The option --where.
void declareWhere(OptionTable& options, std::string& where);

} // namespace paretoscope::app
