// SPDX-License-Identifier: Apache-2.0
#include "core/engine/runner/kept_model.h"

#include "core/engine/artifact/packed_model.h"

#include <algorithm>

namespace paretoscope::engine {

namespace {

/// Whether a stage has weights from a model that lies elsewhere.
bool takesOtherModel(const core::StageSpec& stage)
{
    return std::any_of(stage.models.begin(), stage.models.end(), [&](const std::string& parameter) {
        return stage.parameters.at(parameter).is_string(); // a list names files
    });
}

} // namespace

bool takeKept(const core::TrialRequest& request, const core::Sha256Digest& model, ModelTensors& tensors, TrialLog& log)
{
    if (!request.kept)
        return false;
    const core::Status read = unpackModel(request.kept->file, request.kept->digest, model, tensors);
    if (!read.ok())
        log.warnings.push_back(read.error().message + "; the model was compressed again");
    return read.ok();
}

std::vector<core::ArtifactRecord> keepModel(const core::TrialRequest& request, const core::Sha256Digest& model,
                                            MadeModel& made)
{
    const bool isElsewhere =
        std::any_of(request.pipeline.stages.begin(), request.pipeline.stages.end(), takesOtherModel);
    if (request.artifacts.empty() || made.tensors.replacements().empty() || isElsewhere)
        return {};
    const auto notKept = [&made](const std::string& why) {
        made.log.warnings.push_back("the compressed model was not kept: " + why);
        return std::vector<core::ArtifactRecord>();
    };
    if (!made.parts.empty())
        return notKept("a part of the method works in every forward pass and is not in the weights");
    const auto packer = ModelPacker::of(made.tensors, model);
    if (!packer.ok())
        return notKept(packer.error().message);
    if (packer.value().bytes() > request.artifactLimit)
        return notKept("it takes " + std::to_string(packer.value().bytes().value >> 20) + " MiB, and " +
                       std::to_string(request.artifactLimit.value >> 20) + " MiB are left");
    const auto packed = packer.value().write(request.artifacts);
    if (!packed.ok())
        return notKept(packed.error().message);
    return {{.role = "model",
             .kind = "compressed_model",
             .mediaType = "application/x-safetensors",
             .sha256 = packed.value().digest.hex(),
             .bytes = packed.value().bytes.value,
             .description = {{"tensors", made.tensors.replacements().size()}}}};
}

} // namespace paretoscope::engine
