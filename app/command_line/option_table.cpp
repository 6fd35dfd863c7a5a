// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/command_line/option_table.h"

#include "core/base/near_miss.h"

#include <algorithm>
#include <charconv>

namespace paretoscope::app {

namespace {

core::Error outOfRange(const std::string& value, IntegerRange range)
{
    return {core::ErrorCode::InvalidArgument,
            "\"" + value + "\" is not an integer from " + std::to_string(range.minimum) + " to " +
                std::to_string(range.maximum),
            {}};
}

core::Result<std::int64_t> readInteger(const std::string& value, IntegerRange range)
{
    std::int64_t number = 0;
    const char* end = value.data() + value.size();
    const auto [stop, failure] = std::from_chars(value.data(), end, number);
    if (failure != std::errc() || stop != end || number < range.minimum || number > range.maximum)
        return outOfRange(value, range);
    return number;
}

} // namespace

std::string OptionSpec::firstSentence() const
{
    std::size_t end = std::min(doc.find(". "), doc.find("; "));
    if (end == std::string::npos)
        end = doc.ends_with('.') ? doc.size() - 1 : doc.size();
    return doc.substr(0, end);
}

OptionSpec& OptionTable::add(OptionSpec spec)
{
    m_specs.push_back(std::move(spec));
    return m_specs.back();
}

OptionSpec& OptionTable::flag(std::string name, bool& target, std::string doc)
{
    OptionSpec spec;
    spec.name = std::move(name);
    spec.doc = std::move(doc);
    spec.store = [&target](const std::string&) {
        target = true;
        return core::success();
    };
    return add(std::move(spec));
}

OptionSpec& OptionTable::text(std::string name, std::string valueName, std::string& target, std::string doc)
{
    return custom(std::move(name), std::move(valueName), std::move(doc), [&target](const std::string& value) {
        target = value;
        return core::success();
    });
}

OptionSpec& OptionTable::integer(std::string name, std::string valueName, int& target, IntegerRange range,
                                 std::string doc)
{
    OptionSpec& spec = custom(std::move(name), std::move(valueName), std::move(doc),
                              [&target, range](const std::string& value) -> core::Status {
                                  PSC_ASSIGN(const std::int64_t number, readInteger(value, range));
                                  target = static_cast<int>(number);
                                  return core::success();
                              });
    spec.kind = ValueKind::Integer;
    return spec;
}

OptionSpec& OptionTable::choice(std::string name, std::string& target, std::vector<std::string> choices,
                                std::string doc)
{
    std::string valueName;
    for (const std::string& choice : choices)
        valueName += (valueName.empty() ? "" : "|") + choice;
    const auto store = [&target, choices](const std::string& value) -> core::Status {
        if (std::find(choices.begin(), choices.end(), value) == choices.end()) {
            return core::Error {core::ErrorCode::InvalidArgument, "\"" + value + "\" is not one of its values",
                                core::suggestion(value, choices)};
        }
        target = value;
        return core::success();
    };
    OptionSpec& spec = custom(std::move(name), std::move(valueName), std::move(doc), store);
    spec.kind = ValueKind::Choice;
    spec.choices = std::move(choices);
    return spec;
}

OptionSpec& OptionTable::list(std::string name, std::string valueName, std::vector<std::string>& target,
                              std::string doc)
{
    OptionSpec& spec =
        custom(std::move(name), std::move(valueName), std::move(doc), [&target](const std::string& value) {
            target.push_back(value);
            return core::success();
        });
    spec.repeatable = true;
    return spec;
}

OptionSpec& OptionTable::custom(std::string name, std::string valueName, std::string doc,
                                std::function<core::Status(const std::string&)> store)
{
    OptionSpec spec;
    spec.name = std::move(name);
    spec.valueName = std::move(valueName);
    spec.doc = std::move(doc);
    spec.kind = ValueKind::Text;
    spec.store = std::move(store);
    return add(std::move(spec));
}

const OptionSpec* OptionTable::find(std::string_view name) const
{
    for (const OptionSpec& spec : m_specs) {
        if (spec.name == name || (!spec.shortName.empty() && spec.shortName == name))
            return &spec;
    }
    return nullptr;
}

std::vector<std::string> OptionTable::optionNames() const
{
    std::vector<std::string> names;
    for (const OptionSpec& spec : m_specs) {
        if (!spec.isPositional())
            names.push_back(spec.name);
    }
    return names;
}

} // namespace paretoscope::app
