// SPDX-License-Identifier: Apache-2.0
#include "core/checkpoint/packed/gptq_weight.h"

#include "core/checkpoint/packed/column_groups.h"
#include "core/checkpoint/untrusted_text.h"

#include <algorithm>
#include <cctype>
#include <cstring>
#include <optional>
#include <string>
#include <utility>

namespace paretoscope::core {

namespace {

constexpr std::int64_t kOutputBlock = 64; // outputs whose rows stay in the cache while their inputs are walked

bool isGptqBits(std::int64_t bits)
{
    return bits == 2 || bits == 3 || bits == 4 || bits == 8;
}

struct GptqParts
{
    PackedPart codes;
    PackedPart zeros;
    PackedPart scales;
    std::optional<PackedPart> groupIndex;
    int bits = 4;
    std::int64_t groupSize = 128;
    std::int64_t out = 0;
    std::int64_t in = 0;
    std::int64_t groups = 0;
};

/// The groups of the inputs as g_idx states them, or in order.
Result<std::vector<std::int32_t>> groupsOf(const PackedModule& module, const GptqParts& parts)
{
    std::vector<std::int32_t> groups(static_cast<std::size_t>(parts.in));
    if (!parts.groupIndex) {
        for (std::size_t i = 0; i < groups.size(); ++i)
            groups[i] = static_cast<std::int32_t>(static_cast<std::int64_t>(i) / parts.groupSize);
        return groups;
    }
    std::memcpy(groups.data(), parts.groupIndex->data.data(), parts.groupIndex->data.size());
    for (const std::int32_t group : groups) {
        if (group >= parts.groups)
            return module.fail("g_idx names group " + std::to_string(group) + ", but there are " +
                               std::to_string(parts.groups));
    }
    return groups;
}

Status decodeGptq(const PackedModule& module, const GptqParts& parts, bool zerosMinusOne, std::span<float> out)
{
    ColumnGroups groups {.out = parts.out, .in = parts.in, .scales = {}, .zeros = {}, .groupOf = {}};
    PSC_ASSIGN(groups.scales, module.floats(parts.scales));
    PSC_ASSIGN(groups.groupOf, groupsOf(module, parts));
    const std::uint32_t mask = (1U << parts.bits) - 1;
    groups.zeros.resize(groups.scales.size());
    const std::int64_t zeroWords = parts.zeros.dimension(1);
    for (std::int64_t group = 0; group < parts.groups; ++group) {
        for (std::int64_t output = 0; output < parts.out; ++output) {
            const std::uint32_t code = packedCode(parts.zeros.data, group * zeroWords, 1, output, parts.bits);
            const std::uint32_t zero = zerosMinusOne ? (code + 1) & mask : code;
            groups.zeros[static_cast<std::size_t>(group * parts.out + output)] = static_cast<float>(zero);
        }
    }
    for (std::int64_t begin = 0; begin < parts.out; begin += kOutputBlock) {
        const std::int64_t end = std::min(parts.out, begin + kOutputBlock);
        for (std::int64_t input = 0; input < parts.in; ++input) {
            for (std::int64_t output = begin; output < end; ++output)
                groups.store(out, output, input, packedCode(parts.codes.data, output, parts.out, input, parts.bits));
        }
    }
    return success();
}

/// Checks the shapes against each other and the settings.
Status fitParts(const PackedModule& module, const GptqSettings& settings, GptqParts& parts)
{
    parts.groups = parts.scales.dimension(0);
    parts.out = parts.scales.dimension(1);
    const std::int64_t codeRows = parts.codes.dimension(0);
    const std::int64_t zeroWords = parts.zeros.dimension(1);
    std::int64_t bits = settings.bits;
    if (settings.varies && parts.out > 0)
        bits = zeroWords * 32 / parts.out;
    if (parts.scales.info.shape.size() != 2 || parts.groups < 1 || parts.out < 1 || !isGptqBits(bits))
        return module.fail("scales " + shapeText(parts.scales.info.shape) + " and qzeros " +
                           shapeText(parts.zeros.info.shape) + " fit no supported number of bits (2, 3, 4, 8)");
    parts.bits = static_cast<int>(bits);
    parts.in = codeRows * 32 / bits;
    parts.groupSize = settings.groupSize;
    if (settings.groupSize <= 0 || settings.varies)
        parts.groupSize = std::max<std::int64_t>(1, dividedUp(parts.in, parts.groups));
    const bool groupsFit = parts.groupIndex || dividedUp(parts.in, parts.groupSize) == parts.groups;
    if (codeRows * 32 % bits != 0 || parts.in < 1 || parts.codes.dimension(1) != parts.out ||
        parts.zeros.dimension(0) != parts.groups || zeroWords != packedWords(parts.out, parts.bits) || !groupsFit ||
        (parts.groupIndex && parts.groupIndex->dimension(0) != parts.in))
        return module.fail("qweight " + shapeText(parts.codes.info.shape) + ", qzeros " +
                           shapeText(parts.zeros.info.shape) + " and scales " + shapeText(parts.scales.info.shape) +
                           " do not fit together at " + std::to_string(bits) + " bits and groups of " +
                           std::to_string(parts.groupSize));
    return success();
}

/// Column 8w+kAwqOrder[k] is nibble k of word w.
constexpr std::int64_t kAwqOrder[8] {0, 2, 4, 6, 1, 3, 5, 7};

struct AwqParts
{
    PackedPart codes;
    PackedPart zeros;
    PackedPart scales;
    std::int64_t groupSize = 128;
};

Status decodeAwq(const PackedModule& module, const AwqParts& parts, std::span<float> out)
{
    constexpr std::int64_t kInputBlock = 16; // one cache line of each of the eight rows that a word belongs to
    const std::int64_t in = parts.codes.dimension(0);
    const std::int64_t words = parts.codes.dimension(1);
    const std::int64_t groupCount = parts.scales.dimension(0);
    ColumnGroups groups {.out = words * 8, .in = in, .scales = {}, .zeros = {}, .groupOf = {}};
    PSC_ASSIGN(groups.scales, module.floats(parts.scales));
    groups.zeros.resize(groups.scales.size());
    for (std::int64_t i = 0; i < groupCount * words; ++i) {
        const std::uint32_t word = wordAt(parts.zeros.data, i);
        for (std::int64_t nibble = 0; nibble < 8; ++nibble)
            groups.zeros[static_cast<std::size_t>(8 * i + kAwqOrder[nibble])] =
                static_cast<float>((word >> (4 * nibble)) & 15U);
    }
    for (std::int64_t i = 0; i < in; ++i)
        groups.groupOf.push_back(static_cast<std::int32_t>(i / parts.groupSize));
    for (std::int64_t begin = 0; begin < in; begin += kInputBlock) {
        const std::int64_t end = std::min(in, begin + kInputBlock);
        for (std::int64_t word = 0; word < words; ++word) {
            for (std::int64_t input = begin; input < end; ++input) {
                const std::uint32_t codes = wordAt(parts.codes.data, input * words + word);
                for (std::int64_t nibble = 0; nibble < 8; ++nibble)
                    groups.store(out, 8 * word + kAwqOrder[nibble], input, (codes >> (4 * nibble)) & 15U);
            }
        }
    }
    return success();
}

} // namespace

Result<GptqSettings> gptqSettings(const Json& config)
{
    GptqSettings settings;
    const auto integer = [&](const char* key, std::int64_t fallback) -> Result<std::int64_t> {
        const auto found = config.find(key);
        if (found == config.end() || found->is_null())
            return fallback;
        if (!found->is_number_integer())
            return Error {ErrorCode::Corrupt, std::string("quantization_config: ") + key + " is no integer",
                          "correct the file"};
        return found->get<std::int64_t>();
    };
    PSC_ASSIGN(const std::int64_t bits, integer("bits", 4));
    PSC_ASSIGN(settings.groupSize, integer("group_size", 128));
    if (!isGptqBits(bits))
        return Error {ErrorCode::Unsupported,
                      "quantization_config: GPTQ with " + std::to_string(bits) + " bits is not supported",
                      "2, 3, 4 and 8 bits are"};
    settings.bits = static_cast<int>(bits);
    std::string format = "gptq";
    if (const auto found = config.find("checkpoint_format"); found != config.end() && found->is_string())
        format = found->get<std::string>();
    if (format != "gptq" && format != "gptq_v2")
        return Error {ErrorCode::Unsupported,
                      "quantization_config: the GPTQ layout " + inQuotes(format) + " is not supported",
                      "save the model in the layout \"gptq\" or \"gptq_v2\""};
    settings.zerosMinusOne = format == "gptq";
    const auto dynamic = config.find("dynamic");
    settings.varies = dynamic != config.end() && dynamic->is_object() && !dynamic->empty();
    return settings;
}

Result<PackedWeight> gptqWeight(const PackedModule& module, const GptqSettings& settings)
{
    GptqParts parts;
    PSC_ASSIGN(parts.codes, module.require("qweight", ElementType::I32, 2));
    PSC_ASSIGN(parts.zeros, module.require("qzeros", ElementType::I32, 2));
    PSC_ASSIGN(parts.scales, module.requireFloats("scales"));
    std::vector<PackedPart> all {parts.codes, parts.zeros, parts.scales};
    if (module.find("g_idx")) {
        PSC_ASSIGN(parts.groupIndex, module.require("g_idx", ElementType::I32, 1));
        all.push_back(*parts.groupIndex);
    }
    PSC_TRY(fitParts(module, settings, parts));
    PSC_TRY(groupsOf(module, parts));
    PackedWeight weight = module.weight(parts.out, parts.in, all);
    weight.read = [module, parts, minusOne = settings.zerosMinusOne](std::span<float> out) {
        return decodeGptq(module, parts, minusOne, out);
    };
    return weight;
}

Result<PackedWeight> awqWeight(const PackedModule& module, std::int64_t groupSize)
{
    AwqParts parts;
    PSC_ASSIGN(parts.codes, module.require("qweight", ElementType::I32, 2));
    PSC_ASSIGN(parts.zeros, module.require("qzeros", ElementType::I32, 2));
    PSC_ASSIGN(parts.scales, module.requireFloats("scales"));
    const std::int64_t in = parts.codes.dimension(0);
    const std::int64_t words = parts.codes.dimension(1);
    parts.groupSize = groupSize > 0 ? groupSize : std::max<std::int64_t>(1, in);
    const std::int64_t groups = dividedUp(in, parts.groupSize);
    const std::vector<std::int64_t> zeroShape {groups, words};
    const std::vector<std::int64_t> scaleShape {groups, words * 8};
    if (in < 1 || words < 1 || parts.zeros.info.shape != zeroShape || parts.scales.info.shape != scaleShape)
        return module.fail("qweight " + shapeText(parts.codes.info.shape) + ", qzeros " +
                           shapeText(parts.zeros.info.shape) + " and scales " + shapeText(parts.scales.info.shape) +
                           " do not fit together at groups of " + std::to_string(parts.groupSize));
    PackedWeight weight = module.weight(words * 8, in, {parts.codes, parts.zeros, parts.scales});
    weight.read = [module, parts](std::span<float> out) { return decodeAwq(module, parts, out); };
    return weight;
}

} // namespace paretoscope::core
