// SPDX-License-Identifier: Apache-2.0
#include "core/engine/model/language_model.h"

#include "core/base/assert.h"
#include "core/engine/model/decoder_pass.h"

namespace paretoscope::engine {

namespace {

/// Fills a ModelView block by block, in the order of the forward pass.
class ViewBuilder
{
public:
    explicit ViewBuilder(const core::Architecture& architecture)
    {
        m_view.workload = "causal-lm";
        m_view.blocks = static_cast<int>(architecture.blocks.size());
        for (int block = 0; block < m_view.blocks; ++block)
            addBlock(block, architecture.blocks[static_cast<std::size_t>(block)]);
    }
    ModelView take() { return std::move(m_view); }

private:
    std::size_t addUnit(int block, const core::LinearSpec& linear, const char* role, const std::string& input)
    {
        m_view.units.push_back({.module = linear.module,
                                .tensor = linear.weight(),
                                .role = role,
                                .block = block,
                                .outFeatures = linear.outFeatures,
                                .inFeatures = linear.inFeatures,
                                .input = input});
        return m_view.units.size() - 1;
    }

    void addBlock(int block, const core::BlockSpec& spec)
    {
        const core::AttentionSpec& attention = spec.attention;
        const core::MlpSpec& mlp = spec.mlp;
        const DecoderInputs inputs(spec);
        const std::size_t query = addUnit(block, attention.query, "attention.query", inputs.attention);
        const std::size_t key = addUnit(block, attention.key, "attention.key", inputs.attention);
        const std::size_t value = addUnit(block, attention.value, "attention.value", inputs.attention);
        const std::size_t output = addUnit(block, attention.output, "attention.output", inputs.attentionOutput);
        const std::size_t gate = addUnit(block, mlp.gate, "mlp.gate", inputs.mlp);
        const std::size_t up = addUnit(block, mlp.up, "mlp.up", inputs.mlp);
        const std::size_t down = addUnit(block, mlp.down, "mlp.down", inputs.mlpHidden);
        using Producer = FoldGroup::Producer;
        m_view.foldGroups.push_back(
            {Producer::Norm, attention.norm.weight, attention.norm.bias, {query, key, value}, block});
        // A value channel feeds several query heads when heads are shared, so a factor cannot pass.
        if (attention.heads == attention.kvHeads)
            m_view.foldGroups.push_back({Producer::Linear,
                                         attention.value.weight(),
                                         attention.value.bias ? attention.value.biasName() : "",
                                         {output},
                                         block});
        m_view.foldGroups.push_back({Producer::Norm, mlp.norm.weight, mlp.norm.bias, {gate, up}, block});
        m_view.foldGroups.push_back(
            {Producer::Linear, mlp.up.weight(), mlp.up.bias ? mlp.up.biasName() : "", {down}, block});
    }

    ModelView m_view;
};

void appendNorm(std::vector<std::string>& names, const core::NormSpec& norm)
{
    names.push_back(norm.weight);
    if (!norm.bias.empty())
        names.push_back(norm.bias);
}

void appendLinear(std::vector<std::string>& names, const core::LinearSpec& linear)
{
    names.push_back(linear.weight());
    if (linear.bias)
        names.push_back(linear.biasName());
}

} // namespace

LanguageModel::LanguageModel(core::Architecture architecture)
    : m_architecture(std::move(architecture))
    , m_view(ViewBuilder(m_architecture).take())
    , m_rotaryTables(std::make_unique<RotaryTables>())
{}

int LanguageModel::steps(int) const
{
    return DecoderPass::kSteps;
}

std::vector<std::string> LanguageModel::blockTensors(int block) const
{
    const core::BlockSpec& spec = m_architecture.blocks[static_cast<std::size_t>(block)];
    std::vector<std::string> names;
    appendNorm(names, spec.attention.norm);
    for (const core::LinearSpec* linear :
         {&spec.attention.query, &spec.attention.key, &spec.attention.value, &spec.attention.output})
        appendLinear(names, *linear);
    appendNorm(names, spec.mlp.norm);
    for (const core::LinearSpec* linear : {&spec.mlp.gate, &spec.mlp.up, &spec.mlp.down})
        appendLinear(names, *linear);
    return names;
}

at::Tensor LanguageModel::enter(const std::vector<std::int32_t>& sample, const TensorSource& tensors) const
{
    const at::Tensor ids = at::tensor(at::ArrayRef<std::int32_t>(sample), at::kInt);
    return at::embedding(tensors.tensor(m_architecture.embedding), ids);
}

std::unique_ptr<BlockPass> LanguageModel::begin(int block, int sample, at::Tensor state, const TensorSource& tensors,
                                                const Hooks& hooks) const
{
    const core::BlockSpec& spec = m_architecture.blocks[static_cast<std::size_t>(block)];
    return std::make_unique<DecoderPass>(spec, *m_rotaryTables, block, sample, std::move(state), tensors, hooks);
}

std::vector<std::string> LanguageModel::headTensors() const
{
    std::vector<std::string> names {m_architecture.head};
    appendNorm(names, m_architecture.finalNorm);
    return names;
}

at::Tensor LanguageModel::logits(const at::Tensor& hidden, const TensorSource& tensors) const
{
    const core::NormSpec& norm = m_architecture.finalNorm;
    const at::Tensor bias = norm.bias.empty() ? at::Tensor() : tensors.tensor(norm.bias);
    const at::Tensor normalised = applyNorm(hidden, norm, tensors.tensor(norm.weight), bias);
    return at::linear(normalised, tensors.tensor(m_architecture.head));
}

} // namespace paretoscope::engine
