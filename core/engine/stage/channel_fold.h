// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/engine/aten.h"
#include "core/engine/plugin/stage.h"
#include "core/engine/plugin/unit.h"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace paretoscope::engine {

/// Divides the channels that a fold group's consumers read, in a tensor of its producer.
/// @param value the norm's weight [channels], the linear's weight [out, in] or either's bias; @param factors float32
/// [channels that the consumers read]; @param offset what a norm adds to its weight, 0 for all else
at::Tensor divideChannels(const at::Tensor& value, const FoldGroup& group, const at::Tensor& factors, double offset);

/// The tensors of a norm, divided and put in the place of the old ones: half of a fold; the other half is that every
/// consumer's columns are multiplied. In the element type they are stored in.
void foldIntoNorm(StageTask& task, const FoldGroup& group, const at::Tensor& factors);
/// The bias of the producer alone, where it has one.
void foldIntoBias(StageTask& task, const FoldGroup& group, const at::Tensor& factors);

/// The unit whose weight the linear producer of a group is; nothing for norms.
const Unit* producerUnit(const ModelView& model, const FoldGroup& group);

/// Why a factor cannot pass through a group: its producer lets none, or one of its weights has a form that earlier
/// stages made and that cannot be changed; nothing when it can. @param canChange whether a stage makes a new form of
/// this weight anyway
template <typename CanChange>
std::optional<std::string> whyNotFoldable(const StageTask& task, const ModelView& model, const FoldGroup& group,
                                          const CanChange& canChange)
{
    if (group.kind == FoldGroup::Producer::None)
        return "nothing before it lets a factor per channel pass";
    std::vector<const Unit*> units;
    for (const std::size_t consumer : group.consumers)
        units.push_back(&model.units[consumer]);
    if (const Unit* producer = producerUnit(model, group))
        units.push_back(producer);
    for (const Unit* unit : units) {
        const auto form = task.form(*unit);
        if (form && form->layout() != "dense" && !canChange(*unit))
            return unit->module + " was compressed by an earlier stage";
    }
    return std::nullopt;
}

/// Calls `work` (returning a Status) for the groups of one block, in their order; an error of one names the first unit
/// that reads its channels.
template <typename Work>
core::Status forEachFoldOf(int block, const std::vector<FoldGroup>& groups, const ModelView& model, const Work& work)
{
    for (const FoldGroup& group : groups) {
        if (group.block != block)
            continue;
        if (const core::Status done = work(group); !done.ok())
            return done.error().withContext(model.units[group.consumers.front()].module);
    }
    return core::success();
}

} // namespace paretoscope::engine
