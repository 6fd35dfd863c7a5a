// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/verbs/project_argument.h"

#include "core/query/trial_query.h"

namespace paretoscope::app {

void ProjectArgument::declare(OptionTable& options)
{
    OptionSpec& project = options.text("PROJECT", "", m_path, "The project file (*.pscope); only read, never changed.");
    project.kind = ValueKind::Project;
    project.required = true;
}

core::Result<core::ProjectStore> ProjectArgument::open() const
{
    return core::ProjectStore::open(m_path, core::OpenMode::ReadOnly);
}

core::Result<std::vector<core::TrialRecord>> filtered(std::vector<core::TrialRecord> trials, const std::string& where)
{
    PSC_ASSIGN(const core::TrialQuery query, core::TrialQuery::parse(where));
    PSC_TRY(query.checkNames(trials));
    std::erase_if(trials, [&](const core::TrialRecord& trial) { return !query.matches(trial); });
    return trials;
}

void declareWhere(OptionTable& options, std::string& where)
{
    options.text(
        "--where", "EXPR", where,
        "Only trials that fulfil a filter: names of metrics, parameters and columns, compared with = != < <= > "
        ">= ~ (contains) in (a, b), joined by and, or, not.");
}

} // namespace paretoscope::app
