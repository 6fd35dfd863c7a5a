// SPDX-License-Identifier: Apache-2.0
#include "core/architecture/layer_kinds.h"

#include <algorithm>

namespace paretoscope::core {

namespace {

/// Errors: Corrupt (a list that is none, or of another length).
Result<std::string> listedKind(const Json& list, const std::string& key, std::int64_t layer, std::int64_t layers)
{
    const auto isText = [](const Json& entry) { return entry.is_string(); };
    if (!list.is_array() || !std::all_of(list.begin(), list.end(), isText))
        return Error {ErrorCode::Corrupt, "config.json: " + key + " is no list of texts", kConfigHint};
    if (static_cast<std::int64_t>(list.size()) != layers)
        return Error {ErrorCode::Corrupt,
                      "config.json: " + key + " names " + std::to_string(list.size()) + " layers, the model has " +
                          std::to_string(layers),
                      kConfigHint};
    return list.at(static_cast<std::size_t>(layer)).get<std::string>();
}

Result<Json> layerList(const Json& spec, const FamilyValues& values)
{
    PSC_ASSIGN(Json list, values.value(spec));
    if (!list.is_array())
        return Error {ErrorCode::Corrupt, "config.json: expected a list of layers, found " + list.dump().substr(0, 80),
                      kConfigHint};
    return list;
}

Result<bool> isListed(const Json& spec, const FamilyValues& values, std::int64_t layer)
{
    PSC_ASSIGN(const Json list, layerList(spec, values));
    return std::find(list.begin(), list.end(), Json(layer)) != list.end();
}

Result<std::int64_t> period(const Json& spec, const FamilyValues& values)
{
    PSC_ASSIGN(const std::int64_t layers, values.size(spec));
    if (layers < 1)
        return Error {ErrorCode::Corrupt, "config.json: a pattern of layers repeats after 0 layers", kConfigHint};
    return layers;
}

/// Errors: Corrupt (entries that are no switches; the list ends before the layer).
Result<bool> isMarked(const Json& spec, const FamilyValues& values, std::int64_t layer)
{
    PSC_ASSIGN(const Json list, layerList(spec, values));
    if (list.empty())
        return false;
    const auto index = static_cast<std::size_t>(layer);
    if (index >= list.size() || !(list[index].is_boolean() || list[index].is_number()))
        return Error {ErrorCode::Corrupt,
                      "config.json: the list " + list.dump().substr(0, 80) + " says neither 0 nor 1 of layer " +
                          std::to_string(layer),
                      kConfigHint};
    return list[index] != Json(0) && list[index] != Json(false);
}

/// Some configurations state a switch as the number that once was its strength.
Result<bool> isOn(const Json& spec, const FamilyValues& values)
{
    PSC_ASSIGN(const Json stated, values.value(spec));
    return stated.is_number() ? Result<bool>(stated != Json(0)) : values.boolean(spec);
}

Result<bool> applies(const Json& rule, const FamilyValues& values, std::int64_t layer)
{
    PSC_TRY(values.requireMembers(rule, "a rule of layer_kinds",
                                  {"before", "from", "nth", "multiple_of", "in", "marked", "empty", "if", "kind"}));
    bool holds = true;
    if (rule.contains("before")) {
        PSC_ASSIGN(const std::int64_t end, values.size(rule.at("before")));
        holds = holds && layer < end;
    }
    if (rule.contains("from")) {
        PSC_ASSIGN(const std::int64_t begin, values.size(rule.at("from")));
        holds = holds && layer >= begin;
    }
    if (rule.contains("nth")) {
        PSC_ASSIGN(const std::int64_t every, period(rule.at("nth"), values));
        holds = holds && (layer + 1) % every == 0;
    }
    if (rule.contains("multiple_of")) {
        PSC_ASSIGN(const std::int64_t every, period(rule.at("multiple_of"), values));
        holds = holds && layer % every == 0;
    }
    if (rule.contains("in")) {
        PSC_ASSIGN(const bool listed, isListed(rule.at("in"), values, layer));
        holds = holds && listed;
    }
    if (rule.contains("marked")) {
        PSC_ASSIGN(const bool marked, isMarked(rule.at("marked"), values, layer));
        holds = holds && marked;
    }
    if (rule.contains("empty")) {
        PSC_ASSIGN(const Json list, layerList(rule.at("empty"), values));
        holds = holds && list.empty();
    }
    if (rule.contains("if")) {
        PSC_ASSIGN(const bool on, isOn(rule.at("if"), values));
        holds = holds && on;
    }
    return holds;
}

Result<std::string> kindByRules(const Json& rules, const FamilyValues& values, std::int64_t layer)
{
    for (const Json& rule : rules) {
        PSC_ASSIGN(const bool holds, applies(rule, values, layer));
        if (holds)
            return rule.at("kind").get<std::string>();
    }
    return values.familyError("no rule of layer_kinds holds for layer " + std::to_string(layer));
}

} // namespace

Result<std::map<std::string, std::string, std::less<>>> layerKinds(const Json& family, const FamilyValues& values,
                                                                   std::int64_t layer, std::int64_t layers)
{
    std::map<std::string, std::string, std::less<>> kinds;
    if (!family.contains("layer_kinds"))
        return kinds;
    for (const auto& [name, described] : family.at("layer_kinds").items()) {
        PSC_TRY(values.requireMembers(described, "layer_kinds." + name, {"key", "rules"}));
        Json stated;
        if (described.contains("key")) {
            PSC_ASSIGN(stated, values.value({{"key", described.at("key")}, {"default", nullptr}}));
        }
        PSC_ASSIGN(kinds[name], stated.is_null() ? kindByRules(described.at("rules"), values, layer)
                                                 : listedKind(stated, described.at("key").dump(), layer, layers));
    }
    return kinds;
}

} // namespace paretoscope::core
