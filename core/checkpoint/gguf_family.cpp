// SPDX-License-Identifier: Apache-2.0
#include "core/checkpoint/gguf_family.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <span>

namespace paretoscope::core {

namespace {

constexpr std::array<GgufFamily, 12> kFamilies {{
    {.architecture = "llama",
     .modelType = "llama",
     .className = "LlamaForCausalLM",
     .activation = "silu",
     .permutedRotary = true,
     .hasAttentionBias = true,
     .hasMlpBias = true},
    {.architecture = "llama",
     .modelType = "mixtral",
     .className = "MixtralForCausalLM",
     .activation = "silu",
     .permutedRotary = true},
    {.architecture = "qwen2", .modelType = "qwen2", .className = "Qwen2ForCausalLM", .activation = "silu"},
    {.architecture = "qwen3",
     .modelType = "qwen3",
     .className = "Qwen3ForCausalLM",
     .activation = "silu",
     .hasAttentionBias = true},
    {.architecture = "qwen2moe", .modelType = "qwen2_moe", .className = "Qwen2MoeForCausalLM", .activation = "silu"},
    {.architecture = "qwen3moe",
     .modelType = "qwen3_moe",
     .className = "Qwen3MoeForCausalLM",
     .activation = "silu",
     .hasAttentionBias = true},
    {.architecture = "olmoe",
     .modelType = "olmoe",
     .className = "OlmoeForCausalLM",
     .activation = "silu",
     .hasAttentionBias = true},
    {.architecture = "phi3", .modelType = "phi3", .className = "Phi3ForCausalLM", .activation = "silu"},
    {.architecture = "granite",
     .modelType = "granite",
     .className = "GraniteForCausalLM",
     .activation = "silu",
     .permutedRotary = true,
     .hasAttentionBias = true,
     .hasMlpBias = true},
    {.architecture = "gemma",
     .modelType = "gemma",
     .className = "GemmaForCausalLM",
     .activation = "gelu_pytorch_tanh",
     .normPlusOne = true,
     .hasAttentionBias = true},
    {.architecture = "gemma2",
     .modelType = "gemma2",
     .className = "Gemma2ForCausalLM",
     .activation = "gelu_pytorch_tanh",
     .normPlusOne = true,
     .hasAttentionBias = true},
    {.architecture = "gemma3",
     .modelType = "gemma3_text",
     .className = "Gemma3ForCausalLM",
     .activation = "gelu_pytorch_tanh",
     .normPlusOne = true,
     .hasAttentionBias = true},
}};

/// One line of the name tables; names without ".weight" and ".bias", and inside a block without its prefix.
struct NameRule
{
    std::string_view gguf;
    std::string_view huggingFace;
};

constexpr std::array<NameRule, 3> kOutside {{
    {"token_embd", "model.embed_tokens"},
    {"output_norm", "model.norm"},
    {"output", "lm_head"},
}};

constexpr std::array<NameRule, 11> kBlock {{
    {"attn_norm", "input_layernorm"},
    {"attn_q", "self_attn.q_proj"},
    {"attn_k", "self_attn.k_proj"},
    {"attn_v", "self_attn.v_proj"},
    {"attn_output", "self_attn.o_proj"},
    {"attn_q_norm", "self_attn.q_norm"},
    {"attn_k_norm", "self_attn.k_norm"},
    {"ffn_norm", "post_attention_layernorm"},
    {"ffn_gate", "mlp.gate_proj"},
    {"ffn_up", "mlp.up_proj"},
    {"ffn_down", "mlp.down_proj"},
}};

// Old Mixtral files have one tensor per expert, "ffn_gate.3": the expert's number is cut out before the look-up.
constexpr std::array<NameRule, 7> kMixtral {{
    {"ffn_gate_inp", "block_sparse_moe.gate"},
    {"ffn_gate_exps", "block_sparse_moe.experts.{expert}.w1"},
    {"ffn_up_exps", "block_sparse_moe.experts.{expert}.w3"},
    {"ffn_down_exps", "block_sparse_moe.experts.{expert}.w2"},
    {"ffn_gate.{expert}", "block_sparse_moe.experts.{expert}.w1"},
    {"ffn_up.{expert}", "block_sparse_moe.experts.{expert}.w3"},
    {"ffn_down.{expert}", "block_sparse_moe.experts.{expert}.w2"},
}};

constexpr std::array<NameRule, 8> kMoe {{
    {"ffn_gate_inp", "mlp.gate"},
    {"ffn_gate_exps", "mlp.experts.{expert}.gate_proj"},
    {"ffn_up_exps", "mlp.experts.{expert}.up_proj"},
    {"ffn_down_exps", "mlp.experts.{expert}.down_proj"},
    {"ffn_gate_inp_shexp", "mlp.shared_expert_gate"},
    {"ffn_gate_shexp", "mlp.shared_expert.gate_proj"},
    {"ffn_up_shexp", "mlp.shared_expert.up_proj"},
    {"ffn_down_shexp", "mlp.shared_expert.down_proj"},
}};

constexpr std::array<NameRule, 2> kPhi3 {{
    {"attn_qkv", "self_attn.qkv_proj"},
    {"ffn_up", "mlp.gate_up_proj"},
}};

constexpr std::array<NameRule, 3> kFourNorms {{
    // Gemma 2 and 3 have norms before and after attention and MLP
    {"post_attention_norm", "post_attention_layernorm"},
    {"ffn_norm", "pre_feedforward_layernorm"},
    {"post_ffw_norm", "post_feedforward_layernorm"},
}};

/// The rules of a block that go before the common ones.
std::span<const NameRule> ownRules(std::string_view modelType)
{
    if (modelType == "mixtral")
        return kMixtral;
    if (modelType == "qwen2_moe" || modelType == "qwen3_moe" || modelType == "olmoe")
        return kMoe;
    if (modelType == "phi3")
        return kPhi3;
    if (modelType == "gemma2" || modelType == "gemma3_text")
        return kFourNorms;
    return {};
}

std::optional<std::string_view> lookUp(std::span<const NameRule> rules, std::string_view stem)
{
    const auto found = std::ranges::find(rules, stem, &NameRule::gguf);
    return found == rules.end() ? std::nullopt : std::optional(found->huggingFace);
}

/// Takes a decimal number without leading zeros from the front of `text`.
std::optional<std::int64_t> takeNumber(std::string_view& text)
{
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const auto length = static_cast<std::size_t>(end - text.data());
    if (error != std::errc() || text.front() == '-' || (text.front() == '0' && length > 1))
        return std::nullopt;
    text.remove_prefix(length);
    return number;
}

bool takePrefix(std::string_view& text, std::string_view prefix)
{
    if (!text.starts_with(prefix))
        return false;
    text.remove_prefix(prefix.size());
    return true;
}

constexpr std::string_view kExpert = "{expert}";

/// Whether `stem` is the name of the rule; where that has "{expert}", the number there becomes `expert`.
bool isNamed(std::string_view rule, std::string_view stem, std::int64_t& expert)
{
    const std::size_t at = rule.find(kExpert);
    if (at == std::string_view::npos)
        return rule == stem;
    if (!takePrefix(stem, rule.substr(0, at)) || stem.empty())
        return false;
    const auto number = takeNumber(stem);
    if (!number || stem != rule.substr(at + kExpert.size()))
        return false;
    expert = *number;
    return true;
}

/// The rule for a Hugging Face name, that of a block without its prefix.
const NameRule* ruleFor(std::span<const NameRule> rules, std::string_view stem, std::int64_t& expert)
{
    const auto found =
        std::ranges::find_if(rules, [&](const NameRule& rule) { return isNamed(rule.huggingFace, stem, expert); });
    return found == rules.end() ? nullptr : &*found;
}

GgufMappedName describe(std::string name, std::string_view stem)
{
    GgufMappedName mapped {.name = std::move(name)};
    mapped.isStacked = stem.ends_with("_exps");
    mapped.isRowVector = stem == "ffn_gate_inp_shexp";
    mapped.isNorm = stem.ends_with("_norm");
    if (stem == "attn_q")
        mapped.heads = GgufHeads::Query;
    else if (stem == "attn_k")
        mapped.heads = GgufHeads::Key;
    return mapped;
}

std::optional<GgufMappedName> blockName(const GgufFamily& family, std::string_view rest, std::string_view kind)
{
    const auto layer = takeNumber(rest);
    if (!layer || !takePrefix(rest, "."))
        return std::nullopt;
    std::string stem(rest);
    std::optional<std::int64_t> expert;
    if (const std::size_t dot = rest.find('.'); dot != std::string_view::npos) {
        std::string_view tail = rest.substr(dot + 1);
        expert = takeNumber(tail);
        if (!expert || !tail.empty())
            return std::nullopt;
        stem = std::string(rest.substr(0, dot)) + ".{expert}";
    }
    auto found = lookUp(ownRules(family.modelType), stem);
    if (!found)
        found = lookUp(kBlock, stem);
    if (!found)
        return std::nullopt;
    std::string name = "model.layers." + std::to_string(*layer) + "." + std::string(*found) + std::string(kind);
    return describe(expert ? expertName(name, *expert) : std::move(name), stem);
}

} // namespace

const GgufFamily* ggufFamily(std::string_view architecture, bool hasExperts)
{
    const auto fits = [&](const GgufFamily& family) {
        return family.architecture == architecture &&
               (architecture != "llama" || (family.modelType == "mixtral") == hasExperts);
    };
    const auto found = std::ranges::find_if(kFamilies, fits);
    return found == kFamilies.end() ? nullptr : &*found;
}

const GgufFamily* ggufFamilyOf(std::string_view modelType)
{
    const auto found = std::ranges::find(kFamilies, modelType, &GgufFamily::modelType);
    return found == kFamilies.end() ? nullptr : &*found;
}

std::optional<GgufMappedName> huggingFaceName(const GgufFamily& family, std::string_view ggufName)
{
    const std::size_t dot = ggufName.rfind('.');
    if (dot == std::string_view::npos)
        return std::nullopt;
    const std::string_view kind = ggufName.substr(dot);
    std::string_view stem = ggufName.substr(0, dot);
    if (kind != ".weight" && kind != ".bias")
        return std::nullopt;
    if (takePrefix(stem, "blk."))
        return blockName(family, stem, kind);
    const auto found = lookUp(kOutside, stem);
    if (!found)
        return std::nullopt;
    return describe(std::string(*found) + std::string(kind), stem);
}

std::optional<GgufMappedName> ggufName(const GgufFamily& family, std::string_view name)
{
    const std::size_t dot = name.rfind('.');
    if (dot == std::string_view::npos)
        return std::nullopt;
    const std::string_view kind = name.substr(dot);
    std::string_view stem = name.substr(0, dot);
    if (kind != ".weight" && kind != ".bias")
        return std::nullopt;
    std::int64_t expert = 0;
    std::string prefix;
    const NameRule* rule = ruleFor(kOutside, stem, expert);
    if (!rule && takePrefix(stem, "model.layers.") && !stem.empty()) {
        const auto layer = takeNumber(stem);
        if (!layer || !takePrefix(stem, "."))
            return std::nullopt;
        prefix = "blk." + std::to_string(*layer) + ".";
        rule = ruleFor(ownRules(family.modelType), stem, expert);
        if (!rule)
            rule = ruleFor(kBlock, stem, expert);
    }
    if (!rule)
        return std::nullopt;
    GgufMappedName mapped = describe(prefix + std::string(rule->gguf) + std::string(kind), rule->gguf);
    mapped.expert = expert;
    return mapped;
}

std::string expertName(std::string_view name, std::int64_t expert)
{
    const std::size_t at = name.find(kExpert);
    return std::string(name.substr(0, at)) + std::to_string(expert) + std::string(name.substr(at + kExpert.size()));
}

} // namespace paretoscope::core
