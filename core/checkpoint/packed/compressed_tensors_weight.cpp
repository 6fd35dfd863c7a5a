// SPDX-License-Identifier: Apache-2.0
#include "core/checkpoint/packed/compressed_tensors_weight.h"

#include "core/checkpoint/packed/scale_grid.h"
#include "core/checkpoint/small_floats.h"
#include "core/checkpoint/untrusted_text.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

namespace paretoscope::core {

namespace {

constexpr std::int64_t kNvfp4Group = 16;
constexpr std::int64_t kMxfp4Group = 32;

/// How many codes lie in each 32-bit word, and with or without gaps.
struct CodePacking
{
    int bits = 4;
    std::int64_t perWord = 0; ///< 0: a stream without gaps; else that many codes from the lowest bit of each word
    std::int64_t words = 0;   ///< of one row

    std::uint32_t code(std::span<const std::byte> data, std::int64_t row, std::int64_t index) const
    {
        if (perWord == 0)
            return packedCode(data, row * words, 1, index, bits);
        const std::uint32_t word = wordAt(data, row * words + index / perWord);
        return (word >> (index % perWord * bits)) & ((1U << bits) - 1);
    }
};

/// Older releases put floor(32/bits) codes into a word and left the rest unused.
std::optional<CodePacking> packingOf(std::int64_t in, std::int64_t words, int bits)
{
    if (words == packedWords(in, bits))
        return CodePacking {bits, 0, words};
    const std::int64_t perWord = 32 / bits;
    if (words == dividedUp(in, perWord))
        return CodePacking {bits, perWord, words};
    return std::nullopt;
}

/// weight_shape: the two dimensions as stored by the writer.
Result<std::pair<std::int64_t, std::int64_t>> statedShape(const PackedModule& module, const PackedPart& part)
{
    std::int64_t shape[2] {};
    if (part.info.elements() == 2 && part.info.type == ElementType::I64) {
        std::memcpy(shape, part.data.data(), sizeof shape);
    } else if (part.info.elements() == 2 && part.info.type == ElementType::I32) {
        std::int32_t narrow[2] {};
        std::memcpy(narrow, part.data.data(), sizeof narrow);
        std::copy(std::begin(narrow), std::end(narrow), std::begin(shape));
    } else {
        return module.fail("weight_shape does not hold two integers");
    }
    constexpr std::int64_t kMax = std::int64_t(1) << 31;
    if (shape[0] < 1 || shape[1] < 1 || shape[0] >= kMax || shape[1] >= kMax)
        return module.fail("weight_shape is " + shapeText(shape));
    return std::pair(shape[0], shape[1]);
}

/// Zero points of pack-quantized weights: packed like the codes, but down the outputs.
std::vector<float> unpackedZeros(const PackedPart& part, const ScaleGrid& grid, int bits)
{
    const int offset = 1 << (bits - 1);
    std::vector<float> zeros(static_cast<std::size_t>(grid.rows * grid.columns));
    for (std::int64_t row = 0; row < grid.rows; ++row) {
        for (std::int64_t column = 0; column < grid.columns; ++column) {
            const auto code = static_cast<int>(packedCode(part.data, column, grid.columns, row, bits));
            zeros[static_cast<std::size_t>(row * grid.columns + column)] = static_cast<float>(code - offset);
        }
    }
    return zeros;
}

struct IntegerParts
{
    PackedPart codes;
    ScaleGrid grid;
    CodePacking packing;
    std::optional<PackedPart> zeros;
};

Status decodePacked(const PackedModule& module, const IntegerParts& parts, std::span<float> out)
{
    ScaleGrid grid = parts.grid;
    PSC_ASSIGN(grid.scales, module.floats(grid.part));
    if (parts.zeros)
        grid.zeros = unpackedZeros(*parts.zeros, grid, parts.packing.bits);
    const int offset = 1 << (parts.packing.bits - 1);
    for (std::int64_t output = 0; output < grid.out; ++output) {
        for (std::int64_t input = 0; input < grid.in; ++input) {
            const auto code = static_cast<int>(parts.packing.code(parts.codes.data, output, input));
            grid.store(out, output, input, static_cast<float>(code - offset));
        }
    }
    return success();
}

Result<PackedWeight> packQuantized(const PackedModule& module, const CompressedTensorsSettings& settings)
{
    IntegerParts parts;
    PSC_ASSIGN(parts.codes, module.require("weight_packed", ElementType::I32, 2));
    const auto shapePart = module.find("weight_shape");
    if (!shapePart)
        return module.fail("its part \"weight_shape\" is missing");
    PSC_ASSIGN(const auto shape, statedShape(module, *shapePart));
    PSC_ASSIGN(const PackedPart scale, module.requireFloats("weight_scale"));
    std::vector<PackedPart> all {parts.codes, *shapePart, scale};

    std::optional<PackedPart> groupIndex;
    if (module.find("weight_g_idx")) {
        PSC_ASSIGN(groupIndex, module.require("weight_g_idx", ElementType::I32, 1));
        all.push_back(*groupIndex);
    }
    for (const CompressedTensorsGroup& group : settings.groups) {
        const auto packing = packingOf(shape.second, parts.codes.dimension(1), group.bits);
        auto grid = ScaleGrid::fit(scale, shape.first, shape.second, group, groupIndex);
        if (!packing || !grid || parts.codes.dimension(0) != shape.first)
            continue;
        parts.packing = *packing;
        parts.grid = std::move(*grid);
        if (module.find("weight_zero_point")) {
            PSC_ASSIGN(parts.zeros, module.require("weight_zero_point", ElementType::I32, 2));
            if (parts.zeros->dimension(0) != packedWords(parts.grid.rows, group.bits) ||
                parts.zeros->dimension(1) != parts.grid.columns)
                return module.fail("weight_zero_point " + shapeText(parts.zeros->info.shape) +
                                   " does not fit weight_scale " + shapeText(scale.info.shape));
            all.push_back(*parts.zeros);
        }
        PackedWeight weight = module.weight(shape.first, shape.second, all);
        weight.read = [module, parts](std::span<float> out) { return decodePacked(module, parts, out); };
        return weight;
    }
    return module.fail("weight_packed " + shapeText(parts.codes.info.shape) + " and weight_scale " +
                       shapeText(scale.info.shape) + " fit no entry of config_groups for a weight of " +
                       std::to_string(shape.first) + " x " + std::to_string(shape.second));
}

struct Float4Parts
{
    PackedPart codes;
    PackedPart scale;
    std::optional<PackedPart> globalScale;
    std::int64_t out = 0;
    std::int64_t in = 0;
    std::int64_t group = kNvfp4Group;
};

Status decodeFloat4(const PackedModule& module, const Float4Parts& parts, std::span<float> out)
{
    const auto count = static_cast<std::size_t>(parts.scale.info.elements());
    std::vector<float> scales(count);
    if (parts.globalScale) {
        PSC_ASSIGN(scales, module.floats(parts.scale));
        PSC_ASSIGN(const std::vector<float> global, module.floats(*parts.globalScale));
        for (float& scale : scales)
            scale /= global.front();
    } else {
        for (std::size_t i = 0; i < count; ++i)
            scales[i] = exponentOnlyToFloat(std::to_integer<std::uint8_t>(parts.scale.data[i]));
    }
    const std::int64_t groups = parts.in / parts.group;
    for (std::int64_t output = 0; output < parts.out; ++output) {
        for (std::int64_t input = 0; input < parts.in; ++input) {
            const std::int64_t element = output * parts.in + input; // two to a byte, the even one in the lower nibble
            const auto pair = std::to_integer<unsigned>(parts.codes.data[static_cast<std::size_t>(element / 2)]);
            const float code = kFloat4E2M1[(pair >> (element % 2 * 4)) & 15U];
            const float scale = scales[static_cast<std::size_t>(output * groups + input / parts.group)];
            out[static_cast<std::size_t>(element)] = code * scale;
        }
    }
    return success();
}

Result<PackedWeight> float4Packed(const PackedModule& module)
{
    Float4Parts parts;
    PSC_ASSIGN(parts.codes, module.require("weight_packed", ElementType::U8, 2));
    parts.out = parts.codes.dimension(0);
    parts.in = parts.codes.dimension(1) * 2;
    const auto scale = module.find("weight_scale");
    if (!scale)
        return module.fail("its part \"weight_scale\" is missing");
    parts.scale = *scale;
    std::vector<PackedPart> all {parts.codes, parts.scale};
    if (scale->info.type == ElementType::F8E4M3) {
        PSC_ASSIGN(parts.globalScale, module.requireFloats("weight_global_scale"));
        all.push_back(*parts.globalScale);
    }
    const bool isExponent = scale->info.type == ElementType::U8 || scale->info.type == ElementType::F8E8M0;
    parts.group = parts.globalScale ? kNvfp4Group : kMxfp4Group;
    const std::vector<std::int64_t> expected {parts.out, parts.in / parts.group};
    if ((!parts.globalScale && !isExponent) || parts.in % parts.group != 0 || scale->info.shape != expected ||
        (parts.globalScale && parts.globalScale->info.elements() != 1))
        return module.fail("weight_packed " + shapeText(parts.codes.info.shape) + " and weight_scale " +
                           std::string(layoutOf(scale->info.type).name) + " " + shapeText(scale->info.shape) +
                           " are neither NVFP4 nor MXFP4");
    PackedWeight weight = module.weight(parts.out, parts.in, all);
    weight.read = [module, parts](std::span<float> out) { return decodeFloat4(module, parts, out); };
    return weight;
}

struct PlainParts
{
    PackedPart codes;
    ScaleGrid grid;
    std::optional<PackedPart> zeros; ///< of type I8, shaped like the scales
};

std::vector<float> signedBytes(std::span<const std::byte> data)
{
    std::vector<float> values(data.size());
    std::ranges::transform(data, values.begin(), [](std::byte byte) {
        return static_cast<float>(static_cast<std::int8_t>(std::to_integer<std::uint8_t>(byte)));
    });
    return values;
}

Status decodePlain(const PackedModule& module, const PlainParts& parts, std::span<float> out)
{
    ScaleGrid grid = parts.grid;
    PSC_ASSIGN(grid.scales, module.floats(grid.part));
    if (parts.zeros)
        grid.zeros = signedBytes(parts.zeros->data);
    std::vector<float> codes;
    if (parts.codes.info.type == ElementType::I8) {
        codes = signedBytes(parts.codes.data);
    } else {
        PSC_ASSIGN(codes, module.floats(parts.codes));
    }
    for (std::int64_t output = 0; output < grid.out; ++output) {
        for (std::int64_t input = 0; input < grid.in; ++input)
            grid.store(out, output, input, codes[static_cast<std::size_t>(output * grid.in + input)]);
    }
    return success();
}

Result<PackedWeight> plainQuantized(const PackedModule& module, const CompressedTensorsSettings& settings,
                                    const std::string& scaleSuffix)
{
    PlainParts parts;
    parts.codes = *module.find("weight");
    PSC_ASSIGN(const PackedPart scale, module.requireFloats(scaleSuffix));
    std::vector<PackedPart> all {parts.codes, scale};
    if (parts.codes.info.shape.size() != 2)
        return module.fail("its weight has shape " + shapeText(parts.codes.info.shape) + " where a matrix is expected");
    for (const CompressedTensorsGroup& group : settings.groups) {
        auto grid = ScaleGrid::fit(scale, parts.codes.dimension(0), parts.codes.dimension(1), group, std::nullopt);
        if (!grid)
            continue;
        parts.grid = std::move(*grid);
        if (const auto zeros = module.find("weight_zero_point"); zeros && zeros->info.type == ElementType::I8) {
            if (zeros->info.elements() != scale.info.elements())
                return module.fail("weight_zero_point " + shapeText(zeros->info.shape) + " does not fit weight_scale " +
                                   shapeText(scale.info.shape));
            parts.zeros = *zeros;
            all.push_back(*zeros);
        }
        PackedWeight weight = module.weight(parts.grid.out, parts.grid.in, all);
        weight.read = [module, parts](std::span<float> out) { return decodePlain(module, parts, out); };
        return weight;
    }
    return module.fail("weight " + shapeText(parts.codes.info.shape) + " and " + scaleSuffix + " " +
                       shapeText(scale.info.shape) + " fit no entry of the quantization_config");
}

} // namespace

Result<PackedWeight> compressedTensorsWeight(const PackedModule& module, const CompressedTensorsSettings& settings)
{
    const auto packed = module.find("weight_packed");
    if (packed && packed->info.type == ElementType::U8)
        return float4Packed(module);
    return packed ? packQuantized(module, settings) : plainQuantized(module, settings, "weight_scale");
}

Result<PackedWeight> blockScaledWeight(const PackedModule& module, const std::string& scaleSuffix,
                                       std::int64_t blockOutputs, std::int64_t blockInputs)
{
    CompressedTensorsSettings settings;
    settings.groups.push_back({.bits = 8, .groupSize = 0, .blockOutputs = blockOutputs, .blockInputs = blockInputs});
    return plainQuantized(module, settings, scaleSuffix);
}

} // namespace paretoscope::core
