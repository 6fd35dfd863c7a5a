// SPDX-License-Identifier: Apache-2.0
#include "roofline/operations/table_operations.h"

#include <numeric>

namespace paretoscope::roofline {

namespace {

using Kind = TableLayer::Kind;

double storedBytes(const TableLayer& layer, const WeightFormat& format)
{
    const bool isTable = layer.kind == Kind::Embedding;
    return layer.weights() *
           bitsPerWeight(format, isTable ? layer.dimension : layer.inputs(),
                         isTable ? layer.tableRows : layer.outChannels) /
           8;
}

Operation productOperation(const TableLayer& layer, const Execution& execution, double samples)
{
    const double a = execution.streamBytes();
    const double positions = layer.outputHeight * layer.outputWidth;
    const double inputHeight = (layer.outputHeight - 1) * layer.stride + layer.kernelHeight;
    const double inputWidth = (layer.outputWidth - 1) * layer.stride + layer.kernelWidth;
    return {.name = layer.name,
            .matrixFlops = 2 * layer.weights() * positions * samples,
            .weightBytes = storedBytes(layer, execution.weights),
            .activationInBytes = samples * layer.inChannels * inputHeight * inputWidth * a,
            .activationOutBytes = samples * layer.outChannels * positions * a,
            .resultBytes = samples * layer.outChannels * positions * a,
            .matrixType = matrixType(execution.weights, execution),
            .isSparse24 = execution.weights.sparsity.is24() && samples * positions >= kFewestSparseRows,
            .rows = samples * positions,
            .columns = layer.outChannels};
}

Operation gatherOperation(const TableLayer& layer, const Execution& execution, double samples)
{
    const double elements = samples * layer.lookups * layer.dimension;
    const double gathered = elements * bitsPerWeight(execution.weights, layer.dimension, layer.tableRows) / 8;
    return {.name = layer.name,
            .activationInBytes = gathered,
            .activationOutBytes = elements * execution.streamBytes(),
            .gatheredBytes = gathered,
            .resultBytes = elements * execution.streamBytes()};
}

} // namespace

core::Result<StepOperations> tableOperations(const LayerTable& table, const Execution& execution, double samples)
{
    PSC_TRY(checkExecution(execution));
    PSC_TRY(checkStep(Step::decode(samples, 1)));
    Section section {.name = "layer"};
    for (const TableLayer& layer : table.layers) {
        Operation operation = layer.kind == Kind::Embedding ? gatherOperation(layer, execution, samples)
                                                            : productOperation(layer, execution, samples);
        operation.inputs[0] =
            section.operations.empty() ? Operation::kStream : static_cast<Source>(section.operations.size() - 1);
        section.operations.push_back(operation);
    }
    StepOperations step;
    step.sections.push_back(std::move(section));
    return step;
}

double tableWeightBytes(const LayerTable& table, const Execution& execution)
{
    return std::accumulate(table.layers.begin(), table.layers.end(), 0.0, [&](double sum, const TableLayer& layer) {
        return sum + storedBytes(layer, execution.weights);
    });
}

} // namespace paretoscope::roofline
