// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/checkpoint/gguf_metadata.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace paretoscope::core {

/// The keys and values of a GGUF file to be written: each key once, in the order in which they were first set.
class GgufEntries
{
public:
    /// All entries of another file, as they lie there.
    static GgufEntries copyOf(const GgufMetadata& metadata);

    void setInteger(std::string_view key, std::uint32_t value);
    void setNumber(std::string_view key, float value);
    void setText(std::string_view key, std::string_view value);
    void remove(std::string_view key);

    std::uint64_t count() const { return m_entries.size(); }
    std::string encoded() const; ///< as they follow each other in the file

private:
    void set(std::string_view key, GgufValueType type, std::string_view value);

    std::vector<std::pair<std::string, std::string>> m_entries; ///< key, and the type and value in the file's bytes
};

} // namespace paretoscope::core
