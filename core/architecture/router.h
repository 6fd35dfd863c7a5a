// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace paretoscope::core {

/// What a router makes of its logits before experts are chosen.
enum class RouterScore
{
    Softmax,         ///< over all experts
    Sigmoid,         ///< of every expert by itself
    SoftmaxOfChosen, ///< the largest logits are chosen, the softmax is taken over them alone
    /// Two experts are chosen one after the other, each with its softmax among the logits that are close to its own
    /// (RoutingRule::jitter); together they weigh up to 2.
    SparseMixer,
    SigmoidOfChosen, ///< the largest logits are chosen, of each the sigmoid is taken
};

/// How a group of experts is scored when only some groups may be chosen from.
enum class GroupScore
{
    Maximum,
    SumOfTopTwo,
};

/// How many experts a token is sent to, which, and with what weight. specs: the models' published code.
struct RoutingRule
{
    int experts = 0;
    int chosen = 0; ///< per token
    RouterScore score = RouterScore::Softmax;
    /// Experts lie in `groups` runs of equal length; only the best `keptGroups` of them are chosen from.
    int groups = 1;
    int keptGroups = 1;
    GroupScore groupScore = GroupScore::Maximum;
    bool normalise = false;      ///< the weights of the chosen are divided by their sum
    double normaliseEpsilon = 0; ///< added to that sum
    double scale = 1;            ///< on the weights, last
    double jitter = 0;           ///< SparseMixer: logits are close up to a relative distance of twice this
};

} // namespace paretoscope::core
