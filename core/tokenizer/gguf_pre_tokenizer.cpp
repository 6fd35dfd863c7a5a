// SPDX-License-Identifier: Apache-2.0
#include "core/tokenizer/gguf_pre_tokenizer.h"

#include "core/base/near_miss.h"
#include "core/tokenizer/byte_level.h"
#include "core/tokenizer/part_reader.h"

#include <algorithm>
#include <string>
#include <vector>

namespace paretoscope::core {

namespace {

constexpr std::string_view kLlama3 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kQwen2 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kQwen35 =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kTekken =
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kGpt4o =
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kDeepseek3 =
    R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

struct Rule
{
    std::vector<std::string_view> names;
    std::vector<std::string_view> patterns; ///< applied one after another; each match stands alone
    bool ignoreMerges = false;
    bool addBos = false;
};

const std::vector<Rule>& rules()
{
    static const std::vector<Rule> kRules {
        {{"default"}, {R"([\p{P}\$\+<=>\^~\|]+)", kByteLevelRegex, R"(\p{N}+)", "[0-9][0-9][0-9]"}},
        {{"gpt-2", "phi-2", "mpt", "olmo", "jais", "exaone4", "mellum", "trillion", "granite-docling"},
         {kByteLevelRegex}},
        {{"smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b", "mellum2"},
         {R"(\p{N})", kByteLevelRegex}},
        {{"falcon"}, {R"([\p{P}\$\+<=>\^~\|`]+)", kByteLevelRegex, "[0-9][0-9][0-9]"}},
        {{"llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2"},
         {kLlama3},
         true,
         true},
        {{"dbrx", "smaug-bpe", "glm4", "chatglm-bpe"}, {kLlama3}},
        {{"qwen2", "deepseek-r1-qwen", "kormo", "megrez", "stablelm2", "hunyuan", "solar-open", "grok-2"}, {kQwen2}},
        {{"qwen35"}, {kQwen35}},
        {{"tekken"}, {kTekken}, true, true},
        {{"gpt-4o", "llama4", "kanana2", "minimax-m2"}, {kGpt4o}},
        {{"deepseek-v3", "hunyuan-dense"}, {R"(\p{N}{1,3})", "[一-龥぀-ゟ゠-ヿ]+", kDeepseek3}},
    };
    return kRules;
}

GgufPreTokenizer make(const Rule& rule)
{
    Json steps = Json::array();
    for (const std::string_view pattern : rule.patterns)
        steps.push_back({{"type", "Split"}, {"pattern", {{"Regex", pattern}}}, {"behavior", "Isolated"}});
    steps.push_back({{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", false}});
    return {{{"type", "Sequence"}, {"pretokenizers", steps}}, rule.ignoreMerges, rule.addBos};
}

} // namespace

Result<GgufPreTokenizer> ggufPreTokenizer(std::string_view name)
{
    std::vector<std::string> known;
    for (const Rule& rule : rules()) {
        if (std::find(rule.names.begin(), rule.names.end(), name) != rule.names.end())
            return make(rule);
        known.insert(known.end(), rule.names.begin(), rule.names.end());
    }
    return unknownPart("tokenizer.ggml.pre", name, known);
}

} // namespace paretoscope::core
