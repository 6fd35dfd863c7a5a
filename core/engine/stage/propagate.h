// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/json.h"
#include "core/engine/plugin/stage.h"

namespace paretoscope::engine {

/// The parameter `propagate` that every calibrated stage has; step when it is absent.
inline Propagate propagateFrom(const core::Json& parameters)
{
    const std::string name = parameters.value("propagate", "step");
    return name == "original" ? Propagate::Original : name == "block" ? Propagate::Block : Propagate::Step;
}

} // namespace paretoscope::engine
