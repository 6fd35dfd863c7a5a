// SPDX-License-Identifier: Apache-2.0
#include "roofline/operations/mlp.h"

#include <algorithm>
#include <cmath>

namespace paretoscope::roofline {

namespace {

constexpr MlpNames kExpertNames {"expert_gate", "expert_up", "expert_gate_up", "expert_act", "expert_down"};
constexpr MlpNames kSharedNames {"shared_gate", "shared_up", "shared_gate_up", "shared_act", "shared_down"};
constexpr double kLogitBytes = 4;

/// Sends rows to the devices of their experts, or back.
Source appendExchange(OperationList& list, std::string_view name, const MoeShape& moe, double rows, Source input)
{
    const Parallelism& parallel = list.execution().parallel;
    if (parallel.expert == 1)
        return input;
    const double sent = parallel.deduplicatedDispatch
                            ? list.tokens() * dispatchedDevices(moe.experts, moe.chosen, parallel.expert)
                            : rows;
    const double bytes = sent * moe.expert.up.in * list.streamBytes();
    return list.add({.name = name,
                     .resultBytes = bytes,
                     .collective = Collective::AllToAll,
                     .devices = parallel.expert,
                     .messageBytes = bytes},
                    {input});
}

Source appendPermutation(OperationList& list, std::string_view name, double elements, double flops, Source input)
{
    if (list.execution().fusion.permutation)
        return input;
    const double bytes = elements * list.streamBytes();
    return list.add({.name = name,
                     .vectorFlops = flops,
                     .activationInBytes = bytes,
                     .activationOutBytes = bytes,
                     .resultBytes = bytes},
                    {input});
}

Source appendRouter(OperationList& list, const MoeShape& moe, Source input)
{
    const double tokens = list.tokens();
    const double logits = tokens * moe.experts * kLogitBytes;
    return list.add({.name = "router",
                     .matrixFlops = 2 * tokens * moe.router.in * moe.experts,
                     .vectorFlops = 5 * tokens * moe.experts + (moe.router.bias ? tokens * moe.experts : 0),
                     .weightBytes = moe.router.parameters() * list.execution().routerBits / 8,
                     .activationInBytes = tokens * moe.router.in * list.streamBytes(),
                     .activationOutBytes = logits,
                     .resultBytes = logits,
                     .rows = tokens,
                     .columns = moe.experts},
                    {input});
}

} // namespace

double activeExperts(const MoeShape& moe, double tokens)
{
    if (moe.frequencies.empty())
        return moe.experts * (1 - std::pow(1 - moe.chosen / moe.experts, tokens));
    double sum = 0;
    for (const double frequency : moe.frequencies)
        sum += 1 - std::pow(1 - frequency, tokens);
    return sum;
}

double dispatchedDevices(double experts, double chosen, double devices)
{
    // C(E - E/n, k) / C(E, k): the chance that none of the chosen experts lies on a given device.
    double missed = 1;
    for (double i = 0; i < chosen; ++i)
        missed *= std::max(0.0, (experts - experts / devices - i) / (experts - i));
    return devices * (1 - missed);
}

Source appendPart(OperationList& list, const MoeShape& moe, Source input)
{
    const Parallelism& parallel = list.execution().parallel;
    const double tokens = list.tokens();
    const double hidden = moe.expert.up.in;
    if (moe.experts == 1 && moe.chosen == 1 && !moe.shared) // nothing to choose: a dense MLP
        return appendPart(list, moe.expert, input);

    appendRouter(list, moe, input);
    const double rows = tokens * moe.chosen;
    // Experts are dealt among the expert-parallel devices, each of which brings as many tokens; else their width is.
    const double active = activeExperts(moe, tokens * parallel.expert) / parallel.expert;
    const double busiestRows = rows * parallel.expertImbalance;
    const double width = parallel.expert > 1 ? 1 : parallel.tensor;
    Source result = appendPermutation(list, "permute", rows * hidden, 0, input);
    result = appendExchange(list, "dispatch", moe, rows, result);
    result = appendMlp(
        list,
        {.shape = &moe.expert, .rows = busiestRows, .parallel = width, .weightsRead = active, .names = kExpertNames},
        result);
    result = appendExchange(list, "combine", moe, rows, result);
    result = appendPermutation(list, "unpermute", rows * hidden, 2 * rows * hidden, result);
    if (moe.shared) {
        const Source shared = appendMlp(list,
                                        {.shape = &*moe.shared,
                                         .rows = tokens,
                                         .parallel = static_cast<double>(parallel.tensor),
                                         .names = kSharedNames},
                                        input);
        if (moe.sharedGate)
            appendLinear(list, {.name = "shared_expert_gate", .shape = &*moe.sharedGate, .rows = tokens}, input);
        result = appendAdd(list, "shared_add", tokens, hidden, result, shared);
    }
    return appendReduction(list, "mlp_all_reduce", tokens * hidden * list.streamBytes(), result);
}

} // namespace paretoscope::roofline
