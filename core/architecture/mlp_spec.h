// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/architecture/parts.h"

namespace paretoscope::core {

enum class MlpForm
{
    Plain,      ///< down(act(up(x)))
    Gated,      ///< down(act(gate(x)) * up(x))
    FusedGated, ///< the same; `gateUp` holds the rows of gate, then those of up
};

struct MlpSpec
{
    MlpForm form = MlpForm::Gated;
    LinearSpec gate; ///< Gated
    LinearSpec up;   ///< Gated and Plain
    LinearSpec gateUp;
    LinearSpec down;
    Activation activation = Activation::Silu;
};

void appendTensors(std::vector<ExpectedTensor>& tensors, const MlpSpec& mlp);

} // namespace paretoscope::core
