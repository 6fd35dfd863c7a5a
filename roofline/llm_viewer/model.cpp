// SPDX-License-Identifier: Apache-2.0
#include "roofline/llm_viewer/model.h"

#include "core/base/json_fields.h"

#include <array>
#include <cmath>
#include <cstdint>
#include <limits>

namespace paretoscope::roofline::llm_viewer {

namespace {

using core::Error;
using core::ErrorCode;

constexpr const char* kConfigHint = "compare the configuration with the one the model was published with";

/// Where a family has its dimensions. An empty key: see the member's comment.
struct Family
{
    std::string_view name = {};
    std::string_view modelType = {}; ///< of Hugging Face; empty: none
    std::string_view hidden = {};
    std::string_view heads = {};
    std::string_view kvHeads = {};       ///< empty: as many as heads
    std::string_view kvHeadsSwitch = {}; ///< kvHeads counts only where this is true
    std::string_view layers = {};
    std::string_view intermediate = {}; ///< empty: fixedIntermediate, or hiddenMultiple times the hidden size
    std::string_view vocabulary = {};   ///< empty: no lm_head
    double fixedIntermediate = 0;
    double hiddenMultiple = 0;
    bool hasMlpNorm = true;
    bool countsGate = true;
    bool drawsGate = true;
    bool hasFusedGraph = true;
};

constexpr std::array<Family, 5> kFamilies {{
    {.name = "Llama",
     .modelType = "llama",
     .hidden = "hidden_size",
     .heads = "num_attention_heads",
     .kvHeads = "num_key_value_heads",
     .layers = "num_hidden_layers",
     .intermediate = "intermediate_size",
     .vocabulary = "vocab_size"},
    {.name = "opt",
     .modelType = "opt",
     .hidden = "hidden_size",
     .heads = "num_attention_heads",
     .layers = "num_hidden_layers",
     .intermediate = "ffn_dim",
     .vocabulary = "vocab_size",
     .drawsGate = false},
    {.name = "chatglm3",
     .modelType = "chatglm",
     .hidden = "hidden_size",
     .heads = "num_attention_heads",
     .kvHeads = "multi_query_group_num",
     .kvHeadsSwitch = "multi_query_attention",
     .layers = "num_layers",
     .intermediate = "ffn_hidden_size",
     .vocabulary = "padded_vocab_size"},
    {.name = "gpt-j-6B",
     .modelType = "gptj",
     .hidden = "n_embd",
     .heads = "num_attention_heads",
     .layers = "num_hidden_layers",
     .vocabulary = "vocab_size",
     .fixedIntermediate = 16384,
     .hasMlpNorm = false,
     .countsGate = false,
     .drawsGate = false,
     .hasFusedGraph = false},
    {.name = "DiT",
     .hidden = "hidden_size",
     .heads = "num_heads",
     .layers = "depth",
     .hiddenMultiple = 4,
     .drawsGate = false},
}};

core::Result<double> dimension(core::JsonFields& config, std::string_view key)
{
    PSC_ASSIGN(const auto value, config.required<std::int64_t>(key));
    if (value < 1 || value > std::numeric_limits<std::int32_t>::max())
        return Error {ErrorCode::Corrupt, "config: " + std::string(key) + " is " + std::to_string(value), kConfigHint};
    return static_cast<double>(value);
}

core::Result<double> kvHeads(core::JsonFields& config, const Family& family, double heads)
{
    if (family.kvHeads.empty())
        return heads;
    if (!family.kvHeadsSwitch.empty()) {
        PSC_ASSIGN(const bool grouped, config.optional<bool>(family.kvHeadsSwitch, false));
        if (!grouped)
            return heads;
    }
    return dimension(config, family.kvHeads);
}

core::Result<double> intermediate(core::JsonFields& config, const Family& family, double hidden)
{
    if (!family.intermediate.empty())
        return dimension(config, family.intermediate);
    return family.fixedIntermediate > 0 ? family.fixedIntermediate : family.hiddenMultiple * hidden;
}

} // namespace

std::string_view profileName(Profile profile)
{
    return profile == Profile::Lv2407 ? "lv-2407" : "lv-2409";
}

core::Result<Profile> profileFromName(std::string_view name)
{
    for (const Profile profile : {Profile::Lv2407, Profile::Lv2409}) {
        if (profileName(profile) == name)
            return profile;
    }
    return Error {ErrorCode::InvalidArgument, "\"" + std::string(name) + "\" is no profile of LLM-Viewer",
                  "known are lv-2407 and lv-2409"};
}

std::vector<std::string> familyNames()
{
    std::vector<std::string> names;
    for (const Family& family : kFamilies)
        names.emplace_back(family.name);
    return names;
}

std::string_view familyOfModelType(std::string_view modelType)
{
    for (const Family& family : kFamilies) {
        if (!family.modelType.empty() && family.modelType == modelType)
            return family.name;
    }
    return {};
}

core::Result<Model> readModel(std::string_view family, const core::Json& config)
{
    for (const Family& known : kFamilies) {
        if (known.name != family)
            continue;
        PSC_ASSIGN(core::JsonFields fields, core::JsonFields::of(config, "config"));
        Model model {.family = known.name,
                     .hasMlpNorm = known.hasMlpNorm,
                     .countsGate = known.countsGate,
                     .drawsGate = known.drawsGate,
                     .hasFusedGraph = known.hasFusedGraph};
        PSC_ASSIGN(model.hidden, dimension(fields, known.hidden));
        PSC_ASSIGN(model.heads, dimension(fields, known.heads));
        PSC_ASSIGN(model.kvHeads, kvHeads(fields, known, model.heads));
        PSC_ASSIGN(model.layers, dimension(fields, known.layers));
        PSC_ASSIGN(model.intermediate, intermediate(fields, known, model.hidden));
        if (!known.vocabulary.empty()) {
            PSC_ASSIGN(model.vocabulary, dimension(fields, known.vocabulary));
        }
        if (std::fmod(model.hidden, model.heads) != 0)
            return Error {ErrorCode::Corrupt,
                          "the head size is not integral: " + std::string(known.hidden) + " " +
                              core::shownValue(config.at(std::string(known.hidden))) + " / " +
                              std::string(known.heads) + " " + core::shownValue(config.at(std::string(known.heads))),
                          kConfigHint};
        return model;
    }
    std::string list;
    for (const std::string& name : familyNames())
        list += (list.empty() ? "" : ", ") + name;
    return Error {ErrorCode::Unsupported, "LLM-Viewer has no model family \"" + std::string(family) + "\"",
                  "it has " + list + "; mode accurate reads every supported config.json"};
}

} // namespace paretoscope::roofline::llm_viewer
