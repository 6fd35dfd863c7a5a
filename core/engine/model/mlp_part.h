// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/architecture/mlp_spec.h"
#include "core/engine/model/block_part.h"

#include <string>
#include <vector>

namespace paretoscope::engine {

/// The linear that reads the input of the MLP first; the others that read it share the name of its input.
const core::LinearSpec& firstLinear(const core::MlpSpec& spec);

/// What the down projection reads. @param x [tokens, hidden]. @return [tokens, width]
at::Tensor mlpHidden(const at::Tensor& x, const core::MlpSpec& spec, const TensorSource& tensors);

/// Adds the units that read the input of an MLP, then its down projection, and folds up into down.
/// @param role what the roles begin with: "mlp", "moe.expert", "moe.shared"
/// @param input name of the activation that the first ones read
/// @return the units that read it
std::vector<std::size_t> describeMlp(const core::MlpSpec& spec, const std::string& role, const std::string& input,
                                     int expert, ViewBuilder& view);

} // namespace paretoscope::engine
