// SPDX-License-Identifier: Apache-2.0
#include "core/engine/model/attention_step.h"
#include "core/engine/model/block_part.h"

#include "core/base/assert.h"
#include "core/engine/kernels/transformer.h"

#include <array>
#include <numeric>

namespace paretoscope::engine {

namespace {

/// The projections that read the part's input, in the order in which they are applied.
std::vector<const core::LinearSpec*> inputLinears(const core::AttentionSpec& spec)
{
    if (spec.layout != core::QkvLayout::Separate)
        return {&spec.qkv};
    return {&spec.query, &spec.key, &spec.value};
}

/// The queries of positions from `first` on at the temperature of each.
at::Tensor atTemperature(const at::Tensor& query, const core::QueryTemperature& temperature, std::int64_t first)
{
    const at::Tensor counts =
        at::arange(first + 1, first + 1 + query.size(0), query.options().dtype(at::kDouble)).view({-1, 1, 1});
    const at::Tensor factors = (counts / temperature.interval).floor().log1p() * temperature.scale + 1;
    return (query * factors.to(at::kFloat)).to(query.scalar_type());
}

/// Step 0: query, key and value; step 1: the output projection.
class AttentionPass : public PartPass
{
public:
    AttentionPass(const core::AttentionSpec& spec, at::Tensor input, const PassContext& context)
        : m_spec(spec)
        , m_context(context)
        , m_value(context.visit(HookPoint::AttentionInput, std::move(input)))
    {}

    std::vector<StepInput> inputs() const override;
    void advance(const TensorSource& tensors) override;
    at::Tensor output() const override { return m_value; }
    std::unique_ptr<PartPass> clone() const override { return std::make_unique<AttentionPass>(*this); }

private:
    struct Heads
    {
        at::Tensor query; ///< [tokens, heads, headDim]
        at::Tensor key;   ///< [tokens, kvHeads, headDim]
        at::Tensor value;
    };
    Heads project(const TensorSource& tensors) const;
    at::Tensor attend(const TensorSource& tensors) const;
    void normalise(Heads& heads, const TensorSource& tensors) const;
    at::Tensor normalised(const at::Tensor& x, const std::optional<core::NormSpec>& norm,
                          const TensorSource& tensors) const;
    at::Tensor clipped(const at::Tensor& x) const { return m_spec.clip == 0 ? x : x.clamp(-m_spec.clip, m_spec.clip); }

    const core::AttentionSpec& m_spec;
    const PassContext& m_context;
    int m_step = 0;
    at::Tensor m_value; ///< input of the current step, at last the output
};

std::vector<StepInput> AttentionPass::inputs() const
{
    if (m_step == 0)
        return {{inputName(*inputLinears(m_spec).front()), m_value}};
    if (m_step == 1)
        return {{inputName(m_spec.output), m_value}};
    return {};
}

void AttentionPass::advance(const TensorSource& tensors)
{
    PSC_ASSERT(m_step < 2, "a finished pass was advanced");
    if (m_step++ == 0)
        m_value = m_context.visit(HookPoint::AttentionOutput, attend(tensors));
    else
        m_value = applyLinear(m_value, m_spec.output, tensors);
}

AttentionPass::Heads AttentionPass::project(const TensorSource& tensors) const
{
    const std::int64_t tokens = m_value.size(0);
    const auto heads = [&](const at::Tensor& x, int count) { return x.view({tokens, count, m_spec.headDim}); };
    switch (m_spec.layout) {
    case core::QkvLayout::Separate:
        return {heads(applyLinear(m_value, m_spec.query, tensors), m_spec.heads),
                heads(applyLinear(m_value, m_spec.key, tensors), m_spec.kvHeads),
                heads(applyLinear(m_value, m_spec.value, tensors), m_spec.kvHeads)};
    case core::QkvLayout::Concatenated: {
        const at::Tensor all =
            applyLinear(m_value, m_spec.qkv, tensors).view({tokens, m_spec.heads + 2 * m_spec.kvHeads, m_spec.headDim});
        return {all.narrow(1, 0, m_spec.heads), all.narrow(1, m_spec.heads, m_spec.kvHeads),
                all.narrow(1, m_spec.heads + m_spec.kvHeads, m_spec.kvHeads)};
    }
    case core::QkvLayout::PerHead:
        break;
    }
    const at::Tensor all = applyLinear(m_value, m_spec.qkv, tensors).view({tokens, m_spec.heads, 3, m_spec.headDim});
    return {all.select(2, 0), all.select(2, 1), all.select(2, 2)};
}

at::Tensor AttentionPass::normalised(const at::Tensor& x, const std::optional<core::NormSpec>& norm,
                                     const TensorSource& tensors) const
{
    if (!norm)
        return x;
    if (norm->width == m_spec.headDim)
        return applyNorm(x, *norm, tensors);
    return applyNorm(x.flatten(1), *norm, tensors).view(x.sizes());
}

void AttentionPass::normalise(Heads& heads, const TensorSource& tensors) const
{
    heads.query = clipped(normalised(heads.query, m_spec.queryNorm, tensors));
    heads.key = clipped(normalised(heads.key, m_spec.keyNorm, tensors));
}

at::Tensor AttentionPass::attend(const TensorSource& tensors) const
{
    Heads heads = project(tensors);
    heads.value = clipped(heads.value);
    if (!m_spec.normsAfterRotary)
        normalise(heads, tensors);
    const at::Tensor unrotatedKey = heads.key;
    if (m_spec.rotary) {
        const RotaryTable table =
            m_context.rotary.at(*m_spec.rotary, m_context.firstRotaryPosition(), m_value.size(0), m_value.device());
        heads.query = applyRotary(heads.query, table, m_spec.rotary->style);
        heads.key = applyRotary(heads.key, table, m_spec.rotary->style);
    }
    if (m_spec.normsAfterRotary)
        normalise(heads, tensors);
    if (m_spec.temperature)
        heads.query = atTemperature(heads.query, *m_spec.temperature, m_context.place.firstPosition);
    return attendThroughStore(m_context, {heads.query, heads.key, unrotatedKey, heads.value},
                              {.scale = m_spec.scale,
                               .window = m_spec.window,
                               .chunk = m_spec.chunk,
                               .softCap = m_spec.softCap,
                               .sinks = m_spec.sinks.empty() ? at::Tensor() : tensors.tensor(m_spec.sinks)});
}

class AttentionPart : public BlockPart
{
public:
    explicit AttentionPart(const core::AttentionSpec& spec)
        : m_spec(spec)
    {}

    int steps() const override { return 2; }
    void describe(ViewBuilder& view, const std::optional<core::NormSpec>& norm) const override;
    std::unique_ptr<PartPass> begin(at::Tensor input, const PassContext& context) const override
    {
        return std::make_unique<AttentionPass>(m_spec, std::move(input), context);
    }
    std::optional<KvLayerShape> kvShape() const override
    {
        return KvLayerShape {m_spec.heads, m_spec.kvHeads, m_spec.headDim, m_spec.headDim};
    }
    const core::RotarySpec* rotary() const override { return m_spec.rotary ? &*m_spec.rotary : nullptr; }
    at::Tensor rotateKeys(const at::Tensor& keys, const at::Tensor& positions, bool isShift) const override
    {
        if (!m_spec.rotary)
            return keys;
        const at::Tensor rotated =
            applyRotary(keys, rotaryTableAt(*m_spec.rotary, positions, isShift), m_spec.rotary->style);
        const bool isNormalised = m_spec.normsAfterRotary && m_spec.keyNorm && !isShift;
        return isNormalised ? applyNorm(rotated, *m_spec.keyNorm, {}, {}) : rotated;
    }

private:
    std::vector<std::int64_t> valueRows() const;

    const core::AttentionSpec& m_spec;
};

/// Rows of the fused projection that make the values, in the order in which the output projection reads them.
std::vector<std::int64_t> AttentionPart::valueRows() const
{
    std::vector<std::int64_t> rows(static_cast<std::size_t>(m_spec.queryWidth()));
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const auto channel = static_cast<std::int64_t>(i);
        rows[i] = m_spec.layout == core::QkvLayout::Concatenated
                      ? 2 * m_spec.queryWidth() + channel
                      : (channel / m_spec.headDim * 3 + 2) * m_spec.headDim + channel % m_spec.headDim;
    }
    return rows;
}

void AttentionPart::describe(ViewBuilder& view, const std::optional<core::NormSpec>& norm) const
{
    const bool isFused = m_spec.layout != core::QkvLayout::Separate;
    constexpr std::array kRoles {"attention.query", "attention.key", "attention.value"};
    std::vector<std::size_t> readers;
    const auto linears = inputLinears(m_spec);
    for (const core::LinearSpec* linear : linears)
        readers.push_back(
            view.addUnit(*linear, isFused ? "attention.qkv" : kRoles[readers.size()], inputName(*linears.front())));
    const std::size_t output = view.addUnit(m_spec.output, "attention.output", inputName(m_spec.output));
    view.foldNorm(norm, readers);
    // A value channel feeds several query heads when heads are shared, so a factor cannot pass; nor through a limit.
    if (m_spec.heads == m_spec.kvHeads && m_spec.clip == 0)
        view.foldLinear(*linears.back(), output, isFused ? valueRows() : std::vector<std::int64_t>());
}

} // namespace

std::unique_ptr<BlockPart> makeBlockPart(const core::AttentionSpec& spec)
{
    return std::make_unique<AttentionPart>(spec);
}

} // namespace paretoscope::engine
