// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/command_line/option_parser.h"

#include "core/base/near_miss.h"

#include <CLI/CLI.hpp>

#include <algorithm>

namespace paretoscope::app {

namespace {

core::Error usage(std::string message, std::string hint)
{
    return {core::ErrorCode::InvalidArgument, std::move(message), std::move(hint)};
}

std::string helpHint(const std::string& verb)
{
    return "see \"paretoscope help " + verb + "\"";
}

using Bindings = std::vector<std::pair<const OptionSpec*, CLI::Option*>>;

/// CLI11 only splits the words; values are converted afterwards, where option and range can be named.
Bindings declare(const OptionTable& table, CLI::App& app)
{
    Bindings bindings;
    app.set_help_flag();
    app.allow_extras();
    for (const OptionSpec& spec : table.specs()) {
        const std::string names = spec.shortName.empty() ? spec.name : spec.shortName + "," + spec.name;
        CLI::Option* option = spec.isFlag() ? app.add_flag(names) : app.add_option(names);
        option->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
        if (spec.isPositional() && spec.repeatable)
            option->expected(0, CLI::detail::expected_max_vector_size)->allow_extra_args();
        else if (!spec.isFlag())
            option->expected(1)->allow_extra_args(false);
        bindings.emplace_back(&spec, option);
    }
    return bindings;
}

core::Error unexpected(const OptionTable& table, const std::vector<std::string>& extras, const std::string& verb)
{
    const auto option =
        std::find_if(extras.begin(), extras.end(), [](const std::string& e) { return e.size() > 1 && e[0] == '-'; });
    if (option == extras.end())
        return usage("unexpected argument \"" + extras.front() + "\"", helpHint(verb));
    const std::string name = option->substr(0, option->find('='));
    const auto near = core::nearMiss(name, table.optionNames());
    return usage("there is no option \"" + name + "\"", near ? "did you mean \"" + *near + "\"?" : helpHint(verb));
}

core::Status storeValue(const OptionSpec& spec, const std::string& value, const std::string& origin)
{
    const core::Status stored = spec.store(value);
    if (stored.ok())
        return core::success();
    const std::string name = origin.empty() ? spec.name : spec.setting + " of " + origin;
    return stored.error().withContext(name);
}

/// Whether `word` was written as the value of `spec` without an "=" although it is an option itself.
bool isSwallowedOption(const OptionTable& table, const OptionSpec& spec, const std::string& word,
                       const std::vector<std::string>& arguments)
{
    if (spec.isPositional() || word.size() < 2 || word[0] != '-' || !table.find(word))
        return false;
    return std::find(arguments.begin(), arguments.end(), spec.name + "=" + word) == arguments.end();
}

core::Status storeGiven(const OptionTable& table, const OptionSpec& spec, const CLI::Option& option,
                        const std::vector<std::string>& arguments)
{
    std::vector<std::string> values = option.results();
    if (spec.isFlag()) {
        // CLI11 fills in "true"; anything else was written as --flag=value.
        for (const std::string& value : values) {
            if (value != "true")
                return usage(spec.name + " takes no value, but has \"" + value + "\"", {});
            PSC_TRY(storeValue(spec, "", {}));
        }
        return core::success();
    }
    if (!spec.repeatable)
        values.erase(values.begin(), values.end() - 1);
    for (const std::string& value : values) {
        if (isSwallowedOption(table, spec, value, arguments))
            return usage(spec.name + " needs a value (" + spec.valueName + "), but \"" + value + "\" is an option",
                         "write " + spec.name + "=" + value + " if you mean it");
        PSC_TRY(storeValue(spec, value, {}));
    }
    return core::success();
}

std::string joined(const std::vector<std::string>& values)
{
    std::string text;
    for (const std::string& value : values)
        text += (text.empty() ? "" : ",") + value;
    return text;
}

core::Status splitWords(CLI::App& app, const OptionTable& table, const std::vector<std::string>& arguments,
                        const std::string& verb)
{
    try {
        std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
        app.parse(reversed);
    } catch (const CLI::ArgumentMismatch& failure) {
        const std::string text = failure.what();
        const OptionSpec* spec = table.find(text.substr(0, text.find(':')));
        return spec ? usage(spec->name + " needs a value: " + spec->valueName, helpHint(verb))
                    : usage(text, helpHint(verb));
    } catch (const CLI::Error& failure) {
        return usage(failure.what(), helpHint(verb));
    }
    return core::success();
}

core::Status checkRequired(const OptionTable& table, const ParsedOptions& parsed, const std::string& verb)
{
    for (const OptionSpec& spec : table.specs()) {
        if (!spec.required || parsed.has(spec.name))
            continue;
        const std::string what = spec.isPositional() ? spec.name : spec.name + " " + spec.valueName;
        return usage(what + " is missing: " + spec.firstSentence(), helpHint(verb));
    }
    return core::success();
}

} // namespace

core::Result<ParsedOptions> parseOptions(const OptionTable& table, const std::vector<std::string>& arguments,
                                         const Settings& settings, const std::string& verb)
{
    CLI::App app;
    const Bindings bindings = declare(table, app);
    PSC_TRY(splitWords(app, table, arguments, verb));
    ParsedOptions parsed;
    for (const auto& [spec, option] : bindings) {
        if (option->count() > 0) {
            PSC_TRY(storeGiven(table, *spec, *option, arguments));
            parsed.values[spec->name] = {spec->isFlag() ? "true" : joined(option->results()), spec->name};
            for (const std::string& value : option->results())
                parsed.given.emplace_back(spec->name, spec->isFlag() ? std::string() : value);
        } else if (const auto setting = spec->setting.empty() ? std::nullopt : settings.find(spec->setting)) {
            PSC_TRY(storeValue(*spec, setting->value, setting->origin));
            parsed.values[spec->name] = *setting;
        }
    }
    if (parsed.has("--help"))
        return parsed;
    std::vector<std::string> extras = app.remaining();
    extras.erase(std::remove(extras.begin(), extras.end(), "--"), extras.end());
    if (!extras.empty())
        return unexpected(table, extras, verb);
    if (!parsed.has("--print-config"))
        PSC_TRY(checkRequired(table, parsed, verb));
    return parsed;
}

} // namespace paretoscope::app
