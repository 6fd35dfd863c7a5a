// SPDX-License-Identifier: Apache-2.0
// Methods on small models of many families, with the sequences of their golden files as calibration.
#pragma once

#include "core/base/mapped_file.h"
#include "core/checkpoint/checkpoint.h"
#include "core/checkpoint/safetensors_writer.h"
#include "core/engine/host/plugin_host.h"
#include "core/engine/host/service_host.h"
#include "core/engine/stage/stage_executor.h"
#include "core/engine/warm_model.h"

#include "tests/core/engine/bystanders.h"

#include <c10/core/InferenceMode.h>

#include <QTemporaryDir>
#include <QtGlobal>

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace paretoscope::tests {

inline const std::filesystem::path kFamilies = PARETOSCOPE_TEST_DATA "/parity/models";

/// A copy of a model whose tensors are stored as float32, so that what is put in their place is not rounded.
class Float32Copy
{
public:
    explicit Float32Copy(const std::filesystem::path& model)
    {
        const auto checkpoint = core::openCheckpoint(model).value();
        std::vector<core::TensorDeclaration> tensors;
        for (const core::TensorInfo& tensor : checkpoint->tensors()) {
            if (tensor.type == core::ElementType::F32 || tensor.type == core::ElementType::F16 ||
                tensor.type == core::ElementType::BF16)
                tensors.push_back({tensor.name, core::ElementType::F32, tensor.shape});
        }
        auto writer = core::SafetensorsWriter::create(path() / "model.safetensors", tensors).value();
        for (const core::TensorDeclaration& tensor : tensors) {
            std::vector<float> values(std::size_t(checkpoint->find(tensor.name)->elements()));
            if (!checkpoint->readFloat32(tensor.name, values).ok() || !writer.appendFloat32(tensor.name, values).ok())
                qFatal("cannot copy %s", tensor.name.c_str());
        }
        if (!writer.finish().ok())
            qFatal("cannot write the copy");
        for (const char* name : {"config.json", "golden.json"})
            std::filesystem::copy_file(model / name, path() / name);
    }
    std::filesystem::path path() const { return m_folder.path().toStdString(); }

private:
    QTemporaryDir m_folder;
};

/// One model of the parity data and what a pipeline makes of it. Tokens go to the experts that the model as it was
/// sends them to, with the same weights: the choice jumps where two experts are about equally good, and would hide what
/// a stage does otherwise.
struct FamilyFixture
{
    explicit FamilyFixture(const std::filesystem::path& folder)
        : model(engine::WarmModel::load(folder, architectures, core::Bytes {1 << 24}).value())
        , tensors(model->tensors())
        , calibration(calibrationOf(folder))
        , services({model->graph(), tensors, calibration.samples, parts.hooks, parts.kvStore, observer,
                    core::Bytes {1 << 24}, architectures})
    {
        const c10::InferenceMode noGradients;
        logits(tensors); // takes down the routing
    }

    /// One more stage. Errors: those of its parameters, of validate and of running it.
    core::Status run(const char* plugin, const core::Json& parameters)
    {
        PSC_ASSIGN(const core::PluginManifest* manifest, host.catalogue().find(plugin));
        core::StageSpec spec;
        spec.plugin = manifest->id;
        spec.version = manifest->version;
        PSC_ASSIGN(spec.parameters, core::resolveParameters(*manifest, parameters));
        PSC_ASSIGN(const auto stage, host.makeStage(spec));
        PSC_TRY(stage->validate(model->graph().view()));
        return engine::runStage(*stage, {model->graph(), tensors, &calibration, host.statistics(),
                                         engine::StatisticCache({}), services, observer, log, 7, parts});
    }

    /// Of the second golden sequence, with the hooks of the stages so far.
    at::Tensor logits(const engine::ModelTensors& weights) const
    {
        using engine::LoadedTensors;
        const engine::LanguageModel& graph = model->graph();
        engine::Hooks hooks = parts.hooks;
        for (const engine::HookPoint point : {engine::HookPoint::RouterExperts, engine::HookPoint::RouterWeights})
            hooks.push_back({point, [this, point](const engine::HookSite& site, const at::Tensor& value) {
                                 return m_routing.emplace(std::pair(site.block, point), value).first->second;
                             }});
        at::Tensor state =
            graph.enter(calibration.samples[1], LoadedTensors::load(weights, graph.entryTensors()).value());
        for (int block = 0; block < graph.view().blocks; ++block) {
            const LoadedTensors loaded = LoadedTensors::load(weights, graph.blockTensors(block)).value();
            const auto pass = graph.begin(block, 0, state, loaded, hooks);
            while (!pass->inputs().empty())
                pass->advance(loaded);
            state = pass->output();
        }
        return graph.logits(state, LoadedTensors::load(weights, graph.headTensors()).value());
    }

    /// Largest difference to the logits of the model as it was, over the largest of those.
    double change() const
    {
        const at::Tensor before = logits(model->tensors());
        return ((logits(tensors) - before).abs().max() / before.abs().max()).item<double>();
    }

    /// Sum of one layer metric over all units.
    double sumOf(std::string_view metric) const
    {
        double sum = 0;
        for (const auto& entry : log.layerMetrics)
            sum += entry.name == metric ? entry.value.value_or(0) : 0;
        return sum;
    }

    const std::filesystem::path architectures = PARETOSCOPE_RESOURCES "/architectures";
    std::unique_ptr<engine::WarmModel> model;
    engine::ModelTensors tensors;
    engine::Calibration calibration;
    engine::TrialLog log;
    engine::RunTimeParts parts;
    SilentObserver observer;
    engine::ServiceHost services;
    engine::PluginHost host {{PARETOSCOPE_BUILD_TREE "/lib/paretoscope/plugins"}};

private:
    mutable std::map<std::pair<int, engine::HookPoint>, at::Tensor> m_routing; ///< of the model as it was

    static engine::Calibration calibrationOf(const std::filesystem::path& folder)
    {
        const core::Json golden = core::Json::parse(core::readTextFile(folder / "golden.json").value());
        engine::Calibration calibration;
        calibration.samples = golden.at("sequences").get<std::vector<std::vector<std::int32_t>>>();
        calibration.identity = {{"test", folder.string()}};
        return calibration;
    }
};

} // namespace paretoscope::tests
