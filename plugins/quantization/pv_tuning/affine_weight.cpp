// SPDX-License-Identifier: Apache-2.0
#include "plugins/quantization/pv_tuning/affine_weight.h"

namespace paretoscope::pv_tuning {

AffineWeight::AffineWeight(const engine::GroupAffineTensor& form)
    : m_options(form.options())
    , m_codes(form.codes().to(at::kFloat))
    , m_scales(form.grids().scales)
    , m_zeros(form.grids().zeros)
    , m_columnGroups(form.columnGroups())
    , m_groupOfColumn(m_columnGroups.defined() ? m_columnGroups
                                               : at::arange(m_codes.size(1), m_codes.options().dtype(at::kInt))
                                                     .floor_divide(m_options.groupSizeFor(m_codes.size(1))))
    , m_mask(form.mask())
    , m_unit(m_codes.size(1) % 8 == 0 ? 8 : 1)
{}

at::Tensor AffineWeight::storedScales() const
{
    const at::ScalarType type = m_options.scaleType == engine::ScaleType::Float16    ? at::kHalf
                                : m_options.scaleType == engine::ScaleType::BFloat16 ? at::kBFloat16
                                                                                     : at::kFloat;
    return m_scales.to(type).to(at::kFloat);
}

at::Tensor AffineWeight::dequantize() const
{
    const at::Tensor weight = (m_codes - byColumn(m_zeros)).mul_(byColumn(storedScales()));
    return m_mask.defined() ? weight * m_mask : weight;
}

std::vector<at::Tensor> AffineWeight::valueGradients(const at::Tensor& gradient) const
{
    const at::Tensor ofWeights = gradient * (m_codes - byColumn(m_zeros));
    return {at::zeros_like(m_scales).index_add_(1, m_groupOfColumn, m_mask.defined() ? ofWeights * m_mask : ofWeights)};
}

void AffineWeight::moveValues(const at::Tensor& gradient, double learningRate)
{
    const at::Tensor moved = m_scales + m_scaleSteps.step(m_scales, valueGradients(gradient).front(), learningRate);
    m_scales = at::where(moved * m_scales > 0, moved, m_scales); // a scale never changes its sign
}

std::int64_t AffineWeight::moveCodes(const at::Tensor& target, const CodeMoves& moves)
{
    const at::Tensor now = dequantize();
    const at::Tensor wanted = m_mask.defined() ? target * m_mask : target;
    const at::Tensor chosen = farthest((wanted - now).square().view({-1, m_unit}).sum(1), moves.share);
    const at::Tensor scales = byColumn(storedScales());
    const at::Tensor nearest = at::where(scales != 0, wanted / scales, at::zeros_like(wanted))
                                   .round_()
                                   .add_(byColumn(m_zeros))
                                   .clamp_(0, m_options.levels());
    const at::Tensor before = m_codes.view({-1, m_unit});
    const at::Tensor after = before.index_copy(0, chosen, nearest.view({-1, m_unit}).index_select(0, chosen));
    m_codes = after.view_as(m_codes);
    return after.ne(before).any(1).sum().item<std::int64_t>();
}

std::shared_ptr<const engine::CompressedTensor> AffineWeight::form() const
{
    return std::make_shared<const engine::GroupAffineTensor>(
        m_codes.to(at::kByte), engine::AffineGrids {storedScales(), m_zeros}, m_options, m_columnGroups, m_mask);
}

} // namespace paretoscope::pv_tuning
