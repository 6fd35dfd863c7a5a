// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/architecture/parts.h"

#include <optional>

namespace paretoscope::core {

enum class MlpForm
{
    Plain,      ///< down(act(up(x)))
    Gated,      ///< down(act(gate(x)) * up(x))
    FusedGated, ///< the same; `gateUp` holds the rows of gate, then those of up
};

/// (up + 1) * gate * sigmoid(gain * gate), gate limited to at most `limit`, up to ±limit (GPT-OSS).
struct ClampedSwiglu
{
    double limit = 0;
    double gain = 1;
};

struct MlpSpec
{
    MlpForm form = MlpForm::Gated;
    LinearSpec gate; ///< Gated
    LinearSpec up;   ///< Gated and Plain
    LinearSpec gateUp;
    LinearSpec down;
    bool interleaved = false; ///< FusedGated with the rows of gate and up by turns
    Activation activation = Activation::Silu;
    std::optional<ClampedSwiglu> clamped; ///< in place of act(gate) * up
};

void appendTensors(std::vector<ExpectedTensor>& tensors, const MlpSpec& mlp);

} // namespace paretoscope::core
