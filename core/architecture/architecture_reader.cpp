// SPDX-License-Identifier: Apache-2.0
#include "core/architecture/architecture_reader.h"

#include "core/architecture/layer_kinds.h"
#include "core/architecture/part_reader.h"

#include <algorithm>
#include <array>

namespace paretoscope::core {

namespace {

/// The limit keeps a hostile configuration from making us build millions of block descriptions.
constexpr std::int64_t kMaxLayers = 4096;
/// As above for angles of rotations, which are listed for every layer.
constexpr std::int64_t kMaxHeadDim = 65536;

/// The pattern with a number in place of the placeholder.
std::string filled(std::string pattern, std::string_view placeholder, std::int64_t number)
{
    if (const std::size_t at = pattern.find(placeholder); at != std::string::npos)
        pattern.replace(at, placeholder.size(), std::to_string(number));
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

private:
    Result<std::int64_t> dimension(const char* name, std::int64_t least = 1);
    Status readDimensions();
    Status checkHeads() const;
    PartReader reader(std::string prefix) const { return {m_values, m_sizes, std::move(prefix)}; }
    Result<EntrySpec> entry() const;
    Result<HeadSpec> head();
    Result<std::optional<LinearSpec>> projection(const Json& parent, std::int64_t out, std::int64_t in) const;
    Status enterLayer(std::int64_t layer);
    Result<BlockSpec> block(std::int64_t layer);

    const Json& m_family;
    FamilyValues m_values;
    SharedSizes m_sizes;
    std::int64_t m_layers = 0;
    Architecture m_result;
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
    PSC_ASSIGN(m_sizes.hidden, dimension("hidden_size"));
    PSC_ASSIGN(m_sizes.intermediate, dimension("intermediate_size"));
    PSC_ASSIGN(m_layers, dimension("layers"));
    PSC_ASSIGN(m_sizes.heads, dimension("attention_heads"));
    PSC_ASSIGN(m_sizes.kvHeads, dimension("kv_heads"));
    PSC_ASSIGN(m_sizes.headDim, dimension("head_dim"));
    PSC_ASSIGN(m_result.vocabSize, dimension("vocab_size"));
    PSC_ASSIGN(m_sizes.maxPositions, dimension("max_positions", 0));
    constexpr std::array<std::string_view, 8> common {"hidden_size",     "intermediate_size", "layers",
                                                      "attention_heads", "kv_heads",          "head_dim",
                                                      "vocab_size",      "max_positions"};
    for (const auto& [name, spec] : m_family.at("dimensions").items()) {
        if (std::find(common.begin(), common.end(), name) == common.end())
            PSC_TRY(m_values.dimension(name, spec));
    }
    m_result.hiddenSize = m_sizes.hidden;
    m_result.intermediateSize = m_sizes.intermediate;
    m_result.attentionHeads = static_cast<int>(m_sizes.heads);
    m_result.kvHeads = static_cast<int>(m_sizes.kvHeads);
    m_result.headDim = static_cast<int>(m_sizes.headDim);
    m_result.maxPositions = m_sizes.maxPositions;
    return checkHeads();
}

Status Builder::checkHeads() const
{
    if (m_layers > kMaxLayers)
        return Error {ErrorCode::Corrupt,
                      "config.json: " + std::to_string(m_layers) + " layers are more than " +
                          std::to_string(kMaxLayers),
                      kConfigHint};
    if (m_sizes.headDim > kMaxHeadDim)
        return Error {ErrorCode::Corrupt,
                      "config.json: a head size of " + std::to_string(m_sizes.headDim) + " is more than " +
                          std::to_string(kMaxHeadDim),
                      kConfigHint};
    if (m_sizes.heads % m_sizes.kvHeads != 0)
        return Error {ErrorCode::Corrupt,
                      "config.json: " + std::to_string(m_sizes.heads) + " attention heads cannot share " +
                          std::to_string(m_sizes.kvHeads) + " key/value heads",
                      kConfigHint};
    return success();
}

/// A linear between embedding and stream, where the two differ in width.
Result<std::optional<LinearSpec>> Builder::projection(const Json& parent, std::int64_t out, std::int64_t in) const
{
    if (out == in || !parent.contains("projection"))
        return std::optional<LinearSpec>();
    return std::optional(
        LinearSpec {.module = parent.at("projection").get<std::string>(), .outFeatures = out, .inFeatures = in});
}

Result<EntrySpec> Builder::entry() const
{
    const Json& spec = m_family.at("embedding");
    PSC_TRY(m_values.requireMembers(spec, "embedding", {"weight", "width", "scale", "projection", "positions"}));
    EntrySpec result {.embedding = spec.at("weight").get<std::string>(), .vocabulary = m_result.vocabSize};
    const PartReader whole = reader("");
    PSC_ASSIGN(result.width, whole.size(spec, "width", m_sizes.hidden));
    if (result.width < 1)
        return Error {ErrorCode::Corrupt, "config.json: the embedding is 0 wide", kConfigHint};
    PSC_ASSIGN(result.scale, whole.number(spec, "scale", 1));
    PSC_ASSIGN(result.projection, projection(spec, m_sizes.hidden, result.width));
    if (result.width != m_sizes.hidden && !result.projection)
        return m_values.familyError("the embedding is not as wide as the stream and has no projection");
    if (spec.contains("positions")) {
        const Json& positions = spec.at("positions");
        PSC_TRY(m_values.requireMembers(positions, "positions", {"weight", "offset"}));
        PSC_ASSIGN(const std::int64_t offset, whole.size(positions, "offset", 0));
        if (m_sizes.maxPositions < 1)
            return Error {ErrorCode::Corrupt, "config.json: the model has learned positions, but none are stated",
                          kConfigHint};
        result.positions = {.weight = positions.at("weight").get<std::string>(),
                            .offset = offset,
                            .positions = m_sizes.maxPositions,
                            .width = m_sizes.hidden};
    }
    return result;
}

Result<HeadSpec> Builder::head()
{
    const Json& spec = m_family.at("head");
    PSC_TRY(m_values.requireMembers(
        spec, "head", {"norm", "projection", "weight", "bias", "tied", "multiplier", "divisor", "soft_cap"}));
    HeadSpec result;
    result.vocabulary = m_result.vocabSize;
    result.width = m_result.entry.width;
    const PartReader whole = reader("");
    PSC_ASSIGN(result.norm, whole.optionalNorm(spec, "norm", m_sizes.hidden));
    PSC_ASSIGN(result.projection, projection(spec, m_result.entry.width, m_sizes.hidden));
    PSC_ASSIGN(m_result.tiedEmbeddings, whole.boolean(spec, "tied", false));
    result.weight = m_result.tiedEmbeddings ? m_result.entry.embedding : spec.at("weight").get<std::string>();
    if (spec.contains("bias")) {
        PSC_ASSIGN(result.bias, m_values.text(spec.at("bias")));
    }
    PSC_ASSIGN(result.multiplier, whole.number(spec, "multiplier", 1));
    PSC_ASSIGN(const double divisor, whole.number(spec, "divisor", 1));
    if (divisor == 0)
        return Error {ErrorCode::Corrupt, "config.json: logits cannot be divided by 0", kConfigHint};
    result.multiplier /= divisor;
    PSC_ASSIGN(result.softCap, whole.number(spec, "soft_cap", 0));
    return result;
}

Status Builder::enterLayer(std::int64_t layer)
{
    PSC_ASSIGN(auto kinds, layerKinds(m_family, m_values, layer, m_layers));
    m_values.setLayer(layer, std::move(kinds));
    return success();
}

Result<BlockSpec> Builder::block(std::int64_t layer)
{
    const Json& spec = m_family.at("block");
    PSC_TRY(m_values.requireMembers(spec, "block", {"prefix", "parallel", "sublayers"}));
    PSC_TRY(enterLayer(layer));
    const PartReader parts = reader(filled(spec.at("prefix").get<std::string>(), "{layer}", layer));
    BlockSpec result;
    PSC_ASSIGN(result.parallel, parts.boolean(spec, "parallel", false));
    for (const Json& sublayer : spec.at("sublayers")) {
        PSC_ASSIGN(SublayerSpec read, parts.sublayer(sublayer));
        result.sublayers.push_back(std::move(read));
    }
    return result;
}

Result<Architecture> Builder::build()
{
    PSC_TRY(
        m_values.requireMembers(m_family, "the file",
                                {"family", "model_types", "wrappers", "roots", "dimensions", "layer_kinds", "embedding",
                                 "block", "head", "required_values", "ignored_keys", "ignored_tensors"}));
    m_result.family = m_family.at("family").get<std::string>();
    PSC_TRY(readDimensions());
    PSC_TRY(enterLayer(0)); // entry and head may depend on choices that are equal in all layers
    PSC_ASSIGN(m_result.entry, entry());
    PSC_ASSIGN(m_result.head, head());
    for (std::int64_t layer = 0; layer < m_layers; ++layer) {
        PSC_ASSIGN(BlockSpec spec, block(layer));
        m_result.blocks.push_back(std::move(spec));
    }
    for (const std::string& pattern : m_family.value("ignored_tensors", std::vector<std::string>()))
        m_result.ignoredTensors.push_back(filled(pattern, "{layers}", m_layers));
    return std::move(m_result);
}

} // namespace

Result<Architecture> readArchitecture(const Json& family, const Json& config)
{
    return Builder(family, config).build();
}

} // namespace paretoscope::core
