// SPDX-License-Identifier: Apache-2.0
#include "roofline/operations/operation_list.h"

namespace paretoscope::roofline {

namespace {

/// FLOPs per element: square, sum, scale, gain; LayerNorm also subtracts the mean and adds a bias.
double flopsPerElement(const NormShape& norm)
{
    return norm.kind == core::NormKind::Rms ? 4 : 7;
}

double weightBytes(const OperationList& list, const NormShape& norm)
{
    return norm.parameters() * list.streamBytes();
}

} // namespace

Source appendNorm(OperationList& list, std::string_view name, const NormShape& norm, double rows, Source input)
{
    const double elements = rows * norm.width;
    const double bytes = elements * list.streamBytes();
    return list.add({.name = name,
                     .vectorFlops = flopsPerElement(norm) * elements,
                     .weightBytes = weightBytes(list, norm),
                     .activationInBytes = bytes,
                     .activationOutBytes = bytes,
                     .resultBytes = bytes},
                    {input});
}

Source appendAdd(OperationList& list, std::string_view name, double rows, double width, Source stream, Source result)
{
    const double elements = rows * width;
    const double bytes = elements * list.streamBytes();
    return list.add({.name = name,
                     .vectorFlops = elements,
                     .activationInBytes = 2 * bytes,
                     .activationOutBytes = bytes,
                     .resultBytes = bytes},
                    {stream, result});
}

Source appendAddNorm(OperationList& list, std::string_view name, const NormShape& norm, double rows, Source stream,
                     Source result)
{
    const double elements = rows * norm.width;
    const double bytes = elements * list.streamBytes();
    return list.add({.name = name,
                     .vectorFlops = (flopsPerElement(norm) + 1) * elements,
                     .weightBytes = weightBytes(list, norm),
                     .activationInBytes = 2 * bytes,
                     .activationOutBytes = 2 * bytes,
                     .resultBytes = bytes},
                    {stream, result});
}

} // namespace paretoscope::roofline
