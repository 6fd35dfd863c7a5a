// SPDX-License-Identifier: Apache-2.0
#include "core/engine/kernels/divergence.h"

#include "core/engine/device/transfer.h"

#include <algorithm>

namespace paretoscope::engine {

namespace {

/// Few enough for the float64 intermediates to stay in the cache at large vocabularies; on a card enough to fill it.
std::int64_t rowsAtOnce(at::Device device)
{
    return device.is_cpu() ? 4 : 32;
}

at::Tensor logProbabilities(const at::Tensor& logits)
{
    const at::Tensor wide = logits.to(at::kDouble);
    return wide - at::logsumexp(wide, 1, true);
}

} // namespace

std::vector<TokenDivergence> tokenDivergences(const at::Tensor& reference, const at::Tensor& candidate,
                                              const at::Tensor& nextTokens)
{
    const std::int64_t step = rowsAtOnce(reference.device());
    std::vector<at::Tensor> parts; // float64 [4, rows]: KL, both losses, agreement
    for (std::int64_t begin = 0; begin < reference.size(0); begin += step) {
        const std::int64_t rows = std::min(step, reference.size(0) - begin);
        const at::Tensor referenceRows = reference.narrow(0, begin, rows);
        const at::Tensor candidateRows = candidate.narrow(0, begin, rows);
        const at::Tensor next = nextTokens.narrow(0, begin, rows).unsqueeze(1);
        const at::Tensor logP = logProbabilities(referenceRows);
        const at::Tensor logQ = logProbabilities(candidateRows);
        const at::Tensor p = logP.exp();
        const at::Tensor terms = at::where(p > 0, p * (logP - logQ), at::zeros({}, p.options()));
        const at::Tensor kl = terms.sum(1);
        const at::Tensor lossP = -logP.gather(1, next).squeeze(1);
        const at::Tensor lossQ = -logQ.gather(1, next).squeeze(1);
        const at::Tensor same = referenceRows.argmax(1) == candidateRows.argmax(1);
        parts.push_back(at::stack({kl, lossP, lossQ, same.to(at::kDouble)}));
    }
    if (parts.empty())
        return {};
    const at::Tensor all = toHost(at::cat(parts, 1));
    const auto values = all.accessor<double, 2>();
    std::vector<TokenDivergence> tokens;
    for (std::int64_t i = 0; i < all.size(1); ++i)
        tokens.push_back({values[0][i], values[1][i], values[2][i], values[3][i] != 0});
    return tokens;
}

at::Tensor divergences(const at::Tensor& reference, const at::Tensor& candidate)
{
    // ln p - ln q is the difference of the logits, up to what their exponentials sum to.
    const at::Tensor p = at::softmax(reference, 1);
    const at::Tensor crossed = (p * (reference - candidate)).sum(1, false, at::kDouble);
    return crossed + at::logsumexp(candidate, 1).to(at::kDouble) - at::logsumexp(reference, 1).to(at::kDouble);
}

} // namespace paretoscope::engine
