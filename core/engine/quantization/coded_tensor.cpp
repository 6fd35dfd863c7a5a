// SPDX-License-Identifier: Apache-2.0
#include "core/engine/quantization/coded_tensor.h"

#include "core/engine/device/transfer.h"
#include "core/engine/layout/bit_stream.h"
#include "core/engine/quantization/group_affine_tensor.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

namespace paretoscope::engine {

namespace {

constexpr std::int64_t kRowsAtOnce = 16;

constexpr std::array<std::pair<ScaleCoding, std::string_view>, 6> kCodingNames {{
    {ScaleCoding::Float32, "float32"},
    {ScaleCoding::Float16, "float16"},
    {ScaleCoding::BFloat16, "bfloat16"},
    {ScaleCoding::PowerOfTwo, "e8m0"},
    {ScaleCoding::Float8, "e4m3"},
    {ScaleCoding::SecondLevel, "second_level"},
}};

std::string_view nameOf(ScaleCoding coding)
{
    return std::find_if(kCodingNames.begin(), kCodingNames.end(),
                        [&](const auto& entry) { return entry.first == coding; })
        ->second;
}

std::optional<ScaleCoding> codingNamed(std::string_view name)
{
    for (const auto& [coding, candidate] : kCodingNames) {
        if (candidate == name)
            return coding;
    }
    return std::nullopt;
}

std::int64_t groupsOf(std::int64_t columns, std::int64_t groupSize)
{
    return groupSize < 0 ? 1 : (columns + groupSize - 1) / groupSize;
}

/// By value of the byte.
at::Tensor lookedUp(const at::Tensor& bytes, const std::array<float, 256>& table)
{
    at::Tensor values = at::empty(bytes.sizes(), at::kFloat);
    const std::uint8_t* in = bytes.const_data_ptr<std::uint8_t>();
    float* out = values.mutable_data_ptr<float>();
    for (std::int64_t i = 0; i < bytes.numel(); ++i)
        out[i] = table[in[i]];
    return values;
}

const std::array<float, 256>& powersOfTwo()
{
    static const std::array<float, 256> powers = [] {
        std::array<float, 256> table {};
        for (int e = 0; e < 255; ++e)
            table[static_cast<std::size_t>(e)] = std::ldexp(1.0F, e - 127);
        table[255] = NAN;
        return table;
    }();
    return powers;
}

/// Walks a matrix with the scale of every value, rows in parallel: visit(row, first column, end, index of the scale).
template <typename Visit>
void forEachGroup(std::int64_t rows, std::int64_t columns, std::int64_t groupSize, const at::Tensor& scales,
                  const Visit& visit)
{
    const std::int64_t size = groupSize < 0 ? columns : groupSize;
    const std::int64_t groups = scales.size(1);
    const bool isShared = scales.size(0) == 1;
    at::parallel_for(0, rows, kRowsAtOnce, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t row = begin; row < end; ++row) {
            for (std::int64_t group = 0; group < groups; ++group)
                visit(row, group * size, std::min(columns, (group + 1) * size), (isShared ? 0 : row * groups) + group);
        }
    });
}

/// What a reader knows of a coded tensor before its parts are looked at.
struct Described
{
    CodedTensor::Form form;
    ScaleCoding coding = ScaleCoding::Float16;
    std::int64_t rows = 0;
    std::int64_t columns = 0;
};

std::optional<Described> readDescription(const core::Json& description)
{
    Described told;
    told.form.format = NumberFormat::find(description.value("format", ""));
    told.form.groupSize = description.value("group_size", std::int64_t(0));
    told.rows = description.value("rows", std::int64_t(0));
    told.columns = description.value("columns", std::int64_t(0));
    const auto coding = codingNamed(description.value("scales", ""));
    if (!told.form.format || !coding || told.rows <= 0 || told.columns <= 0 ||
        (told.form.groupSize != -1 && told.form.groupSize <= 0))
        return std::nullopt;
    told.coding = *coding;
    return told;
}

std::optional<CodedScales> readScales(const Described& told, const TensorParts& parts)
{
    CodedScales scales {told.coding, partNamed(parts, "scales"), partNamed(parts, "scale_factor"),
                        partNamed(parts, "scale_blocks")};
    const at::ScalarType type = storageType(told.coding);
    if (!hasShape(scales.stored, type, {told.rows, groupsOf(told.columns, told.form.groupSize)}) &&
        !hasShape(scales.stored, type, {1, 1}))
        return std::nullopt;
    const bool isFactored = told.coding == ScaleCoding::Float8 || told.coding == ScaleCoding::SecondLevel;
    if (isFactored ? !hasShape(scales.factor, at::kFloat, {1}) : scales.factor.defined())
        return std::nullopt;
    const std::int64_t blocks = (scales.stored.numel() + CodedScales::kBlock - 1) / CodedScales::kBlock;
    if (told.coding == ScaleCoding::SecondLevel ? !hasShape(scales.blocks, at::kFloat, {blocks})
                                                : scales.blocks.defined())
        return std::nullopt;
    // One scale for all has one group to go with it.
    if (scales.stored.size(0) == 1 && told.rows > 1 && told.form.groupSize != -1)
        return std::nullopt;
    return scales;
}

} // namespace

at::ScalarType storageType(ScaleCoding coding)
{
    switch (coding) {
    case ScaleCoding::Float32:
        return at::kFloat;
    case ScaleCoding::Float16:
        return at::kHalf;
    case ScaleCoding::BFloat16:
        return at::kBFloat16;
    case ScaleCoding::PowerOfTwo:
    case ScaleCoding::Float8:
    case ScaleCoding::SecondLevel:
        break;
    }
    return at::kByte;
}

ScaleCoding scaleCodingOf(ScaleType type)
{
    return type == ScaleType::Float16    ? ScaleCoding::Float16
           : type == ScaleType::BFloat16 ? ScaleCoding::BFloat16
                                         : ScaleCoding::Float32;
}

at::Tensor CodedScales::values() const
{
    switch (coding) {
    case ScaleCoding::Float32:
    case ScaleCoding::Float16:
    case ScaleCoding::BFloat16:
        break;
    case ScaleCoding::PowerOfTwo:
        return lookedUp(stored, powersOfTwo());
    case ScaleCoding::Float8:
        return lookedUp(stored, NumberFormat::find("fp8_e4m3")->values).div_(factor);
    case ScaleCoding::SecondLevel: {
        const at::Tensor perScale = blocks.repeat_interleave(kBlock).narrow(0, 0, stored.numel());
        return (stored.flatten().to(at::kFloat) - 128).mul_(perScale).add_(factor).view(stored.sizes());
    }
    }
    return stored.to(at::kFloat);
}

at::Tensor encodeGroups(const at::Tensor& weight, const at::Tensor& scales, const CodedTensor::Form& form)
{
    const std::int64_t columns = weight.size(1);
    const at::Tensor values = weight.contiguous();
    const at::Tensor flatScales = scales.contiguous();
    at::Tensor codes = at::empty({weight.size(0), columns}, at::kByte);
    const float* in = values.const_data_ptr<float>();
    const float* scale = flatScales.const_data_ptr<float>();
    std::uint8_t* out = codes.mutable_data_ptr<std::uint8_t>();
    forEachGroup(weight.size(0), columns, form.groupSize, flatScales,
                 [&](std::int64_t row, std::int64_t first, std::int64_t end, std::int64_t index) {
                     std::array<float, 256> scaled {};
                     for (std::int64_t at = first; at < end; at += std::int64_t(scaled.size())) {
                         const std::int64_t count = std::min<std::int64_t>(end - at, std::int64_t(scaled.size()));
                         const float* from = in + row * columns + at;
                         for (std::int64_t i = 0; i < count; ++i)
                             scaled[static_cast<std::size_t>(i)] = scale[index] == 0 ? 0 : from[i] / scale[index];
                         form.format->encode(scaled.data(), count, out + row * columns + at);
                     }
                 });
    return codes;
}

CodedTensor::CodedTensor(Form form, at::Tensor codes, CodedScales scales, at::Tensor zeros, const at::Tensor& mask)
    : CodedTensor(form, std::move(codes), std::move(scales), std::move(zeros),
                  mask.defined() ? std::optional(PackedMask(toHost(mask))) : std::nullopt)
{}

CodedTensor::CodedTensor(Form form, at::Tensor codes, CodedScales scales, at::Tensor zeros,
                         std::optional<PackedMask> mask)
    : m_form(form)
    , m_codes(toHost(codes))
    , m_scales(std::move(scales))
    , m_zeros(std::move(zeros))
    , m_mask(std::move(mask))
{}

at::Tensor CodedTensor::dequantize() const
{
    const std::int64_t columns = m_codes.size(1);
    const at::Tensor scales = m_scales.values().contiguous();
    const at::Tensor zeros = m_zeros.defined() ? m_zeros.to(at::kFloat).contiguous() : at::Tensor();
    at::Tensor weight = at::empty(m_codes.sizes(), at::kFloat);
    const std::uint8_t* in = m_codes.const_data_ptr<std::uint8_t>();
    const float* scale = scales.const_data_ptr<float>();
    const float* zero = zeros.defined() ? zeros.const_data_ptr<float>() : nullptr;
    float* out = weight.mutable_data_ptr<float>();
    forEachGroup(m_codes.size(0), columns, m_form.groupSize, scales,
                 [&](std::int64_t row, std::int64_t first, std::int64_t end, std::int64_t index) {
                     const float middle = zero ? zero[index] : 0;
                     for (std::int64_t i = row * columns + first; i < row * columns + end; ++i)
                         out[i] = scale[index] * (m_form.format->values[in[i]] - middle);
                 });
    return m_mask ? weight.masked_fill_(m_mask->mask().logical_not(), 0) : weight;
}

std::vector<StoredPart> CodedTensor::storedParts() const
{
    const std::int64_t rows = m_codes.size(0);
    const std::int64_t columns = m_codes.size(1);
    const int bits = m_form.format->bits;
    std::vector<StoredPart> parts;
    const auto add = [&](const char* name, const at::Tensor& part) {
        if (part.defined())
            parts.push_back({name, {static_cast<std::int64_t>(part.nbytes()) * 8}, part.storage().data()});
    };
    const std::int64_t words = m_mask ? wordsFor(m_mask->kept(), bits) : rows * wordsFor(columns, bits);
    parts.push_back({"codes", {words * 32}, m_codes.storage().data()});
    add("scales", m_scales.stored);
    add("scale_factor", m_scales.factor);
    add("scale_blocks", m_scales.blocks);
    add("zero_points", m_zeros);
    for (StoredPart& part : m_mask ? m_mask->storedParts() : std::vector<StoredPart>())
        parts.push_back(std::move(part));
    return parts;
}

std::vector<std::pair<std::string, at::Tensor>> CodedTensor::serialise() const
{
    TensorParts parts;
    const auto add = [&](const char* name, const at::Tensor& part) {
        if (part.defined())
            parts.emplace_back(name, part);
    };
    const int bits = m_form.format->bits;
    parts.emplace_back("codes", m_mask ? packStream(m_mask->keptOf(m_codes), bits) : packRows(m_codes, bits));
    add("scales", m_scales.stored);
    add("scale_factor", m_scales.factor);
    add("scale_blocks", m_scales.blocks);
    add("zero_points", m_zeros);
    for (auto& part : m_mask ? m_mask->serialise() : TensorParts())
        parts.push_back(std::move(part));
    return parts;
}

core::Json CodedTensor::description() const
{
    core::Json description {{"rows", m_codes.size(0)},
                            {"columns", m_codes.size(1)},
                            {"format", m_form.format->name},
                            {"group_size", m_form.groupSize},
                            {"scales", nameOf(m_scales.coding)}};
    if (m_mask)
        description["mask"] = m_mask->description();
    return description;
}

ReadTensor CodedTensor::fromParts(const core::Json& description, const TensorParts& parts, const TensorLayouts&)
{
    const auto told = readDescription(description);
    const auto scales = told ? readScales(*told, parts) : std::nullopt;
    if (!scales)
        return damagedParts(kLayout);
    const int bits = told->form.format->bits;
    const at::Tensor packed = partNamed(parts, "codes");
    const at::Tensor zeros = partNamed(parts, "zero_points");
    if (zeros.defined() && !hasShape(zeros, scales->stored.scalar_type(), scales->stored.sizes()))
        return damagedParts(kLayout);
    if (!description.contains("mask")) {
        if (!hasShape(packed, at::kInt, {told->rows, wordsFor(told->columns, bits)}))
            return damagedParts(kLayout);
        return std::shared_ptr<const CompressedTensor>(
            std::make_shared<CodedTensor>(told->form, unpackRows(packed, told->columns, bits), *scales, zeros));
    }
    PSC_ASSIGN(PackedMask mask, PackedMask::fromParts(description.at("mask"), told->rows, told->columns, parts));
    if (!hasShape(packed, at::kInt, {wordsFor(mask.kept(), bits)}))
        return damagedParts(kLayout);
    const at::Tensor codes = mask.spread(unpackStream(packed, mask.kept(), bits).to(at::kByte));
    return std::shared_ptr<const CompressedTensor>(
        std::make_shared<CodedTensor>(told->form, codes, *scales, zeros, std::optional(std::move(mask))));
}

} // namespace paretoscope::engine
