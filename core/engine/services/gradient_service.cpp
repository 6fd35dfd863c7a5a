// SPDX-License-Identifier: Apache-2.0
#include "core/engine/services/gradient_service.h"

#include "core/engine/foreign_exception.h"
#include "core/engine/services/block_inputs.h"

namespace paretoscope::engine {

core::Result<double> GradientService::differentiate(Derivative kind, const LossRequest& request,
                                                    std::vector<std::string> names, const NamedTensors& directions,
                                                    const GradientVisitor& visit) const
{
    return guarded("differentiating the loss", [&] {
        return LossDifferentiator(m_context, kind, request, std::move(names), directions, visit).run();
    });
}

core::Result<std::vector<at::Tensor>>
GradientService::originalStates(const std::vector<std::vector<std::int32_t>>& sequences)
{
    return guarded("passing the original model", [&]() -> core::Result<std::vector<at::Tensor>> {
        for (const auto& sequence : sequences)
            PSC_TRY(m_context.model.requireKnownIds(sequence));
        const CalibrationContext context {m_context.model, m_context.tensors, sequences, m_context.hooks,
                                          m_context.observer};
        return BlockInputs(context, ActivationSource::Original).leavingLast();
    });
}

core::Result<double> GradientService::loss(const LossRequest& request)
{
    return differentiate(Derivative::None, request, {}, {}, {});
}

core::Result<double> GradientService::gradients(const std::vector<std::string>& tensors, const LossRequest& request,
                                                const GradientVisitor& visit)
{
    return differentiate(Derivative::First, request, tensors, {}, visit);
}

core::Result<double> GradientService::squaredGradients(const std::vector<std::string>& tensors,
                                                       const LossRequest& request, const GradientVisitor& visit)
{
    return differentiate(Derivative::Squared, request, tensors, {}, visit);
}

core::Result<double> GradientService::hessianVectorProduct(const NamedTensors& directions, const LossRequest& request,
                                                           const GradientVisitor& visit)
{
    std::vector<std::string> names;
    for (const auto& [name, direction] : directions)
        names.push_back(name);
    return differentiate(Derivative::Second, request, std::move(names), directions, visit);
}

} // namespace paretoscope::engine
