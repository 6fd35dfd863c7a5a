// SPDX-License-Identifier: Apache-2.0
#include "core/engine/model/mlp_part.h"

#include "core/base/assert.h"
#include "core/engine/kernels/transformer.h"

#include <numeric>

namespace paretoscope::engine {

namespace {

using core::MlpForm;

/// The rows of the fused projection that are those of `up`.
std::vector<std::int64_t> upRows(const core::MlpSpec& spec)
{
    const std::int64_t width = spec.down.inFeatures;
    std::vector<std::int64_t> rows(static_cast<std::size_t>(width));
    std::iota(rows.begin(), rows.end(), spec.interleaved ? 0 : width);
    for (std::int64_t& row : rows)
        row = spec.interleaved ? 2 * row + 1 : row;
    return rows;
}

void foldUp(const core::MlpSpec& spec, std::size_t down, ViewBuilder& view)
{
    if (spec.clamped)
        return; // neither limits nor the added 1 let a factor pass
    if (spec.form == MlpForm::FusedGated)
        view.foldLinear(spec.gateUp, down, upRows(spec));
    else if (spec.form == MlpForm::Gated || spec.activation == core::Activation::Relu)
        view.foldLinear(spec.up, down); // of the plain activations a positive factor only passes through ReLU
}

at::Tensor gated(const at::Tensor& gate, const at::Tensor& up, const core::MlpSpec& spec)
{
    if (!spec.clamped)
        return activate(gate, spec.activation) * up;
    const at::Tensor limited = gate.clamp_max(spec.clamped->limit);
    const at::Tensor swish = limited * (limited * spec.clamped->gain).sigmoid();
    return (up.clamp(-spec.clamped->limit, spec.clamped->limit) + 1) * swish;
}

/// Step 0: gate and up; step 1: down.
class MlpPass : public PartPass
{
public:
    MlpPass(const core::MlpSpec& spec, at::Tensor input, const PassContext& context)
        : m_spec(spec)
        , m_context(context)
        , m_value(context.visit(HookPoint::MlpInput, std::move(input)))
    {}

    std::vector<StepInput> inputs() const override
    {
        if (m_step == 0)
            return {{inputName(firstLinear(m_spec)), m_value}};
        if (m_step == 1)
            return {{inputName(m_spec.down), m_value}};
        return {};
    }

    void advance(const TensorSource& tensors) override
    {
        PSC_ASSERT(m_step < 2, "a finished pass was advanced");
        if (m_step++ == 0)
            m_value = m_context.visit(HookPoint::MlpHidden, mlpHidden(m_value, m_spec, tensors));
        else
            m_value = applyLinear(m_value, m_spec.down, tensors);
    }

    at::Tensor output() const override { return m_value; }
    std::unique_ptr<PartPass> clone() const override { return std::make_unique<MlpPass>(*this); }

private:
    const core::MlpSpec& m_spec;
    const PassContext& m_context;
    int m_step = 0;
    at::Tensor m_value; ///< input of the current step, at last the output
};

class MlpPart : public BlockPart
{
public:
    explicit MlpPart(const core::MlpSpec& spec)
        : m_spec(spec)
    {}

    int steps() const override { return 2; }

    void describe(ViewBuilder& view, const std::optional<core::NormSpec>& norm) const override
    {
        view.foldNorm(norm, describeMlp(m_spec, "mlp", inputName(firstLinear(m_spec)), -1, view));
    }

    std::unique_ptr<PartPass> begin(at::Tensor input, const PassContext& context) const override
    {
        return std::make_unique<MlpPass>(m_spec, std::move(input), context);
    }

private:
    const core::MlpSpec& m_spec;
};

} // namespace

const core::LinearSpec& firstLinear(const core::MlpSpec& spec)
{
    switch (spec.form) {
    case MlpForm::Gated:
        return spec.gate;
    case MlpForm::FusedGated:
        return spec.gateUp;
    case MlpForm::Plain:
        break;
    }
    return spec.up;
}

at::Tensor mlpHidden(const at::Tensor& x, const core::MlpSpec& spec, const TensorSource& tensors)
{
    const at::Tensor first = applyLinear(x, firstLinear(spec), tensors);
    switch (spec.form) {
    case MlpForm::Gated:
        return gated(first, applyLinear(x, spec.up, tensors), spec);
    case MlpForm::FusedGated: {
        const std::int64_t width = spec.down.inFeatures;
        const at::Tensor both =
            first.unflatten(1, spec.interleaved ? at::IntArrayRef {width, 2} : at::IntArrayRef {2, width});
        const std::int64_t dimension = spec.interleaved ? 2 : 1;
        return gated(both.select(dimension, 0), both.select(dimension, 1), spec);
    }
    case MlpForm::Plain:
        break;
    }
    return activate(first, spec.activation);
}

std::vector<std::size_t> describeMlp(const core::MlpSpec& spec, const std::string& role, const std::string& input,
                                     int expert, ViewBuilder& view)
{
    std::vector<std::size_t> readers;
    if (spec.form == MlpForm::Gated)
        readers.push_back(view.addUnit(spec.gate, role + ".gate", input, expert));
    if (spec.form == MlpForm::FusedGated)
        readers.push_back(view.addUnit(spec.gateUp, role + ".gate_up", input, expert));
    else
        readers.push_back(view.addUnit(spec.up, role + ".up", input, expert));
    foldUp(spec, view.addUnit(spec.down, role + ".down", inputName(spec.down), expert), view);
    return readers;
}

std::unique_ptr<BlockPart> makeBlockPart(const core::MlpSpec& spec)
{
    return std::make_unique<MlpPart>(spec);
}

} // namespace paretoscope::engine
