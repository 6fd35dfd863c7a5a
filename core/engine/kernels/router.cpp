// SPDX-License-Identifier: Apache-2.0
#include "core/engine/kernels/router.h"

#include <limits>

namespace paretoscope::engine {

namespace {

/// Indices of the `count` largest entries of every row, largest first, equal ones by index.
at::Tensor largest(const at::Tensor& scores, std::int64_t count)
{
    const auto [sorted, order] = at::sort(scores.detach(), /*stable=*/true, /*dim=*/-1, /*descending=*/true);
    return order.narrow(-1, 0, count);
}

at::Tensor scoreGroups(const at::Tensor& grouped, core::GroupScore rule)
{
    if (rule == core::GroupScore::Maximum)
        return grouped.amax(-1);
    return std::get<0>(grouped.topk(std::min<std::int64_t>(2, grouped.size(-1)), -1)).sum(-1);
}

/// Experts outside the kept groups can never be chosen.
at::Tensor limitToGroups(const at::Tensor& scores, const core::RoutingRule& rule)
{
    if (rule.keptGroups >= rule.groups)
        return scores;
    const at::Tensor grouped = scores.detach().unflatten(-1, {rule.groups, -1});
    const at::Tensor kept = largest(scoreGroups(grouped, rule.groupScore), rule.keptGroups);
    const at::Tensor open =
        at::zeros({scores.size(0), rule.groups}, scores.options().dtype(at::kBool)).scatter_(1, kept, true);
    return grouped.masked_fill(open.logical_not().unsqueeze(-1), -std::numeric_limits<double>::infinity()).flatten(-2);
}

/// Experts by rising index.
Routing chooseByScore(const at::Tensor& logits, const at::Tensor& choiceBias, const core::RoutingRule& rule)
{
    const bool chosenFirst =
        rule.score == core::RouterScore::SoftmaxOfChosen || rule.score == core::RouterScore::SigmoidOfChosen;
    const at::Tensor scores = rule.score == core::RouterScore::Sigmoid ? logits.sigmoid()
                              : chosenFirst                            ? logits
                                                                       : logits.softmax(-1);
    const at::Tensor biased = choiceBias.defined() ? scores + choiceBias : scores;
    const at::Tensor chosen = largest(limitToGroups(biased, rule), rule.chosen);
    const at::Tensor rising = std::get<0>(chosen.sort(-1));
    at::Tensor weights = scores.gather(-1, rising);
    if (rule.score == core::RouterScore::SoftmaxOfChosen)
        weights = weights.softmax(-1);
    if (rule.score == core::RouterScore::SigmoidOfChosen)
        weights = weights.sigmoid();
    return {rising, weights};
}

/// The best expert with its softmax among the logits close to its own, then the same among the others. By rising index.
Routing mixSparsely(const at::Tensor& logits, double jitter)
{
    constexpr double kClosed = -std::numeric_limits<double>::infinity();
    const at::Tensor fixed = logits.detach(); // which logits are close carries no gradient
    at::Tensor open = logits;
    std::vector<at::Tensor> experts;
    std::vector<at::Tensor> weights;
    for (int place = 0; place < 2; ++place) {
        experts.push_back(largest(open, 1));
        const at::Tensor best = fixed.gather(-1, experts.back());
        const at::Tensor distance = (best - fixed) / at::maximum(fixed.abs(), best);
        weights.push_back(open.masked_fill(distance > 2 * jitter, kClosed).softmax(-1).gather(-1, experts.back()));
        open = open.scatter(-1, experts.back(), kClosed);
    }
    const auto [rising, places] = at::cat(experts, -1).sort(-1);
    return {rising, at::cat(weights, -1).gather(-1, places)};
}

} // namespace

Routing route(const at::Tensor& logits, const at::Tensor& choiceBias, const core::RoutingRule& rule)
{
    // By rising expert first, so that the stable sort by weight leaves equal weights in that order.
    const auto [rising, chosenWeights] = rule.score == core::RouterScore::SparseMixer
                                             ? mixSparsely(logits, rule.jitter)
                                             : chooseByScore(logits, choiceBias, rule);
    at::Tensor weights = chosenWeights;
    if (rule.normalise)
        weights = weights / (weights.sum(-1, true) + rule.normaliseEpsilon);
    if (rule.scale != 1)
        weights = weights * rule.scale;
    const at::Tensor order = largest(weights, rule.chosen);
    return {rising.gather(-1, order), weights.gather(-1, order)};
}

std::vector<ExpertRows> rowsByExpert(const Routing& routing, int experts)
{
    const std::int64_t perToken = routing.experts.size(1);
    const at::Tensor flat = routing.experts.flatten();
    // Stable: within an expert the tokens stay in their order.
    const auto [sorted, order] = at::sort(flat, /*stable=*/true, 0, /*descending=*/false);
    const at::Tensor tokens = order.div(perToken, "floor");
    const at::Tensor weights = routing.weights.flatten().index_select(0, order);
    // The one place of a block where the host waits for a card: it must know how many rows the experts' products have.
    const at::Tensor begins = at::searchsorted(sorted, at::arange(experts + 1, flat.options())).cpu();
    const std::int64_t* begin = begins.const_data_ptr<std::int64_t>(); // before begin[0]: sent nowhere
    std::vector<ExpertRows> rows;
    for (int expert = 0; expert < experts; ++expert) {
        const std::int64_t size = begin[expert + 1] - begin[expert];
        rows.push_back({tokens.narrow(0, begin[expert], size), weights.narrow(0, begin[expert], size)});
    }
    return rows;
}

} // namespace paretoscope::engine
