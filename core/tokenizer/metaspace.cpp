// SPDX-License-Identifier: Apache-2.0
#include "core/tokenizer/metaspace.h"

#include "core/tokenizer/part_reader.h"
#include "core/tokenizer/utf8.h"

namespace paretoscope::core {

Result<Metaspace> Metaspace::fromPart(PartReader& part)
{
    Metaspace result;
    const char32_t replacement = part.character("replacement", U'\u2581');
    // Files of old library versions have add_prefix_space in place of prepend_scheme, and a copy of the replacement.
    const bool addPrefix = part.boolean("add_prefix_space", true);
    const std::string scheme = part.string("prepend_scheme", addPrefix ? "always" : "never");
    result.split = part.boolean("split", true);
    part.ignore("str_rep");
    PSC_TRY(part.finish());
    result.replacement.clear();
    appendUtf8(replacement, result.replacement);
    if (scheme == "always")
        result.prefix = Prefix::Always;
    else if (scheme == "first")
        result.prefix = Prefix::First;
    else if (scheme == "never")
        result.prefix = Prefix::Never;
    else
        return unknownPart(part.placeOf("prepend_scheme"), scheme, {"always", "first", "never"});
    return result;
}

} // namespace paretoscope::core
