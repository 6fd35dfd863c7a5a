// SPDX-License-Identifier: Apache-2.0
#include "core/architecture/architecture.h"

#include "core/architecture/family_file.h"
#include "core/architecture/rotary_scaling.h"
#include "core/base/mapped_file.h"
#include "core/base/near_miss.h"

#include <algorithm>
#include <cmath>
#include <set>

namespace paretoscope::core {

namespace {

namespace fs = std::filesystem;

/// The limit keeps a hostile configuration from making us build millions of block descriptions.
constexpr std::int64_t kMaxLayers = 4096;
constexpr const char* kConfigHint = "compare config.json with the one the model was published with";

std::string withLayer(std::string pattern, std::int64_t layer)
{
    const std::string placeholder = "{layer}";
    if (const std::size_t at = pattern.find(placeholder); at != std::string::npos)
        pattern.replace(at, placeholder.size(), std::to_string(layer));
    return pattern;
}

/// Turns the parts of one family file into an Architecture.
class Builder
{
public:
    Builder(const Json& family, const Json& config)
        : m_family(family)
        , m_values(config, family.at("family").get<std::string>())
    {}

    Result<Architecture> build();
    const std::set<std::string>& keysRead() const { return m_values.keysRead(); }

private:
    Result<std::int64_t> dimension(const char* name, std::int64_t least = 1);
    Status readDimensions();
    Status checkHeads() const;
    Result<NormSpec> norm(const Json& spec, const std::string& prefix);
    Result<RotarySpec> rotary(const Json& spec);
    Result<AttentionSpec> attention(const Json& spec, const std::string& prefix);
    Result<MlpSpec> mlp(const Json& spec, const std::string& prefix);
    Result<Activation> activation(const Json& spec);

    const Json& m_family;
    FamilyValues m_values;
    Architecture m_result;
    std::int64_t m_layers = 0;
};

Result<std::int64_t> Builder::dimension(const char* name, std::int64_t least)
{
    PSC_ASSIGN(const std::int64_t size, m_values.dimension(name, m_family.at("dimensions").at(name)));
    if (size < least)
        return Error {ErrorCode::Corrupt, std::string("config.json: ") + name + " is " + std::to_string(size),
                      kConfigHint};
    return size;
}

Status Builder::readDimensions()
{
    // In this order, because defaults name earlier dimensions.
    PSC_ASSIGN(m_result.hiddenSize, dimension("hidden_size"));
    PSC_ASSIGN(m_result.intermediateSize, dimension("intermediate_size"));
    PSC_ASSIGN(m_layers, dimension("layers"));
    PSC_ASSIGN(const std::int64_t heads, dimension("attention_heads"));
    PSC_ASSIGN(const std::int64_t kvHeads, dimension("kv_heads"));
    PSC_ASSIGN(const std::int64_t headDim, dimension("head_dim"));
    PSC_ASSIGN(m_result.vocabSize, dimension("vocab_size"));
    PSC_ASSIGN(m_result.maxPositions, dimension("max_positions", 0));
    m_result.attentionHeads = static_cast<int>(heads);
    m_result.kvHeads = static_cast<int>(kvHeads);
    m_result.headDim = static_cast<int>(headDim);
    return checkHeads();
}

Status Builder::checkHeads() const
{
    if (m_layers > kMaxLayers)
        return Error {ErrorCode::Corrupt,
                      "config.json: " + std::to_string(m_layers) + " layers are more than " +
                          std::to_string(kMaxLayers),
                      kConfigHint};
    if (m_result.attentionHeads % m_result.kvHeads != 0)
        return Error {ErrorCode::Corrupt,
                      "config.json: " + std::to_string(m_result.attentionHeads) + " attention heads cannot share " +
                          std::to_string(m_result.kvHeads) + " key/value heads",
                      kConfigHint};
    if (m_result.headDim % 2 != 0)
        return Error {ErrorCode::Corrupt,
                      "config.json: head_dim " + std::to_string(m_result.headDim) +
                          " is odd, rotary embeddings need pairs",
                      kConfigHint};
    return success();
}

Result<NormSpec> Builder::norm(const Json& spec, const std::string& prefix)
{
    NormSpec result;
    result.kind = spec.at("kind") == "layer" ? NormKind::Layer : NormKind::Rms;
    result.weight = prefix + spec.at("weight").get<std::string>();
    if (spec.contains("bias"))
        result.bias = prefix + spec.at("bias").get<std::string>();
    PSC_ASSIGN(result.epsilon, m_values.number(spec.at("epsilon")));
    return result;
}

Result<RotarySpec> Builder::rotary(const Json& spec)
{
    RotarySpec result;
    result.style = spec.at("style") == "interleaved" ? RotaryStyle::Interleaved : RotaryStyle::HalfSplit;
    PSC_ASSIGN(const double theta, m_values.number(spec.at("theta")));
    if (!(theta > 0))
        return Error {ErrorCode::Corrupt, "config.json: rope_theta is not positive", kConfigHint};
    PSC_ASSIGN(const Json scaling, m_values.value(spec.at("scaling")));
    PSC_ASSIGN(result.inverseFrequencies, rotaryInverseFrequencies(m_result.headDim, theta, scaling));
    return result;
}

Result<AttentionSpec> Builder::attention(const Json& spec, const std::string& prefix)
{
    AttentionSpec result;
    PSC_ASSIGN(result.norm, norm(spec.at("norm"), prefix));
    PSC_ASSIGN(const bool bias, m_values.boolean(spec.at("bias")));
    PSC_ASSIGN(const bool outputBias, m_values.boolean(spec.at("output_bias")));
    result.heads = m_result.attentionHeads;
    result.kvHeads = m_result.kvHeads;
    result.headDim = m_result.headDim;
    const std::int64_t queryWidth = std::int64_t(result.heads) * result.headDim;
    const std::int64_t keyWidth = std::int64_t(result.kvHeads) * result.headDim;
    result.query = {prefix + spec.at("query").get<std::string>(), queryWidth, m_result.hiddenSize, bias};
    result.key = {prefix + spec.at("key").get<std::string>(), keyWidth, m_result.hiddenSize, bias};
    result.value = {prefix + spec.at("value").get<std::string>(), keyWidth, m_result.hiddenSize, bias};
    result.output = {prefix + spec.at("output").get<std::string>(), m_result.hiddenSize, queryWidth, outputBias};
    result.scale = 1.0 / std::sqrt(double(result.headDim));
    PSC_ASSIGN(result.rotary, rotary(spec.at("rotary")));
    return result;
}

Result<Activation> Builder::activation(const Json& spec)
{
    PSC_ASSIGN(const std::string name, m_values.text(spec));
    if (name == "silu" || name == "swish")
        return Activation::Silu;
    if (name == "gelu")
        return Activation::GeluErf;
    if (name == "gelu_pytorch_tanh" || name == "gelu_new")
        return Activation::GeluTanh;
    if (name == "relu")
        return Activation::Relu;
    return Error {ErrorCode::Unsupported, "config.json: the activation \"" + name + "\" is not known",
                  suggestion(name, {"silu", "gelu", "gelu_pytorch_tanh", "gelu_new", "relu"})};
}

Result<MlpSpec> Builder::mlp(const Json& spec, const std::string& prefix)
{
    MlpSpec result;
    PSC_ASSIGN(result.norm, norm(spec.at("norm"), prefix));
    PSC_ASSIGN(const bool bias, m_values.boolean(spec.at("bias")));
    const std::int64_t hidden = m_result.hiddenSize;
    const std::int64_t wide = m_result.intermediateSize;
    result.gate = {prefix + spec.at("gate").get<std::string>(), wide, hidden, bias};
    result.up = {prefix + spec.at("up").get<std::string>(), wide, hidden, bias};
    result.down = {prefix + spec.at("down").get<std::string>(), hidden, wide, bias};
    PSC_ASSIGN(result.activation, activation(spec.at("activation")));
    return result;
}

Result<Architecture> Builder::build()
{
    m_result.family = m_family.at("family").get<std::string>();
    PSC_TRY(readDimensions());
    m_result.embedding = m_family.at("embedding").at("weight").get<std::string>();
    PSC_ASSIGN(m_result.tiedEmbeddings, m_values.boolean(m_family.at("head").at("tied")));
    m_result.head = m_result.tiedEmbeddings ? m_result.embedding : m_family.at("head").at("weight").get<std::string>();
    const Json& block = m_family.at("block");
    for (std::int64_t layer = 0; layer < m_layers; ++layer) {
        const std::string prefix = withLayer(block.at("prefix").get<std::string>(), layer);
        BlockSpec spec;
        PSC_ASSIGN(spec.attention, attention(block.at("attention"), prefix));
        PSC_ASSIGN(spec.mlp, mlp(block.at("mlp"), prefix));
        m_result.blocks.push_back(std::move(spec));
    }
    PSC_ASSIGN(m_result.finalNorm, norm(m_family.at("final_norm"), {}));
    if (m_family.contains("ignored_tensors"))
        m_result.ignoredTensors = m_family.at("ignored_tensors").get<std::vector<std::string>>();
    return std::move(m_result);
}

/// Switched-off features do no harm: null and false pass, as do the keys that family or neutral_keys.json name.
std::vector<std::string> unsupportedKeys(const Json& config, const Json& family, const std::set<std::string>& read,
                                         const std::set<std::string>& neutral)
{
    std::vector<std::string> found;
    const Json required = family.value("required_values", Json::object());
    for (const auto& [key, allowed] : required.items()) {
        if (!config.contains(key))
            continue;
        if (std::find(allowed.begin(), allowed.end(), config.at(key)) == allowed.end())
            found.push_back(key + " is " + config.at(key).dump().substr(0, 80) + ", only " + allowed.dump() +
                            " can be computed");
    }
    const auto ignored = family.value("ignored_keys", std::vector<std::string>());
    for (const auto& [key, setting] : config.items()) {
        const bool known = read.contains(key) || neutral.contains(key) || required.contains(key) ||
                           std::find(ignored.begin(), ignored.end(), key) != ignored.end();
        if (!known && !setting.is_null() && setting != Json(false))
            found.push_back("the key " + key + " = " + setting.dump().substr(0, 80) + " is not known to " +
                            family.at("family").get<std::string>() + ".json and might change the arithmetic");
    }
    return found;
}

struct FamilyFiles
{
    std::vector<Json> families;
    std::set<std::string> neutralKeys;
};

Result<FamilyFiles> readFamilyFiles(const fs::path& folder)
{
    FamilyFiles result;
    std::error_code problem;
    std::vector<fs::path> files;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder, problem)) {
        if (entry.path().extension() == ".json")
            files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    for (const fs::path& file : files) {
        PSC_ASSIGN(const std::string text, readTextFile(file));
        PSC_ASSIGN(Json json, parseJson(text, file.filename().string()));
        if (file.filename() == "neutral_keys.json")
            result.neutralKeys = json.at("keys").get<std::set<std::string>>();
        else
            result.families.push_back(std::move(json));
    }
    if (result.families.empty())
        return Error {ErrorCode::NotFound, "no architecture descriptions in " + folder.string(),
                      "the installation is incomplete: install Paretoscope again"};
    return result;
}

Result<Architecture> describe(const Json& config, const fs::path& folder)
{
    PSC_ASSIGN(const FamilyFiles files, readFamilyFiles(folder));
    const Json modelType = config.value("model_type", Json());
    if (!modelType.is_string())
        return Error {ErrorCode::Corrupt, "config.json states no model_type",
                      "open a Hugging Face model folder or a GGUF file"};
    std::vector<std::string> known;
    for (const Json& family : files.families) {
        const auto types = family.at("model_types").get<std::vector<std::string>>();
        known.insert(known.end(), types.begin(), types.end());
        if (std::find(types.begin(), types.end(), modelType.get<std::string>()) == types.end())
            continue;
        Builder builder(family, config);
        PSC_ASSIGN(Architecture result, builder.build());
        result.modelType = modelType.get<std::string>();
        result.unsupported = unsupportedKeys(config, family, builder.keysRead(), files.neutralKeys);
        return result;
    }
    std::sort(known.begin(), known.end());
    std::string list;
    for (const std::string& type : known)
        list += (list.empty() ? "" : ", ") + type;
    return Error {ErrorCode::Unsupported, "the model family \"" + modelType.get<std::string>() + "\" is not known",
                  "known are " + list};
}

bool matches(std::string_view pattern, std::string_view name)
{
    const std::size_t star = pattern.find('*');
    if (star == std::string_view::npos)
        return pattern == name;
    const std::string_view tail = pattern.substr(star + 1);
    return name.size() + 1 >= pattern.size() && name.starts_with(pattern.substr(0, star)) && name.ends_with(tail);
}

std::string shapeText(const std::vector<std::int64_t>& shape)
{
    return Json(shape).dump();
}

void addNorm(std::vector<ExpectedTensor>& tensors, const NormSpec& norm, std::int64_t width)
{
    tensors.push_back({norm.weight, {width}});
    if (!norm.bias.empty())
        tensors.push_back({norm.bias, {width}});
}

void addLinear(std::vector<ExpectedTensor>& tensors, const LinearSpec& linear)
{
    tensors.push_back({linear.weight(), {linear.outFeatures, linear.inFeatures}});
    if (linear.bias)
        tensors.push_back({linear.biasName(), {linear.outFeatures}});
}

} // namespace

std::vector<ExpectedTensor> Architecture::tensors() const
{
    std::vector<ExpectedTensor> result;
    result.push_back({embedding, {vocabSize, hiddenSize}});
    for (const BlockSpec& block : blocks) {
        addNorm(result, block.attention.norm, hiddenSize);
        for (const LinearSpec* linear :
             {&block.attention.query, &block.attention.key, &block.attention.value, &block.attention.output})
            addLinear(result, *linear);
        addNorm(result, block.mlp.norm, hiddenSize);
        for (const LinearSpec* linear : {&block.mlp.gate, &block.mlp.up, &block.mlp.down})
            addLinear(result, *linear);
    }
    addNorm(result, finalNorm, hiddenSize);
    if (head != embedding)
        result.push_back({head, {vocabSize, hiddenSize}});
    return result;
}

std::int64_t Architecture::parameters() const
{
    std::int64_t sum = 0;
    for (const ExpectedTensor& tensor : tensors()) {
        std::int64_t elements = 1;
        for (const std::int64_t size : tensor.shape)
            elements *= size;
        sum += elements;
    }
    return sum;
}

Result<Architecture> describeArchitecture(const Json& config, const std::filesystem::path& folder)
{
    try {
        return describe(config, folder);
    } catch (const Json::exception& failure) {
        return Error {ErrorCode::Corrupt,
                      std::string("the model's configuration does not fit its family file: ") + failure.what(),
                      kConfigHint};
    }
}

Result<Architecture> describeArchitecture(const Checkpoint& checkpoint, const std::filesystem::path& folder)
{
    PSC_ASSIGN(Architecture result, describeArchitecture(checkpoint.config(), folder));
    if (!checkpoint.find(result.head) && checkpoint.find(result.embedding)) {
        result.head = result.embedding;
        result.tiedEmbeddings = true;
    }
    return result;
}

TensorReport compareTensors(const Architecture& architecture, const Checkpoint& checkpoint)
{
    TensorReport report;
    std::set<std::string, std::less<>> read;
    for (const ExpectedTensor& expected : architecture.tensors()) {
        read.insert(expected.name);
        const TensorInfo* found = checkpoint.find(expected.name);
        if (!found)
            report.missing.push_back(expected.name);
        else if (found->shape != expected.shape)
            report.mismatched.push_back(expected.name + " is " + shapeText(found->shape) + ", expected " +
                                        shapeText(expected.shape));
    }
    for (const TensorInfo& tensor : checkpoint.tensors()) {
        const bool ignored = std::any_of(architecture.ignoredTensors.begin(), architecture.ignoredTensors.end(),
                                         [&](const std::string& pattern) { return matches(pattern, tensor.name); });
        if (!read.contains(tensor.name) && !ignored)
            report.unknown.push_back(tensor.name);
    }
    return report;
}

Status requireSupported(const Architecture& architecture, const Checkpoint& checkpoint)
{
    const auto listed = [](const std::vector<std::string>& items) {
        std::string text;
        for (std::size_t i = 0; i < std::min<std::size_t>(items.size(), 3); ++i)
            text += (i == 0 ? "" : "; ") + items[i];
        return items.size() > 3 ? text + "; and " + std::to_string(items.size() - 3) + " more" : text;
    };
    const std::string inspect = "`paretoscope inspect` lists everything";
    if (!architecture.unsupported.empty())
        return Error {ErrorCode::Unsupported,
                      "this model cannot be computed exactly: " + listed(architecture.unsupported), inspect};
    const TensorReport report = compareTensors(architecture, checkpoint);
    if (!report.mismatched.empty())
        return Error {ErrorCode::Corrupt,
                      "tensors do not have the shape that the configuration states: " + listed(report.mismatched),
                      inspect};
    if (!report.missing.empty())
        return Error {ErrorCode::Corrupt, "tensors are missing from the model: " + listed(report.missing), inspect};
    return success();
}

} // namespace paretoscope::core
