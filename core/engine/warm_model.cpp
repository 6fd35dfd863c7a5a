// SPDX-License-Identifier: Apache-2.0
#include "core/engine/warm_model.h"

namespace paretoscope::engine {

WarmModel::WarmModel(std::filesystem::path path, LanguageModel graph, core::Sha256Digest digest,
                     std::shared_ptr<const CheckpointTensors> tensors)
    : m_path(std::move(path))
    , m_graph(std::move(graph))
    , m_digest(digest)
    , m_tensors(std::move(tensors))
{}

core::Result<std::unique_ptr<WarmModel>> WarmModel::load(const std::filesystem::path& model,
                                                         const std::filesystem::path& architectures,
                                                         core::Bytes residentLimit, at::Device device,
                                                         at::ScalarType evaluationType)
{
    PSC_ASSIGN(std::unique_ptr<core::Checkpoint> opened, core::openCheckpoint(model));
    const std::shared_ptr<const core::Checkpoint> checkpoint = std::move(opened);
    PSC_ASSIGN(core::Architecture architecture, core::describeArchitecture(*checkpoint, architectures));
    PSC_TRY(core::requireSupported(architecture, *checkpoint));
    PSC_ASSIGN(const core::Sha256Digest digest, core::modelDigest(*checkpoint));
    auto tensors = std::make_shared<CheckpointTensors>(checkpoint, architecture, residentLimit, device, evaluationType);
    return std::unique_ptr<WarmModel>(
        new WarmModel(model, LanguageModel(std::move(architecture)), digest, std::move(tensors)));
}

core::Result<const core::Tokenizer*> WarmModel::tokenizer()
{
    if (!m_tokenizer) {
        PSC_ASSIGN(m_tokenizer, core::Tokenizer::load(m_path));
    }
    return &*m_tokenizer;
}

std::optional<core::Sha256Digest> WarmModel::tokenizerDigest() const
{
    return m_tokenizer ? std::optional(m_tokenizer->digest()) : std::nullopt;
}

core::Result<core::TokenSequences> WarmModel::windows(const core::WindowProtocol& protocol)
{
    const std::string key = "windows" + core::canonicalJson(protocol.toJson());
    if (const auto found = m_sequences.find(key); found != m_sequences.end())
        return found->second;
    PSC_ASSIGN(const core::Tokenizer* reader, tokenizer());
    PSC_ASSIGN(core::TokenSequences sequences, core::readWindows(protocol, *reader));
    return m_sequences.emplace(key, std::move(sequences)).first->second;
}

core::Result<core::TokenSequences> WarmModel::calibration(const core::CalibrationSpec& spec)
{
    const std::string key = "calibration" + core::canonicalJson(spec.toJson());
    if (const auto found = m_sequences.find(key); found != m_sequences.end())
        return found->second;
    PSC_ASSIGN(const core::Tokenizer* reader, tokenizer());
    PSC_ASSIGN(core::TokenSequences sequences, core::readCalibration(spec, *reader));
    return m_sequences.emplace(key, std::move(sequences)).first->second;
}

} // namespace paretoscope::engine
