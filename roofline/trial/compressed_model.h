// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/accounting/stored_model.h"
#include "roofline/model/model_shape.h"
#include "roofline/operations/execution.h"

#include <string>
#include <vector>

namespace paretoscope::roofline {

struct WhatIf;

/// A model as the pipeline of a trial left it.
struct CompressedModel
{
    ModelShape shape = {};     ///< every linear in the format it is stored in; layers stored alike are described once
    Execution execution = {};  ///< formats of embedding and head
    double storedBytes = 0;    ///< of all tensors, norms and biases included
    int sparse24Matrices = 0;  ///< that sparse matrix units can multiply
    int scatteredMatrices = 0; ///< with zeros in places that no matrix unit knows
    int roundedInputMatrices = 0; ///< of at most 8 bits, that are multiplied with integer codes of at most 8 bits
    bool worksAtRunTime = false;
};

/// The format of `weights` weights that are stored so. Whatever keeps at most 2 of 4 neighbours counts as 2:4.
WeightFormat weightFormatOf(const core::StoredTensor& stored, double weights);

/// What of the compression the device cannot use, and what the prediction leaves out; one sentence each.
std::vector<std::string> remarksOn(const CompressedModel& model, const WhatIf& whatIf);

} // namespace paretoscope::roofline
