// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/engine/aten.h"

#include <cstdint>
#include <span>
#include <vector>

namespace paretoscope::engine {

/// What keeps the entries of a weight with the largest scores: bool tensors of the shape of the scores, true for what
/// is kept. Scores are float32, not negative and not NaN. All counts are exact: floor(sparsity · n) entries are
/// dropped. Computed on the host, wherever the scores lie. Deterministic.

/// Compares all entries of all `scores`; of equal ones the first is dropped first.
std::vector<at::Tensor> dropSmallest(std::span<const at::Tensor> scores, double sparsity);
at::Tensor dropSmallest(const at::Tensor& scores, double sparsity);
/// Compares within each row of [rows, columns]; of equal ones the first is dropped first.
at::Tensor dropSmallestOfRows(const at::Tensor& scores, double sparsity);
/// Keeps `keep` of every `of` neighbours of a row; of equal ones the first is kept. @param of divides the columns
at::Tensor keepLargestOfGroups(const at::Tensor& scores, std::int64_t keep, std::int64_t of);

/// floor(sparsity · count), not thrown off by the rounding of a product that means a whole number (0.3 · 10).
std::int64_t droppedOf(std::int64_t count, double sparsity);

} // namespace paretoscope::engine
