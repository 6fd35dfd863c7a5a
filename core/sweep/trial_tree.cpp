// SPDX-License-Identifier: Apache-2.0
#include "core/sweep/trial_tree.h"

#include <algorithm>
#include <map>
#include <utility>

namespace paretoscope::core {

namespace {

using Kind = TrialTree::Kind;

std::string joined(const std::vector<std::string>& names)
{
    std::string text;
    for (const std::string& name : names)
        text += (text.empty() ? "" : "+") + name;
    return text;
}

/// The tree while trials are added: children in the order in which they first come up.
struct Draft
{
    struct Node
    {
        Kind kind = Kind::Model;
        int rank = 0; ///< among siblings
        std::string label;
        int trial = -1; ///< of measurements
        std::vector<int> children;
        std::map<std::string, int> known; ///< children by what they compute
    };
    std::vector<Node> nodes {1};

    int child(int parent, const std::string& computation, Node node)
    {
        const auto [place, isNew] =
            nodes[std::size_t(parent)].known.try_emplace(computation, static_cast<int>(nodes.size()));
        const int number = place->second;
        if (isNew) {
            nodes.push_back(std::move(node));
            nodes[std::size_t(parent)].children.push_back(number);
        }
        return number;
    }

    void add(int index, const PlannedTrial& trial, const PluginCatalogue& plugins)
    {
        int node = 0;
        const std::vector<Pipeline::Step> steps = trial.pipeline.steps();
        for (std::size_t i = 0; i < steps.size(); ++i) {
            const StageSpec stage = trial.pipeline.beginning(i + 1).stages.back();
            const int rank = stage.needsCalibration ? 2 : 1;
            const std::string statistics = steps[i].isCut ? "" : joined(sharedStatistics(stage, plugins));
            if (!statistics.empty())
                node = child(node, "statistics " + statistics, {Kind::Statistics, rank, statistics, -1, {}, {}});
            // The seed is part of what a stage computes, as it is of the identity of its result.
            const std::string computation =
                stage.plugin + '@' + stage.version + canonicalJson(stage.parameters) + std::to_string(trial.seed);
            const std::string label = (steps[i].isCut ? "cut to " : "") + Pipeline {{stage}}.label();
            node = child(node, computation, {Kind::Stage, rank, label, -1, {}, {}});
        }
        child(node, "measure " + std::to_string(index), {Kind::Measurements, 0, {}, index, {}, {}});
    }
};

} // namespace

std::vector<std::string> sharedStatistics(const StageSpec& stage, const PluginCatalogue& plugins)
{
    if (!stage.needsCalibration || !stage.parameters.is_object() ||
        stage.parameters.value("propagate", "step") != "original")
        return {};
    const auto manifest = plugins.find(stage.plugin);
    const auto named = manifest.ok() && manifest.value()->needs.is_object()
                           ? manifest.value()->needs.value("statistics", std::vector<std::string>())
                           : std::vector<std::string>();
    return named.empty() ? std::vector<std::string> {stage.plugin} : named;
}

TrialTree::TrialTree(const std::vector<PlannedTrial>& trials, const std::vector<int>& open,
                     const PluginCatalogue& plugins)
    : m_leaf(trials.size(), -1)
{
    if (open.empty())
        return;
    Draft draft;
    for (const int trial : open)
        draft.add(trial, trials[std::size_t(trial)], plugins);

    // Depth first, without recursion: pipelines come from a file.
    std::map<std::string, int> statistics;            ///< the first node of each
    std::vector<std::pair<int, int>> ahead {{0, -1}}; ///< of the draft, with the parent's number here
    while (!ahead.empty()) {
        const auto [source, parent] = ahead.back();
        ahead.pop_back();
        Draft::Node& from = draft.nodes[std::size_t(source)];
        const int number = static_cast<int>(m_nodes.size());
        Node node;
        node.kind = from.kind;
        node.label = std::move(from.label);
        node.parent = parent;
        node.firstTrial = static_cast<int>(m_order.size());
        node.same = number;
        if (parent >= 0) {
            node.depth = at(parent).depth + 1;
            node.steps = at(parent).steps + (node.kind == Kind::Stage ? 1 : 0);
        }
        if (node.kind == Kind::Statistics)
            node.same = statistics.try_emplace(node.label, number).first->second;
        if (from.trial >= 0) {
            m_leaf[std::size_t(from.trial)] = number;
            m_order.push_back(from.trial);
        }
        m_nodes.push_back(std::move(node));
        std::stable_sort(from.children.begin(), from.children.end(), [&](int a, int b) {
            return draft.nodes[std::size_t(a)].rank < draft.nodes[std::size_t(b)].rank;
        });
        for (auto child = from.children.rbegin(); child != from.children.rend(); ++child)
            ahead.emplace_back(*child, number);
    }
    // Children come after their parents, so backwards every node is complete before its parent.
    for (int number = static_cast<int>(m_nodes.size()) - 1; number >= 0; --number) {
        Node& node = m_nodes[std::size_t(number)];
        node.end = std::max(node.end, number + 1);
        node.trials += node.kind == Kind::Measurements ? 1 : 0;
        if (node.parent < 0)
            continue;
        Node& parent = m_nodes[std::size_t(node.parent)];
        parent.end = std::max(parent.end, node.end);
        parent.trials += node.trials;
    }
}

std::string_view trialTreeKindName(TrialTree::Kind kind)
{
    switch (kind) {
    case Kind::Model:
        return "model";
    case Kind::Statistics:
        return "statistics";
    case Kind::Stage:
        return "stage";
    case Kind::Measurements:
        break;
    }
    return "measurements";
}

} // namespace paretoscope::core
