// SPDX-License-Identifier: Apache-2.0
#include "core/engine/evaluation/logits_writer.h"

#include "core/base/mapped_file.h"
#include "core/checkpoint/safetensors_writer.h"
#include "core/engine/device/transfer.h"

#include <algorithm>
#include <mutex>

namespace paretoscope::engine {

namespace {

using Sequences = std::vector<std::vector<std::int32_t>>;

core::Result<Sequences> readSequences(const std::filesystem::path& file, std::int64_t vocabulary)
{
    PSC_ASSIGN(const std::string text, core::readTextFile(file));
    PSC_ASSIGN(const core::Json json, core::parseJson(text, file.string()));
    const core::Error wrongForm {core::ErrorCode::Corrupt, file.string() + " does not hold token sequences",
                                 R"(write {"sequences": [[id, id, ...], ...]})"};
    if (!json.is_object() || !json.contains("sequences") || !json.at("sequences").is_array() ||
        json.at("sequences").empty())
        return wrongForm;
    Sequences sequences;
    for (const core::Json& row : json.at("sequences")) {
        if (!row.is_array() || row.empty())
            return wrongForm;
        std::vector<std::int32_t>& ids = sequences.emplace_back();
        for (const core::Json& id : row) {
            if (!id.is_number_integer())
                return wrongForm;
            if (id.get<double>() < 0 || id.get<double>() >= double(vocabulary))
                return core::Error {core::ErrorCode::InvalidArgument,
                                    file.string() + ": the token id " + id.dump() + " is outside the vocabulary of " +
                                        std::to_string(vocabulary),
                                    "tokenize with the tokenizer of this model"};
            ids.push_back(id.get<std::int32_t>());
        }
    }
    return sequences;
}

/// Takes logits and, through hooks, hidden states, and appends them to the file.
class LogitsSink : public Metric
{
public:
    LogitsSink(const Sequences& sequences, core::SafetensorsWriter writer)
        : m_writer(std::move(writer))
    {
        for (const std::vector<std::int32_t>& ids : sequences) {
            // Equal sequences are computed once, under the index of the first.
            const auto first = std::find(sequences.begin(), sequences.end(), ids);
            const auto sample = static_cast<std::size_t>(std::distance(sequences.begin(), first));
            m_firstOf.push_back(sample);
            m_sequences.push_back({ids, 0, static_cast<int>(ids.size())});
        }
    }

    const std::vector<MetricSequence>& sequences() const override { return m_sequences; }
    void consume(int sequence, int, const at::Tensor& logits) override
    {
        append("logits_" + std::to_string(sequence), logits);
    }
    core::Result<std::vector<core::MetricRecord>> finish() override
    {
        PSC_TRY(m_problem);
        PSC_TRY(m_writer.finish());
        return std::vector<core::MetricRecord>();
    }

    /// Appends to the tensor `<kind>_<i>_<suffix>` of every sequence that the evaluator's sample stands for.
    void appendOf(int sample, const std::string& kind, const std::string& suffix, const at::Tensor& value)
    {
        for (std::size_t i = 0; i < m_firstOf.size(); ++i) {
            if (distinctIndexOf(m_firstOf[i]) == sample)
                append(kind + '_' + std::to_string(i) + '_' + suffix, value);
        }
    }

private:
    /// The evaluator numbers distinct sequences in the order of their first appearance.
    int distinctIndexOf(std::size_t sequence) const
    {
        int index = 0;
        for (std::size_t i = 0; i < sequence; ++i)
            index += m_firstOf[i] == i ? 1 : 0;
        return index;
    }

    void append(const std::string& tensor, const at::Tensor& value)
    {
        const bool isIndex = value.scalar_type() == at::kLong;
        const at::Tensor rows = toHost(value.to(isIndex ? at::kInt : at::kFloat));
        const std::lock_guard lock(m_mutex);
        if (!m_problem.ok())
            return;
        const auto count = static_cast<std::size_t>(rows.numel());
        m_problem = isIndex
                        ? m_writer.append(tensor, std::as_bytes(std::span(rows.const_data_ptr<std::int32_t>(), count)))
                        : m_writer.appendFloat32(tensor, {rows.const_data_ptr<float>(), count});
    }

    std::vector<MetricSequence> m_sequences;
    std::vector<std::size_t> m_firstOf; ///< index of the first equal sequence
    std::mutex m_mutex;
    core::SafetensorsWriter m_writer;
    core::Status m_problem = core::success();
};

/// What of the model's inside is written beside the logits.
struct Wanted
{
    bool hiddenStates = false;
    bool router = false;
};

std::vector<core::TensorDeclaration> declare(const Sequences& sequences, const core::Architecture& architecture,
                                             const Wanted& wanted)
{
    using core::ElementType;
    std::vector<core::TensorDeclaration> tensors;
    for (std::size_t i = 0; i < sequences.size(); ++i) {
        const auto tokens = static_cast<std::int64_t>(sequences[i].size());
        const std::string index = std::to_string(i);
        tensors.push_back({"logits_" + index, ElementType::F32, {tokens, architecture.vocabSize}});
        if (wanted.hiddenStates)
            tensors.push_back({"hidden_" + index + "_embed", ElementType::F32, {tokens, architecture.hiddenSize}});
        for (std::size_t block = 0; block < architecture.blocks.size(); ++block) {
            const std::string place = std::to_string(block);
            if (wanted.hiddenStates)
                tensors.push_back(
                    {"hidden_" + index + "_block_" + place, ElementType::F32, {tokens, architecture.hiddenSize}});
            const core::MoeSpec* moe = architecture.blocks[block].find<core::MoeSpec>();
            if (!wanted.router || !moe)
                continue;
            const std::string router = "router_" + index + "_layer_" + place;
            tensors.push_back({router + "_index", ElementType::I32, {tokens, moe->rule.chosen}});
            tensors.push_back({router + "_weight", ElementType::F32, {tokens, moe->rule.chosen}});
        }
    }
    return tensors;
}

/// Reads at `point` of every block what becomes `<kind>_<i>_<prefix><block><suffix>`.
Hook reader(LogitsSink& sink, HookPoint point, std::string kind, std::string prefix, std::string suffix = "")
{
    return {point, [&sink, kind = std::move(kind), prefix = std::move(prefix),
                    suffix = std::move(suffix)](const HookSite& site, const at::Tensor& value) {
                sink.appendOf(site.sample, kind, prefix + std::to_string(site.block) + suffix, value);
                return value;
            }};
}

void addReaders(Hooks& hooks, LogitsSink& sink, const Wanted& wanted)
{
    if (wanted.hiddenStates) {
        hooks.push_back({HookPoint::BlockInput, [&sink](const HookSite& site, const at::Tensor& value) {
                             if (site.block == 0)
                                 sink.appendOf(site.sample, "hidden", "embed", value);
                             return value;
                         }});
        hooks.push_back(reader(sink, HookPoint::BlockOutput, "hidden", "block_"));
    }
    if (wanted.router) {
        hooks.push_back(reader(sink, HookPoint::RouterExperts, "router", "layer_", "_index"));
        hooks.push_back(reader(sink, HookPoint::RouterWeights, "router", "layer_", "_weight"));
    }
}

bool hasRouter(const core::Architecture& architecture)
{
    return std::any_of(architecture.blocks.begin(), architecture.blocks.end(),
                       [](const core::BlockSpec& block) { return block.find<core::MoeSpec>() != nullptr; });
}

} // namespace

core::Status writeLogits(const core::Json& request, const EvaluationContext& context)
{
    const core::Architecture& architecture = context.model.architecture();
    PSC_ASSIGN(const Sequences sequences,
               readSequences(request.at("tokens").get<std::string>(), architecture.vocabSize));
    const Wanted wanted {request.value("hidden_states", false), request.value("router", false)};
    if (wanted.router && !hasRouter(architecture))
        return core::Error {core::ErrorCode::Unsupported, "this model has no router", "leave --router out"};
    PSC_ASSIGN(core::SafetensorsWriter writer, core::SafetensorsWriter::create(request.at("out").get<std::string>(),
                                                                               declare(sequences, architecture, wanted),
                                                                               {.metadata = {}, .overwrite = true}));

    std::vector<std::unique_ptr<Metric>> sinks;
    sinks.push_back(std::make_unique<LogitsSink>(sequences, std::move(writer)));
    auto& sink = static_cast<LogitsSink&>(*sinks.front());
    Hooks hooks = context.hooks;
    addReaders(hooks, sink, wanted);
    PSC_TRY(evaluate(sinks, {context.model, context.tensors, hooks, context.observer, context.memory}));
    PSC_TRY(sink.finish());
    return core::success();
}

} // namespace paretoscope::engine
