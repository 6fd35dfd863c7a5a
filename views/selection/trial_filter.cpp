// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/selection/trial_filter.h"

#include "views/format/text.h"

#include <QRegularExpression>

#include <algorithm>

using namespace Qt::Literals::StringLiterals;

namespace paretoscope::views {

namespace {

/// ASCII letters in any case; the needle is in lower case already. Runs for every trial at every keystroke.
bool containsWord(std::string_view text, std::string_view lowerNeedle)
{
    const auto equal = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? char(a - 'A' + 'a') : a) == b; };
    return std::search(text.begin(), text.end(), lowerNeedle.begin(), lowerNeedle.end(), equal) != text.end();
}

bool hasWord(const core::TrialRecord& trial, const std::string& word)
{
    return containsWord(trial.label, word) || containsWord(core::trialStatusName(trial.status), word) ||
           containsWord(trial.workload, word) || containsWord(trial.sweep, word) ||
           std::any_of(trial.tags.begin(), trial.tags.end(),
                       [&](const std::string& tag) { return containsWord(tag, word); }) ||
           (word.size() >= 4 && trial.id.hex().starts_with(word)); // the beginning of an id, as the table shows it
}

bool isQuery(const QString& text)
{
    static const QRegularExpression operators(u"[<>=!~()\"*]|\\b(and|or|not|in)\\b"_s,
                                              QRegularExpression::CaseInsensitiveOption);
    return text.contains(operators);
}

} // namespace

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
        for (const QString& word : text.split(' '_L1, Qt::SkipEmptyParts))
            filter.m_words.push_back(word.toLower().toStdString());
        return filter;
    }
    core::Result<core::TrialQuery> query = core::TrialQuery::parse(text.toStdString());
    if (query.ok())
        filter.m_query = std::move(query).value();
    else
        filter.m_error = query.error();
    return filter;
}

bool TrialFilter::accepts(const core::TrialRecord& trial, const core::TrialRecord* baseline) const
{
    if (m_query)
        return m_query->matches(trial, baseline);
    return std::all_of(m_words.begin(), m_words.end(), [&](const std::string& word) { return hasWord(trial, word); });
}

std::optional<core::Error> TrialFilter::problem(std::span<const core::TrialRecord> trials) const
{
    if (m_error)
        return m_error;
    if (m_query) {
        if (const core::Status known = m_query->check(trials); !known.ok())
            return known.error();
    }
    return std::nullopt;
}

} // namespace paretoscope::views
