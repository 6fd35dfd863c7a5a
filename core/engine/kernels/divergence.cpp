// SPDX-License-Identifier: Apache-2.0
#include "core/engine/kernels/divergence.h"

#include <algorithm>

namespace paretoscope::engine {

namespace {

/// Few enough for the float64 intermediates to stay in the cache at large vocabularies.
constexpr std::int64_t kRows = 4;

at::Tensor logProbabilities(const at::Tensor& logits)
{
    const at::Tensor wide = logits.to(at::kDouble);
    return wide - at::logsumexp(wide, 1, true);
}

} // namespace

std::vector<TokenDivergence> tokenDivergences(const at::Tensor& reference, const at::Tensor& candidate,
                                              const at::Tensor& nextTokens)
{
    std::vector<TokenDivergence> tokens;
    for (std::int64_t begin = 0; begin < reference.size(0); begin += kRows) {
        const std::int64_t rows = std::min(kRows, reference.size(0) - begin);
        const at::Tensor referenceRows = reference.narrow(0, begin, rows);
        const at::Tensor candidateRows = candidate.narrow(0, begin, rows);
        const at::Tensor next = nextTokens.narrow(0, begin, rows).unsqueeze(1);
        const at::Tensor logP = logProbabilities(referenceRows);
        const at::Tensor logQ = logProbabilities(candidateRows);
        const at::Tensor p = logP.exp();
        const at::Tensor terms = at::where(p > 0, p * (logP - logQ), at::zeros({}, at::kDouble));
        const at::Tensor kl = terms.sum(1);
        const at::Tensor lossP = -logP.gather(1, next).squeeze(1);
        const at::Tensor lossQ = -logQ.gather(1, next).squeeze(1);
        const at::Tensor same = referenceRows.argmax(1) == candidateRows.argmax(1);
        for (std::int64_t i = 0; i < rows; ++i)
            tokens.push_back(
                {kl[i].item<double>(), lossP[i].item<double>(), lossQ[i].item<double>(), same[i].item<bool>()});
    }
    return tokens;
}

} // namespace paretoscope::engine
