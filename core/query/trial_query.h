// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/query/trial_fields.h"

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace paretoscope::core {

/// A filter over trials, as typed into a filter bar or after --where:
///
///   bits <= 4 and workload = "tiny-llama"      and, or, not, parentheses
///   stored_bytes < 2MB                         numbers may have a unit (kB MB GB TB KiB MiB GiB TiB)
///   plugin in (gptq, rtn) and pipeline ~ eora  one of several; ~ contains, in any case
///   perplexity                                 has such a value
///
/// Left of an operator stands a name of `fieldValues`, right of it a value; words need quotes only with spaces or signs
/// in them. A comparison holds when any of the trial's values fulfils it; "!=" and "!~" are the opposites of "=" and
/// "~", so they also hold for trials without the field.
class TrialQuery
{
public:
    /// An empty text matches every trial. Errors: InvalidArgument, naming the column of the text.
    static Result<TrialQuery> parse(std::string_view text);

    bool matches(const TrialRecord& trial) const;
    /// Errors: InvalidArgument with the near name, when the query names a field that none of `trials` has.
    Status checkNames(std::span<const TrialRecord> trials) const;

    struct Node;

private:
    std::shared_ptr<const Node> m_root; ///< empty: matches all
    std::vector<std::string> m_names;   ///< that it asks for
};

} // namespace paretoscope::core
