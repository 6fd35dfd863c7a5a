// SPDX-License-Identifier: Apache-2.0
#include "core/tokenizer/vocabulary.h"

#include "core/tokenizer/part_reader.h"

#include <bit>
#include <functional>

namespace paretoscope::core {

namespace {

Error badId(std::string_view token, const std::string& why, std::string_view place)
{
    return {ErrorCode::Corrupt, std::string(place) + ": the token " + shortJson(Json(token)) + " has " + why,
            "save the tokenizer again with the library that made it"};
}

} // namespace

void Vocabulary::reserve(std::size_t count)
{
    m_slots.assign(std::bit_ceil(2 * count + 2), -1); // at most half full
}

std::string_view Vocabulary::textOf(std::int32_t id) const
{
    const Text& text = m_tokens[static_cast<std::size_t>(id)];
    return std::string_view(m_texts).substr(text.offset, text.length);
}

Status Vocabulary::add(std::string_view token, std::int32_t id, std::string_view place)
{
    const auto index = static_cast<std::size_t>(id);
    if (index >= m_tokens.size())
        m_tokens.resize(index + 1);
    if (m_tokens[index].present)
        return badId(token, "the id " + std::to_string(id) + " of " + shortJson(Json(textOf(id))), place);
    m_tokens[index] = {m_texts.size(), token.size(), true};
    m_texts += token;
    ++m_count;
    const std::size_t mask = m_slots.size() - 1;
    std::size_t slot = std::hash<std::string_view> {}(token)&mask;
    while (m_slots[slot] >= 0 && textOf(m_slots[slot]) != token)
        slot = (slot + 1) & mask;
    m_slots[slot] = id;
    return success();
}

Result<Vocabulary> Vocabulary::fromJson(const Json& vocab, std::string_view place)
{
    Vocabulary result;
    result.reserve(vocab.size());
    for (const auto& [token, id] : vocab.items()) {
        const bool valid = id.is_number_unsigned() && id.get<std::uint64_t>() <= kLargestId;
        if (!valid)
            return badId(token, "the id " + shortJson(id) + "; ids are integers up to " + std::to_string(kLargestId),
                         place);
        PSC_TRY(result.add(token, id.get<std::int32_t>(), place));
    }
    return result;
}

Result<Vocabulary> Vocabulary::fromList(const std::vector<std::string>& tokens, std::string_view place)
{
    if (tokens.size() > static_cast<std::size_t>(kLargestId))
        return Error {ErrorCode::Corrupt,
                      std::string(place) + " has " + std::to_string(tokens.size()) + " tokens; at most " +
                          std::to_string(kLargestId) + " are read",
                      "save the tokenizer again with the library that made it"};
    Vocabulary result;
    result.reserve(tokens.size());
    for (std::size_t i = 0; i < tokens.size(); ++i)
        PSC_TRY(result.add(tokens[i], static_cast<std::int32_t>(i), place));
    return result;
}

std::optional<std::int32_t> Vocabulary::find(std::string_view token) const
{
    if (m_slots.empty())
        return std::nullopt;
    const std::size_t mask = m_slots.size() - 1;
    std::size_t slot = std::hash<std::string_view> {}(token)&mask;
    while (m_slots[slot] >= 0) {
        if (textOf(m_slots[slot]) == token)
            return m_slots[slot];
        slot = (slot + 1) & mask;
    }
    return std::nullopt;
}

std::optional<std::string_view> Vocabulary::token(std::int32_t id) const
{
    const auto index = static_cast<std::size_t>(id);
    if (id < 0 || index >= m_tokens.size() || !m_tokens[index].present)
        return std::nullopt;
    return textOf(id);
}

} // namespace paretoscope::core
