// SPDX-License-Identifier: Apache-2.0
#include "roofline/operations/operation_list.h"

#include <algorithm>
#include <cmath>

namespace paretoscope::roofline {

namespace {

/// Rows of a tile of the usual matrix-product kernels; a weight is dequantised once for each.
constexpr double kTileRows = 128;

/// What enters the product: of this linear's own format, or of the setting.
ActivationFormat inputOf(const WeightFormat& format, const Execution& execution)
{
    return format.inputBits < 16 ? ActivationFormat {.bits = format.inputBits, .codes = CodeKind::Integer}
                                 : execution.activations;
}

bool isWeightOnly(const WeightFormat& format, const Execution& execution)
{
    return format.bits < 16 && inputOf(format, execution).bits >= 16;
}

void addLowRank(Operation& operation, const OperationList& list, const WeightFormat& format, double rows, double in,
                double out)
{
    const double flops = 2 * rows * format.lowRank->rank * (in + out);
    if (format.lowRank->replaces) {
        operation.matrixFlops = flops;
        operation.launches = 2;
    } else {
        operation.matrixFlops += flops;
        operation.launches += 2;
    }
    const double intermediate = rows * format.lowRank->rank * list.streamBytes();
    operation.activationInBytes += intermediate;
    operation.activationOutBytes += intermediate;
}

} // namespace

MatrixType matrixType(const WeightFormat& format, const Execution& execution)
{
    const ActivationFormat activations = inputOf(format, execution);
    if (activations.bits > 16)
        return execution.allowTf32 ? MatrixType::Tf32 : MatrixType::Float32;
    if (activations.bits > 8 || format.bits > 8)
        return MatrixType::Float16;
    const bool isInteger = activations.codes == CodeKind::Integer;
    if (activations.bits > 4 || format.bits > 4)
        return isInteger ? MatrixType::Int8 : MatrixType::Fp8;
    return isInteger ? MatrixType::Int4 : MatrixType::Fp4;
}

Operation linearOperation(const OperationList& list, const LinearCall& call)
{
    const Execution& execution = list.execution();
    const LinearShape& shape = *call.shape;
    const WeightFormat& format = shape.format ? *shape.format : (call.format ? *call.format : execution.weights);
    const double in = shape.in / call.inParallel;
    const double out = shape.out / call.outParallel;
    const double inputBits = inputOf(format, execution).bits;
    const double inputBytes = std::min(inputBits / 8, list.streamBytes());
    const bool isRounded = inputBits < 16;

    Operation operation {.name = call.name,
                         .matrixFlops = 2 * call.rows * in * out,
                         .vectorFlops = shape.bias ? call.rows * out : 0,
                         .matrixType = matrixType(format, execution),
                         .rows = call.rows,
                         .columns = out};
    const double storedBytes = in * out * bitsPerWeight(format, shape.in, shape.out) / 8;
    operation.weightBytes = call.weightsRead * (storedBytes + (shape.bias ? out * list.streamBytes() : 0));
    if (call.readsInput)
        operation.activationInBytes = call.rows * (in * inputBytes + (isRounded ? 4 : 0));
    if (call.writesOutput)
        operation.activationOutBytes = call.rows * out * list.streamBytes();
    operation.resultBytes = operation.activationOutBytes;
    operation.isSparse24 = format.sparsity.is24() && call.rows >= kFewestSparseRows;
    if (format.sparsity.density < 1 && format.sparsity.hasKernel) {
        operation.vectorFlops += operation.matrixFlops * format.sparsity.density;
        operation.matrixFlops = 0;
    }
    if (format.lowRank)
        addLowRank(operation, list, format, call.rows, in, out);
    if (execution.dequantisationCost && isWeightOnly(format, execution))
        operation.vectorFlops += call.weightsRead * 2 * in * out * std::ceil(call.rows / kTileRows);
    if (format.decodeBytesPerSecond)
        operation.serialSeconds = call.weightsRead * storedBytes / format.compression / *format.decodeBytesPerSecond;
    const double tiles = std::ceil(out / kTileRows);
    operation.l2Bytes = call.rows * in * inputBytes * tiles + operation.weightBytes * std::ceil(call.rows / kTileRows) +
                        operation.activationOutBytes;
    return operation;
}

Source appendLinear(OperationList& list, const LinearCall& call, Source input)
{
    return list.add(linearOperation(list, call), {input});
}

Source appendQuantisation(OperationList& list, double rows, double width, Source input)
{
    const ActivationFormat& activations = list.execution().activations;
    if (activations.bits >= 16 || activations.fusedQuantisation)
        return input;
    const double rounded = rows * (width * activations.bits / 8 + 4); // a scale of 32 bits per token
    return list.add({.name = "quantise",
                     .vectorFlops = 3 * rows * width,
                     .activationInBytes = rows * width * list.streamBytes(),
                     .activationOutBytes = rounded,
                     .resultBytes = rounded},
                    {input});
}

} // namespace paretoscope::roofline
