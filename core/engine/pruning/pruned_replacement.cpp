// SPDX-License-Identifier: Apache-2.0
#include "core/engine/pruning/pruned_replacement.h"

#include "core/engine/layout/sparse_tensor.h"

#include <memory>

namespace paretoscope::engine {

void replacePruned(StageTask& task, const Unit& unit, const at::Tensor& value, const at::Tensor& mask)
{
    const auto form = task.form(unit);
    const at::Tensor before = form ? form->mask() : at::Tensor();
    const at::Tensor kept = before.defined() ? before.logical_and(mask) : mask;
    task.record(unit, "density", double(kept.sum().item<std::int64_t>()) / double(kept.numel()));
    task.replace(unit, std::make_shared<SparseTensor>(value, kept, task.storedType(unit)));
}

} // namespace paretoscope::engine
