// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/architecture/moe_spec.h"
#include "core/engine/model/block_part.h"

#include <vector>

namespace paretoscope::engine {

/// Experts that stop together before their linears.
struct ExpertGroup
{
    int begin = 0;
    int end = 0;
};

/// A mixture of experts stops first before the router and all else that reads its whole input (the shared expert's gate
/// and up), then for every group of experts before gate and up, where each reads the tokens sent to it, and before
/// down. What an expert reads depends on the router alone, so the grouping changes no number: small groups bound the
/// memory of statistics, large ones the number of stops.
/// The outputs are added in the order of the experts, the shared one last, in float32, whatever the threads.
std::vector<ExpertGroup> expertGroups(const core::MoeSpec& spec);

} // namespace paretoscope::engine
