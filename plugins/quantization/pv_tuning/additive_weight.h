// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/engine/layout/additive_tensor.h"
#include "plugins/quantization/pv_tuning/relative_adam.h"
#include "plugins/quantization/pv_tuning/tunable_weight.h"

namespace paretoscope::pv_tuning {

/// Sums of codebook vectors; values are codebooks and row scales.
class AdditiveWeight : public TunableWeight
{
public:
    AdditiveWeight(engine::AdditiveCodes codes, int bits);

    at::Tensor dequantize() const override { return stored().dequantize(); }
    std::vector<at::Tensor> valueGradients(const at::Tensor& gradient) const override;
    void moveValues(const at::Tensor& gradient, double learningRate) override;
    std::int64_t moveCodes(const at::Tensor& target, const CodeMoves& moves) override;
    std::int64_t groups() const override { return m_codes.codes.size(0) * m_codes.codes.size(1); }
    std::shared_ptr<const engine::CompressedTensor> form() const override;

private:
    engine::AdditiveCodes stored() const; ///< with values rounded as they are stored

    engine::AdditiveCodes m_codes; ///< with values that small steps add up in
    int m_bits;
    RelativeAdam m_codebookSteps {0.9, 0.95};
    RelativeAdam m_scaleSteps {0.9, 0.95};
};

} // namespace paretoscope::pv_tuning
