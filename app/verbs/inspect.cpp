// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/format/number.h"
#include "app/format/table.h"
#include "app/format/text.h"
#include "app/format/trial_text.h"
#include "app/verbs/verb.h"
#include "core/architecture/architecture.h"
#include "core/checkpoint/checkpoint.h"

#include <algorithm>
#include <map>

namespace paretoscope::app {

namespace {

/// What `inspect` tells of a model; of one that no family describes, what its configuration says.
struct Inspection
{
    std::string family;
    std::string modelType;
    std::int64_t parameters = 0;
    std::int64_t parameterBytes = 0; ///< stored for them
    std::int64_t hiddenSize = 0;
    std::int64_t layers = 0;
    std::int64_t attentionHeads = 0;
    std::int64_t kvHeads = 0;
    std::int64_t headDim = 0;
    std::int64_t vocabSize = 0;
    std::int64_t experts = 0;
    std::int64_t expertsPerToken = 0;
    std::int64_t mixtures = 0; ///< layers that have experts
    std::int64_t activeParameters = 0;
    bool tiedEmbeddings = false;
    std::vector<std::string> unsupported;
    std::vector<std::string> unread; ///< tensors in the file that the graph does not use
};

/// The first of `keys` that `config` has as an integer; 0 when there is none.
std::int64_t configNumber(const core::Json& config, const std::vector<const char*>& keys)
{
    for (const char* key : keys) {
        const auto found = config.find(key);
        if (found != config.end() && found->is_number_integer())
            return found->get<std::int64_t>();
    }
    return 0;
}

Inspection fromConfig(const core::Checkpoint& checkpoint)
{
    const core::Json& config = checkpoint.config();
    Inspection model;
    const auto type = config.find("model_type");
    model.modelType = type != config.end() && type->is_string() ? type->get<std::string>() : "";
    model.hiddenSize = configNumber(config, {"hidden_size", "n_embd", "d_model"});
    model.layers = configNumber(config, {"num_hidden_layers", "n_layer"});
    model.attentionHeads = configNumber(config, {"num_attention_heads", "n_head"});
    model.kvHeads = configNumber(config, {"num_key_value_heads"});
    model.headDim = configNumber(config, {"head_dim"});
    if (model.kvHeads == 0)
        model.kvHeads = model.attentionHeads;
    if (model.headDim == 0 && model.attentionHeads > 0)
        model.headDim = model.hiddenSize / model.attentionHeads;
    model.vocabSize = configNumber(config, {"vocab_size"});
    model.experts = configNumber(config, {"num_experts", "num_local_experts", "n_routed_experts"});
    const auto tied = config.find("tie_word_embeddings");
    model.tiedEmbeddings = tied != config.end() && tied->is_boolean() && tied->get<bool>();
    for (const core::TensorInfo& tensor : checkpoint.tensors())
        model.parameters += tensor.elements();
    model.parameterBytes = checkpoint.storedBytes().value;
    model.activeParameters = model.parameters;
    return model;
}

Inspection inspected(const core::Checkpoint& checkpoint, const std::filesystem::path& families)
{
    Inspection model = fromConfig(checkpoint);
    const auto described = core::describeArchitecture(checkpoint, families);
    if (!described.ok()) {
        model.unsupported.push_back(described.error().sentence());
        return model;
    }
    const core::Architecture& architecture = described.value();
    model.family = architecture.family;
    model.modelType = architecture.modelType;
    model.hiddenSize = architecture.hiddenSize;
    model.layers = static_cast<std::int64_t>(architecture.blocks.size());
    model.attentionHeads = architecture.attentionHeads;
    model.kvHeads = architecture.kvHeads;
    model.headDim = architecture.headDim;
    model.vocabSize = architecture.vocabSize;
    model.tiedEmbeddings = architecture.tiedEmbeddings;
    model.parameters = architecture.parameters();
    model.activeParameters = architecture.activeParameters();
    if (const core::MoeSpec* mixture = architecture.largestMixture()) {
        model.experts = mixture->rule.experts;
        model.expertsPerToken = mixture->rule.chosen;
    }
    model.mixtures = std::count_if(architecture.blocks.begin(), architecture.blocks.end(),
                                   [](const core::BlockSpec& block) { return block.find<core::MoeSpec>() != nullptr; });
    model.unsupported = architecture.unsupported;
    model.parameterBytes = 0;
    for (const core::ExpectedTensor& expected : architecture.tensors()) {
        if (const core::TensorInfo* tensor = checkpoint.find(expected.name))
            model.parameterBytes += tensor->stored.value;
    }
    const core::TensorReport report = core::compareTensors(architecture, checkpoint);
    for (const std::string& name : report.missing)
        model.unsupported.push_back("the tensor " + name + " is missing");
    for (const std::string& mismatch : report.mismatched)
        model.unsupported.push_back("the tensor " + mismatch);
    model.unread = report.unknown;
    return model;
}

std::string shapeText(const std::vector<std::int64_t>& shape)
{
    std::string text;
    for (const std::int64_t size : shape)
        text += (text.empty() ? "" : " x ") + std::to_string(size);
    return text.empty() ? "scalar" : text;
}

core::Json document(const Inspection& model, const core::Checkpoint& checkpoint)
{
    core::Json tensors = core::Json::array();
    for (const core::TensorInfo& tensor : checkpoint.tensors())
        tensors.push_back({{"name", tensor.name},
                           {"shape", tensor.shape},
                           {"dtype", core::layoutOf(tensor.type).name},
                           {"bytes", tensor.stored.value}});
    core::Json files = core::Json::array();
    for (const std::filesystem::path& file : checkpoint.files())
        files.push_back(file.string());
    return {{"schema", "paretoscope.inspect/1"},
            {"family", model.family},
            {"model_type", model.modelType},
            {"parameters", model.parameters},
            {"stored_bytes", checkpoint.storedBytes().value},
            {"hidden_size", model.hiddenSize},
            {"layers", model.layers},
            {"attention_heads", model.attentionHeads},
            {"kv_heads", model.kvHeads},
            {"head_dim", model.headDim},
            {"vocab_size", model.vocabSize},
            {"experts", model.experts},
            {"experts_per_token", model.expertsPerToken},
            {"active_parameters", model.activeParameters},
            {"tied_embeddings", model.tiedEmbeddings},
            {"format", checkpoint.format()},
            {"supported", model.unsupported.empty()},
            {"unsupported", model.unsupported},
            {"unread_tensors", model.unread},
            {"files", files},
            {"tensors", tensors}};
}

/// How many bytes each storage type holds: "bf16 2.6 MB, f32 1.0 kB".
std::string storageText(const core::Checkpoint& checkpoint)
{
    std::map<std::string, std::int64_t> bytes;
    for (const core::TensorInfo& tensor : checkpoint.tensors())
        bytes[std::string(core::layoutOf(tensor.type).name)] += tensor.stored.value;
    std::string text;
    for (const auto& [type, size] : bytes)
        text += (text.empty() ? "" : ", ") + type + " " + decimalBytes(size);
    return text;
}

/// "16, 4 of them per token, in 3 of 4 layers"
std::string expertsText(const Inspection& model)
{
    std::string text = std::to_string(model.experts);
    if (model.expertsPerToken > 0)
        text += ", " + std::to_string(model.expertsPerToken) + " of them per token";
    if (model.mixtures > 0 && model.mixtures < model.layers)
        text += ", in " + std::to_string(model.mixtures) + " of " + std::to_string(model.layers) + " layers";
    return text;
}

std::string summary(const Inspection& model, const core::Checkpoint& checkpoint, const std::string& path)
{
    const double bits = model.parameters > 0
                            ? 8.0 * static_cast<double>(model.parameterBytes) / static_cast<double>(model.parameters)
                            : 0;
    std::string text = labelled("model", path);
    text += labelled("format", checkpoint.format());
    text += labelled("family", (model.family.empty() ? "unknown" : model.family) + " (model_type " +
                                   (model.modelType.empty() ? "not stated" : model.modelType) + ")");
    text += labelled("parameters", grouped(model.parameters) +
                                       (model.activeParameters == model.parameters
                                            ? ""
                                            : ", of which one token meets " + grouped(model.activeParameters)));
    text += labelled("stored", decimalBytes(checkpoint.storedBytes().value) + ", " + significant(bits) +
                                   " bits per parameter (" + storageText(checkpoint) + ")");
    text += labelled("layers", std::to_string(model.layers) + ", hidden size " + std::to_string(model.hiddenSize));
    text += labelled("attention", std::to_string(model.attentionHeads) + " heads, " + std::to_string(model.kvHeads) +
                                      " for keys and values, of size " + std::to_string(model.headDim));
    if (model.experts > 0)
        text += labelled("experts", expertsText(model));
    text += labelled("vocabulary",
                     grouped(model.vocabSize) + (model.tiedEmbeddings ? ", embeddings tied to the head" : ""));
    text += labelled("supported", model.unsupported.empty() ? "yes" : "no");
    for (const std::string& reason : model.unsupported)
        text += labelled("", "- " + reason);
    if (!model.unread.empty())
        text += labelled("not read", counted(static_cast<std::int64_t>(model.unread.size()), "tensor") +
                                         ", the first is " + model.unread.front());
    return text;
}

class InspectVerb : public Verb
{
public:
    void declare(OptionTable& options) override
    {
        OptionSpec& model = options.text("MODEL", "", m_model,
                                         "A Hugging Face folder, a .gguf file, or a name in the folders of "
                                         "PARETOSCOPE_MODELS or the local Hugging Face cache.");
        model.kind = ValueKind::Model;
        model.required = true;
        options.flag("--tensors", m_tensors, "Also print the table of tensors.");
    }

    Outcome run(Session& session) override
    {
        PSC_ASSIGN(const std::filesystem::path path, core::resolveModel(m_model));
        PSC_ASSIGN(const auto checkpoint, core::openCheckpoint(path));
        const Inspection model = inspected(*checkpoint, session.installation.architectures());
        if (session.common.json) {
            session.console.document(document(model, *checkpoint));
            return ExitStatus::Done;
        }
        session.console.write(summary(model, *checkpoint, path.string()));
        if (m_tensors) {
            TextTable table({{"tensor", false, true}, {"shape", true}, {"dtype"}, {"bytes", true}});
            for (const core::TensorInfo& tensor : checkpoint->tensors())
                table.addRow({tensor.name, shapeText(tensor.shape), std::string(core::layoutOf(tensor.type).name),
                              grouped(tensor.stored.value)});
            session.console.write("\n" + table.text(session.console.outStream()));
        }
        return ExitStatus::Done;
    }

private:
    std::string m_model;
    bool m_tensors = false;
};

} // namespace

VerbEntry inspectVerb()
{
    return {.name = "inspect",
            .summary = "tell what a model on disk is",
            .usage = "MODEL [--tensors]",
            .description = "Tells the family, dimensions, parameters and stored bytes of a model, whether it can be "
                           "compressed here, and if not, why. Nothing of the weights is read.",
            .make = makeVerb<InspectVerb>};
}

} // namespace paretoscope::app
