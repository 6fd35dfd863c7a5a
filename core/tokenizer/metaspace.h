// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/result.h"

#include <string>

namespace paretoscope::core {

class PartReader;

/// The fields of `Metaspace`, which is both a pre-tokenizer and a decoder.
struct Metaspace
{
    enum class Prefix
    {
        Always,
        First,
        Never
    };

    std::string replacement = "\xe2\x96\x81"; ///< stands for a space; one character, U+2581 by default
    Prefix prefix = Prefix::Always;           ///< where a piece gets one before it
    bool split = true;

    /// Errors: Corrupt, Unsupported.
    static Result<Metaspace> fromPart(PartReader& part);
};

} // namespace paretoscope::core
