// SPDX-License-Identifier: Apache-2.0
#include "roofline/trial/compressed_model.h"

#include "roofline/operations/operation_list.h"
#include "roofline/trial/what_if.h"

namespace paretoscope::roofline {

namespace {

bool fits24(const core::StoredTensor& stored)
{
    return (stored.of == 4 && stored.kept <= 2) || (stored.of == 2 && stored.kept == 1);
}

std::string matrices(int count)
{
    return std::to_string(count) + (count == 1 ? " matrix" : " matrices");
}

std::string roundedInputs(int count, const HardwareSpec& hardware)
{
    const std::string inputs =
        "What " + matrices(count) + (count == 1 ? " is" : " are") + " multiplied with is rounded to 8 bits";
    if (!hardware.peak(NumberType::Int8))
        return inputs + ", which saves bytes alone: " + hardware.name +
               " states no int8 rate, the products run in 16 bits.";
    return inputs + ": the products run at the int8 rate of " + hardware.name +
           ", and rounding is counted as part of the kernel before them.";
}

} // namespace

WeightFormat weightFormatOf(const core::StoredTensor& stored, double weights)
{
    WeightFormat format {.bits = stored.codeBits,
                         .codes = stored.isInteger ? CodeKind::Integer : CodeKind::Float,
                         .inputBits = stored.inputBits};
    format.storedBits = static_cast<double>(stored.bits.value) / weights;
    if (fits24(stored))
        format.sparsity = {.kept = 2, .of = 4};
    else
        format.sparsity.density = stored.density;
    if (stored.rank > 0)
        format.lowRank = LowRank {.rank = static_cast<double>(stored.rank), .replaces = stored.isProduct};
    return format;
}

std::vector<std::string> remarksOn(const CompressedModel& model, const WhatIf& whatIf)
{
    std::vector<std::string> remarks;
    const std::string sparse = "2:4 sparsity of " + matrices(model.sparse24Matrices);
    if (model.sparse24Matrices > 0 && !whatIf.hardware.sparse24)
        remarks.push_back(sparse + " saves bytes alone: " + whatIf.hardware.name +
                          " does not multiply 2:4 sparse matrices faster than dense ones.");
    else if (model.sparse24Matrices > 0 && whatIf.request.batch < kFewestSparseRows)
        remarks.push_back(sparse + " speeds up the prefill alone: sparse matrix units need " +
                          std::to_string(static_cast<int>(kFewestSparseRows)) + " rows, a decode step has as many as " +
                          "there are sequences.");
    if (model.scatteredMatrices > 0)
        remarks.push_back("The zeros of " + matrices(model.scatteredMatrices) +
                          " follow no pattern that hardware knows: they save bytes, and are multiplied like any "
                          "other weight.");
    if (model.roundedInputMatrices > 0)
        remarks.push_back(roundedInputs(model.roundedInputMatrices, whatIf.hardware));
    if (model.worksAtRunTime)
        remarks.emplace_back("A part of the method works in every forward pass (a key/value cache of its own, …); the "
                             "prediction leaves it out.");
    return remarks;
}

} // namespace paretoscope::roofline
