// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/json.h"
#include "core/base/result.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace paretoscope::core {

/// The tokens of a model and their ids, both ways. Immutable once built; all texts lie in one block of memory.
class Vocabulary
{
public:
    static constexpr std::int32_t kLargestId = (1 << 22) - 1; ///< bounds the memory that a hostile file can ask for

    /// From an object {token: id}. Errors: Corrupt (id not an integer in 0..kLargestId, id given twice).
    static Result<Vocabulary> fromJson(const Json& vocab, std::string_view place);
    /// Token i has id i. Errors: Corrupt (too many). Of equal tokens the last one is found, as in the reference
    /// library.
    static Result<Vocabulary> fromList(const std::vector<std::string>& tokens, std::string_view place);

    std::optional<std::int32_t> find(std::string_view token) const;
    std::optional<std::string_view> token(std::int32_t id) const;
    std::int64_t size() const { return m_count; }                                       ///< number of tokens
    std::int64_t idLimit() const { return static_cast<std::int64_t>(m_tokens.size()); } ///< largest id + 1

private:
    struct Text
    {
        std::size_t offset = 0;
        std::size_t length = 0;
        bool present = false;
    };

    void reserve(std::size_t count);
    Status add(std::string_view token, std::int32_t id, std::string_view place);
    std::string_view textOf(std::int32_t id) const;

    std::string m_texts;
    std::vector<Text> m_tokens;        ///< by id
    std::vector<std::int32_t> m_slots; ///< open addressing, a power of two, -1 = free
    std::int64_t m_count = 0;
};

} // namespace paretoscope::core
