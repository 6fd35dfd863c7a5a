// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/verbs/project_argument.h"

#include "app/verbs/shard_session.h"
#include "core/base/near_miss.h"
#include "core/evaluation/baselines.h"
#include "core/query/trial_query.h"

#include <algorithm>

namespace paretoscope::app {

void ProjectArgument::declare(OptionTable& options)
{
    OptionSpec& project = options.text("PROJECT", "", m_path, "The project file (*.pscope); only read, never changed.");
    project.kind = ValueKind::Project;
    project.required = true;
}

core::Result<core::ProjectStore> ProjectArgument::open() const
{
    if (isShardName(m_path))
        return core::Error {core::ErrorCode::InvalidArgument, m_path + " is a shard of a sweep, not a project",
                            "unite shards first: paretoscope merge " + m_path + " --into NAME.pscope"};
    return core::ProjectStore::open(m_path, core::OpenMode::ReadOnly);
}

core::Result<std::optional<core::ProjectStore>> openIfNamed(const std::string& path)
{
    std::optional<core::ProjectStore> project;
    if (path.empty())
        return project;
    PSC_ASSIGN(project, core::ProjectStore::open(path, core::OpenMode::ReadOnly));
    return project;
}

core::Result<std::vector<core::TrialRecord>> filtered(std::vector<core::TrialRecord> trials, const std::string& where)
{
    PSC_ASSIGN(const core::TrialQuery query, core::TrialQuery::parse(where));
    PSC_TRY(query.check(trials));
    const auto baselines = core::baselinesOf(trials);
    std::vector<bool> matching;
    for (std::size_t i = 0; i < trials.size(); ++i)
        matching.push_back(query.matches(trials[i], baselines[i] ? &trials[*baselines[i]] : nullptr));
    std::vector<core::TrialRecord> chosen;
    for (std::size_t i = 0; i < trials.size(); ++i) {
        if (matching[i])
            chosen.push_back(std::move(trials[i]));
    }
    return chosen;
}

core::Status checkColumns(const std::vector<std::string>& columns, const std::vector<std::string>& known)
{
    for (const std::string& column : columns) {
        const std::string name = column.substr(0, column.find('@'));
        if (std::find(known.begin(), known.end(), name) == known.end())
            return core::Error {core::ErrorCode::InvalidArgument, "no trial has a column \"" + column + "\"",
                                core::suggestion(name, known)};
    }
    return core::success();
}

void declareWhere(OptionTable& options, std::string& where)
{
    options.text(
        "--where", "EXPR", where,
        "Only trials that fulfil a filter: names of metrics, parameters and columns, baseline.NAME, numbers and "
        "+ - * / between them, compared with = != < <= > >= ~ (contains) in (a, b), joined by and, or, not.");
}

} // namespace paretoscope::app
