// SPDX-License-Identifier: Apache-2.0
#include "plugins/quantization/pv_tuning/additive_weight.h"

#include <utility>

namespace paretoscope::pv_tuning {

AdditiveWeight::AdditiveWeight(engine::AdditiveCodes codes, int bits)
    : m_codes(std::move(codes))
    , m_bits(bits)
{}

engine::AdditiveCodes AdditiveWeight::stored() const
{
    return engine::AdditiveTensor(m_codes, m_bits).codes();
}

std::vector<at::Tensor> AdditiveWeight::valueGradients(const at::Tensor& gradient) const
{
    const engine::AdditiveCodes now = stored();
    const at::Tensor ofSums = (gradient * now.scales.unsqueeze(1)).view({-1, now.groupSize()});
    std::vector<at::Tensor> ofCodebooks;
    for (std::int64_t book = 0; book < now.count(); ++book)
        ofCodebooks.push_back(at::embedding_dense_backward(ofSums, now.codes.select(2, book).reshape(-1),
                                                           now.codebooks.size(1), /*padding_idx=*/-1,
                                                           /*scale_grad_by_freq=*/false));
    return {at::stack(ofCodebooks), (gradient * now.sums().flatten(1)).sum(1)};
}

void AdditiveWeight::moveValues(const at::Tensor& gradient, double learningRate)
{
    const std::vector<at::Tensor> gradients = valueGradients(gradient);
    m_codes.codebooks = m_codes.codebooks + m_codebookSteps.step(m_codes.codebooks, gradients[0], learningRate);
    m_codes.scales = m_codes.scales + m_scaleSteps.step(m_codes.scales, gradients[1], learningRate);
}

std::int64_t AdditiveWeight::moveCodes(const at::Tensor& target, const CodeMoves& moves)
{
    const engine::AdditiveCodes now = stored();
    const std::int64_t size = now.groupSize();
    const at::Tensor wanted = target.view({-1, size});
    const at::Tensor chosen = farthest((wanted - now.dequantize().view({-1, size})).square().sum(1), moves.share);
    const at::Tensor rows = chosen.floor_divide(now.codes.size(1));
    // Every chosen group as a row of its own: the nearest sum in the plain sense.
    at::Tensor flat = m_codes.codes.flatten(0, 1);
    const engine::AdditiveCodes some {flat.index_select(0, chosen).unsqueeze(1), now.codebooks,
                                      now.scales.index_select(0, rows)};
    const at::Tensor found = engine::searchCodes(some, wanted.index_select(0, chosen), at::eye(size, target.options()),
                                                 {moves.beam, moves.seed});
    m_codes.codes = flat.index_copy(0, chosen, found.squeeze(1)).view_as(m_codes.codes);
    return found.ne(some.codes).any(2).sum().item<std::int64_t>();
}

std::shared_ptr<const engine::CompressedTensor> AdditiveWeight::form() const
{
    return std::make_shared<const engine::AdditiveTensor>(m_codes, m_bits);
}

} // namespace paretoscope::pv_tuning
