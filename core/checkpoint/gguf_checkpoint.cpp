// SPDX-License-Identifier: Apache-2.0
#include "core/checkpoint/gguf_checkpoint.h"

#include "core/checkpoint/dequantize.h"
#include "core/checkpoint/gguf_config.h"
#include "core/checkpoint/gguf_family.h"
#include "core/checkpoint/mapped_pages.h"
#include "core/checkpoint/untrusted_text.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

namespace paretoscope::core {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxTensors = 1'000'000; // also after stacked experts were told apart
constexpr char kConvertAgain[] = "convert the model again with a current converter";

/// A tensor under its Hugging Face name and how to get its values.
struct Place
{
    TensorInfo info;
    std::string_view source; ///< the file
    std::span<const std::byte> data;
    std::int64_t permutedHeads = 0; ///< heads whose rows are to be put back in half-split order; 0: none
    bool subtractOne = false;
};

/// Rows in interleaved rotary pairs back into two halves: row 2i+p of a head becomes row p*d/2+i.
void readPermuted(const Place& place, std::span<float> out)
{
    const std::int64_t rows = place.info.shape.front();
    const std::size_t width = out.size() / static_cast<std::size_t>(rows);
    const std::size_t rowBytes = place.data.size() / static_cast<std::size_t>(rows);
    const std::int64_t headRows = rows / place.permutedHeads;
    for (std::int64_t row = 0; row < rows; ++row) {
        const std::int64_t inHead = row % headRows;
        const std::int64_t target = row - inHead + (inHead % 2) * (headRows / 2) + inHead / 2;
        dequantize(place.info.type, place.data.subspan(static_cast<std::size_t>(row) * rowBytes, rowBytes),
                   out.subspan(static_cast<std::size_t>(target) * width, width));
    }
}

class GgufCheckpoint final : public Checkpoint
{
public:
    GgufCheckpoint(GgufParts parts, Json config, std::vector<Place> places, std::vector<std::string> warnings);

    std::string_view format() const override { return "gguf"; }
    const std::vector<TensorInfo>& tensors() const override { return m_tensors; }
    const Json& config() const override { return m_config; }
    const std::vector<fs::path>& files() const override { return m_parts.paths; }
    const std::vector<std::string>& warnings() const override { return m_warnings; }

    Status readFloat32(std::string_view name, std::span<float> out) const override;
    Result<std::span<const std::byte>> rawBytes(std::string_view name) const override;
    void releasePages(std::string_view name) const override;

private:
    Result<const Place*> place(std::string_view name) const;

    GgufParts m_parts;
    Json m_config;
    std::vector<std::string> m_warnings;
    std::vector<Place> m_places; // in the order of m_tensors
    std::vector<TensorInfo> m_tensors;
};

GgufCheckpoint::GgufCheckpoint(GgufParts parts, Json config, std::vector<Place> places,
                               std::vector<std::string> warnings)
    : m_parts(std::move(parts))
    , m_config(std::move(config))
    , m_warnings(std::move(warnings))
    , m_places(std::move(places))
{
    for (const Place& place : m_places)
        m_tensors.push_back(place.info);
}

Result<const Place*> GgufCheckpoint::place(std::string_view name) const
{
    const TensorInfo* info = find(name);
    if (!info)
        return Error {ErrorCode::NotFound, m_parts.paths.front().string() + " has no tensor " + inQuotes(name),
                      "\"inspect\" lists the tensors"};
    return &m_places[static_cast<std::size_t>(info - m_tensors.data())];
}

Status GgufCheckpoint::readFloat32(std::string_view name, std::span<float> out) const
{
    PSC_ASSIGN(const Place* at, place(name));
    const StoredTensor tensor {at->source, name, at->info.type, at->data};
    PSC_TRY(checkDequantizable(tensor, out.size()));
    if (at->permutedHeads > 0)
        readPermuted(*at, out);
    else
        dequantize(tensor.type, tensor.data, out);
    if (at->subtractOne)
        std::ranges::for_each(out, [](float& value) { value -= 1.0F; });
    return success();
}

Result<std::span<const std::byte>> GgufCheckpoint::rawBytes(std::string_view name) const
{
    PSC_ASSIGN(const Place* at, place(name));
    return at->data;
}

void GgufCheckpoint::releasePages(std::string_view name) const
{
    if (const auto at = place(name); at.ok())
        dropMappedPages(at.value()->data);
}

/// Turns the tensors of the parts into places under Hugging Face names.
class PlaceBuilder
{
public:
    PlaceBuilder(const GgufFamily* family, const Json& config, std::vector<std::string>& warnings)
        : m_family(family)
        , m_config(config)
        , m_warnings(warnings)
    {}

    Status add(const GgufTensor& tensor, const std::string& source);
    /// Sorted by name. Errors: Corrupt (two tensors of one name).
    Result<std::vector<Place>> finish();

private:
    Status addMapped(const GgufMappedName& mapped, Place place);
    Status addStacked(const GgufMappedName& mapped, const Place& stack);
    Status permute(const GgufMappedName& mapped, Place& place) const;

    const GgufFamily* m_family;
    const Json& m_config;
    std::vector<std::string>& m_warnings;
    std::vector<Place> m_places;
};

Status PlaceBuilder::add(const GgufTensor& tensor, const std::string& source)
{
    if (!tensor.type.elementType)
        return Error {ErrorCode::Unsupported,
                      source + ": tensor " + inQuotes(tensor.name) + " has type " + std::string(tensor.type.name) +
                          ", which cannot be read",
                      "use a file of type F16, BF16, Q8_0, Q4_0 to Q5_1, Q2_K to Q6_K or MXFP4"};
    // The rotary factors have become config keys.
    const bool isFactors = tensor.name == "rope_freqs.weight" || tensor.name.starts_with("rope_factors_");
    if (m_family && isFactors)
        return success();
    Place place;
    place.info.name = tensor.name;
    place.info.shape.assign(tensor.dims.rbegin(), tensor.dims.rend());
    place.info.type = *tensor.type.elementType;
    place.info.stored = Bytes {static_cast<std::int64_t>(tensor.data.size())};
    place.source = source;
    place.data = tensor.data;
    const auto mapped = m_family ? huggingFaceName(*m_family, tensor.name) : std::nullopt;
    if (mapped)
        return addMapped(*mapped, std::move(place));
    if (m_family)
        m_warnings.push_back("tensor " + inQuotes(tensor.name) + " has no Hugging Face name in the family " +
                             std::string(m_family->modelType));
    m_places.push_back(std::move(place));
    return success();
}

Status PlaceBuilder::addMapped(const GgufMappedName& mapped, Place place)
{
    if (mapped.isStacked)
        return addStacked(mapped, place);
    place.info.name = mapped.name;
    place.subtractOne = mapped.isNorm && m_family->normPlusOne;
    if (mapped.isRowVector && place.info.shape.size() == 1)
        place.info.shape.insert(place.info.shape.begin(), 1);
    if (mapped.heads != GgufHeads::None && m_family->permutedRotary)
        PSC_TRY(permute(mapped, place));
    m_places.push_back(std::move(place));
    return success();
}

Status PlaceBuilder::addStacked(const GgufMappedName& mapped, const Place& stack)
{
    const std::vector<std::int64_t>& shape = stack.info.shape;
    if (shape.size() != 3)
        return Error {ErrorCode::Corrupt,
                      std::string(stack.source) + ": tensor " + inQuotes(stack.info.name) + " has shape " +
                          shapeText(shape) + " where [experts, out, in] is expected",
                      kConvertAgain};
    const std::int64_t experts = shape.front();
    if (static_cast<std::uint64_t>(experts) > kMaxTensors - std::min(kMaxTensors, m_places.size()))
        return Error {ErrorCode::Unsupported,
                      std::string(stack.source) + ": tensor " + inQuotes(stack.info.name) + " holds " +
                          std::to_string(experts) + " experts; at most " + std::to_string(kMaxTensors) +
                          " tensors are read",
                      "use a model with fewer experts"};
    const std::size_t bytes = stack.data.size() / static_cast<std::size_t>(experts);
    for (std::int64_t expert = 0; expert < experts; ++expert) {
        Place place = stack;
        place.info.name = expertName(mapped.name, expert);
        place.info.shape = {shape[1], shape[2]};
        place.info.stored = Bytes {static_cast<std::int64_t>(bytes)};
        place.data = stack.data.subspan(static_cast<std::size_t>(expert) * bytes, bytes);
        m_places.push_back(std::move(place));
    }
    return success();
}

Status PlaceBuilder::permute(const GgufMappedName& mapped, Place& place) const
{
    const char* key = mapped.heads == GgufHeads::Query ? "num_attention_heads" : "num_key_value_heads";
    const auto heads = m_config.value(key, std::int64_t(0));
    const std::int64_t rows = place.info.shape.empty() ? 0 : place.info.shape.front();
    // The elements of a bias are rows of one element, which no block type can hold.
    const bool splits = place.info.shape.size() > 1 || layoutOf(place.info.type).blockElements == 1;
    if (heads < 1 || rows % heads != 0 || rows / heads % 2 != 0 || rows < heads || !splits)
        return Error {ErrorCode::Corrupt,
                      std::string(place.source) + ": tensor " + inQuotes(place.info.name) + " of shape " +
                          shapeText(place.info.shape) + " does not divide into " + std::to_string(heads) +
                          " heads of an even dimension",
                      kConvertAgain};
    place.permutedHeads = heads;
    return success();
}

Result<std::vector<Place>> PlaceBuilder::finish()
{
    const auto name = [](const Place& place) -> const std::string& { return place.info.name; };
    std::ranges::sort(m_places, {}, name);
    const auto twice = std::ranges::adjacent_find(m_places, {}, name);
    if (twice != m_places.end())
        return Error {ErrorCode::Corrupt,
                      std::string(twice->source) + ": two tensors are named " + inQuotes(twice->info.name),
                      kConvertAgain};
    return std::move(m_places);
}

GgufTensorLookup lookupIn(const GgufParts& parts)
{
    std::map<std::string_view, const GgufTensor*> byName;
    for (const GgufFile& part : parts.files) {
        for (const GgufTensor& tensor : part.tensors())
            byName.emplace(tensor.name, &tensor);
    }
    return [byName = std::move(byName)](std::string_view name) -> const GgufTensor* {
        const auto found = byName.find(name);
        return found == byName.end() ? nullptr : found->second;
    };
}

} // namespace

Result<std::unique_ptr<Checkpoint>> openGgufCheckpoint(const fs::path& file)
{
    PSC_ASSIGN(GgufParts parts, openGgufParts(file));
    return ggufCheckpoint(std::move(parts));
}

Result<std::unique_ptr<Checkpoint>> ggufCheckpoint(GgufParts parts)
{
    const GgufMetadata& metadata = parts.files.front().metadata();
    PSC_ASSIGN(const std::string architecture, metadata.text("general.architecture"));
    PSC_ASSIGN(const std::int64_t experts, metadata.integerOr(architecture + ".expert_count", 0));
    const GgufFamily* family = ggufFamily(architecture, experts > 0);
    std::vector<std::string> warnings;
    PSC_ASSIGN(Json config, ggufConfig(metadata, family, lookupIn(parts), warnings));

    PlaceBuilder builder(family, config, warnings);
    if (!family)
        warnings.push_back("GGUF architecture " + inQuotes(architecture) +
                           " has no table of Hugging Face names; tensors keep their own");
    for (const GgufFile& part : parts.files) {
        for (const GgufTensor& tensor : part.tensors())
            PSC_TRY(builder.add(tensor, part.metadata().source()));
    }
    PSC_ASSIGN(std::vector<Place> places, builder.finish());
    return std::unique_ptr<Checkpoint>(
        std::make_unique<GgufCheckpoint>(std::move(parts), std::move(config), std::move(places), std::move(warnings)));
}

} // namespace paretoscope::core
