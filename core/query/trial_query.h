// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/query/trial_fields.h"

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace paretoscope::core {

/// Before the name of a field: the value that the trial's baseline has there.
inline constexpr std::string_view kBaselinePrefix = "baseline.";

/// A filter over trials, as typed into a filter bar or after --where:
///
///   bits <= 4 and workload = "tiny-llama"       and, or, not, parentheses
///   stored_bytes < 2MB                          numbers may have a unit (kB MB GB TB KiB MiB GiB TiB)
///   plugin in (gptq, rtn) and pipeline ~ eora   one of several; ~ contains, in any case
///   perplexity                                  has such a value
///   perplexity < 1.05 * baseline.perplexity     + - * / over numbers and fields, with spaces around + - /
///
/// Words need quotes only with spaces or signs in them. A comparison holds when any of the trial's values fulfils it;
/// measurements of one metric under unlike protocols are never held against each other. "!=" and "!~" are the opposites
/// of "=" and "~", so they also hold for trials without the field.
class TrialQuery
{
public:
    /// An empty text matches every trial. Errors: InvalidArgument, naming the column of the text.
    static Result<TrialQuery> parse(std::string_view text);

    /// @param baseline of this trial (`baselinesOf`); null when there is none
    bool matches(const TrialRecord& trial, const TrialRecord* baseline) const;
    /// Errors: InvalidArgument with column and near name, when the query names a field that none of `trials` has;
    /// with column, when it calculates with a text or holds a number against a word.
    Status check(std::span<const TrialRecord> trials) const;

    struct Node;

private:
    std::shared_ptr<const Node> m_root; ///< empty: matches all
};

} // namespace paretoscope::core
