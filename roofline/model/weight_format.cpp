// SPDX-License-Identifier: Apache-2.0
#include "roofline/model/weight_format.h"

#include "core/base/near_miss.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace paretoscope::roofline {

namespace {

double combinations(int of, int kept)
{
    double result = 1;
    for (int i = 1; i <= kept; ++i)
        result = result * (of - kept + i) / i;
    return result;
}

/// Bits of the codes alone, spread over all weights.
double codeBits(const WeightFormat& format, double in, double out)
{
    if (format.codebooks) {
        const Codebooks& c = *format.codebooks;
        return c.books * std::log2(c.entries) / c.length + c.books * c.entries * c.length * 16 / (in * out);
    }
    const Sparsity& sparsity = format.sparsity;
    if (sparsity.is24()) // hardware stores two positions of two bits for every four weights
        return format.bits / 2 + 1;
    if (sparsity.kept > 0)
        return (sparsity.kept * format.bits + std::ceil(std::log2(combinations(sparsity.of, sparsity.kept)))) /
               sparsity.of;
    if (sparsity.density < 1)
        return std::min({format.bits, format.bits * sparsity.density + 1,
                         sparsity.density * (format.bits + sparsity.indexBits) + 32 / in});
    return format.bits;
}

double factorBits(const LowRank& lowRank, double in, double out)
{
    return lowRank.bits * lowRank.rank * (in + out) / (in * out);
}

struct NamedFormat
{
    std::string_view name;
    WeightFormat format;
};

/// A scale of 8.125 bits is one of 8 bits with a float32 for every 256 of them.
const std::vector<NamedFormat>& namedFormats()
{
    constexpr CodeKind kInteger = CodeKind::Integer;
    static const std::vector<NamedFormat> formats {
        {"fp32", {.bits = 32}},
        {"bf16", {.bits = 16}},
        {"fp16", {.bits = 16}},
        {"fp8", {.bits = 8}},
        {"int8", {.bits = 8, .codes = kInteger, .scaleBits = 16}},
        {"int8-g128", {.bits = 8, .codes = kInteger, .scaleBits = 16, .groupSize = 128}},
        {"int4-g128", {.bits = 4, .codes = kInteger, .scaleBits = 16, .groupSize = 128}},
        {"int4-g128-zero4", {.bits = 4, .codes = kInteger, .scaleBits = 16, .zeroBits = 4, .groupSize = 128}},
        {"int4-g128-zero16", {.bits = 4, .codes = kInteger, .scaleBits = 16, .zeroBits = 16, .groupSize = 128}},
        {"int3-g128", {.bits = 3, .codes = kInteger, .scaleBits = 16, .groupSize = 128}},
        {"int2-g128", {.bits = 2, .codes = kInteger, .scaleBits = 16, .groupSize = 128}},
        {"nf4", {.bits = 4, .scaleBits = 32, .groupSize = 64}},
        {"nf4-double", {.bits = 4, .scaleBits = 8.125, .groupSize = 64}},
        {"mxfp4", {.bits = 4, .scaleBits = 8, .groupSize = 32}},
        {"nvfp4", {.bits = 4, .scaleBits = 8, .groupSize = 16}},
        {"q4_0", {.bits = 4, .codes = kInteger, .scaleBits = 16, .groupSize = 32}},
        {"q4_k", {.bits = 4, .codes = kInteger, .scaleBits = 128, .groupSize = 256}},
        {"q6_k", {.bits = 6, .codes = kInteger, .scaleBits = 144, .groupSize = 256}},
        {"q8_0", {.bits = 8, .codes = kInteger, .scaleBits = 16, .groupSize = 32}},
    };
    return formats;
}

} // namespace

double bitsPerWeight(const WeightFormat& format, double in, double out)
{
    if (format.storedBits)
        return *format.storedBits;
    if (format.lowRank && format.lowRank->replaces)
        return factorBits(*format.lowRank, in, out) * format.compression;
    const double group = format.groupSize > 0 ? format.groupSize : in;
    double bits = codeBits(format, in, out) + (format.scaleBits + format.zeroBits) / group;
    if (format.activationOrder)
        bits += 32 / out;
    bits += format.outlierDensity * (16 + format.outlierIndexBits);
    if (format.lowRank)
        bits += factorBits(*format.lowRank, in, out);
    return bits * format.compression;
}

core::Result<WeightFormat> namedWeightFormat(std::string_view name)
{
    for (const NamedFormat& known : namedFormats()) {
        if (known.name == name)
            return known.format;
    }
    return core::Error {core::ErrorCode::NotFound, "no weight format is called \"" + std::string(name) + "\"",
                        core::suggestion(name, weightFormatNames())};
}

std::vector<std::string> weightFormatNames()
{
    std::vector<std::string> names;
    for (const NamedFormat& known : namedFormats())
        names.emplace_back(known.name);
    return names;
}

WeightFormat plainWeightFormat(double bits, double groupSize)
{
    if (bits >= 16)
        return {.bits = bits};
    return {.bits = bits, .codes = CodeKind::Integer, .scaleBits = 16, .groupSize = groupSize};
}

} // namespace paretoscope::roofline
