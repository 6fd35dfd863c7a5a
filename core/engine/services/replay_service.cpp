// SPDX-License-Identifier: Apache-2.0
#include "core/engine/services/replay_service.h"

#include "core/base/assert.h"
#include "core/engine/device/transfer.h"
#include "core/engine/differentiation/differentiable.h"
#include "core/engine/differentiation/gradient_sums.h"
#include "core/engine/foreign_exception.h"
#include "core/engine/parallel.h"

#include <torch/csrc/autograd/autograd.h>

#include <cmath>
#include <numeric>
#include <set>
#include <utility>

namespace paretoscope::engine {

namespace {

/// The tensors of a block, and others in place of some.
class SubstitutedTensors : public TensorSource
{
public:
    SubstitutedTensors(const NamedTensors& own, const NamedTensors& others)
        : m_own(own)
        , m_others(others)
    {}
    at::Tensor tensor(std::string_view name) const override
    {
        if (const auto other = m_others.find(name); other != m_others.end())
            return other->second;
        const auto found = m_own.find(name);
        PSC_ASSERT(found != m_own.end(), "a pass reads a tensor that its block does not list");
        return found->second;
    }

private:
    const NamedTensors& m_own;
    const NamedTensors& m_others;
};

NamedTensors recordable(const NamedTensors& tensors)
{
    NamedTensors result;
    for (const auto& [name, value] : tensors)
        result.emplace(name, engine::recordable(value));
    return result;
}

class BlockReplayRun : public BlockReplay
{
public:
    BlockReplayRun(const CompressibleModel& model, const Hooks& hooks, int block, std::vector<at::Tensor> inputs,
                   NamedTensors weights)
        : m_model(model)
        , m_hooks(hooks)
        , m_block(block)
        , m_inputs(std::move(inputs))
        , m_weights(std::move(weights))
    {}

    int steps() const override { return m_model.steps(m_block); }
    int samples() const override { return static_cast<int>(m_inputs.size()); }
    const NamedTensors& weights() const override { return m_weights; }
    core::Result<std::vector<at::Tensor>> run(const ReplayRequest& request) override;
    core::Result<ReplayLoss> loss(const ReplayRequest& request, const std::vector<at::Tensor>& targets,
                                  const std::vector<std::string>& differentiate) override;
    core::Result<int> stepOf(std::string_view input) override;

private:
    struct Plan
    {
        int firstStep = 0;
        int endStep = 0;
        std::vector<std::size_t> samples;
    };
    core::Result<Plan> planOf(const ReplayRequest& request);
    void advanceTo(int step, const std::vector<std::size_t>& samples);
    std::unique_ptr<BlockPass> beginPass(std::size_t sample, const TensorSource& tensors) const
    {
        return m_model.begin(m_block, static_cast<int>(sample), m_inputs[sample], tensors, m_hooks);
    }
    at::Tensor runSample(const Plan& plan, std::size_t sample, const TensorSource& tensors) const;
    std::size_t atOnce() const
    {
        return samplesAtOnce(m_inputs.empty() ? at::Device(at::kCPU) : m_inputs.front().device());
    }

    const CompressibleModel& m_model;
    const Hooks m_hooks; ///< as they were when the replay was opened
    const int m_block;
    const std::vector<at::Tensor> m_inputs;
    const NamedTensors m_weights;
    struct Prefix
    {
        int step = 0; ///< to which the pass has come; 0: there is none
        std::unique_ptr<BlockPass> pass;
    };
    std::vector<Prefix> m_prefixes =
        std::vector<Prefix>(m_inputs.size()); ///< per sequence, with the block's own weights
};

core::Error invalid(const std::string& what, const std::string& hint)
{
    return {core::ErrorCode::InvalidArgument, what, hint};
}

core::Result<BlockReplayRun::Plan> BlockReplayRun::planOf(const ReplayRequest& request)
{
    Plan plan {request.range.firstStep, request.range.endStep < 0 ? steps() : request.range.endStep, {}};
    if (plan.firstStep < 0 || plan.endStep > steps() || plan.firstStep > plan.endStep)
        return invalid("block " + std::to_string(m_block) + " has no steps from " + std::to_string(plan.firstStep) +
                           " to " + std::to_string(plan.endStep),
                       "its steps are counted from 0 to " + std::to_string(steps()));
    for (const auto& [name, value] : request.weights) {
        const auto own = m_weights.find(name);
        if (own == m_weights.end() || own->second.sizes() != value.sizes())
            return invalid(name + " cannot be substituted in block " + std::to_string(m_block),
                           "name a tensor of this block and keep its shape");
    }
    if (request.samples.empty()) {
        plan.samples.resize(m_inputs.size());
        std::iota(plan.samples.begin(), plan.samples.end(), std::size_t(0));
    }
    for (const int sample : request.samples) {
        if (sample < 0 || sample >= samples())
            return invalid("there is no calibration sequence " + std::to_string(sample),
                           "sequences are counted from 0 to " + std::to_string(samples() - 1));
        plan.samples.push_back(static_cast<std::size_t>(sample));
    }
    advanceTo(plan.firstStep, plan.samples);
    return plan;
}

/// Ranges with one beginning come in a row (a grid search), so one prefix is kept of every sequence that takes part.
void BlockReplayRun::advanceTo(int step, const std::vector<std::size_t>& samples)
{
    if (step == 0)
        return;
    const NamedTensors none;
    const SubstitutedTensors own(m_weights, none);
    const std::set<std::size_t> distinct(samples.begin(), samples.end());
    const std::vector<std::size_t> each(distinct.begin(), distinct.end());
    forEachSample(
        each.size(),
        [&](std::size_t i) {
            const RecordableScope recordableStates;
            Prefix prefix = std::exchange(m_prefixes[each[i]], {}); // there is none, should a pass fail
            if (!prefix.pass || prefix.step > step)
                prefix = {0, beginPass(each[i], own)};
            for (; prefix.step < step; ++prefix.step)
                prefix.pass->advance(own);
            m_prefixes[each[i]] = std::move(prefix);
        },
        atOnce());
}

at::Tensor BlockReplayRun::runSample(const Plan& plan, std::size_t sample, const TensorSource& tensors) const
{
    const auto pass = plan.firstStep == 0 ? beginPass(sample, tensors) : m_prefixes[sample].pass->clone();
    for (int step = plan.firstStep; step < plan.endStep; ++step)
        pass->advance(tensors);
    const std::vector<StepInput> inputs = pass->inputs();
    return inputs.empty() ? pass->output() : inputs.front().value;
}

core::Result<std::vector<at::Tensor>> BlockReplayRun::run(const ReplayRequest& request)
{
    return guarded("replaying a block", [&]() -> core::Result<std::vector<at::Tensor>> {
        PSC_ASSIGN(const Plan plan, planOf(request));
        const SubstitutedTensors tensors(m_weights, request.weights);
        std::vector<at::Tensor> results(plan.samples.size());
        forEachSample(
            results.size(),
            [&](std::size_t i) {
                const RecordableScope recordableStates;
                results[i] = runSample(plan, plan.samples[i], tensors);
            },
            atOnce());
        return results;
    });
}

core::Result<ReplayLoss> BlockReplayRun::loss(const ReplayRequest& request, const std::vector<at::Tensor>& targets,
                                              const std::vector<std::string>& differentiate)
{
    return guarded("replaying a block", [&]() -> core::Result<ReplayLoss> {
        const RecordableScope recordableSums;
        PSC_ASSIGN(const Plan plan, planOf(request));
        PSC_ASSERT(targets.size() == plan.samples.size(), "a replay needs one target per sample");
        for (const std::string& name : differentiate) {
            if (!m_weights.contains(name))
                return invalid(name + " is no tensor of block " + std::to_string(m_block),
                               "name tensors that this block reads");
        }
        double elements = 0;
        for (const at::Tensor& target : targets)
            elements += double(target.numel());
        const NamedTensors others = recordable(request.weights);
        const SubstitutedTensors tensors(m_weights, others);
        ReplayLoss result;
        const GradientVisitor keep = [&](const std::string& name, const at::Tensor& value) {
            result.gradients.insert_or_assign(name, value);
        };
        GradientSums sums(1.0, keep);
        std::vector<double> losses(targets.size());
        const auto differentiateSample = [&](std::size_t i) {
            DifferentiableTensors source(tensors);
            std::vector<at::Tensor> leaves;
            std::vector<at::Tensor> gradients(differentiate.size());
            const RecordingScope recording;
            for (const std::string& name : differentiate)
                leaves.push_back(source.addLeaf(name));
            const at::AutoGradMode mode(!leaves.empty());
            const at::Tensor difference = runSample(plan, plan.samples[i], source) - engine::recordable(targets[i]);
            const at::Tensor sample = difference.square().sum(at::kDouble) / elements;
            losses[i] = sample.item<double>();
            if (sample.requires_grad())
                gradients = torch::autograd::grad({sample}, leaves, {}, std::nullopt, false, true);
            return gradients;
        };
        sums.addAll(differentiate, targets.size(), false, differentiateSample, atOnce());
        result.value = std::accumulate(losses.begin(), losses.end(), 0.0);
        if (!std::isfinite(result.value))
            return core::Error {core::ErrorCode::Numerical,
                                "the output of block " + std::to_string(m_block) + " is not finite",
                                "an earlier stage broke the model, or these weights overflow"};
        for (const std::string& name : differentiate) {
            sums.expect(name);
            sums.finish(name, m_weights.find(name)->second);
        }
        return result;
    });
}

core::Result<int> BlockReplayRun::stepOf(std::string_view input)
{
    return guarded("replaying a block", [&]() -> core::Result<int> {
        const RecordableScope recordableStates;
        const NamedTensors none;
        const SubstitutedTensors own(m_weights, none);
        const auto pass = beginPass(0, own);
        for (int step = 0; !pass->inputs().empty(); ++step) {
            for (const StepInput& known : pass->inputs()) {
                if (known.name == input)
                    return step;
            }
            pass->advance(own);
        }
        return core::Error {core::ErrorCode::NotFound,
                            "no layer of block " + std::to_string(m_block) + " reads " + std::string(input),
                            "use the `input` of a unit of this block"};
    });
}

} // namespace

core::Result<std::unique_ptr<BlockReplay>> ReplayService::open(int block, ActivationSource source)
{
    return guarded("preparing a replay", [&]() -> core::Result<std::unique_ptr<BlockReplay>> {
        BlockInputs& inputs = source == ActivationSource::Original ? m_original : m_current;
        PSC_ASSIGN(std::vector<at::Tensor> states, inputs.at(block));
        const RecordableScope recordableWeights;
        const std::vector<std::string> names = m_context.model.blockTensors(block);
        PSC_ASSIGN(const LoadedTensors tensors, LoadedTensors::load(m_context.tensors, names));
        NamedTensors weights;
        for (const std::string& name : names)
            weights.emplace(name, engine::recordable(tensors.tensor(name)));
        return std::unique_ptr<BlockReplay>(std::make_unique<BlockReplayRun>(m_context.model, inputs.hooks(), block,
                                                                             std::move(states), std::move(weights)));
    });
}

} // namespace paretoscope::engine
