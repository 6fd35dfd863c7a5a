// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/corpus/corpus.h"

namespace paretoscope::core {

/// Prompts that a model continues greedily, to compare with what the baseline says (specs evaluation 7).
struct GenerationProtocol
{
    std::filesystem::path corpus;
    int prompts = 100;
    int length = 64;          ///< tokens of a prompt
    int tokens = 64;          ///< tokens that are generated
    int first = 0;            ///< index of the first prompt
    std::string join = "raw"; ///< as in WindowProtocol

    /// Errors: as WindowProtocol::fromJson.
    static Result<GenerationProtocol> fromJson(const Json& options);
    Json toJson() const;
    /// "greedy_match.window/wiki.test.tokens#d790b833/prompt64/tokens64/first0+100/join-raw"
    std::string id(const Sha256Digest& corpusDigest) const;
    /// The prompts are consecutive windows of the text.
    WindowProtocol windowProtocol() const;
};

} // namespace paretoscope::core
