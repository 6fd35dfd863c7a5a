// SPDX-License-Identifier: Apache-2.0
#include "core/checkpoint/gguf_config.h"

#include "core/checkpoint/gguf_rope.h"
#include "core/checkpoint/untrusted_text.h"

#include <algorithm>
#include <string>
#include <utility>

namespace paretoscope::core {

namespace {

enum class Presence
{
    Optional,
    Required
};

class ConfigBuilder
{
public:
    ConfigBuilder(const GgufMetadata& metadata, const GgufFamily* family, const GgufTensorLookup& tensor,
                  std::string architecture, std::vector<std::string>& warnings)
        : m_metadata(metadata)
        , m_family(family)
        , m_tensor(tensor)
        , m_architecture(std::move(architecture))
        , m_warnings(warnings)
    {}

    Result<Json> build()
    {
        m_config = Json {{"model_type", m_family ? m_family->modelType : std::string_view(m_architecture)}};
        PSC_TRY(dimensions());
        if (!m_family)
            return std::move(m_config);
        m_config["architectures"] = Json::array({m_family->className});
        PSC_TRY(common());
        PSC_TRY(experts());
        PSC_TRY(gemma());
        PSC_TRY(granite());
        PSC_TRY(rope());
        return std::move(m_config);
    }

private:
    std::string key(std::string_view suffix) const { return m_architecture + "." + std::string(suffix); }
    Presence required() const { return m_family ? Presence::Required : Presence::Optional; }
    bool isType(std::string_view modelType) const { return m_family->modelType == modelType; }
    /// A dimension that was read before; 0 when it is absent.
    std::int64_t dimension(const char* name) const { return m_config.value(name, std::int64_t(0)); }
    std::int64_t hiddenPerHead() const
    {
        return dimension("hidden_size") / std::max<std::int64_t>(1, dimension("num_attention_heads"));
    }
    bool has(const std::string& ggufKey, Presence presence);
    Status integer(const char* name, std::string_view suffix, Presence presence);
    Status number(const char* name, std::string_view suffix, Presence presence);
    Status tokenId(const char* name, std::string_view ggufKey);
    Status vocabulary();
    Status dimensions();
    Status common();
    Status experts();
    Status gemma();
    Status granite();
    Status rope();

    const GgufMetadata& m_metadata;
    const GgufFamily* m_family;
    const GgufTensorLookup& m_tensor;
    std::string m_architecture;
    std::vector<std::string>& m_warnings;
    Json m_config;
};

/// Whether the key is there. A required one that is not leaves a warning: the model can still be looked at.
bool ConfigBuilder::has(const std::string& ggufKey, Presence presence)
{
    if (m_metadata.contains(ggufKey))
        return true;
    if (presence == Presence::Required)
        m_warnings.push_back("metadata key " + inQuotes(ggufKey) + " is missing");
    return false;
}

Status ConfigBuilder::integer(const char* name, std::string_view suffix, Presence presence)
{
    const std::string ggufKey = key(suffix);
    if (!has(ggufKey, presence))
        return success();
    const auto value = m_metadata.integer(ggufKey);
    if (value.ok())
        m_config[name] = value.value();
    else if (m_family)
        return value.error();
    return success();
}

Status ConfigBuilder::number(const char* name, std::string_view suffix, Presence presence)
{
    const std::string ggufKey = key(suffix);
    if (!has(ggufKey, presence))
        return success();
    PSC_ASSIGN(const double value, decimalNumber(m_metadata, ggufKey));
    m_config[name] = value;
    return success();
}

Status ConfigBuilder::tokenId(const char* name, std::string_view ggufKey)
{
    if (!m_metadata.contains(ggufKey))
        return success();
    PSC_ASSIGN(const std::int64_t id, m_metadata.integer(ggufKey));
    m_config[name] = id;
    return success();
}

Status ConfigBuilder::vocabulary()
{
    // The embedding decides: the metadata of padded vocabularies count only the tokens with a text.
    const GgufTensor* embedding = m_tensor("token_embd.weight");
    if (embedding && embedding->dims.size() == 2) {
        m_config["vocab_size"] = embedding->dims[1];
        return success();
    }
    return integer("vocab_size", "vocab_size", required());
}

Status ConfigBuilder::dimensions()
{
    PSC_TRY(integer("hidden_size", "embedding_length", required()));
    PSC_TRY(integer("num_hidden_layers", "block_count", required()));
    PSC_TRY(integer("num_attention_heads", "attention.head_count", required()));
    PSC_TRY(integer("num_key_value_heads", "attention.head_count_kv", Presence::Optional));
    PSC_TRY(integer("head_dim", "attention.key_length", Presence::Optional));
    PSC_TRY(integer("intermediate_size", "feed_forward_length", required()));
    PSC_TRY(integer("max_position_embeddings", "context_length", Presence::Optional));
    return vocabulary();
}

Status ConfigBuilder::common()
{
    if (!m_config.contains("num_key_value_heads") && m_config.contains("num_attention_heads"))
        m_config["num_key_value_heads"] = m_config["num_attention_heads"];
    PSC_TRY(number("rms_norm_eps", "attention.layer_norm_rms_epsilon", Presence::Required));
    PSC_TRY(tokenId("bos_token_id", "tokenizer.ggml.bos_token_id"));
    PSC_TRY(tokenId("eos_token_id", "tokenizer.ggml.eos_token_id"));
    m_config["hidden_act"] = m_family->activation;
    m_config["tie_word_embeddings"] = m_tensor("output.weight") == nullptr;
    if (m_family->hasAttentionBias)
        m_config["attention_bias"] = m_tensor("blk.0.attn_q.bias") != nullptr;
    if (m_family->hasMlpBias)
        m_config["mlp_bias"] = m_tensor("blk.0.ffn_down.bias") != nullptr;
    // Llama files of Mistral models do not state their window; these families do.
    if (isType("phi3") || isType("gemma2") || isType("gemma3_text"))
        PSC_TRY(integer("sliding_window", "attention.sliding_window", Presence::Optional));
    return success();
}

Status ConfigBuilder::experts()
{
    if (isType("mixtral")) {
        PSC_TRY(integer("num_local_experts", "expert_count", Presence::Required));
        return integer("num_experts_per_tok", "expert_used_count", Presence::Required);
    }
    const bool qwen = isType("qwen2_moe") || isType("qwen3_moe");
    if (!qwen && !isType("olmoe"))
        return success();
    PSC_TRY(integer("num_experts", "expert_count", Presence::Required));
    PSC_TRY(integer("num_experts_per_tok", "expert_used_count", Presence::Required));
    m_config["norm_topk_prob"] = isType("qwen3_moe"); // fixed per architecture in llama.cpp
    if (!qwen)
        return success();
    // Older files do not state the experts' width; the stacked tensor {in, out, experts} shows it.
    const GgufTensor* gate = m_tensor("blk.0.ffn_gate_exps.weight");
    if (gate && gate->dims.size() == 3)
        m_config["moe_intermediate_size"] = gate->dims[1];
    else
        PSC_TRY(integer("moe_intermediate_size", "expert_feed_forward_length", Presence::Required));
    const GgufTensor* shared = m_tensor("blk.0.ffn_gate_shexp.weight");
    if (shared && shared->dims.size() == 2)
        m_config["shared_expert_intermediate_size"] = shared->dims[1];
    m_config["decoder_sparse_step"] = 1;
    m_config["mlp_only_layers"] = Json::array();
    return success();
}

Status ConfigBuilder::gemma()
{
    const bool second = isType("gemma2");
    const bool third = isType("gemma3_text");
    if (!second && !third && !isType("gemma"))
        return success();
    m_config["hidden_activation"] = m_family->activation;
    if (second) {
        PSC_TRY(number("attn_logit_softcapping", "attn_logit_softcapping", Presence::Optional));
        PSC_TRY(number("final_logit_softcapping", "final_logit_softcapping", Presence::Optional));
    }
    if (!second && !third)
        return success();
    // Not in the metadata: llama.cpp scales by the head dimension, in the largest models by hidden size over heads.
    const bool largest = dimension("num_hidden_layers") == (second ? 46 : 62);
    m_config["query_pre_attn_scalar"] = largest ? hiddenPerHead() : m_config.value("head_dim", hiddenPerHead());
    if (third) {
        m_config["rope_local_base_freq"] = 10000.0;
        m_config["sliding_window_pattern"] = 6;
    }
    return success();
}

Status ConfigBuilder::granite()
{
    if (!isType("granite"))
        return success();
    PSC_TRY(number("attention_multiplier", "attention.scale", Presence::Required));
    PSC_TRY(number("embedding_multiplier", "embedding_scale", Presence::Required));
    PSC_TRY(number("residual_multiplier", "residual_scale", Presence::Required));
    return number("logits_scaling", "logit_scale", Presence::Required);
}

Status ConfigBuilder::rope()
{
    m_config["rope_theta"] = 10000.0;
    PSC_TRY(number("rope_theta", "rope.freq_base", Presence::Optional));
    const std::int64_t headDim = m_config.value("head_dim", hiddenPerHead());
    PSC_ASSIGN(const std::int64_t rotated, m_metadata.integerOr(key("rope.dimension_count"), headDim));
    if (rotated != headDim && headDim > 0)
        m_config["partial_rotary_factor"] = static_cast<double>(rotated) / static_cast<double>(headDim);
    PSC_ASSIGN(Json scaling, ropeScaling({m_metadata, m_architecture, m_tensor, m_config}));
    if (scaling.contains("original_max_position_embeddings") && isType("phi3"))
        m_config["original_max_position_embeddings"] = scaling["original_max_position_embeddings"];
    m_config["rope_scaling"] = std::move(scaling);
    return success();
}

} // namespace

Result<Json> ggufConfig(const GgufMetadata& metadata, const GgufFamily* family, const GgufTensorLookup& tensor,
                        std::vector<std::string>& warnings)
{
    PSC_ASSIGN(std::string architecture, metadata.text("general.architecture"));
    return ConfigBuilder(metadata, family, tensor, std::move(architecture), warnings).build();
}

} // namespace paretoscope::core
