// SPDX-License-Identifier: Apache-2.0
#include "roofline/operations/operation_list.h"

namespace paretoscope::roofline {

/// The state is carried from step to step: its traffic does not grow with the length.
Source appendPart(OperationList& list, const LinearAttentionShape& attention, Source input)
{
    const double parallel = list.execution().parallel.tensor;
    const double heads = attention.heads / parallel;
    const double tokens = list.tokens();
    const double bytes = list.streamBytes();
    const Source projected =
        appendLinear(list, {.name = "in_proj", .shape = &attention.input, .rows = tokens, .outParallel = parallel},
                     appendQuantisation(list, tokens, attention.input.in, input));
    double state = 0;
    for (const SequenceGroup& group : list.groups())
        state += group.sequences * heads * attention.headDim * attention.stateDim * bytes;
    const double out = tokens * heads * attention.headDim * bytes;
    const Source mixed = list.add({.name = "linear_attention",
                                   .matrixFlops = 4 * tokens * heads * attention.headDim * attention.stateDim,
                                   .activationInBytes = tokens * attention.input.out / parallel * bytes,
                                   .activationOutBytes = out,
                                   .cacheReadBytes = state,
                                   .cacheWriteBytes = state,
                                   .resultBytes = out,
                                   .matrixType = attentionMatrixType(list.execution())},
                                  {projected});
    const Source result =
        appendLinear(list, {.name = "o_proj", .shape = &attention.output, .rows = tokens, .inParallel = parallel},
                     appendQuantisation(list, tokens, heads * attention.headDim, mixed));
    return appendReduction(list, "attn_all_reduce", tokens * attention.output.out * bytes, result);
}

} // namespace paretoscope::roofline
