// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "roofline/operations/operation_list.h"

namespace paretoscope::roofline {

struct MlpNames
{
    std::string_view gate = {};
    std::string_view up = {};
    std::string_view gateUp = {};
    std::string_view activation = {};
    std::string_view down = {};
};

inline constexpr MlpNames kMlpNames {"gate_proj", "up_proj", "gate_up_proj", "mlp_act", "down_proj"};

struct MlpCall
{
    const MlpShape* shape = nullptr;
    double rows = 0;
    double parallel = 1;    ///< devices among which the width is dealt
    double weightsRead = 1; ///< MLPs of this shape that are read (experts)
    MlpNames names = kMlpNames;
};

/// Gate, up, activation and down, without a reduction over devices.
Source appendMlp(OperationList& list, const MlpCall& call, Source input);

} // namespace paretoscope::roofline
