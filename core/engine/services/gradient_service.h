// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/engine/differentiation/loss_differentiator.h"
#include "core/engine/plugin/gradients.h"

namespace paretoscope::engine {

/// See Gradients.
class GradientService : public Gradients
{
public:
    GradientService(DifferentiationContext context, const std::vector<std::vector<std::int32_t>>& calibration)
        : m_context(context)
        , m_calibration(calibration)
    {}

    const std::vector<std::vector<std::int32_t>>& calibrationSequences() const override { return m_calibration; }
    core::Result<std::vector<at::Tensor>>
    originalStates(const std::vector<std::vector<std::int32_t>>& sequences) override;
    core::Result<double> loss(const LossRequest& request) override;
    core::Result<double> gradients(const std::vector<std::string>& tensors, const LossRequest& request,
                                   const GradientVisitor& visit) override;
    core::Result<double> squaredGradients(const std::vector<std::string>& tensors, const LossRequest& request,
                                          const GradientVisitor& visit) override;
    core::Result<double> hessianVectorProduct(const NamedTensors& directions, const LossRequest& request,
                                              const GradientVisitor& visit) override;

private:
    core::Result<double> differentiate(Derivative kind, const LossRequest& request, std::vector<std::string> names,
                                       const NamedTensors& directions, const GradientVisitor& visit) const;

    const DifferentiationContext m_context;
    const std::vector<std::vector<std::int32_t>>& m_calibration;
};

} // namespace paretoscope::engine
