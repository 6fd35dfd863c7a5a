// SPDX-License-Identifier: Apache-2.0
#include "core/base/assert.h"
#include "core/engine/kernels/transformer.h"
#include "core/engine/model/block_part.h"

#include <numeric>

namespace paretoscope::engine {

namespace {

using core::MlpForm;

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
            m_value = m_context.visit(HookPoint::MlpHidden, widened(tensors));
        else
            m_value = applyLinear(m_value, m_spec.down, tensors);
    }

    at::Tensor output() const override { return m_value; }

private:
    at::Tensor widened(const TensorSource& tensors) const
    {
        const at::Tensor first = applyLinear(m_value, firstLinear(m_spec), tensors);
        switch (m_spec.form) {
        case MlpForm::Gated:
            return activate(first, m_spec.activation) * applyLinear(m_value, m_spec.up, tensors);
        case MlpForm::FusedGated: {
            const std::int64_t width = m_spec.down.inFeatures;
            return activate(first.narrow(1, 0, width), m_spec.activation) * first.narrow(1, width, width);
        }
        case MlpForm::Plain:
            break;
        }
        return activate(first, m_spec.activation);
    }

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
        const std::string input = inputName(firstLinear(m_spec));
        std::vector<std::size_t> readers;
        if (m_spec.form == MlpForm::Gated)
            readers.push_back(view.addUnit(m_spec.gate, "mlp.gate", input));
        if (m_spec.form == MlpForm::FusedGated)
            readers.push_back(view.addUnit(m_spec.gateUp, "mlp.gate_up", input));
        else
            readers.push_back(view.addUnit(m_spec.up, "mlp.up", input));
        const std::size_t down = view.addUnit(m_spec.down, "mlp.down", inputName(m_spec.down));
        view.foldNorm(norm, readers);
        foldUp(view, down);
    }

    std::unique_ptr<PartPass> begin(at::Tensor input, const PassContext& context) const override
    {
        return std::make_unique<MlpPass>(m_spec, std::move(input), context);
    }

private:
    void foldUp(ViewBuilder& view, std::size_t down) const
    {
        if (m_spec.form == MlpForm::FusedGated) {
            std::vector<std::int64_t> upRows(static_cast<std::size_t>(m_spec.down.inFeatures));
            std::iota(upRows.begin(), upRows.end(), m_spec.down.inFeatures);
            view.foldLinear(m_spec.gateUp, down, std::move(upRows));
        } else if (m_spec.form == MlpForm::Gated || m_spec.activation == core::Activation::Relu) {
            // Of the plain activations a positive factor only passes through ReLU.
            view.foldLinear(m_spec.up, down);
        }
    }

    const core::MlpSpec& m_spec;
};

} // namespace

std::unique_ptr<BlockPart> makeBlockPart(const core::MlpSpec& spec)
{
    return std::make_unique<MlpPart>(spec);
}

} // namespace paretoscope::engine
