// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "roofline/operations/operation_list.h"

#include <vector>

namespace paretoscope::roofline {

/// The operations of layers of equal shape; entry and head are sections of one.
struct Section
{
    std::string_view name = {}; ///< "entry", "layer" or "head"
    int firstLayer = -1;        ///< of a layer
    double count = 1;
    std::vector<Operation> operations = {};
};

/// All operations of one pass on one device, in the order of the pass. Equal layers are described once.
struct StepOperations
{
    std::vector<Section> sections = {};

    double matrixFlops() const;
    double flops() const;
    double bytes() const;
};

/// Errors: InvalidArgument (an impossible value, a tensor-parallel size that does not divide the heads, …).
core::Result<StepOperations> stepOperations(const ModelShape& model, const Execution& execution, const Step& step,
                                            const CacheGeometry& geometry = {});

/// The largest sum of results that are in memory at once, in bytes, the logits included.
double peakActivationBytes(const StepOperations& step, const ModelShape& model, const Execution& execution,
                           const Step& shape);

} // namespace paretoscope::roofline
