// SPDX-License-Identifier: Apache-2.0
#include "core/engine/stage/channel_fold.h"

#include "core/engine/device/transfer.h"

#include <algorithm>

namespace paretoscope::engine {

at::Tensor divideChannels(const at::Tensor& value, const FoldGroup& group, const at::Tensor& factors, double offset)
{
    const at::Tensor perRow = value.dim() == 2 ? factors.unsqueeze(1) : factors;
    if (group.producerRows.empty())
        return (value + offset) / perRow - offset;
    const at::Tensor rows = toDevice(at::tensor(group.producerRows, at::kLong), value.device());
    return value.index_copy(0, rows, (value.index_select(0, rows) + offset) / perRow - offset);
}

void foldIntoNorm(StageTask& task, const FoldGroup& group, const at::Tensor& factors)
{
    task.replaceTensor(group.producer,
                       divideChannels(task.tensor(group.producer), group, factors, group.producerOffset));
    foldIntoBias(task, group, factors);
}

void foldIntoBias(StageTask& task, const FoldGroup& group, const at::Tensor& factors)
{
    if (!group.producerBias.empty())
        task.replaceTensor(group.producerBias, divideChannels(task.tensor(group.producerBias), group, factors, 0));
}

const Unit* producerUnit(const ModelView& model, const FoldGroup& group)
{
    if (group.kind != FoldGroup::Producer::Linear)
        return nullptr;
    const auto found = std::find_if(model.units.begin(), model.units.end(),
                                    [&](const Unit& unit) { return unit.tensor == group.producer; });
    return found == model.units.end() ? nullptr : &*found;
}

} // namespace paretoscope::engine
