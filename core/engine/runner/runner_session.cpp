// SPDX-License-Identifier: Apache-2.0
#include "core/engine/runner/runner_session.h"

#include "core/engine/build_info.h"
#include "core/engine/device/compute_device.h"
#include "core/engine/device/device_memory.h"
#include "core/engine/process_memory.h"
#include "core/memory/physical_memory.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <limits>

namespace paretoscope::engine {

namespace {

core::Result<Arithmetic> arithmeticOn(const core::Result<at::Device>& device, const std::string& name)
{
    PSC_TRY(device);
    return arithmeticFor(name, device.value());
}

} // namespace

RunnerSession::RunnerSession(RunnerOptions given)
    : options(std::move(given))
    , device(openDevice(options.device))
    , arithmetic(arithmeticOn(device, options.arithmetic))
    , deviceDescription(describeDevice(options.device))
    , plugins(options.pluginFolders)
    , artifacts(std::make_shared<core::ArtifactCache>(options.cacheFolder, options.cacheLimit))
    , statistics(TensorCache(artifacts, core::ArtifactKind::Statistic))
    , references(artifacts, core::ArtifactKind::Reference)
    , prefixes(artifacts, {options.threads, options.device}, auxiliaryLimit())
{
    at::set_num_threads(std::max(1, options.threads));
    if (options.memoryBudget)
        returnFreedMemory();
    else
        keepFreedMemory();
    artifacts->trim();
}

core::Result<std::unique_ptr<WarmModel>> RunnerSession::load(const std::filesystem::path& path,
                                                             core::Bytes residentLimit) const
{
    return WarmModel::load(path, options.architectures, residentLimit, device.value(),
                           activationType(arithmetic.value()));
}

core::Status RunnerSession::warmUp(const std::filesystem::path& path, TrialObserver& observer)
{
    if (model && model->path() == path)
        return core::success();
    observer.progressed("load", 0, 1);
    model.reset();
    PSC_ASSIGN(model, load(path, core::Bytes {}));
    return core::success();
}

core::Result<core::MemoryEstimate> RunnerSession::plan(const core::WorkloadSpec& workload,
                                                       const core::Pipeline& pipeline, int attempt)
{
    const core::ModelSizes sizes = core::modelSizes(model->graph().architecture(), model->tensors().checkpoint());
    const core::TrialLoad trial = core::trialLoad(workload, pipeline, plugins.catalogue(), options.threads);
    core::MemoryEstimate estimate = core::planMemory(sizes, trial, options.memoryBudget,
                                                     std::min(core::physicalMemory(), memoryOf(device.value())));
    if (attempt > 1)
        estimate = core::planFrugally(sizes, trial, options.memoryBudget);
    PSC_TRY(core::requireWithin(estimate, options.memoryBudget));
    estimate.plan.scratch = core::scratchFolder(options.cacheFolder);
    model->limitResident({estimate.plan.keepsWeights ? std::numeric_limits<std::int64_t>::max() : 0});
    return estimate;
}

core::Bytes RunnerSession::auxiliaryLimit() const
{
    return {options.memoryBudget ? 0 : core::physicalMemory().value / 8};
}

core::Json RunnerSession::numericalConditions() const
{
    return {{"numerics", core::kEngineNumericsVersion}, {"threads", options.threads}, {"device", options.device}};
}

core::Json RunnerSession::tokenizerHash() const
{
    const std::optional<core::Sha256Digest> digest = model->tokenizerDigest();
    return digest ? core::Json(digest->hex()) : core::Json();
}

void RunnerSession::stamp(core::MetricRecord& record) const
{
    record.device = options.device;
    record.dtype = options.arithmetic;
    record.threads = options.threads;
    record.build = buildName();
}

} // namespace paretoscope::engine
