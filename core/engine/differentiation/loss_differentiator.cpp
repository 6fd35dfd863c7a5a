// SPDX-License-Identifier: Apache-2.0
#include "core/engine/differentiation/loss_differentiator.h"

#include "core/engine/device/transfer.h"
#include "core/engine/kernels/divergence.h"
#include "core/engine/kernels/transformer.h"
#include "core/engine/parallel.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace paretoscope::engine {

namespace {

/// Rows of logits made at once.
constexpr std::int64_t kLogitRows = 128;

std::size_t tokensOf(const LossRequest& request)
{
    std::size_t tokens = 0;
    for (const auto& sequence : request.sequences)
        tokens += sequence.size() - 1;
    return tokens;
}

/// a + b, where undefined is zero.
at::Tensor plus(const at::Tensor& a, const at::Tensor& b)
{
    return a.defined() && b.defined() ? a + b : a.defined() ? a : b;
}

} // namespace

LossDifferentiator::LossDifferentiator(const DifferentiationContext& context, Derivative kind,
                                       const LossRequest& request, std::vector<std::string> names,
                                       const NamedTensors& directions, const GradientVisitor& visit)
    : m_context(context)
    , m_kind(kind)
    , m_request(request)
    , m_names(std::move(names))
    , m_directions(directions)
    , m_sums(kind == Derivative::Squared ? 1.0 / double(std::max<std::size_t>(1, request.sequences.size())) : 1.0,
             visit)
{}

core::Result<double> LossDifferentiator::run()
{
    // What this gives to others, and keeps between its own threads, may take part in graphs.
    const RecordableScope recordableSums;
    PSC_TRY(check());
    PSC_TRY(forward());
    PSC_TRY(head());
    PSC_TRY(back());
    const double sum = std::accumulate(m_losses.begin(), m_losses.end(), 0.0);
    return m_kind == Derivative::Squared ? sum / double(samples()) : sum;
}

core::Status LossDifferentiator::check()
{
    PSC_TRY(checkSequences());
    return checkNames();
}

core::Status LossDifferentiator::checkSequences() const
{
    if (m_request.sequences.empty())
        return core::Error {core::ErrorCode::InvalidArgument, "the loss of no sequence was asked for",
                            "add `calibration: {corpus: FILE}` to the workload"};
    const std::vector<at::Tensor>& original = m_request.originalStates;
    if (!original.empty() && original.size() != samples())
        return core::Error {core::ErrorCode::InvalidArgument,
                            "the loss of " + std::to_string(samples()) + " sequences was asked for, with states of " +
                                std::to_string(original.size()),
                            "give what originalStates() made of these sequences"};
    for (std::size_t i = 0; i < samples(); ++i) {
        if (!original.empty() && original[i].size(0) != static_cast<std::int64_t>(m_request.sequences[i].size()))
            return core::Error {core::ErrorCode::InvalidArgument,
                                "the states of sequence " + std::to_string(i) + " are of another one",
                                "give what originalStates() made of these sequences"};
        if (m_request.sequences[i].size() < 2)
            return core::Error {core::ErrorCode::InvalidArgument,
                                "sequence " + std::to_string(i) + " has less than two tokens, so nothing to predict",
                                "use longer sequences"};
        PSC_TRY(m_context.model.requireKnownIds(m_request.sequences[i]));
    }
    return core::success();
}

core::Status LossDifferentiator::checkNames()
{
    const auto expectAll = [&](const std::vector<std::string>& read) {
        bool any = false;
        for (const std::string& name : m_names) {
            if (std::find(read.begin(), read.end(), name) == read.end())
                continue;
            m_sums.expect(name);
            any = true;
        }
        return any;
    };
    m_needsEntry = expectAll(m_context.model.entryTensors());
    m_firstBlock = blocks();
    for (int block = blocks() - 1; block >= 0; --block) {
        if (expectAll(m_context.model.blockTensors(block)) || (block == 0 && m_needsEntry))
            m_firstBlock = block;
    }
    expectAll(m_context.model.headTensors());
    for (const std::string& name : m_names) {
        if (m_sums.users(name) == 0)
            return core::Error {core::ErrorCode::InvalidArgument, "the forward pass reads no tensor " + name,
                                "`paretoscope inspect` lists the tensors of the model"};
        if (m_kind == Derivative::Squared && m_sums.users(name) > 1)
            return core::Error {core::ErrorCode::Unsupported,
                                name + " is used twice; squared gradients of tied tensors are not offered",
                                "leave it out"};
    }
    return core::success();
}

core::Result<LossDifferentiator::Loaded> LossDifferentiator::load(const std::vector<std::string>& read) const
{
    PSC_ASSIGN(LoadedTensors tensors, LoadedTensors::load(m_context.tensors, read));
    Loaded loaded {std::move(tensors), {}, {}};
    for (const std::string& name : read) {
        const auto replaced = m_request.replaced.find(name);
        const at::Tensor value = replaced == m_request.replaced.end() ? loaded.tensors.tensor(name) : replaced->second;
        const at::Tensor there = toDevice(value, m_context.tensors.device());
        loaded.tensors.set(name, m_kind == Derivative::None ? there : recordable(there));
    }
    for (const std::string& name : m_names) {
        if (std::find(read.begin(), read.end(), name) == read.end())
            continue;
        loaded.names.push_back(name);
        if (m_kind == Derivative::Second)
            loaded.directions.push_back(
                recordable(toDevice(m_directions.find(name)->second, m_context.tensors.device())));
    }
    return loaded;
}

template <typename Work>
void LossDifferentiator::forAll(const Loaded& loaded, Work&& work)
{
    m_sums.addAll(loaded.names, samples(), m_kind == Derivative::Squared, std::forward<Work>(work),
                  samplesAtOnce(m_context.tensors.device()));
}

void LossDifferentiator::finish(const Loaded& loaded)
{
    for (const std::string& name : loaded.names)
        m_sums.finish(name, loaded.tensors.tensor(name));
}

at::Tensor LossDifferentiator::passBlock(int block, std::size_t sample, const at::Tensor& input,
                                         const TensorSource& tensors) const
{
    const PassPlace place {
        .block = block, .sample = static_cast<int>(sample), .explicitAttention = m_kind == Derivative::Second};
    const auto pass = m_context.model.begin(place, input, tensors, m_context.hooks);
    while (!pass->inputs().empty())
        pass->advance(tensors);
    return pass->output();
}

LossDifferentiator::State LossDifferentiator::enter(std::size_t sample, const Loaded& loaded) const
{
    const auto function = [&](const at::Tensor&, const TensorSource& tensors) {
        return m_context.model.enter(m_request.sequences[sample], tensors, 0);
    };
    if (loaded.directions.empty())
        return {function({}, loaded.tensors), {}};
    const SegmentTangent entered = pushForward({function, loaded.tensors, loaded.names, {}}, {}, loaded.directions);
    return {entered.output, entered.tangent};
}

LossDifferentiator::State LossDifferentiator::passForward(int block, std::size_t sample, const Loaded& loaded) const
{
    const State& state = m_states[sample];
    const auto function = [&](const at::Tensor& input, const TensorSource& tensors) {
        return passBlock(block, sample, input, tensors);
    };
    if (loaded.directions.empty() && !state.tangent.defined())
        return {function(state.value, loaded.tensors), {}};
    const SegmentTangent passed =
        pushForward({function, loaded.tensors, loaded.names, state.value}, state.tangent, loaded.directions);
    return {passed.output, passed.tangent};
}

core::Status LossDifferentiator::forward()
{
    m_states.resize(samples());
    m_inputs.resize(static_cast<std::size_t>(blocks() - m_firstBlock));
    {
        PSC_ASSIGN(const Loaded loaded, load(m_context.model.entryTensors()));
        forEachSample(
            samples(),
            [&](std::size_t i) {
                const RecordableScope recordable;
                m_states[i] = enter(i, loaded);
            },
            samplesAtOnce(m_context.tensors.device()));
    }
    for (int block = 0; block < blocks(); ++block) {
        PSC_TRY(checkCancelled());
        if (block >= m_firstBlock && m_kind != Derivative::None)
            m_inputs[static_cast<std::size_t>(block - m_firstBlock)] = m_states;
        PSC_ASSIGN(const Loaded loaded, load(m_context.model.blockTensors(block)));
        forEachSample(
            samples(),
            [&](std::size_t i) {
                const RecordableScope recordable;
                m_states[i] = passForward(block, i, loaded);
            },
            samplesAtOnce(m_context.tensors.device()));
    }
    return core::success();
}

double LossDifferentiator::lossScale(std::size_t sample) const
{
    return 1.0 / double(m_kind == Derivative::Squared ? m_request.sequences[sample].size() - 1 : tokensOf(m_request));
}

at::Tensor LossDifferentiator::losses(std::size_t sample, std::int64_t first, const at::Tensor& logits,
                                      const at::Tensor& targets) const
{
    if (!m_original)
        return negativeLogLikelihood(logits, targets.narrow(0, first, logits.size(0)));
    const at::Tensor states = m_request.originalStates[sample].narrow(0, first, logits.size(0));
    return divergences(m_context.model.logits(toDevice(states, logits.device()), *m_original), logits);
}

std::vector<at::Tensor> LossDifferentiator::headOf(std::size_t sample, const Loaded& loaded)
{
    const std::vector<std::int32_t>& ids = m_request.sequences[sample];
    const auto rows = static_cast<std::int64_t>(ids.size()) - 1;
    const State state = std::exchange(m_states[sample], {});
    const at::Tensor targets = toDevice(
        at::tensor(at::ArrayRef<std::int32_t>(ids.data() + 1, static_cast<std::size_t>(rows)), at::kInt).to(at::kLong),
        state.value.device());
    const double scale = lossScale(sample);
    std::vector<at::Tensor> sums(loaded.names.size());
    std::vector<at::Tensor> adjoints;
    std::vector<at::Tensor> tangents;
    for (std::int64_t first = 0; first < rows; first += kLogitRows) {
        const std::int64_t count = std::min(kLogitRows, rows - first);
        const auto function = [&](const at::Tensor& input, const TensorSource& tensors) {
            return losses(sample, first, m_context.model.logits(input, tensors), targets).sum() * scale;
        };
        const at::Tensor input = state.value.narrow(0, first, count);
        if (m_kind == Derivative::None) {
            m_losses[sample] += function(input, loaded.tensors).item<double>();
            continue;
        }
        const at::Tensor tangent = state.tangent.defined() ? state.tangent.narrow(0, first, count) : at::Tensor();
        const Segment segment {function, loaded.tensors, loaded.names, input, m_firstBlock < blocks() || m_needsEntry};
        const at::Tensor one = at::ones({}, state.value.options().dtype(at::kDouble));
        const SegmentGradient gradient = m_kind == Derivative::Second
                                             ? pullBackTwice(segment, tangent, loaded.directions, one, {})
                                             : pullBack(segment, one);
        m_losses[sample] += gradient.output.item<double>();
        for (std::size_t i = 0; i < sums.size(); ++i)
            sums[i] = plus(sums[i], gradient.tensors[i]);
        adjoints.push_back(gradient.input);
        tangents.push_back(gradient.inputTangent);
    }
    if (m_kind == Derivative::None || m_firstBlock == blocks())
        return sums;
    // The last row predicts nothing.
    const at::Tensor nothing = at::zeros({1, state.value.size(1)}, state.value.options());
    const auto joined = [&](std::vector<at::Tensor>& parts) {
        if (!parts.front().defined())
            return at::Tensor();
        parts.push_back(nothing);
        return at::cat(parts);
    };
    m_adjoints[sample] = {joined(adjoints), joined(tangents)};
    return sums;
}

core::Status LossDifferentiator::head()
{
    m_losses.assign(samples(), 0.0);
    m_adjoints.resize(samples());
    PSC_ASSIGN(const Loaded loaded, load(m_context.model.headTensors()));
    if (!m_request.originalStates.empty()) {
        PSC_ASSIGN(m_original, LoadedTensors::loadOriginal(m_context.tensors, m_context.model.headTensors()));
    }
    forAll(loaded, [&](std::size_t sample) { return headOf(sample, loaded); });
    for (std::size_t i = 0; i < samples(); ++i) {
        if (!std::isfinite(m_losses[i]))
            return core::Error {core::ErrorCode::Numerical,
                                "the loss of sequence " + std::to_string(i) + " is not finite",
                                "an earlier stage broke the model: use more bits or less sparsity before this stage"};
    }
    finish(loaded);
    return core::success();
}

std::vector<at::Tensor> LossDifferentiator::backThrough(int block, std::size_t sample, const Loaded& loaded)
{
    const State input = std::exchange(m_inputs[static_cast<std::size_t>(block - m_firstBlock)][sample], {});
    const State adjoint = std::exchange(m_adjoints[sample], {});
    const auto function = [&](const at::Tensor& value, const TensorSource& tensors) {
        return passBlock(block, sample, value, tensors);
    };
    const Segment segment {function, loaded.tensors, loaded.names, input.value, block > m_firstBlock || m_needsEntry};
    SegmentGradient gradient = m_kind == Derivative::Second ? pullBackTwice(segment, input.tangent, loaded.directions,
                                                                            adjoint.value, adjoint.tangent)
                                                            : pullBack(segment, adjoint.value);
    m_adjoints[sample] = {gradient.input, gradient.inputTangent};
    return std::move(gradient.tensors);
}

core::Status LossDifferentiator::back()
{
    if (m_kind == Derivative::None)
        return core::success();
    for (int block = blocks() - 1; block >= m_firstBlock; --block) {
        PSC_TRY(checkCancelled());
        PSC_ASSIGN(const Loaded loaded, load(m_context.model.blockTensors(block)));
        forAll(loaded, [&](std::size_t sample) { return backThrough(block, sample, loaded); });
        finish(loaded);
    }
    return m_needsEntry ? entry() : core::success();
}

core::Status LossDifferentiator::entry()
{
    PSC_ASSIGN(const Loaded loaded, load(m_context.model.entryTensors()));
    forAll(loaded, [&](std::size_t sample) {
        const State& adjoint = m_adjoints[sample];
        const auto function = [&](const at::Tensor&, const TensorSource& tensors) {
            return m_context.model.enter(m_request.sequences[sample], tensors, 0);
        };
        const Segment segment {function, loaded.tensors, loaded.names, {}};
        return m_kind == Derivative::Second
                   ? pullBackTwice(segment, {}, loaded.directions, adjoint.value, adjoint.tangent).tensors
                   : pullBack(segment, adjoint.value).tensors;
    });
    finish(loaded);
    return core::success();
}

core::Status LossDifferentiator::checkCancelled() const
{
    if (m_context.observer.isCancelled())
        return core::Error {core::ErrorCode::Cancelled, "cancelled", "run the same sweep again to go on"};
    return core::success();
}

} // namespace paretoscope::engine
