// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/accounting/stored_model.h"
#include "core/architecture/architecture.h"
#include "core/engine/model/model_tensors.h"

#include <functional>
#include <map>
#include <string>

namespace paretoscope::engine {

/// Bits of the integer codes that tensors are multiplied with, by their names.
using InputBits = std::map<std::string, double, std::less<>>;

/// How every tensor of this model is stored: replaced ones by their parts, all others as they lie in the checkpoint.
/// Parts that share one piece of memory count with the first tensor that has them; a tied embedding stands there once.
core::StoredModel storedModel(const core::Architecture& architecture, const ModelTensors& tensors,
                              const InputBits& inputBits = {});

/// Exact bytes of everything that a reader of this model needs (B of specs quantization 1): those of storedModel().
core::Bytes storedSize(const core::Architecture& architecture, const ModelTensors& tensors);

} // namespace paretoscope::engine
