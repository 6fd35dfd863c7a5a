// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/result.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace paretoscope::core {

class ByteReader;

/// The numbers are those of the file format.
enum class GgufValueType : std::uint32_t
{
    U8,
    I8,
    U16,
    I16,
    U32,
    I32,
    F32,
    Bool,
    String,
    Array,
    U64,
    I64,
    F64
};

/// "u8", "string", ...
std::string_view ggufValueTypeName(GgufValueType type);

/// One value as it lies in the file; lengths, strings and booleans were checked.
struct GgufValue
{
    GgufValueType type = GgufValueType::U8; ///< of the value, or of the elements of an array; never Array
    bool isArray = false;
    std::uint64_t count = 1;            ///< elements of an array
    std::span<const std::byte> encoded; ///< the value, or the elements one after the other, little-endian
};

/// The keys and values of a GGUF file. Everything is checked on parsing; values are decoded when asked for.
/// Refers to the bytes it was parsed from (GgufFile keeps both together). Thread-safe for reading.
class GgufMetadata
{
public:
    /// Reads `count` entries. `source` names the file in messages.
    /// Errors: Corrupt, Unsupported (nested arrays; more than 512 MB), each with entry number, key and value.
    static Result<GgufMetadata> parse(ByteReader& reader, std::uint64_t count, std::string source);

    const std::string& source() const { return m_source; }
    const std::vector<std::string>& keys() const { return m_keys; } ///< in the order of the file
    bool contains(std::string_view key) const { return find(key) != nullptr; }
    const GgufValue* find(std::string_view key) const; ///< nullptr when absent

    // A value by its key. Errors: NotFound (no such key); Corrupt (another type, or an integer that does not fit).
    Result<std::string> text(std::string_view key) const;
    Result<std::int64_t> integer(std::string_view key) const; ///< any integer type
    Result<double> number(std::string_view key) const;        ///< any integer or floating-point type
    Result<bool> boolean(std::string_view key) const;
    Result<std::vector<std::string>> texts(std::string_view key) const;
    Result<std::vector<std::int64_t>> integers(std::string_view key) const; ///< an array of any integer or bool type
    Result<std::vector<double>> numbers(std::string_view key) const;

    // The same with a value for an absent key; a present one of another type is an error all the same.
    Result<std::string> textOr(std::string_view key, std::string_view fallback) const;
    Result<std::int64_t> integerOr(std::string_view key, std::int64_t fallback) const;
    Result<double> numberOr(std::string_view key, double fallback) const;
    Result<bool> booleanOr(std::string_view key, bool fallback) const;

private:
    Result<const GgufValue*> require(std::string_view key, bool array, std::string_view wanted) const;
    Error wrongType(std::string_view key, const GgufValue& value, std::string_view wanted) const;

    std::string m_source;
    std::vector<std::string> m_keys;
    std::map<std::string, GgufValue, std::less<>> m_values;
};

} // namespace paretoscope::core
