// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/architecture/architecture.h"
#include "core/engine/model/model_tensors.h"

namespace paretoscope::engine {

/// Exact bytes of everything that a reader of this model needs (B of specs quantization 1): replaced tensors by their
/// parts, all others as they lie in the checkpoint. Parts that share one piece of memory and tied embeddings count
/// once.
core::Bytes storedSize(const core::Architecture& architecture, const ModelTensors& tensors);

} // namespace paretoscope::engine
