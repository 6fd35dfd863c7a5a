// SPDX-License-Identifier: Apache-2.0
#include "core/checkpoint/gguf_architecture.h"

#include "core/checkpoint/gguf_family.h"
#include "core/checkpoint/untrusted_text.h"

#include <algorithm>
#include <array>
#include <limits>
#include <string>
#include <string_view>

namespace paretoscope::core {

namespace {

constexpr std::array<std::string_view, 4> kModelTypes {"llama", "qwen2", "qwen3", "qwen3_moe"};

class Describer
{
public:
    Describer(const Json& config, const GgufFamily& family)
        : m_config(config)
        , m_prefix(std::string(family.architecture) + ".")
    {
        m_entries.setText("general.architecture", family.architecture);
        m_entries.setText("general.type", "model");
    }

    Result<GgufEntries> describe()
    {
        PSC_TRY(requireSayable());
        PSC_TRY(integer("context_length", "max_position_embeddings"));
        PSC_TRY(integer("embedding_length", "hidden_size"));
        PSC_TRY(integer("block_count", "num_hidden_layers"));
        PSC_TRY(integer("feed_forward_length", "intermediate_size"));
        PSC_TRY(integer("attention.head_count", "num_attention_heads"));
        PSC_TRY(integer("attention.head_count_kv",
                        has("num_key_value_heads") ? "num_key_value_heads" : "num_attention_heads"));
        PSC_TRY(number("attention.layer_norm_rms_epsilon", "rms_norm_eps"));
        PSC_TRY(number("rope.freq_base", "rope_theta"));
        PSC_TRY(integer("vocab_size", "vocab_size"));
        PSC_TRY(headDimension());
        if (has("num_experts")) {
            PSC_TRY(integer("expert_count", "num_experts"));
            PSC_TRY(integer("expert_used_count", "num_experts_per_tok"));
            PSC_TRY(integer("expert_feed_forward_length", "moe_intermediate_size"));
        }
        m_entries.setText("tokenizer.ggml.model", "no_vocab");
        return std::move(m_entries);
    }

private:
    bool has(const char* key) const { return m_config.contains(key) && !m_config.at(key).is_null(); }

    /// Errors: Unsupported, when a key has another value than the one that readers of GGUF take for granted.
    Status requireSayable() const
    {
        struct Taken
        {
            const char* key;
            Json value;
        };
        const std::array taken {Taken {"hidden_act", "silu"},        Taken {"rope_scaling", nullptr},
                                Taken {"use_sliding_window", false}, Taken {"norm_topk_prob", true},
                                Taken {"decoder_sparse_step", 1},    Taken {"mlp_only_layers", Json::array()},
                                Taken {"partial_rotary_factor", 1.0}};
        for (const Taken& setting : taken) {
            if (has(setting.key) && m_config.at(setting.key) != setting.value)
                return Error {ErrorCode::Unsupported,
                              "config.json has " + inQuotes(setting.key) + ": " + m_config.at(setting.key).dump() +
                                  ", for which a GGUF file made from it alone has no key",
                              "start from a GGUF file of the model, made by llama.cpp's converter"};
        }
        return success();
    }

    Result<std::uint32_t> integerOf(const char* key) const
    {
        const auto found = m_config.find(key);
        const bool isInteger = found != m_config.end() && found->is_number_integer();
        const std::int64_t value = isInteger ? found->get<std::int64_t>() : -1;
        if (value < 0 || value > std::numeric_limits<std::uint32_t>::max())
            return Error {ErrorCode::Corrupt, "config.json does not say " + inQuotes(key) + " as a whole number",
                          "complete it"};
        return static_cast<std::uint32_t>(value);
    }

    Status integer(const char* suffix, const char* key)
    {
        PSC_ASSIGN(const std::uint32_t value, integerOf(key));
        m_entries.setInteger(m_prefix + suffix, value);
        return success();
    }

    Status number(const char* suffix, const char* key)
    {
        const auto found = m_config.find(key);
        if (found == m_config.end() || !found->is_number())
            return Error {ErrorCode::Corrupt, "config.json does not say " + inQuotes(key) + " as a number",
                          "complete it"};
        m_entries.setNumber(m_prefix + suffix, found->get<float>());
        return success();
    }

    Status headDimension()
    {
        PSC_ASSIGN(const std::uint32_t hidden, integerOf("hidden_size"));
        PSC_ASSIGN(const std::uint32_t heads, integerOf("num_attention_heads"));
        std::uint32_t dimension = hidden / std::max(heads, 1U);
        if (has("head_dim")) {
            PSC_ASSIGN(dimension, integerOf("head_dim"));
        }
        for (const char* suffix : {"rope.dimension_count", "attention.key_length", "attention.value_length"})
            m_entries.setInteger(m_prefix + suffix, dimension);
        return success();
    }

    const Json& m_config;
    std::string m_prefix;
    GgufEntries m_entries;
};

} // namespace

Result<GgufEntries> ggufArchitecture(const Json& config)
{
    const std::string modelType = config.value("model_type", "");
    const GgufFamily* family = ggufFamilyOf(modelType);
    if (!family || std::ranges::find(kModelTypes, modelType) == kModelTypes.end())
        return Error {ErrorCode::Unsupported,
                      "a GGUF file of the family " + inQuotes(modelType) + " cannot be made from config.json alone",
                      "start from a GGUF file of the model, made by llama.cpp's converter"};
    return Describer(config, *family).describe();
}

} // namespace paretoscope::core
