// SPDX-License-Identifier: Apache-2.0
#include "core/evaluation/generation_protocol.h"

#include "core/corpus/option_reader.h"

namespace paretoscope::core {

namespace {

constexpr std::int64_t kMostTokens = std::int64_t(1) << 16;
constexpr std::int64_t kMostPrompts = 1'000'000;

} // namespace

Result<GenerationProtocol> GenerationProtocol::fromJson(const Json& options)
{
    OptionReader reader(options, "generation options");
    GenerationProtocol protocol;
    protocol.corpus = reader.text("corpus");
    protocol.prompts = static_cast<int>(reader.integer("prompts", protocol.prompts, 1, kMostPrompts));
    protocol.length = static_cast<int>(reader.integer("length", protocol.length, 2, kMostTokens));
    protocol.tokens = static_cast<int>(reader.integer("tokens", protocol.tokens, 1, kMostTokens));
    protocol.first = static_cast<int>(reader.integer("first", protocol.first, 0, kMostPrompts));
    protocol.join = reader.choice("join", {"raw", "rows"});
    PSC_TRY(reader.finish());
    return protocol;
}

Json GenerationProtocol::toJson() const
{
    return {{"corpus", corpus.string()}, {"prompts", prompts}, {"length", length},
            {"tokens", tokens},          {"first", first},     {"join", join}};
}

std::string GenerationProtocol::id(const Sha256Digest& corpusDigest) const
{
    return "greedy_match.window/" + corpus.filename().string() + "#" + corpusDigest.hex().substr(0, 8) + "/prompt" +
           std::to_string(length) + "/tokens" + std::to_string(tokens) + "/first" + std::to_string(first) + "+" +
           std::to_string(prompts) + "/join-" + join;
}

WindowProtocol GenerationProtocol::windowProtocol() const
{
    WindowProtocol windows;
    windows.corpus = corpus;
    windows.length = length;
    windows.windows = prompts;
    windows.first = first;
    windows.join = join;
    return windows;
}

} // namespace paretoscope::core
