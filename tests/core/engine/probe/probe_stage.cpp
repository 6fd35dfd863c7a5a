// SPDX-License-Identifier: Apache-2.0
// A small stage that knows nothing of the program but the headers in core/engine/plugin.
#include "core/engine/plugin/activation_samples.h"
#include "core/engine/plugin/gradients.h"
#include "core/engine/plugin/incremental_decoding.h"
#include "core/engine/plugin/plugin_api.h"
#include "core/engine/plugin/replay.h"

#include <cmath>

namespace {

using namespace paretoscope;
using namespace paretoscope::engine;

/// Keeps what it is given, rounded to `levels` steps per row (0: as it is), and only the last `window` tokens (0: all).
class ProbeStore : public KvStore
{
public:
    ProbeStore(const KvGeometry& geometry, double levels, std::int64_t window)
        : m_levels(levels)
        , m_window(window)
        , m_layers(geometry.layers.size())
    {}

    KvView write(int layer, const KvWrite& chunk) override
    {
        Layer& stored = m_layers[static_cast<std::size_t>(layer)];
        append(stored.key, rounded(chunk.key));
        append(stored.value, rounded(chunk.value));
        append(stored.positions, at::arange(chunk.firstPosition, chunk.firstPosition + chunk.key.size(0),
                                            chunk.key.options().dtype(at::kLong)));
        const std::int64_t dropped = m_window > 0 ? std::max<std::int64_t>(0, stored.key.size(0) - m_window) : 0;
        for (at::Tensor* tensor : {&stored.key, &stored.value, &stored.positions})
            *tensor = tensor->narrow(0, dropped, tensor->size(0) - dropped);
        return {stored.key, stored.value, stored.positions};
    }
    core::Bits storedBits(int layer) const override
    {
        const Layer& stored = m_layers[static_cast<std::size_t>(layer)];
        return {(stored.key.numel() + stored.value.numel()) * 32};
    }

private:
    struct Layer
    {
        at::Tensor key;
        at::Tensor value;
        at::Tensor positions;
    };
    static void append(at::Tensor& stored, const at::Tensor& rows)
    {
        stored = stored.defined() ? at::cat({stored, rows}) : rows;
    }
    at::Tensor rounded(const at::Tensor& x) const
    {
        if (m_levels == 0)
            return x;
        const at::Tensor step = x.abs().amax(-1, true).clamp_min(1e-12) / m_levels;
        return at::round(x / step) * step;
    }

    double m_levels;
    std::int64_t m_window;
    std::vector<Layer> m_layers;
};

at::Tensor signsLike(const at::Tensor& x)
{
    return ((at::arange(x.numel(), x.options().dtype(at::kLong)) * 7919 % 13) % 2 * 2 - 1)
        .to(at::kFloat)
        .view(x.sizes());
}

double innerProduct(const at::Tensor& a, const at::Tensor& b)
{
    return (a.to(at::kDouble) * b.to(at::kDouble)).sum().item<double>();
}

class ProbeStage : public Stage
{
public:
    explicit ProbeStage(std::string use)
        : m_use(std::move(use))
    {}

    core::Status validate(const ModelView&) const override { return core::success(); }

    core::Result<StagePlan> prepare(const ModelView& model) override
    {
        StagePlan plan;
        plan.scope = StageScope::Model;
        for (std::size_t i = 0; i < model.units.size(); ++i)
            plan.targets.push_back(i);
        if (m_use == "samples")
            plan.statistics = {{.id = "column_square_mean"}};
        plan.propagate = Propagate::Original;
        if (m_use == "hooks")
            plan.evaluationHooks = hooks();
        if (m_use.starts_with("kv_")) {
            const double levels = m_use == "kv_quantised" ? 3 : 0;
            const std::int64_t window = m_use == "kv_window" ? 4 : 0;
            plan.kvStore = [levels, window](const KvGeometry& geometry) {
                return std::make_unique<ProbeStore>(geometry, levels, window);
            };
        }
        return plan;
    }

    core::Status apply(StageTask& task) override
    {
        if (m_use == "gradients")
            return useGradients(task);
        if (m_use == "hessian")
            return useHessian(task);
        if (m_use == "replay")
            return useReplay(task);
        if (m_use == "samples")
            return useSamples(task);
        if (m_use == "decoding")
            return useDecoding(task);
        return core::success();
    }

private:
    /// All there are, each giving back what it is given, computed in another way.
    static Hooks hooks()
    {
        Hooks all;
        for (const HookPoint point :
             {HookPoint::BlockInput, HookPoint::AttentionInput, HookPoint::Query, HookPoint::Key, HookPoint::Value,
              HookPoint::KeyRead, HookPoint::ValueRead, HookPoint::AttentionProbabilities, HookPoint::AttentionOutput,
              HookPoint::MlpInput, HookPoint::MlpHidden, HookPoint::BlockOutput})
            all.push_back({point, [](const HookSite&, const at::Tensor& value) { return value * 2 / 2; }});
        return all;
    }

    /// A step against the gradient lowers the loss by the squared norm times the step.
    static core::Status useGradients(StageTask& task)
    {
        auto* service = task.services().service<Gradients>();
        const Unit& unit = *task.units()[9];
        const LossRequest request {service->calibrationSequences(), {}};
        at::Tensor gradient;
        PSC_ASSIGN(
            const double loss,
            service->gradients({unit.tensor}, request, [&](const std::string&, const at::Tensor& g) { gradient = g; }));
        const double step = 1e-3 / gradient.norm().item<double>();
        LossRequest moved = request;
        moved.replaced.emplace(unit.tensor, task.weight(unit) - gradient * step);
        PSC_ASSIGN(const double after, service->loss(moved));
        task.record(unit, "loss", loss);
        task.record(unit, "expected_drop", step * innerProduct(gradient, gradient));
        task.record(unit, "drop", loss - after);
        return core::success();
    }

    /// vᵀHv against differences of gradients.
    static core::Status useHessian(StageTask& task)
    {
        auto* service = task.services().service<Gradients>();
        const Unit& unit = *task.units()[4];
        const at::Tensor direction = signsLike(task.weight(unit));
        const LossRequest request {service->calibrationSequences(), {}};
        at::Tensor product;
        PSC_TRY(service->hessianVectorProduct({{unit.tensor, direction}}, request,
                                              [&](const std::string&, const at::Tensor& value) { product = value; }));
        double difference = 0;
        const double step = 1e-3;
        for (const double sign : {1.0, -1.0}) {
            LossRequest moved = request;
            moved.replaced.emplace(unit.tensor, task.weight(unit) + direction * (sign * step));
            PSC_TRY(service->gradients({unit.tensor}, moved, [&](const std::string&, const at::Tensor& value) {
                difference += sign * innerProduct(value, direction) / (2 * step);
            }));
        }
        task.record(unit, "curvature", innerProduct(product, direction));
        task.record(unit, "expected_curvature", difference);
        return core::success();
    }

    /// Training the down projection of one block to give what it gave before it was broken.
    static core::Status useReplay(StageTask& task)
    {
        auto* service = task.services().service<Replay>();
        PSC_ASSIGN(const std::unique_ptr<BlockReplay> block, service->open(1, ActivationSource::Current));
        const Unit& unit = *task.units()[13]; // the last of block 1
        PSC_ASSIGN(const std::vector<at::Tensor> targets, block->run({}));
        PSC_ASSIGN(const ReplayLoss own, block->loss({}, targets, {}));
        task.record(unit, "own_loss", own.value);
        PSC_ASSIGN(const int step, block->stepOf(unit.input));
        task.record(unit, "last_step", step);
        task.record(unit, "knows_others", block->stepOf("model.layers.0.mlp.down_proj.input").ok() ? 1 : 0);
        ReplayRequest request {.range = {block->steps() - 1, -1}, .weights = {}, .samples = {}};
        at::Tensor weight = task.weight(unit) * 0.5;
        for (const char* name : {"broken_loss", "trained_loss"}) {
            request.weights.insert_or_assign(unit.tensor, weight);
            PSC_ASSIGN(const ReplayLoss loss, block->loss(request, targets, {unit.tensor}));
            task.record(unit, name, loss.value);
            const at::Tensor& gradient = loss.gradients.find(unit.tensor)->second;
            // The loss is quadratic in this weight: an exact line search needs one more evaluation.
            ReplayRequest moved = request;
            moved.weights.insert_or_assign(unit.tensor, weight - gradient);
            PSC_ASSIGN(const ReplayLoss there, block->loss(moved, targets, {}));
            const double slope = innerProduct(gradient, gradient);
            weight = weight - gradient * (slope / (2 * (there.value - loss.value + slope)));
        }
        return core::success();
    }

    /// With room for every row, the rows give the statistic that the engine gathers.
    static core::Status useSamples(StageTask& task)
    {
        auto* service = task.services().service<ActivationSamples>();
        const Unit& unit = *task.units()[6];
        SampleRequest request;
        request.places = {{.input = unit.input, .block = unit.block}, {.input = {}, .block = unit.block, .point = HookPoint::MlpHidden}};
        request.budget = core::Bytes {1 << 26};
        PSC_ASSIGN(const std::vector<ActivationRows> all, service->sample(request));
        PSC_ASSIGN(const StatisticValue statistic, task.statistic(unit, "column_square_mean"));
        const at::Tensor mean = all[0].values.square().mean(0);
        task.record(unit, "difference", ((mean - statistic.value).abs().max() / mean.max()).item<double>());
        task.record(unit, "places_differ", at::equal(all[0].values, all[1].values) ? 0 : 1);
        task.record(unit, "all_rows", static_cast<double>(all[0].values.size(0)));
        request.budget = core::Bytes {10 * 2 * unit.inFeatures * 4};
        request.selection = SampleRequest::Selection::Random;
        PSC_ASSIGN(const std::vector<ActivationRows> some, service->sample(request));
        PSC_ASSIGN(const std::vector<ActivationRows> again, service->sample(request));
        task.record(unit, "some_rows", static_cast<double>(some[0].values.size(0)));
        task.record(unit, "repeats", at::equal(some[0].values, again[0].values) && some[0].row == again[0].row ? 1 : 0);
        return core::success();
    }

    /// A sequence token by token, with the default store and one of its own.
    static core::Status useDecoding(StageTask& task)
    {
        auto* service = task.services().service<IncrementalDecoding>();
        const Unit& unit = *task.units().front();
        std::vector<at::Tensor> logits;
        for (const bool isOwn : {false, true}) {
            KvStoreFactory make;
            if (isOwn)
                make = [](const KvGeometry& geometry) { return std::make_unique<ProbeStore>(geometry, 0, 0); };
            PSC_ASSIGN(const std::unique_ptr<DecodeSession> session, service->open(make));
            const int sequence = session->open();
            std::vector<at::Tensor> rows;
            for (const std::int32_t id : {5, 80, 3, 17}) {
                PSC_ASSIGN(const std::vector<at::Tensor> states, session->extend({{sequence, {id}}}));
                PSC_ASSIGN(at::Tensor row, session->logits(states.front()));
                rows.push_back(std::move(row));
            }
            logits.push_back(at::cat(rows));
            task.record(unit, isOwn ? "own_bits" : "dense_bits",
                        static_cast<double>(session->store(sequence).storedBits(0).value));
        }
        task.record(unit, "difference", (logits[0] - logits[1]).abs().max().item<double>());
        return core::success();
    }

    std::string m_use;
};

core::Result<std::unique_ptr<Stage>> makeProbe(const core::Json& parameters)
{
    return std::unique_ptr<Stage>(std::make_unique<ProbeStage>(parameters.at("use").get<std::string>()));
}

} // namespace

PSC_EXPORT_PLUGIN({.manifestSha256 = PARETOSCOPE_MANIFEST_SHA256, .makeStage = &makeProbe})
