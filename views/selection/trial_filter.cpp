// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/selection/trial_filter.h"

#include "views/format/text.h"

#include <QRegularExpression>

#include <algorithm>

using namespace Qt::Literals::StringLiterals;

namespace paretoscope::views {

namespace {

QString searchedText(const core::TrialRecord& trial)
{
    QStringList parts {toQString(trial.label), toQString(core::trialStatusName(trial.status)),
                       toQString(trial.workload), toQString(trial.sweep), toQString(trial.id.hex())};
    for (const std::string& tag : trial.tags)
        parts << toQString(tag);
    return parts.join('\n'_L1);
}

bool isQuery(const QString& text)
{
    static const QRegularExpression operators(u"[<>=!~()\"]|\\b(and|or|not|in)\\b"_s,
                                              QRegularExpression::CaseInsensitiveOption);
    return text.contains(operators);
}

} // namespace

bool isBaseline(const core::TrialRecord& trial)
{
    return trial.pipeline.is_array() && trial.pipeline.empty();
}

QString methodOf(const core::TrialRecord& trial)
{
    QStringList aliases;
    if (trial.pipeline.is_array()) {
        for (const core::Json& stage : trial.pipeline) {
            const auto plugin = stage.find("plugin");
            if (plugin != stage.end() && plugin->is_string())
                aliases << toQString(plugin->get_ref<const std::string&>()).section('/'_L1, -1);
        }
    }
    return aliases.isEmpty() ? u"baseline"_s : aliases.join('+'_L1);
}

TrialFilter TrialFilter::parse(const QString& text)
{
    TrialFilter filter;
    filter.m_text = text;
    if (!isQuery(text)) {
        filter.m_words = text.split(' '_L1, Qt::SkipEmptyParts);
        return filter;
    }
    core::Result<core::TrialQuery> query = core::TrialQuery::parse(text.toStdString());
    if (query.ok())
        filter.m_query = std::move(query).value();
    else
        filter.m_error = query.error();
    return filter;
}

bool TrialFilter::accepts(const core::TrialRecord& trial) const
{
    if (m_query)
        return m_query->matches(trial);
    if (m_words.isEmpty())
        return true;
    const QString searched = searchedText(trial);
    return std::all_of(m_words.begin(), m_words.end(),
                       [&](const QString& word) { return searched.contains(word, Qt::CaseInsensitive); });
}

std::optional<core::Error> TrialFilter::problem(std::span<const core::TrialRecord> trials) const
{
    if (m_error)
        return m_error;
    if (m_query) {
        if (const core::Status known = m_query->checkNames(trials); !known.ok())
            return known.error();
    }
    return std::nullopt;
}

} // namespace paretoscope::views
