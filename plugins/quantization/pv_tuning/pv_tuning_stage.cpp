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

/// Sequences [first, end) of those that `all` is the loss of.
engine::LossRequest partOf(const engine::LossRequest& all, std::size_t first, std::size_t end)
{
    const auto part = [&](const auto& list) {
        const auto begin = list.begin() + std::ptrdiff_t(first);
        return std::vector(begin, begin + std::ptrdiff_t(end - first));
    };
    return {part(all.sequences), {}, all.originalStates.empty() ? all.originalStates : part(all.originalStates)};
}

/// Tunes codes and values on the loss of the model (Malinovskii et al., NeurIPS 2024; specs quantization 10).
class PvTuningStage : public engine::Stage
{
public:
    explicit PvTuningStage(core::Json parameters)
        : m_parameters(std::move(parameters))
        , m_isTaught(m_parameters.at("loss") == "kl_divergence")
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
        engine::LossRequest all {service->calibrationSequences(), {}};
        const std::size_t count = all.sequences.size();
        if (count < 2)
            return core::Error {core::ErrorCode::InvalidArgument,
                                "tuning needs two calibration sequences at least, one of them to see when to stop",
                                "raise the samples of the calibration set"};
        PSC_ASSIGN(std::vector<Tuned> tuned, tunedWeights(task));
        if (m_isTaught) {
            PSC_ASSIGN(all.originalStates, service->originalStates(all.sequences));
        }
        const auto held =
            std::clamp<std::size_t>(std::size_t(std::lround(m_validationShare * double(count))), 1, count - 1);
        const engine::LossRequest training = partOf(all, 0, count - held);
        const engine::LossRequest validation = partOf(all, count - held, count);
        PSC_ASSIGN(const double before, service->loss(validation));
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
                                     engine::Gradients& service, const engine::LossRequest& training,
                                     engine::LossRequest validation, std::uint64_t& steps) const
    {
        const std::size_t count = training.sequences.size();
        for (std::size_t first = 0; first < count; first += m_batch) {
            if (task.isCancelled())
                return core::Error {core::ErrorCode::Cancelled, "cancelled", "run the same sweep again to go on"};
            PSC_TRY(takeStep(tuned, service, partOf(training, first, std::min(first + m_batch, count)), steps++));
        }
        validation.replaced = valuesOf(tuned);
        return service.loss(validation);
    }

    core::Status takeStep(std::vector<Tuned>& tuned, engine::Gradients& service, engine::LossRequest batch,
                          std::uint64_t step) const
    {
        batch.replaced = valuesOf(tuned);
        std::vector<std::string> names;
        for (const Tuned& one : tuned)
            names.push_back(one.unit->tensor);
        engine::NamedTensors gradients;
        PSC_TRY(service.gradients(names, batch, [&](const std::string& name, const at::Tensor& value) {
            gradients.insert_or_assign(name, value);
        }));
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
    bool m_isTaught; ///< the loss is the divergence from the uncompressed model
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
