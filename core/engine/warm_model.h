// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/result.h"
#include "core/corpus/corpus.h"
#include "core/engine/model/language_model.h"
#include "core/engine/model/model_tensors.h"
#include "core/tokenizer/tokenizer.h"

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace paretoscope::engine {

/// A loaded model with the token sequences read for it so far; kept between trials.
class WarmModel
{
public:
    /// Errors: those of checkpoint and architecture; Unsupported (what cannot be computed exactly).
    static core::Result<std::unique_ptr<WarmModel>> load(const std::filesystem::path& model,
                                                         const std::filesystem::path& architectures,
                                                         core::Bytes residentLimit, at::Device device = at::kCPU,
                                                         at::ScalarType evaluationType = at::kFloat);
    /// Weights kept as float32 between passes; applies from now on.
    void limitResident(core::Bytes limit) const { m_tensors->limitResident(limit); }

    const std::filesystem::path& path() const { return m_path; }
    const LanguageModel& graph() const { return m_graph; }
    /// Read when it is first needed, so that a model without tokenizer files can run given token ids.
    /// Errors: those of Tokenizer::load.
    core::Result<const core::Tokenizer*> tokenizer();
    /// Nothing as long as no text was tokenised.
    std::optional<core::Sha256Digest> tokenizerDigest() const;
    const core::Sha256Digest& digest() const { return m_digest; }
    ModelTensors tensors() const { return ModelTensors(m_tensors); }

    core::Result<core::TokenSequences> windows(const core::WindowProtocol& protocol);
    core::Result<core::TokenSequences> calibration(const core::CalibrationSpec& spec);

private:
    WarmModel(std::filesystem::path path, LanguageModel graph, core::Sha256Digest digest,
              std::shared_ptr<const CheckpointTensors> tensors);

    std::filesystem::path m_path;
    LanguageModel m_graph;
    std::optional<core::Tokenizer> m_tokenizer;
    core::Sha256Digest m_digest;
    std::shared_ptr<const CheckpointTensors> m_tensors;
    std::map<std::string, core::TokenSequences> m_sequences; ///< by the canonical JSON of what was asked for
};

} // namespace paretoscope::engine
