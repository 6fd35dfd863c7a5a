// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/sweep/marked_value.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace paretoscope::core {

/// Reads the keys of one Map of a sweep file. Every message begins with the place and names `what`, the path of the Map
/// ("workload.calibration"; "" for the whole file). All errors are InvalidArgument. The Map must outlive the reader.
class MarkedFields
{
public:
    /// Errors: `value` is not a Map.
    static Result<MarkedFields> of(const SourceText& source, const MarkedValue& value, std::string what);

    const MarkedValue* find(std::string_view key); ///< nullptr when it is missing
    /// Errors: missing; `hint` says how to write it.
    Result<const MarkedValue*> required(std::string_view key, std::string_view hint);
    /// Errors: a key that was not asked for, with the near one.
    Status refuseUnknown() const;

    std::string pathOf(std::string_view key) const; ///< "workload.calibration.samples"

private:
    MarkedFields(const SourceText& source, const MarkedValue& map, std::string what)
        : m_source(&source)
        , m_map(&map)
        , m_what(std::move(what))
    {}

    const SourceText* m_source;
    const MarkedValue* m_map;
    std::string m_what;
    std::vector<std::string> m_asked;
};

/// Where entry `index` of a Map begins: its key, or the --set argument that gave its value.
Place placeOfEntry(const MarkedValue& map, std::size_t index);

/// A scalar as the text that was written: `name: 2024` names "2024". Errors: list, map or nothing.
Result<std::string> textOf(const SourceText& source, const MarkedValue& value, std::string_view what);
/// A non-negative integer. Errors: anything else.
Result<std::uint64_t> unsignedOf(const SourceText& source, const MarkedValue& value, std::string_view what);

} // namespace paretoscope::core
