// SPDX-License-Identifier: Apache-2.0
#include "core/engine/export/grouped_codes.h"

#include <algorithm>

namespace paretoscope::engine {

namespace {

core::Error cannotHold(const std::string& format, const Unit& unit, const std::string& why)
{
    return {core::ErrorCode::Unsupported, unit.module + ": " + why + ", which " + format + " cannot hold",
            "export with --format hf, which writes plain weights"};
}

} // namespace

std::shared_ptr<const GroupAffineTensor> asGroupAffine(const CompressedTensor& form)
{
    if (form.layout() != GroupAffineTensor::kLayout)
        return nullptr;
    // Through its parts, since the form may be one that waits on disk.
    const auto read = GroupAffineTensor::fromParts(form.description(), form.serialise(), *TensorLayouts::builtIn());
    return read.ok() ? std::dynamic_pointer_cast<const GroupAffineTensor>(read.value()) : nullptr;
}

core::Result<GroupedModel> groupedModel(const ExportedModel& model, const std::string& format)
{
    GroupedModel grouped;
    for (const Unit& unit : model.view().units) {
        if (unit.kind != UnitKind::Linear)
            continue;
        const auto form = model.form(unit.tensor);
        if (!form) {
            grouped.others.push_back(&unit);
            continue;
        }
        const auto codes = asGroupAffine(*form);
        if (!codes && form->layout() == "dense") { // a folded or tuned weight that stays whole
            grouped.others.push_back(&unit);
            continue;
        }
        if (!codes)
            return cannotHold(format, unit, "it is stored as " + std::string(form->layout()));
        if (codes->options().scaleType != ScaleType::Float16)
            return cannotHold(format, unit, "its scales are not float16");
        if (codes->columnGroups().defined())
            return cannotHold(format, unit, "its groups are formed in another order (activation_order: dynamic)");
        const std::int64_t size = codes->options().groupSizeFor(unit.inFeatures);
        if (unit.inFeatures % size != 0)
            return cannotHold(format, unit,
                              std::to_string(unit.inFeatures) + " inputs are no multiple of the group size " +
                                  std::to_string(size));
        grouped.weights.push_back({&unit, codes});
    }
    if (grouped.weights.empty())
        return core::Error {core::ErrorCode::Unsupported,
                            "no weight of this trial is stored as affine codes that " + format + " could hold",
                            "export with --format hf, which writes plain weights"};
    return grouped;
}

core::Status requireUniform(const GroupedModel& model, const std::string& format)
{
    const AffineOptions& first = model.weights.front().codes->options();
    for (const GroupedWeight& weight : model.weights) {
        const AffineOptions& options = weight.codes->options();
        if (options.bits != first.bits || options.groupSize != first.groupSize || options.symmetric != first.symmetric)
            return cannotHold(format, *weight.unit, "its bits or groups differ from those of other layers");
    }
    const auto whole = std::find_if(model.others.begin(), model.others.end(),
                                    [](const Unit* unit) { return unit->block >= 0 && unit->byDefault; });
    if (whole != model.others.end())
        return cannotHold(format, **whole, "it is not quantised while other layers are");
    return core::success();
}

} // namespace paretoscope::engine
