// SPDX-License-Identifier: Apache-2.0
#include "roofline/operations/mlp.h"

namespace paretoscope::roofline {

namespace {

/// FLOPs per element of act(gate) * up, or act(up).
double activationFlops(const MlpShape& mlp)
{
    const double product = mlp.gate ? 1 : 0;
    switch (mlp.activation) {
    case core::Activation::Silu:
        return 4 + product;
    case core::Activation::GeluErf:
    case core::Activation::GeluTanh:
        return 8 + product;
    case core::Activation::Relu:
        break;
    }
    return 1 + product;
}

} // namespace

Source appendMlp(OperationList& list, const MlpCall& call, Source input)
{
    const MlpShape& mlp = *call.shape;
    const Fusion& fusion = list.execution().fusion;
    const double rows = call.rows;
    const double width = mlp.width() / call.parallel;
    const double bytes = rows * width * list.streamBytes();
    const Source rounded = appendQuantisation(list, rows, mlp.up.in, input);
    const auto linear = [&](std::string_view name, const LinearShape& shape) {
        return LinearCall {
            .name = name, .shape = &shape, .rows = rows, .outParallel = call.parallel, .weightsRead = call.weightsRead};
    };
    Source activated = 0;
    const bool isJoined = mlp.gate && (fusion.gateUp || mlp.storedFused);
    if (isJoined) {
        Operation joined = linearOperation(list, linear(call.names.gateUp, *mlp.gate));
        LinearCall upCall = linear(call.names.gateUp, mlp.up);
        upCall.readsInput = false;
        const Operation up = linearOperation(list, upCall);
        joined.matrixFlops += up.matrixFlops;
        joined.vectorFlops += up.vectorFlops;
        joined.weightBytes += up.weightBytes;
        joined.activationOutBytes += up.activationOutBytes;
        joined.resultBytes += up.resultBytes;
        joined.columns += up.columns;
        joined.serialSeconds += up.serialSeconds;
        joined.l2Bytes += up.l2Bytes;
        if (fusion.activation) {
            joined.vectorFlops += activationFlops(mlp) * rows * width;
            joined.activationOutBytes = bytes;
            joined.resultBytes = bytes;
        }
        activated = list.add(joined, {rounded});
    }
    if (!isJoined || !fusion.activation) {
        const Source gate =
            isJoined ? activated
                     : (mlp.gate ? appendLinear(list, linear(call.names.gate, *mlp.gate), rounded) : Operation::kNone);
        const Source up = isJoined ? Operation::kNone : appendLinear(list, linear(call.names.up, mlp.up), rounded);
        activated = list.add({.name = call.names.activation,
                              .vectorFlops = activationFlops(mlp) * rows * width,
                              .activationInBytes = (mlp.gate ? 2 : 1) * bytes,
                              .activationOutBytes = bytes,
                              .resultBytes = bytes},
                             {gate, up});
    }
    LinearCall down = linear(call.names.down, mlp.down);
    down.outParallel = 1;
    down.inParallel = call.parallel;
    return appendLinear(list, down, appendQuantisation(list, rows, width, activated));
}

Source appendPart(OperationList& list, const MlpShape& mlp, Source input)
{
    const double parallel = list.execution().parallel.tensor;
    const Source result =
        appendMlp(list, {.shape = &mlp, .rows = list.tokens(), .parallel = parallel, .names = kMlpNames}, input);
    return appendReduction(list, "mlp_all_reduce", list.tokens() * mlp.down.out * list.streamBytes(), result);
}

} // namespace paretoscope::roofline
