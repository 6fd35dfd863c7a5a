// SPDX-License-Identifier: Apache-2.0
#include "core/engine/stage/unit_selection.h"

#include <algorithm>
#include <regex>
#include <string>
#include <string_view>

namespace paretoscope::engine {

namespace {

bool globMatches(std::string_view pattern, std::string_view text)
{
    std::size_t at = 0;
    std::size_t next = 0;
    std::size_t star = std::string_view::npos;
    std::size_t resume = 0;
    while (next < text.size()) {
        if (at < pattern.size() && (pattern[at] == '?' || pattern[at] == text[next])) {
            ++at;
            ++next;
        } else if (at < pattern.size() && pattern[at] == '*') {
            star = at++;
            resume = next;
        } else if (star != std::string_view::npos) {
            at = star + 1;
            next = ++resume;
        } else {
            return false;
        }
    }
    while (at < pattern.size() && pattern[at] == '*')
        ++at;
    return at == pattern.size();
}

using Mask = std::vector<bool>;

/// Which units one pattern matches. Errors: InvalidArgument (bad expression; no unit).
core::Result<Mask> matchPattern(const ModelView& model, const std::string& pattern, std::string_view parameter)
{
    Mask mask(model.units.size());
    try {
        const bool isExpression = pattern.starts_with("re:");
        const std::regex expression(isExpression ? pattern.substr(3) : std::string());
        for (std::size_t i = 0; i < mask.size(); ++i) {
            const std::string& module = model.units[i].module;
            mask[i] = isExpression ? std::regex_match(module, expression) : globMatches(pattern, module);
        }
    } catch (const std::regex_error& failure) {
        return core::Error {core::ErrorCode::InvalidArgument,
                            std::string(parameter) + ": \"" + pattern +
                                "\" is not a regular expression: " + failure.what(),
                            "correct it, or use a glob such as *.mlp.*"};
    }
    if (std::find(mask.begin(), mask.end(), true) == mask.end())
        return core::Error {core::ErrorCode::InvalidArgument,
                            std::string(parameter) + ": \"" + pattern + "\" matches no weight of this model",
                            "weights are called like " + (model.units.empty() ? "(none)" : model.units.back().module)};
    return mask;
}

core::Result<Mask> matchAny(const ModelView& model, const core::Json& patterns, std::string_view parameter)
{
    Mask result(model.units.size());
    for (const core::Json& pattern : patterns) {
        PSC_ASSIGN(const Mask mask, matchPattern(model, pattern.get<std::string>(), parameter));
        std::transform(mask.begin(), mask.end(), result.begin(), result.begin(), std::logical_or<>());
    }
    return result;
}

} // namespace

core::Result<std::vector<std::size_t>> selectUnits(const ModelView& model, const core::Json& parameters)
{
    const core::Json include = parameters.value("include", core::Json::array());
    const core::Json exclude = parameters.value("exclude", core::Json::array());
    PSC_ASSIGN(const Mask included, matchAny(model, include, "include"));
    PSC_ASSIGN(const Mask excluded, matchAny(model, exclude, "exclude"));
    std::vector<std::size_t> selected;
    for (std::size_t i = 0; i < model.units.size(); ++i) {
        const Unit& unit = model.units[i];
        const bool wanted =
            include.empty() ? unit.kind == UnitKind::Linear && unit.block >= 0 && unit.byDefault : bool(included[i]);
        if (wanted && !excluded[i])
            selected.push_back(i);
    }
    if (selected.empty())
        return core::Error {core::ErrorCode::InvalidArgument, "include and exclude leave no weight to work on",
                            "remove patterns from exclude"};
    return selected;
}

} // namespace paretoscope::engine
