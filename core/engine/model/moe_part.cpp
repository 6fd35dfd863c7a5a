// SPDX-License-Identifier: Apache-2.0
#include "core/engine/model/moe_part.h"

#include "core/base/assert.h"
#include "core/engine/kernels/router.h"
#include "core/engine/kernels/wide_type.h"
#include "core/engine/model/mlp_part.h"

#include <algorithm>

namespace paretoscope::engine {

namespace {

/// Bound on what the Hessians (float64) of the experts of one step may take together.
constexpr std::int64_t kStepBytes = std::int64_t(512) << 20;

/// Names of what an expert's units read.
struct ExpertInputs
{
    std::string wide;   ///< its gate and up
    std::string hidden; ///< its down
};

class MoePart : public BlockPart
{
public:
    explicit MoePart(const core::MoeSpec& spec);

    int steps() const override { return 1 + 2 * static_cast<int>(m_groups.size()); }
    void describe(ViewBuilder& view, const std::optional<core::NormSpec>& norm) const override;
    std::unique_ptr<PartPass> begin(at::Tensor input, const PassContext& context) const override;

    const core::MoeSpec& spec() const { return m_spec; }
    const std::vector<ExpertGroup>& groups() const { return m_groups; }
    const std::string& routerInput() const { return m_routerInput; }
    const std::string& sharedHidden() const { return m_sharedHidden; }
    const ExpertInputs& inputsOf(int expert) const { return m_inputs[static_cast<std::size_t>(expert)]; }
    const core::MlpSpec& expert(int index) const { return m_spec.experts[static_cast<std::size_t>(index)]; }

private:
    const core::MoeSpec& m_spec;
    std::vector<ExpertGroup> m_groups;
    std::string m_routerInput;
    std::string m_sharedHidden;
    std::vector<ExpertInputs> m_inputs; ///< of every expert
};

/// Step 0: the router and all else that reads the whole input; then for every group of experts gate and up, and down.
class MoePass : public PartPass
{
public:
    MoePass(const MoePart& part, at::Tensor input, const PassContext& context)
        : m_part(part)
        , m_spec(part.spec())
        , m_context(context)
        , m_input(context.visit(HookPoint::MlpInput, std::move(input)))
    {}

    std::vector<StepInput> inputs() const override;
    void advance(const TensorSource& tensors) override;
    at::Tensor output() const override { return m_sum; }
    std::unique_ptr<PartPass> clone() const override { return std::make_unique<MoePass>(*this); }

private:
    bool isThrough() const { return m_step == m_part.steps(); }
    bool isAtDown() const { return m_step % 2 == 0; } ///< after step 0
    const ExpertGroup& group() const { return m_part.groups()[static_cast<std::size_t>(m_step - 1) / 2]; }
    const ExpertRows& rowsOf(int expert) const { return m_rows[static_cast<std::size_t>(expert)]; }

    /// Experts without tokens are not visited.
    at::Tensor visitExpert(HookPoint point, at::Tensor value, int expert) const
    {
        return value.size(0) == 0 ? value
                                  : m_context.visitExpert(point, std::move(value), expert, rowsOf(expert).tokens);
    }
    void chooseExperts(const TensorSource& tensors);
    void widenShared(const TensorSource& tensors);
    void enterGroup();
    void widen(const TensorSource& tensors);
    void narrow(const TensorSource& tensors);
    void finish();

    const MoePart& m_part;
    const core::MoeSpec& m_spec;
    const PassContext& m_context;
    int m_step = 0;
    at::Tensor m_input;               ///< [tokens, hidden]
    std::vector<ExpertRows> m_rows;   ///< of every expert
    std::vector<at::Tensor> m_values; ///< what the experts of the current group read at the current step
    at::Tensor m_sharedHidden;        ///< input of the shared expert's down projection
    at::Tensor m_shared;              ///< its output
    at::Tensor m_sharedFactor;        ///< [tokens, 1]
    at::Tensor m_sum;
};

std::vector<StepInput> MoePass::inputs() const
{
    if (isThrough())
        return {};
    if (m_step == 0)
        return {{m_part.routerInput(), m_input}};
    std::vector<StepInput> inputs;
    for (int expert = group().begin; expert < group().end; ++expert) {
        const ExpertInputs& names = m_part.inputsOf(expert);
        inputs.push_back(
            {isAtDown() ? names.hidden : names.wide, m_values[static_cast<std::size_t>(expert - group().begin)]});
    }
    if (m_step == 1 && m_spec.shared)
        inputs.push_back({m_part.sharedHidden(), m_sharedHidden});
    return inputs;
}

void MoePass::advance(const TensorSource& tensors)
{
    PSC_ASSERT(!isThrough(), "a finished pass was advanced");
    if (m_step == 0) {
        chooseExperts(tensors);
        widenShared(tensors);
        m_sum = at::zeros_like(m_input, wideType(m_input.scalar_type()));
    } else if (isAtDown()) {
        narrow(tensors);
    } else {
        widen(tensors);
        if (m_step == 1 && m_spec.shared)
            m_shared = m_context.visitExpert(HookPoint::ExpertOutput,
                                             applyLinear(m_sharedHidden, m_spec.shared->down, tensors), -1, {});
    }
    ++m_step;
    if (isThrough())
        finish();
    else if (!isAtDown())
        enterGroup();
}

void MoePass::chooseExperts(const TensorSource& tensors)
{
    const at::Tensor logits =
        m_context.visit(HookPoint::RouterLogits, applyLinear(widened(m_input), m_spec.router, tensors));
    Routing routing =
        route(logits, m_spec.choiceBias.empty() ? at::Tensor() : tensors.tensor(m_spec.choiceBias), m_spec.rule);
    routing.experts = m_context.visit(HookPoint::RouterExperts, routing.experts);
    routing.weights = m_context.visit(HookPoint::RouterWeights, routing.weights);
    m_rows = rowsByExpert(routing, m_spec.rule.experts);
}

void MoePass::widenShared(const TensorSource& tensors)
{
    if (!m_spec.shared)
        return;
    m_sharedHidden = m_context.visit(HookPoint::MlpHidden, mlpHidden(m_input, *m_spec.shared, tensors));
    if (m_spec.sharedGate)
        m_sharedFactor = applyLinear(m_input, *m_spec.sharedGate, tensors).sigmoid();
}

void MoePass::enterGroup()
{
    m_values.clear();
    for (int expert = group().begin; expert < group().end; ++expert) {
        const ExpertRows& rows = rowsOf(expert);
        at::Tensor value = m_input.index_select(0, rows.tokens);
        if (m_spec.weighsInput)
            value = (value * rows.weights.unsqueeze(1)).to(m_input.scalar_type());
        m_values.push_back(visitExpert(HookPoint::ExpertInput, std::move(value), expert));
    }
}

void MoePass::widen(const TensorSource& tensors)
{
    for (int expert = group().begin; expert < group().end; ++expert) {
        at::Tensor& value = m_values[static_cast<std::size_t>(expert - group().begin)];
        const core::MlpSpec& spec = m_part.expert(expert);
        if (value.size(0) == 0)
            value = value.new_empty({0, spec.down.inFeatures});
        else
            value = visitExpert(HookPoint::ExpertHidden, mlpHidden(value, spec, tensors), expert);
    }
}

void MoePass::narrow(const TensorSource& tensors)
{
    at::Tensor sum = m_sum.clone(); // values of a pass are never changed in place: a copy of it shares them
    for (int expert = group().begin; expert < group().end; ++expert) {
        const at::Tensor& value = m_values[static_cast<std::size_t>(expert - group().begin)];
        if (value.size(0) == 0)
            continue;
        const at::Tensor output =
            visitExpert(HookPoint::ExpertOutput, applyLinear(value, m_part.expert(expert).down, tensors), expert);
        const ExpertRows& rows = rowsOf(expert);
        sum.index_add_(0, rows.tokens,
                       m_spec.weighsInput ? output.to(sum.scalar_type()) : output * rows.weights.unsqueeze(1));
    }
    m_sum = std::move(sum);
}

void MoePass::finish()
{
    if (m_spec.shared)
        m_sum = m_sum + (m_spec.sharedGate ? m_sharedFactor * m_shared : m_shared);
    m_sum = m_sum.to(m_input.scalar_type());
    m_values.clear();
    m_rows.clear();
    m_input = m_sharedHidden = m_shared = m_sharedFactor = at::Tensor();
}

MoePart::MoePart(const core::MoeSpec& spec)
    : m_spec(spec)
    , m_groups(expertGroups(spec))
    , m_routerInput(inputName(spec.router))
    , m_sharedHidden(spec.shared ? inputName(spec.shared->down) : "")
{
    for (const core::MlpSpec& expert : spec.experts)
        m_inputs.push_back({inputName(firstLinear(expert)), inputName(expert.down)});
}

void MoePart::describe(ViewBuilder& view, const std::optional<core::NormSpec>& norm) const
{
    std::vector<std::size_t> readers {view.addRouter(m_spec.router, "moe.router", m_routerInput)};
    if (m_spec.sharedGate)
        readers.push_back(view.addRouter(*m_spec.sharedGate, "moe.shared_gate", m_routerInput));
    const auto append = [&](const std::vector<std::size_t>& more) {
        readers.insert(readers.end(), more.begin(), more.end());
    };
    if (m_spec.shared)
        append(describeMlp(*m_spec.shared, "moe.shared", m_routerInput, -1, view));
    for (int index = 0; index < m_spec.rule.experts; ++index)
        append(describeMlp(expert(index), "moe.expert", inputsOf(index).wide, index, view));
    view.foldNorm(norm, std::move(readers));
}

std::unique_ptr<PartPass> MoePart::begin(at::Tensor input, const PassContext& context) const
{
    return std::make_unique<MoePass>(*this, std::move(input), context);
}

} // namespace

std::vector<ExpertGroup> expertGroups(const core::MoeSpec& spec)
{
    const core::LinearSpec& down = spec.experts.front().down;
    const std::int64_t widest = std::max(down.inFeatures, down.outFeatures);
    const auto together = static_cast<int>(std::max<std::int64_t>(1, kStepBytes / (widest * widest * 8)));
    std::vector<ExpertGroup> groups;
    for (int begin = 0; begin < spec.rule.experts; begin += together)
        groups.push_back({begin, std::min(begin + together, spec.rule.experts)});
    return groups;
}

std::unique_ptr<BlockPart> makeBlockPart(const core::MoeSpec& spec)
{
    return std::make_unique<MoePart>(spec);
}

} // namespace paretoscope::engine
