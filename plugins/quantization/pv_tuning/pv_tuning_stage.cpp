// SPDX-License-Identifier: Apache-2.0
#include "core/engine/device/transfer.h"
#include "core/engine/parallel.h"
#include "core/engine/plugin/gradients.h"
#include "core/engine/plugin/plugin_api.h"
#include "core/engine/stage/unit_selection.h"
#include "plugins/quantization/pv_tuning/relative_adam.h"
#include "plugins/quantization/pv_tuning/tunable_weight.h"

#include <algorithm>
#include <cmath>

namespace {

using namespace paretoscope;
using pv_tuning::TunableWeight;
using Sequences = std::vector<std::vector<std::int32_t>>;

/// One weight that is tuned.
struct Tuned
{
    const engine::Unit* unit = nullptr;
    std::unique_ptr<TunableWeight> weight;
    at::Tensor values; ///< float32: of the weight as it is
    at::Tensor buffer; ///< float32: what the codes follow
    std::uint64_t seed = 0;
    pv_tuning::RelativeAdam bufferSteps {0, 0.95};
    std::int64_t moved = 0; ///< groups whose codes changed, over all steps
};

/// Tunes codes and values on the loss of the model (Malinovskii et al., NeurIPS 2024; specs quantization 10). The loss
/// is that of the calibration text itself; the published recipe takes the divergence from the original model's
/// predictions.
class PvTuningStage : public engine::Stage
{
public:
    explicit PvTuningStage(core::Json parameters)
        : m_parameters(std::move(parameters))
        , m_epochs(m_parameters.at("epochs").get<int>())
        , m_batch(m_parameters.at("batch_size").get<std::size_t>())
        , m_learningRate(m_parameters.at("learning_rate").get<double>())
        , m_codeLearningRate(m_parameters.at("code_learning_rate").get<double>())
        , m_decay(m_parameters.at("delta_decay").get<double>())
        , m_validationShare(m_parameters.at("validation_share").get<double>())
    {
        m_moves.share = m_parameters.at("max_code_change").get<double>();
        m_moves.beam = m_parameters.at("beam_size").get<std::int64_t>();
    }

    core::Status validate(const engine::ModelView& model) const override
    {
        PSC_TRY(engine::selectUnits(model, m_parameters));
        return core::success();
    }

    core::Result<engine::StagePlan> prepare(const engine::ModelView& model) override
    {
        engine::StagePlan plan;
        plan.scope = engine::StageScope::Model;
        PSC_ASSIGN(plan.targets, engine::selectUnits(model, m_parameters));
        return plan;
    }

    core::Status apply(engine::StageTask& task) override
    {
        auto* service = task.services().service<engine::Gradients>();
        const Sequences& all = service->calibrationSequences();
        if (all.size() < 2)
            return core::Error {core::ErrorCode::InvalidArgument,
                                "tuning needs two calibration sequences at least, one of them to see when to stop",
                                "raise the samples of the calibration set"};
        const auto held = std::clamp<std::size_t>(std::size_t(std::lround(m_validationShare * double(all.size()))), 1,
                                                  all.size() - 1);
        const Sequences validation(all.end() - std::ptrdiff_t(held), all.end());
        const Sequences training(all.begin(), all.end() - std::ptrdiff_t(held));
        PSC_ASSIGN(std::vector<Tuned> tuned, tunedWeights(task));
        PSC_ASSIGN(const double before, service->loss({validation, {}}));
        double least = before;
        std::vector<std::shared_ptr<const engine::CompressedTensor>> best(tuned.size());
        std::uint64_t steps = 0;
        for (int epoch = 0; epoch < m_epochs; ++epoch) {
            const core::Result<double> loss = passThrough(task, tuned, *service, training, validation, steps);
            if (!loss.ok() && loss.error().code == core::ErrorCode::Numerical) {
                task.warn(*tuned.front().unit, "tuning diverged in pass " + std::to_string(epoch + 1) +
                                                   "; the best model before it is kept: lower learning_rate");
                break;
            }
            PSC_ASSIGN(const double now, loss);
            if (now >= least)
                continue;
            least = now;
            std::transform(tuned.begin(), tuned.end(), best.begin(), [](const Tuned& t) { return t.weight->form(); });
        }
        for (std::size_t i = 0; i < tuned.size(); ++i) {
            if (best[i])
                task.replace(*tuned[i].unit, best[i]);
            task.record(*tuned[i].unit, "moved_groups_per_step",
                        double(tuned[i].moved) / double(std::max<std::uint64_t>(steps, 1)) /
                            double(tuned[i].weight->groups()));
        }
        task.record(*tuned.front().unit, "validation_loss_before", before);
        task.record(*tuned.front().unit, "validation_loss_after", least);
        return core::success();
    }

private:
    static core::Result<std::vector<Tuned>> tunedWeights(engine::StageTask& task)
    {
        std::vector<Tuned> tuned;
        for (const engine::Unit* unit : task.units()) {
            const auto form = task.form(*unit);
            if (!form)
                continue;
            PSC_ASSIGN(std::unique_ptr<TunableWeight> weight, TunableWeight::of(*form));
            if (!weight) {
                task.warn(*unit, "its form has no codes that can be tuned; left as it is");
                continue;
            }
            at::Tensor values = weight->dequantize();
            tuned.push_back({unit, std::move(weight), values, values, task.seed(*unit)});
        }
        if (tuned.empty())
            return core::Error {core::ErrorCode::InvalidArgument, "no layer has codes that can be tuned",
                                "put aqlm, rtn, gptq, awq or hqq before this stage, on the same layers"};
        return tuned;
    }

    static engine::NamedTensors valuesOf(const std::vector<Tuned>& tuned)
    {
        engine::NamedTensors values;
        for (const Tuned& one : tuned)
            values.emplace(one.unit->tensor, one.values);
        return values;
    }

    /// Weights in parallel: a step makes many small tensors of each, on which threads would wait for each other.
    template <typename Work>
    static void forEachWeight(std::vector<Tuned>& tuned, Work&& work)
    {
        engine::forEachSample(
            tuned.size(), [&](std::size_t i) { work(tuned[i]); }, engine::samplesAtOnce(tuned.front().values.device()));
    }

    /// One pass over the training sequences. @param steps counts on. @return the loss on the held-out ones
    core::Result<double> passThrough(const engine::StageTask& task, std::vector<Tuned>& tuned,
                                     engine::Gradients& service, const Sequences& training, const Sequences& validation,
                                     std::uint64_t& steps) const
    {
        for (std::size_t first = 0; first < training.size(); first += m_batch) {
            if (task.isCancelled())
                return core::Error {core::ErrorCode::Cancelled, "cancelled", "run the same sweep again to go on"};
            const auto begin = training.begin() + std::ptrdiff_t(first);
            const auto end = training.begin() + std::ptrdiff_t(std::min(first + m_batch, training.size()));
            PSC_TRY(takeStep(tuned, service, {begin, end}, steps++));
        }
        return service.loss({validation, valuesOf(tuned)});
    }

    core::Status takeStep(std::vector<Tuned>& tuned, engine::Gradients& service, Sequences batch,
                          std::uint64_t step) const
    {
        std::vector<std::string> names;
        for (const Tuned& one : tuned)
            names.push_back(one.unit->tensor);
        engine::NamedTensors gradients;
        PSC_TRY(service.gradients(
            names, {std::move(batch), valuesOf(tuned)},
            [&](const std::string& name, const at::Tensor& value) { gradients.insert_or_assign(name, value); }));
        forEachWeight(tuned, [&](Tuned& one) {
            const at::Tensor& gradient = gradients.find(one.unit->tensor)->second;
            one.buffer = at::lerp(one.buffer, one.values, m_decay);
            one.buffer.add_(one.bufferSteps.step(one.buffer, gradient, m_codeLearningRate));
            one.weight->moveValues(gradient, m_learningRate);
            if (m_moves.share > 0)
                one.moved += one.weight->moveCodes(one.buffer, {m_moves.share, m_moves.beam, one.seed + step});
            one.values = one.weight->dequantize();
        });
        return core::success();
    }

    core::Json m_parameters;
    int m_epochs;
    std::size_t m_batch;
    double m_learningRate;
    double m_codeLearningRate;
    double m_decay;
    double m_validationShare;
    pv_tuning::CodeMoves m_moves;
};

core::Result<std::unique_ptr<engine::Stage>> makePvTuning(const core::Json& parameters)
{
    return std::unique_ptr<engine::Stage>(std::make_unique<PvTuningStage>(parameters));
}

} // namespace

PSC_EXPORT_PLUGIN({.manifestSha256 = PARETOSCOPE_MANIFEST_SHA256, .makeStage = &makePvTuning})
