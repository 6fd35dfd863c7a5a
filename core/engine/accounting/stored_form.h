// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/accounting/stored_model.h"
#include "core/checkpoint/checkpoint.h"
#include "core/engine/plugin/compressed_tensor.h"

namespace paretoscope::engine {

/// What hardware has to know of a compressed weight, without its size: width of the codes, pattern of the zeros, rank
/// of a low-rank product. Of a layout that only its method knows, the width of codes and the mask at most.
core::StoredTensor storedFormOf(const CompressedTensor& tensor);
/// The same of one of `matrices` equal parts of a tensor as it lies in the checkpoint, with its size.
core::StoredTensor storedFormOf(const core::TensorInfo& stored, std::int64_t matrices);

} // namespace paretoscope::engine
