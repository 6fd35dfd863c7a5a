// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/result.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace paretoscope::roofline {

enum class CodeKind
{
    Float,
    Integer,
};

/// Additive codebooks in place of plain codes (AQLM, VPTQ).
struct Codebooks
{
    double books = 1;
    double entries = 256; ///< of each book
    double length = 8;    ///< weights that one entry stands for
    bool operator==(const Codebooks&) const = default;
};

/// Which weights are left.
struct Sparsity
{
    int kept = 0;           ///< N of N:M; 0: not semi-structured
    int of = 0;             ///< M
    double density = 1;     ///< of unstructured pruning; 1: none
    bool hasKernel = false; ///< unstructured: a kernel skips the zeros (on the vector units)
    double indexBits = 16;  ///< of one index, where zeros are left out by index

    bool is24() const { return kept == 2 && of == 4; }
    bool operator==(const Sparsity&) const = default;
};

/// W ≈ A·B of this rank, in place of the weight or added to it.
struct LowRank
{
    double rank = 0;
    bool replaces = false; ///< else added to the codes (adapters, error compensation)
    double bits = 16;
    bool operator==(const LowRank&) const = default;
};

/// How the weights of a linear are stored. Groups run along the input dimension.
struct WeightFormat
{
    double bits = 16; ///< of one code
    CodeKind codes = CodeKind::Float;
    double inputBits = 16; ///< of integer codes that it is multiplied with; 16: what the setting says
    double scaleBits = 0;
    double zeroBits = 0;
    double groupSize = 0;         ///< 0: one group per row
    bool activationOrder = false; ///< a 32-bit group index per input is stored
    double outlierDensity = 0;    ///< weights kept aside in 16 bits
    double outlierIndexBits = 16;
    std::optional<Codebooks> codebooks = {};
    Sparsity sparsity = {};
    std::optional<LowRank> lowRank = {};
    double compression = 1;                          ///< measured ratio of a lossless coding on top, e.g. 0.7
    std::optional<double> decodeBytesPerSecond = {}; ///< of that coding, counted in decoded bytes
    /// Per weight, everything included, where it is known from the tensors themselves; the values above then decide only
    /// how the weight is multiplied.
    std::optional<double> storedBits = {};

    bool operator==(const WeightFormat&) const = default;
};

/// Stored bits per weight of an [out, in] linear, with scales, zeros, indices, outliers, codebooks, positions of what
/// is left, low-rank factors; `storedBits` where that is known. Unstructured zeros are stored as bitmap, by index or not
/// left out, whichever is smallest.
double bitsPerWeight(const WeightFormat& format, double in, double out);

/// "int4-g128", "nf4", "q4_k", …; without metadata: "fp32", "bf16", "fp16", "fp8". Errors: NotFound, with the near
/// name.
core::Result<WeightFormat> namedWeightFormat(std::string_view name);
std::vector<std::string> weightFormatNames();

/// `bits` below 16 as integers in groups of `groupSize` with 16-bit scales (4 bits in groups of 128: 4.125), others
/// as floats without metadata.
WeightFormat plainWeightFormat(double bits, double groupSize = 128);

} // namespace paretoscope::roofline
