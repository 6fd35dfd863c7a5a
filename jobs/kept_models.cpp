// SPDX-License-Identifier: Apache-2.0
#include "jobs/kept_models.h"

#include <algorithm>
#include <system_error>

namespace paretoscope::jobs {

namespace {

bool isThere(const std::filesystem::path& file, std::int64_t bytes)
{
    std::error_code problem;
    const auto size = std::filesystem::file_size(file, problem);
    return !problem && static_cast<std::int64_t>(size) == bytes;
}

} // namespace

KeptModels::KeptModels(const std::vector<core::StoredArtifact>& artifacts, std::filesystem::path folder,
                       core::Bytes limit)
    : m_folder(std::move(folder))
    , m_limit(limit)
{
    for (const core::StoredArtifact& stored : artifacts) {
        const std::int64_t bytes = stored.artifact.bytes;
        const bool isKept =
            stored.state == core::ArtifactState::Kept && isThere(m_folder / stored.artifact.sha256, bytes);
        if (isKept)
            m_kept += core::Bytes {bytes};
        const bool isUsable = (isKept || stored.state == core::ArtifactState::Embedded) &&
                              core::Sha256Digest::fromHex(stored.artifact.sha256).ok();
        if (!isUsable || stored.artifact.role != "model")
            continue;
        for (const core::TrialId& trial : stored.trials)
            m_models.emplace(trial, stored);
    }
}

std::string_view KeptModels::placeOf(const core::TrialId& trial) const
{
    const auto found = m_models.find(trial);
    return found == m_models.end() ? std::string_view() : core::artifactStateName(found->second.state);
}

std::optional<core::KeptModel> KeptModels::find(const core::TrialId& trial, const core::ProjectStore& store)
{
    const auto found = m_models.find(trial);
    if (found == m_models.end())
        return std::nullopt;
    const core::ArtifactRecord& artifact = found->second.artifact;
    core::KeptModel model {m_folder / artifact.sha256, core::Sha256Digest::fromHex(artifact.sha256).value()};
    if (!isThere(model.file, artifact.bytes)) {
        if (!store.extractArtifact(artifact.sha256, model.file).ok())
            return std::nullopt;
        m_extracted.push_back(model.file);
    }
    return model;
}

void KeptModels::add(const std::vector<core::ArtifactRecord>& artifacts)
{
    for (const core::ArtifactRecord& artifact : artifacts)
        m_kept += core::Bytes {artifact.bytes};
}

core::Bytes KeptModels::left() const
{
    return std::max(m_limit - m_kept, core::Bytes {});
}

void KeptModels::removeExtracted()
{
    std::error_code ignored;
    for (const std::filesystem::path& file : m_extracted)
        std::filesystem::remove(file, ignored);
    std::filesystem::remove(m_folder, ignored); // when it is empty
    m_extracted.clear();
}

} // namespace paretoscope::jobs
