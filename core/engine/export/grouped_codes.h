// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/engine/plugin/exporter.h"
#include "core/engine/quantization/group_affine_tensor.h"

#include <memory>
#include <string>
#include <vector>

namespace paretoscope::engine {

/// A linear of the model that is stored as affine codes.
struct GroupedWeight
{
    const Unit* unit = nullptr;
    std::shared_ptr<const GroupAffineTensor> codes;
};

/// The linears of a model as an exporter of affine codes sees them.
struct GroupedModel
{
    std::vector<GroupedWeight> weights; ///< those stored as affine codes, in the order of the units
    std::vector<const Unit*> others;    ///< the other linears, routers among them
};

/// Errors: Unsupported (nothing is stored as affine codes; a weight is in another compressed form, turned or stacked;
/// scales that `format` cannot hold). @param format  for messages
core::Result<GroupedModel> groupedModel(const ExportedModel& model, const std::string& format);

/// What formats with one setting for the whole model need. Errors: Unsupported (the weights differ, or a linear inside
/// the blocks that is no router is not quantised; names it).
core::Status requireUniform(const GroupedModel& model, const std::string& format);

/// The affine form that `form` is, also when it waits on disk; null when it is none.
std::shared_ptr<const GroupAffineTensor> asGroupAffine(const CompressedTensor& form);

} // namespace paretoscope::engine
