// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace paretoscope::core {

/// What GGUF files of one architecture do differently from the Hugging Face model they were converted from.
struct GgufFamily
{
    std::string_view architecture; ///< general.architecture
    std::string_view modelType;    ///< of config.json
    std::string_view className;    ///< `architectures` of config.json
    std::string_view activation;   ///< `hidden_act`
    /// Rows of q and k lie in interleaved rotary pairs instead of two halves (llama.cpp's "normal" rope type).
    bool permutedRotary = false;
    bool normPlusOne = false;      ///< norm weights are stored with 1 added (Gemma)
    bool hasAttentionBias = false; ///< config.json has the key `attention_bias`
    bool hasMlpBias = false;       ///< config.json has the key `mlp_bias`
};

/// The family of `general.architecture`; Mixtral files call themselves "llama" and are told by their experts.
/// nullptr when there is no name table for it.
const GgufFamily* ggufFamily(std::string_view architecture, bool hasExperts);

/// The family of `model_type` in config.json; nullptr when there is no name table for it.
const GgufFamily* ggufFamilyOf(std::string_view modelType);

enum class GgufHeads
{
    None,
    Query,
    Key
};

/// A GGUF tensor under its Hugging Face name, or the other way round.
struct GgufMappedName
{
    std::string name;                  ///< a Hugging Face name has "{expert}" where stacked experts are told apart
    bool isStacked = false;            ///< all experts in one tensor, outermost dimension
    bool isRowVector = false;          ///< [n] in the file, [1, n] in the Hugging Face model
    GgufHeads heads = GgufHeads::None; ///< rows of q or k, permuted when the family says so
    bool isNorm = false;
    std::int64_t expert = 0; ///< index in the stack, for the GGUF name of one expert
};

/// Nothing when the family has no such tensor.
std::optional<GgufMappedName> huggingFaceName(const GgufFamily& family, std::string_view ggufName);
/// The inverse: the name in a GGUF file as converters write it, experts stacked.
std::optional<GgufMappedName> ggufName(const GgufFamily& family, std::string_view name);

/// `name` with "{expert}" replaced.
std::string expertName(std::string_view name, std::int64_t expert);

} // namespace paretoscope::core
