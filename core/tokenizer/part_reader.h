// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/json.h"
#include "core/base/result.h"

#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace paretoscope::core {

/// Reads the fields of one part of tokenizer.json. The first missing, mistyped or unknown field is kept as the error
/// that `finish` returns; until then a reader may go on with the defaults. A field that nobody asked for is an error,
/// because a field that this version does not know may change the ids.
class PartReader
{
public:
    /// `place` names the part in messages, e.g. "pre_tokenizer". `part` must outlive the reader.
    PartReader(const Json& part, std::string place);

    std::string type(); ///< the field "type"
    bool boolean(std::string_view key, std::optional<bool> fallback = {});
    std::string string(std::string_view key, std::optional<std::string> fallback = {});
    std::optional<std::string> stringOrNull(std::string_view key); ///< nothing for null or a missing field
    char32_t character(std::string_view key, std::optional<char32_t> fallback = {}); ///< a string of one code point
    std::int64_t integer(std::string_view key, std::int64_t least, std::int64_t most,
                         std::optional<std::int64_t> fallback = {});
    const Json& array(std::string_view key);  ///< an empty array on error
    const Json& object(std::string_view key); ///< an empty object on error
    const Json& any(std::string_view key);    ///< null when it is missing
    bool has(std::string_view key) const;
    void ignore(std::string_view key); ///< a field without influence on the ids

    const std::string& place() const { return m_place; }
    std::string placeOf(std::string_view key) const;
    bool hasFailed() const { return m_error.has_value(); }
    /// Records an error unless there is one already.
    void fail(ErrorCode code, std::string message, std::string hint);
    /// Errors: Corrupt (missing or mistyped field), Unsupported (unknown field).
    Status finish();

private:
    const Json* find(std::string_view key);
    void mistyped(std::string_view key, std::string_view expected);

    const Json& m_part;
    std::string m_place;
    std::set<std::string, std::less<>> m_known;
    std::optional<Error> m_error;
};

/// `value` as it stands in a message: compact JSON, cut after 60 characters.
std::string shortJson(const Json& value);

/// The error of a part whose type is not known: names it, its place and the near or known ones.
Error unknownPart(std::string_view place, std::string_view type, const std::vector<std::string>& known);

/// A type of part and the function that reads it; `Made` is what the function's Result holds.
template <typename Made>
struct PartMaker
{
    std::string_view type;
    Result<Made> (*make)(PartReader&);
};

/// Reads `json` with the maker of its "type". Errors: those of the maker; Unsupported (no such type, with the near
/// one).
template <typename Made>
Result<Made> makePart(const Json& json, std::string_view place, std::span<const PartMaker<Made>> makers)
{
    PartReader part(json, std::string(place));
    const std::string type = part.type();
    std::vector<std::string> known;
    for (const PartMaker<Made>& maker : makers) {
        if (maker.type == type)
            return maker.make(part);
        known.emplace_back(maker.type);
    }
    if (part.hasFailed())
        return part.finish().error();
    return unknownPart(place, type, known);
}

} // namespace paretoscope::core
