// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/engine/quantization/group_affine_tensor.h"
#include "plugins/quantization/pv_tuning/relative_adam.h"
#include "plugins/quantization/pv_tuning/tunable_weight.h"

namespace paretoscope::pv_tuning {

/// Affine codes (RTN, GPTQ, AWQ, HQQ); values are the scales, zero points stay. Codes change in groups of eight
/// weights.
class AffineWeight : public TunableWeight
{
public:
    explicit AffineWeight(const engine::GroupAffineTensor& form);

    at::Tensor dequantize() const override;
    std::vector<at::Tensor> valueGradients(const at::Tensor& gradient) const override;
    void moveValues(const at::Tensor& gradient, double learningRate) override;
    std::int64_t moveCodes(const at::Tensor& target, const CodeMoves& moves) override;
    std::int64_t groups() const override { return m_codes.numel() / m_unit; }
    std::shared_ptr<const engine::CompressedTensor> form() const override;

private:
    at::Tensor byColumn(const at::Tensor& perGroup) const { return perGroup.index_select(1, m_groupOfColumn); }
    at::Tensor storedScales() const; ///< rounded to the type that stores them

    engine::AffineOptions m_options;
    at::Tensor m_codes;        ///< float32 [out, in]
    at::Tensor m_scales;       ///< float32 [out, groups], in which small steps add up
    at::Tensor m_zeros;        ///< float32 [out, groups]
    at::Tensor m_columnGroups; ///< as GroupAffineTensor takes them
    at::Tensor m_groupOfColumn;
    at::Tensor m_mask;   ///< bool [out, in] or undefined
    std::int64_t m_unit; ///< weights whose codes change together
    RelativeAdam m_scaleSteps {0.9, 0.95};
};

} // namespace paretoscope::pv_tuning
