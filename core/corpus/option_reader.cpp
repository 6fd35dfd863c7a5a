// SPDX-License-Identifier: Apache-2.0
#include "core/corpus/option_reader.h"

#include "core/base/near_miss.h"

#include <algorithm>
#include <cmath>

namespace paretoscope::core {

namespace {

/// A value from a command line may hold any bytes, which dump() by itself would throw at.
std::string print(const Json& value)
{
    return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

} // namespace

OptionReader::OptionReader(const Json& options, std::string what)
    : m_options(options)
    , m_what(std::move(what))
{
    if (!m_options.is_object())
        m_error = Error {ErrorCode::InvalidArgument, m_what + " must be a set of options, but is " + print(options),
                         "write e.g. {corpus: wiki.test.tokens, length: 512}"};
}

const Json* OptionReader::find(std::string_view key)
{
    m_known.emplace_back(key);
    if (!m_options.is_object())
        return nullptr;
    const auto found = m_options.find(key);
    return found == m_options.end() ? nullptr : &*found;
}

void OptionReader::fail(std::string_view key, const std::string& expected, std::string hint)
{
    if (m_error)
        return;
    const auto value = m_options.find(key);
    const std::string is = value == m_options.end() ? "is missing" : "is " + print(*value);
    m_error = Error {ErrorCode::InvalidArgument,
                     m_what + ": " + std::string(key) + " must be " + expected + ", but " + is, std::move(hint)};
}

std::string OptionReader::text(std::string_view key)
{
    const Json* value = find(key);
    if (value && value->is_string() && !value->get_ref<const std::string&>().empty())
        return value->get<std::string>();
    fail(key, "a file name", "name a .txt or .jsonl file in UTF-8");
    return {};
}

std::int64_t OptionReader::integer(std::string_view key, std::int64_t fallback, std::int64_t least, std::int64_t most)
{
    const Json* value = find(key);
    if (!value)
        return fallback;
    // As a double first: it holds every number in our ranges exactly and no other number falls into them.
    if (value->is_number()) {
        const double number = value->get<double>();
        if (number == std::trunc(number) && number >= static_cast<double>(least) && number <= static_cast<double>(most))
            return static_cast<std::int64_t>(number);
    }
    fail(key, "an integer from " + std::to_string(least) + " to " + std::to_string(most));
    return fallback;
}

std::uint64_t OptionReader::natural(std::string_view key, std::uint64_t fallback)
{
    const Json* value = find(key);
    if (!value)
        return fallback;
    if (value->is_number_unsigned() || (value->is_number_integer() && value->get<std::int64_t>() >= 0))
        return value->get<std::uint64_t>();
    fail(key, "an integer from 0 on");
    return fallback;
}

std::string OptionReader::choice(std::string_view key, const std::vector<std::string>& choices)
{
    const Json* value = find(key);
    if (!value)
        return choices.front();
    if (value->is_string() && std::find(choices.begin(), choices.end(), value->get<std::string>()) != choices.end())
        return value->get<std::string>();
    std::string list;
    for (const std::string& choice : choices)
        list += (list.empty() ? "" : choice == choices.back() ? " or " : ", ") + choice;
    fail(key, list, value->is_string() ? suggestion(value->get<std::string>(), choices) : std::string());
    return choices.front();
}

Status OptionReader::finish()
{
    if (m_error)
        return *m_error;
    for (const auto& [key, value] : m_options.items()) {
        if (std::find(m_known.begin(), m_known.end(), key) == m_known.end())
            return Error {ErrorCode::InvalidArgument, m_what + ": there is no option \"" + key + "\"",
                          suggestion(key, m_known)};
    }
    return success();
}

} // namespace paretoscope::core
