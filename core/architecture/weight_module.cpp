// SPDX-License-Identifier: Apache-2.0
#include "core/architecture/weight_module.h"

#include <algorithm>
#include <functional>
#include <regex>
#include <string_view>

namespace paretoscope::core {

namespace {

/// Adds the linears of one part after the other.
class ModuleList
{
public:
    std::vector<WeightModule> take() { return std::move(m_modules); }

    void add(const AttentionSpec& spec)
    {
        if (spec.layout == QkvLayout::Separate)
            addLinears({&spec.query, &spec.key, &spec.value});
        else
            addLinears({&spec.qkv});
        addLinears({&spec.output});
    }
    void add(const LatentAttentionSpec& spec)
    {
        addLinears({spec.queryDown ? &*spec.queryDown : &spec.query, &spec.keyValueDown});
        if (spec.queryDown)
            addLinears({&spec.query});
        addLinears({&spec.keyValue, &spec.output});
    }
    void add(const MlpSpec& spec)
    {
        if (spec.form == MlpForm::Gated)
            addLinears({&spec.gate});
        addLinears({spec.form == MlpForm::FusedGated ? &spec.gateUp : &spec.up, &spec.down});
    }
    void add(const MoeSpec& spec)
    {
        m_modules.push_back({spec.router.module, false});
        if (spec.sharedGate)
            m_modules.push_back({spec.sharedGate->module, false});
        if (spec.shared)
            add(*spec.shared);
        for (const MlpSpec& expert : spec.experts)
            add(expert);
    }

private:
    void addLinears(std::initializer_list<const LinearSpec*> linears)
    {
        for (const LinearSpec* linear : linears)
            m_modules.push_back({linear->module, true});
    }

    std::vector<WeightModule> m_modules;
};

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

/// Which modules one pattern matches. Errors: InvalidArgument (bad expression; no module).
Result<Mask> matchPattern(std::span<const WeightModule> modules, const std::string& pattern, std::string_view parameter)
{
    Mask mask(modules.size());
    try {
        const bool isExpression = pattern.starts_with("re:");
        const std::regex expression(isExpression ? pattern.substr(3) : std::string());
        for (std::size_t i = 0; i < mask.size(); ++i) {
            const std::string& module = modules[i].module;
            mask[i] = isExpression ? std::regex_match(module, expression) : globMatches(pattern, module);
        }
    } catch (const std::regex_error& failure) {
        return Error {ErrorCode::InvalidArgument,
                      std::string(parameter) + ": \"" + pattern + "\" is not a regular expression: " + failure.what(),
                      "correct it, or use a glob such as *.mlp.*"};
    }
    if (std::find(mask.begin(), mask.end(), true) == mask.end())
        return Error {ErrorCode::InvalidArgument,
                      std::string(parameter) + ": \"" + pattern + "\" matches no weight of this model",
                      "weights are called like " + (modules.empty() ? "(none)" : modules.back().module)};
    return mask;
}

Result<Mask> matchAny(std::span<const WeightModule> modules, const Json& patterns, std::string_view parameter)
{
    Mask result(modules.size());
    for (const Json& pattern : patterns) {
        PSC_ASSIGN(const Mask mask, matchPattern(modules, pattern.get<std::string>(), parameter));
        std::transform(mask.begin(), mask.end(), result.begin(), result.begin(), std::logical_or<>());
    }
    return result;
}

} // namespace

std::vector<WeightModule> weightModules(const Architecture& architecture)
{
    ModuleList modules;
    for (const BlockSpec& block : architecture.blocks) {
        for (const SublayerSpec& sublayer : block.sublayers)
            std::visit([&](const auto& part) { modules.add(part); }, sublayer.part);
    }
    return modules.take();
}

Result<std::vector<std::size_t>> selectModules(std::span<const WeightModule> modules, const Json& parameters)
{
    const Json include = parameters.value("include", Json::array());
    const Json exclude = parameters.value("exclude", Json::array());
    PSC_ASSIGN(const Mask included, matchAny(modules, include, "include"));
    PSC_ASSIGN(const Mask excluded, matchAny(modules, exclude, "exclude"));
    std::vector<std::size_t> selected;
    for (std::size_t i = 0; i < modules.size(); ++i) {
        const bool isWanted = include.empty() ? modules[i].byDefault : bool(included[i]);
        if (isWanted && !excluded[i])
            selected.push_back(i);
    }
    if (selected.empty())
        return Error {ErrorCode::InvalidArgument, "include and exclude leave no weight to work on",
                      "remove patterns from exclude"};
    return selected;
}

} // namespace paretoscope::core
