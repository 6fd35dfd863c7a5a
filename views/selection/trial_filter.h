// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/base/error.h"
#include "core/query/trial_query.h"

#include <QString>

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace paretoscope::views {

/// Method of a trial for colours, shapes and filters: the aliases of its stages, "gptq+eora"; "baseline" without any.
QString methodOf(const core::TrialRecord& trial);

/// What the user typed to narrow the trials down. Plain words must all occur in pipeline, status, model, sweep or tags
/// ("gptq done"); with an operator it is a core::TrialQuery ("bits <= 3 and perplexity < 100"), the grammar of --where.
class TrialFilter
{
public:
    TrialFilter() = default;
    static TrialFilter parse(const QString& text);

    const QString& text() const { return m_text; }
    bool isEmpty() const { return !m_query && m_words.empty(); }
    /// A text that makes no sense (yet) accepts every trial.
    /// @param baseline of the trial; null when there is none
    bool accepts(const core::TrialRecord& trial, const core::TrialRecord* baseline) const;
    /// Why the text makes no sense, or names that none of the trials has.
    std::optional<core::Error> problem(std::span<const core::TrialRecord> trials) const;

private:
    QString m_text;
    std::vector<std::string> m_words; ///< in lower case
    std::optional<core::TrialQuery> m_query;
    std::optional<core::Error> m_error;
};

} // namespace paretoscope::views
