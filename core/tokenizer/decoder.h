// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/json.h"
#include "core/base/result.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace paretoscope::core {

/// Turns tokens back into text: the `decoder` of tokenizer.json. Immutable.
class Decoder
{
public:
    virtual ~Decoder() = default;
    /// Rewrites the tokens; the text is what they are joined to, without anything in between.
    virtual std::vector<std::string> decode(std::vector<std::string> tokens) const = 0;
    /// At most this many bytes come out per byte of tokens. Sequences multiply; a file whose parts blow text up without
    /// bounds is refused when it is loaded.
    virtual double growth() const { return 1; }
};

/// A `decoder` object. Errors: Corrupt (a field), Unsupported (a type, field or regular expression that is not known;
/// named).
Result<std::unique_ptr<Decoder>> makeDecoder(const Json& part, std::string_view place = "decoder");

} // namespace paretoscope::core
