// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/plugin/manifest.h"
#include "core/sweep/sweep.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace paretoscope::core {

/// The trials of a sweep by what they share: model, then per trial its steps, then its measurements. Before a stage
/// that reads statistics of the original model (`propagate: original`) stand those statistics. What several trials pass
/// through has to be computed once.
///
/// Nodes are numbered depth first, the model is 0. Beneath every node: measurements, then stages without calibration,
/// then the others; equal ones in the order of the trials.
class TrialTree
{
public:
    enum class Kind
    {
        Model,
        Statistics,
        Stage,
        Measurements, ///< of one trial
    };
    struct Node
    {
        Kind kind = Kind::Model;
        /// "gptq(bits=3)", "hessian" or "a+b" for statistics; empty for model and measurements.
        std::string label;
        int parent = -1;
        int depth = 0;
        int end = 0;        ///< the number behind the last node beneath it
        int firstTrial = 0; ///< place in order() of the first trial that passes through
        int trials = 0;     ///< how many do
        int steps = 0;      ///< of the pipeline (Pipeline::steps), up to here
        /// The first node that stands for the same computation: statistics of the original model are the same in all
        /// branches. Otherwise the node itself.
        int same = 0;
    };

    TrialTree() = default;
    /// @param open  indices into `trials`: those that belong to the tree
    TrialTree(const std::vector<PlannedTrial>& trials, const std::vector<int>& open, const PluginCatalogue& plugins);

    const std::vector<Node>& nodes() const { return m_nodes; } ///< empty when no trial is open
    /// The trials depth first, as indices into the ones given: what is shared is then used one after the other.
    const std::vector<int>& order() const { return m_order; }
    /// The measurements of a trial that is in the tree.
    int leafOf(int trial) const { return m_leaf[static_cast<std::size_t>(trial)]; }
    bool contains(int node, int descendant) const { return node <= descendant && descendant < at(node).end; }

private:
    const Node& at(int node) const { return m_nodes[static_cast<std::size_t>(node)]; }

    std::vector<Node> m_nodes;
    std::vector<int> m_order;
    std::vector<int> m_leaf; ///< by trial; -1: not in the tree
};

/// The statistics of the original model that a stage reads, by the manifest of its plugin; a plugin that is not known
/// shares with itself alone. Empty when the stage reads none, or those of a model that earlier stages changed.
std::vector<std::string> sharedStatistics(const StageSpec& stage, const PluginCatalogue& plugins);

std::string_view trialTreeKindName(TrialTree::Kind kind); ///< "model", "statistics", "stage", "measurements"

} // namespace paretoscope::core
