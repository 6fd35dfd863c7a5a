// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/json.h"
#include "core/base/result.h"
#include "core/tokenizer/pattern.h"

#include <memory>
#include <string>
#include <string_view>

namespace paretoscope::core {

/// Rewrites text before it is cut: the `normalizer` of tokenizer.json. Immutable.
class Normalizer
{
public:
    virtual ~Normalizer() = default;
    /// `text` is valid UTF-8; so is the result.
    virtual std::string normalize(std::string text, PatternWorkspace& workspace) const = 0;
    /// At most this many bytes come out per byte of text. Sequences multiply; a file whose parts blow text up without
    /// bounds is refused when it is loaded.
    virtual double growth() const { return 1; }
};

/// A `normalizer` object. Errors: Corrupt (a field), Unsupported (a type, field or regular expression that is not
/// known; named).
Result<std::unique_ptr<Normalizer>> makeNormalizer(const Json& part, std::string_view place = "normalizer");

} // namespace paretoscope::core
