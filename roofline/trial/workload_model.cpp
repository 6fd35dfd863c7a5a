// SPDX-License-Identifier: Apache-2.0
#include "roofline/trial/workload_model.h"

#include "core/base/assert.h"

#include <algorithm>
#include <map>

namespace paretoscope::roofline {

namespace {

constexpr double kMostBits = 4096; ///< of one weight; shared codebooks count with the first tensor
constexpr std::int64_t kMostRank = std::int64_t(1) << 24;

using Names = std::map<std::string, std::size_t, std::less<>>;
using MlpAccess = MlpShape& (*)(PartShape& part);

MlpShape& denseMlp(PartShape& part)
{
    return std::get<MlpShape>(part);
}
MlpShape& expertMlp(PartShape& part)
{
    return std::get<MoeShape>(part).expert;
}
MlpShape& sharedMlp(PartShape& part)
{
    return *std::get<MoeShape>(part).shared;
}

template <MlpAccess mlp>
LinearShape& gateOf(PartShape& part)
{
    return *mlp(part).gate;
}
template <MlpAccess mlp>
LinearShape& upOf(PartShape& part)
{
    return mlp(part).up;
}
template <MlpAccess mlp>
LinearShape& downOf(PartShape& part)
{
    return mlp(part).down;
}
template <typename Part, LinearShape Part::*linear>
LinearShape& linearOf(PartShape& part)
{
    return std::get<Part>(part).*linear;
}

/// What several tensors are together: the bits of all, of the rest what they have in common.
core::StoredTensor combined(const core::StoredModel& stored, const std::vector<std::size_t>& tensors)
{
    core::StoredTensor all = stored.at(tensors.front());
    const auto count = static_cast<double>(tensors.size());
    double codeBits = 0;
    double density = 0;
    double rank = 0;
    all.bits = {};
    for (const std::size_t tensor : tensors) {
        const core::StoredTensor& one = stored.at(tensor);
        all.bits += one.bits;
        codeBits += one.codeBits / count;
        density += one.density / count;
        rank += static_cast<double>(one.rank) / count;
        all.isInteger = all.isInteger && one.isInteger;
        all.isProduct = all.isProduct && one.isProduct;
        all.inputBits = std::max(all.inputBits, one.inputBits);
        if (one.kept != all.kept || one.of != all.of)
            all.kept = all.of = 0;
    }
    all.codeBits = codeBits;
    all.density = density;
    all.rank = static_cast<std::int64_t>(rank + 0.5);
    return all;
}

double weightsOf(const core::LinearSpec& linear)
{
    return static_cast<double>(linear.inFeatures) * static_cast<double>(linear.outFeatures);
}

std::optional<std::size_t> indexOf(const std::vector<std::string>& names, const std::string& name)
{
    const auto found = std::find(names.begin(), names.end(), name);
    return found == names.end() ? std::nullopt : std::optional<std::size_t>(found - names.begin());
}

} // namespace

/// Which tensors hold which linears of a block.
class SlotReader
{
public:
    using Slot = WorkloadModel::Slot;
    using Target = WorkloadModel::Target;

    explicit SlotReader(const Names& names)
        : m_names(names)
    {}

    std::vector<Slot> read(const core::BlockSpec& block)
    {
        m_slots.clear();
        for (m_sublayer = 0; m_sublayer < block.sublayers.size(); ++m_sublayer)
            std::visit([this](const auto& part) { add(part); }, block.sublayers[m_sublayer].part);
        return std::move(m_slots);
    }

private:
    void addSlot(const std::vector<const core::LinearSpec*>& linears, std::vector<Target> targets)
    {
        Slot slot {.sublayer = m_sublayer, .targets = std::move(targets), .weights = weightsOf(*linears.front())};
        for (const core::LinearSpec* linear : linears) {
            const auto found = m_names.find(linear->weight());
            PSC_ASSERT(found != m_names.end(), "an architecture lists the tensors of its linears");
            slot.tensors.push_back(found->second);
        }
        m_slots.push_back(std::move(slot));
    }

    void add(const core::AttentionSpec& spec)
    {
        using Shape = AttentionShape;
        if (spec.layout != core::QkvLayout::Separate) {
            addSlot({&spec.qkv},
                    {linearOf<Shape, &Shape::query>, linearOf<Shape, &Shape::key>, linearOf<Shape, &Shape::value>});
        } else {
            addSlot({&spec.query}, {linearOf<Shape, &Shape::query>});
            addSlot({&spec.key}, {linearOf<Shape, &Shape::key>});
            addSlot({&spec.value}, {linearOf<Shape, &Shape::value>});
        }
        addSlot({&spec.output}, {linearOf<Shape, &Shape::output>});
    }

    void add(const core::LatentAttentionSpec& spec)
    {
        using Shape = LatentAttentionShape;
        if (spec.queryDown)
            addSlot({&*spec.queryDown},
                    {[](PartShape& part) -> LinearShape& { return *std::get<Shape>(part).queryDown; }});
        addSlot({&spec.query}, {linearOf<Shape, &Shape::query>});
        addSlot({&spec.keyValueDown}, {linearOf<Shape, &Shape::keyValueDown>});
        addSlot({&spec.keyValue}, {linearOf<Shape, &Shape::keyValue>});
        addSlot({&spec.output}, {linearOf<Shape, &Shape::output>});
    }

    template <MlpAccess mlp>
    void addMlps(const std::vector<const core::MlpSpec*>& specs)
    {
        const auto all = [&specs](core::LinearSpec core::MlpSpec::*linear) {
            std::vector<const core::LinearSpec*> linears;
            for (const core::MlpSpec* spec : specs)
                linears.push_back(&(spec->*linear));
            return linears;
        };
        const core::MlpForm form = specs.front()->form;
        if (form == core::MlpForm::FusedGated)
            addSlot(all(&core::MlpSpec::gateUp), {gateOf<mlp>, upOf<mlp>});
        if (form == core::MlpForm::Gated)
            addSlot(all(&core::MlpSpec::gate), {gateOf<mlp>});
        if (form != core::MlpForm::FusedGated)
            addSlot(all(&core::MlpSpec::up), {upOf<mlp>});
        addSlot(all(&core::MlpSpec::down), {downOf<mlp>});
    }

    void add(const core::MlpSpec& spec) { addMlps<denseMlp>({&spec}); }

    void add(const core::MoeSpec& spec)
    {
        addSlot({&spec.router}, {linearOf<MoeShape, &MoeShape::router>});
        std::vector<const core::MlpSpec*> experts;
        for (const core::MlpSpec& expert : spec.experts)
            experts.push_back(&expert);
        addMlps<expertMlp>(experts);
        if (spec.shared)
            addMlps<sharedMlp>({&*spec.shared});
        if (spec.sharedGate)
            addSlot({&*spec.sharedGate},
                    {[](PartShape& part) -> LinearShape& { return *std::get<MoeShape>(part).sharedGate; }});
    }

    const Names& m_names;
    std::size_t m_sublayer = 0;
    std::vector<Slot> m_slots;
};

core::Result<WorkloadModel> WorkloadModel::read(const core::Json& config, const std::filesystem::path& families)
{
    PSC_ASSIGN(const core::Architecture architecture, core::describeArchitecture(config, families));
    const std::vector<std::string> names = core::graphTensorNames(architecture);
    Names indices;
    for (std::size_t i = 0; i < names.size(); ++i)
        indices.emplace(names[i], i);
    WorkloadModel model;
    model.m_shape = modelShape(architecture);
    model.m_tensors = names.size();
    model.m_runOfLayer.resize(architecture.blocks.size());
    for (std::size_t run = 0; run < model.m_shape.runs.size(); ++run) {
        for (const int layer : model.m_shape.runs[run].layers)
            model.m_runOfLayer[static_cast<std::size_t>(layer)] = run;
    }
    SlotReader slots(indices);
    for (const core::BlockSpec& block : architecture.blocks)
        model.m_slots.push_back(slots.read(block));
    model.readHead(architecture, names);
    return model;
}

void WorkloadModel::readHead(const core::Architecture& architecture, const std::vector<std::string>& names)
{
    m_embedding = indexOf(names, architecture.entry.embedding).value_or(0);
    if (!m_shape.tied)
        m_head = indexOf(names, architecture.head.weight);
    if (architecture.entry.projection)
        m_entryLinear = indexOf(names, architecture.entry.projection->weight());
    if (architecture.head.projection)
        m_headLinear = indexOf(names, architecture.head.projection->weight());
}

void WorkloadModel::fillLayer(LayerShape& layer, const std::vector<Slot>& slots, const core::StoredModel& stored) const
{
    for (const Slot& slot : slots) {
        const WeightFormat format =
            weightFormatOf(combined(stored, slot.tensors), slot.weights * static_cast<double>(slot.tensors.size()));
        for (const Target target : slot.targets)
            target(layer.sublayers[slot.sublayer].part).format = format;
    }
}

/// What nobody stores so is a damaged record, and must not become a number.
core::Status WorkloadModel::checkForms(const core::StoredModel& stored) const
{
    for (const std::vector<Slot>& slots : m_slots) {
        for (const Slot& slot : slots) {
            for (const std::size_t tensor : slot.tensors) {
                const core::StoredTensor& form = stored.at(tensor);
                const double bits = static_cast<double>(form.bits.value) / slot.weights;
                if (bits > kMostBits || form.rank > kMostRank)
                    return core::Error {core::ErrorCode::Corrupt,
                                        "the record tells of " + std::to_string(bits) + " bits per weight and rank " +
                                            std::to_string(form.rank),
                                        "measure stored_bytes again"};
            }
        }
    }
    return core::success();
}

core::Result<CompressedModel> WorkloadModel::with(const core::StoredModel& stored) const
{
    // A checkpoint without a head of its own has tied embeddings, whatever its configuration says.
    const bool isHeadMissing = m_head && stored.size() + 1 == m_tensors;
    if (stored.size() != m_tensors && !isHeadMissing)
        return core::Error {core::ErrorCode::Corrupt,
                            "the record tells of " + std::to_string(stored.size()) + " stored tensors, the model has " +
                                std::to_string(m_tensors),
                            "the family file may have changed since; measure stored_bytes again"};
    PSC_TRY(checkForms(stored));
    CompressedModel model {.shape = m_shape,
                           .storedBytes = static_cast<double>(stored.bytes().value),
                           .worksAtRunTime = stored.worksAtRunTime};
    model.shape.tied = m_shape.tied || isHeadMissing;
    model.shape.runs.clear();
    std::map<std::pair<std::size_t, std::vector<std::uint32_t>>, std::size_t> known;
    for (std::size_t layer = 0; layer < m_slots.size(); ++layer) {
        std::vector<std::uint32_t> forms;
        for (const Slot& slot : m_slots[layer]) {
            for (const std::size_t tensor : slot.tensors) {
                forms.push_back(stored.formOf(tensor));
                const WeightFormat format = weightFormatOf(stored.at(tensor), slot.weights);
                model.sparse24Matrices += format.sparsity.is24() ? 1 : 0;
                model.scatteredMatrices += format.sparsity.density < 1 ? 1 : 0;
                model.roundedInputMatrices += format.inputBits <= 8 && format.bits <= 8 ? 1 : 0;
            }
        }
        const auto [run, isNew] = known.try_emplace({m_runOfLayer[layer], std::move(forms)}, model.shape.runs.size());
        if (isNew) {
            model.shape.runs.push_back({m_shape.runs[m_runOfLayer[layer]].shape, {}});
            fillLayer(model.shape.runs.back().shape, m_slots[layer], stored);
        }
        model.shape.runs[run->second].layers.push_back(static_cast<int>(layer));
    }
    const double table = m_shape.embeddingWidth * m_shape.vocabulary;
    model.execution.embeddingWeights = weightFormatOf(stored.at(m_embedding), table);
    model.execution.headWeights = m_head && !isHeadMissing
                                      ? weightFormatOf(stored.at(*m_head), m_shape.head.in * m_shape.head.out)
                                      : model.execution.embeddingWeights;
    const auto setFormat = [&stored](std::optional<LinearShape>& linear, const std::optional<std::size_t>& tensor) {
        if (linear && tensor)
            linear->format = weightFormatOf(stored.at(*tensor), linear->in * linear->out);
    };
    setFormat(model.shape.embeddingProjection, m_entryLinear);
    setFormat(model.shape.headProjection, m_headLinear);
    return model;
}

} // namespace paretoscope::roofline
