// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/json.h"
#include "core/base/result.h"
#include "core/tokenizer/workspace.h"

#include <memory>
#include <string_view>

namespace paretoscope::core {

/// Cuts the pieces of `workspace.pieces` further or rewrites them: the `pre_tokenizer` of tokenizer.json. Immutable.
class PreTokenizer
{
public:
    virtual ~PreTokenizer() = default;
    virtual void apply(Workspace& workspace) const = 0;
    /// At most this many bytes come out per byte of text. Sequences multiply; a file whose parts blow text up without
    /// bounds is refused when it is loaded.
    virtual double growth() const { return 1; }
};

/// A `pre_tokenizer` object. Errors: Corrupt (a field), Unsupported (a type, field or regular expression that is not
/// known; named).
Result<std::unique_ptr<PreTokenizer>> makePreTokenizer(const Json& part, std::string_view place = "pre_tokenizer");

} // namespace paretoscope::core
