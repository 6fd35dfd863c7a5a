// SPDX-License-Identifier: Apache-2.0
#include "core/engine/services/gradient_service.h"

#include "core/engine/foreign_exception.h"

namespace paretoscope::engine {

core::Result<double> GradientService::differentiate(Derivative kind, const LossRequest& request,
                                                    std::vector<std::string> names, const NamedTensors& directions,
                                                    const GradientVisitor& visit) const
{
    return guarded("differentiating the loss", [&] {
        return LossDifferentiator(m_context, kind, request, std::move(names), directions, visit).run();
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
