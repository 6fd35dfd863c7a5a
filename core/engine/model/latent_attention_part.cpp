// SPDX-License-Identifier: Apache-2.0
#include "core/architecture/latent_attention_spec.h"
#include "core/base/assert.h"
#include "core/engine/model/attention_step.h"

namespace paretoscope::engine {

namespace {

/// Names of what the units read.
struct LatentInputs
{
    std::string entry;
    std::string queryLatent;
    std::string latent;
    std::string output;
};

/// Step 0: the projections to the latents; step 1: those from the latents to the heads; step 2: the output projection.
class LatentAttentionPass : public PartPass
{
public:
    LatentAttentionPass(const core::LatentAttentionSpec& spec, const LatentInputs& names, at::Tensor input,
                        const PassContext& context)
        : m_spec(spec)
        , m_names(names)
        , m_context(context)
        , m_value(context.visit(HookPoint::AttentionInput, std::move(input)))
    {}

    std::vector<StepInput> inputs() const override;
    void advance(const TensorSource& tensors) override;
    at::Tensor output() const override { return m_value; }
    std::unique_ptr<PartPass> clone() const override { return std::make_unique<LatentAttentionPass>(*this); }

private:
    void compress(const TensorSource& tensors);
    at::Tensor attend(const TensorSource& tensors) const;

    const core::LatentAttentionSpec& m_spec;
    const LatentInputs& m_names;
    const PassContext& m_context;
    int m_step = 0;
    at::Tensor m_value;     ///< input of steps 0 and 2, at last the output
    at::Tensor m_query;     ///< the latent of the query; without one the query itself
    at::Tensor m_latent;    ///< [tokens, rank]
    at::Tensor m_sharedKey; ///< [tokens, 1, rotaryDim], before the rotation
};

std::vector<StepInput> LatentAttentionPass::inputs() const
{
    switch (m_step) {
    case 0:
        return {{m_names.entry, m_value}};
    case 1:
        if (m_spec.queryDown)
            return {{m_names.queryLatent, m_query}, {m_names.latent, m_latent}};
        return {{m_names.latent, m_latent}};
    case 2:
        return {{m_names.output, m_value}};
    default:
        return {};
    }
}

void LatentAttentionPass::advance(const TensorSource& tensors)
{
    PSC_ASSERT(m_step < 3, "a finished pass was advanced");
    switch (m_step++) {
    case 0:
        compress(tensors);
        break;
    case 1:
        m_value = m_context.visit(HookPoint::AttentionOutput, attend(tensors));
        break;
    default:
        m_value = applyLinear(m_value, m_spec.output, tensors);
        break;
    }
}

void LatentAttentionPass::compress(const TensorSource& tensors)
{
    if (m_spec.queryDown)
        m_query = applyNorm(applyLinear(m_value, *m_spec.queryDown, tensors), *m_spec.queryNorm, tensors);
    else
        m_query = applyLinear(m_value, m_spec.query, tensors);
    const at::Tensor both = applyLinear(m_value, m_spec.keyValueDown, tensors);
    m_latent = applyNorm(both.narrow(1, 0, m_spec.rank), m_spec.keyValueNorm, tensors);
    m_sharedKey = both.narrow(1, m_spec.rank, m_spec.rotaryDim).unsqueeze(1);
}

at::Tensor LatentAttentionPass::attend(const TensorSource& tensors) const
{
    const std::int64_t tokens = m_latent.size(0);
    const at::Tensor projected = m_spec.queryDown ? applyLinear(m_query, m_spec.query, tensors) : m_query;
    const at::Tensor query = projected.view({tokens, m_spec.heads, m_spec.keyDim()});
    const at::Tensor expanded =
        applyLinear(m_latent, m_spec.keyValue, tensors).view({tokens, m_spec.heads, m_spec.plainDim + m_spec.valueDim});
    const RotaryTable table =
        m_context.rotary.at(m_spec.rotary, m_context.firstRotaryPosition(), tokens, m_latent.device());
    const auto rotated = [&](const at::Tensor& x) { return applyRotary(x, table, m_spec.rotary.style); };
    const at::Tensor rotatedQuery = rotated(query.narrow(2, m_spec.plainDim, m_spec.rotaryDim));
    const at::Tensor plainKey = expanded.narrow(2, 0, m_spec.plainDim);
    const auto keyWith = [&](const at::Tensor& shared) {
        return at::cat({plainKey, shared.expand({-1, m_spec.heads, -1})}, 2);
    };
    return attendThroughStore(m_context,
                              {at::cat({query.narrow(2, 0, m_spec.plainDim), rotatedQuery}, 2),
                               keyWith(rotated(m_sharedKey)), keyWith(m_sharedKey),
                               expanded.narrow(2, m_spec.plainDim, m_spec.valueDim)},
                              {.scale = m_spec.scale, .sinks = {}});
}

class LatentAttentionPart : public BlockPart
{
public:
    explicit LatentAttentionPart(const core::LatentAttentionSpec& spec)
        : m_spec(spec)
        , m_names {inputName(spec.queryDown ? *spec.queryDown : spec.query), inputName(spec.query),
                   inputName(spec.keyValue), inputName(spec.output)}
    {}

    int steps() const override { return 3; }

    void describe(ViewBuilder& view, const std::optional<core::NormSpec>& norm) const override
    {
        const auto& down = m_spec.queryDown;
        const std::size_t first = down ? view.addUnit(*down, "attention.query_down", m_names.entry)
                                       : view.addUnit(m_spec.query, "attention.query", m_names.entry);
        const std::size_t keyValueDown = view.addUnit(m_spec.keyValueDown, "attention.key_value_down", m_names.entry);
        view.foldNorm(norm, {first, keyValueDown});
        if (down)
            view.foldNorm(m_spec.queryNorm, {view.addUnit(m_spec.query, "attention.query", m_names.queryLatent)});
        const std::size_t keyValue = view.addUnit(m_spec.keyValue, "attention.key_value", m_names.latent);
        view.foldNorm(m_spec.keyValueNorm, {keyValue});
        view.foldLinear(m_spec.keyValue, view.addUnit(m_spec.output, "attention.output", m_names.output), valueRows());
    }

    std::unique_ptr<PartPass> begin(at::Tensor input, const PassContext& context) const override
    {
        return std::make_unique<LatentAttentionPass>(m_spec, m_names, std::move(input), context);
    }
    std::optional<KvLayerShape> kvShape() const override
    {
        return KvLayerShape {m_spec.heads, m_spec.heads, m_spec.keyDim(), m_spec.valueDim};
    }
    const core::RotarySpec* rotary() const override { return &m_spec.rotary; }
    at::Tensor rotateKeys(const at::Tensor& keys, const at::Tensor& positions, bool isShift) const override
    {
        const at::Tensor turned = applyRotary(keys.narrow(2, m_spec.plainDim, m_spec.rotaryDim),
                                              rotaryTableAt(m_spec.rotary, positions, isShift), m_spec.rotary.style);
        return at::cat({keys.narrow(2, 0, m_spec.plainDim), turned}, 2);
    }

private:
    /// The rows of key_value that make values, in the order of the output projection's columns.
    std::vector<std::int64_t> valueRows() const
    {
        std::vector<std::int64_t> rows;
        for (std::int64_t head = 0; head < m_spec.heads; ++head) {
            const std::int64_t first = head * (m_spec.plainDim + m_spec.valueDim) + m_spec.plainDim;
            for (std::int64_t i = 0; i < m_spec.valueDim; ++i)
                rows.push_back(first + i);
        }
        return rows;
    }

    const core::LatentAttentionSpec& m_spec;
    LatentInputs m_names;
};

} // namespace

std::unique_ptr<BlockPart> makeBlockPart(const core::LatentAttentionSpec& spec)
{
    return std::make_unique<LatentAttentionPart>(spec);
}

} // namespace paretoscope::engine
