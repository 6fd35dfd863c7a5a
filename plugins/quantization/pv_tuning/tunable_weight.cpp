// SPDX-License-Identifier: Apache-2.0
#include "plugins/quantization/pv_tuning/tunable_weight.h"

#include "plugins/quantization/pv_tuning/additive_weight.h"
#include "plugins/quantization/pv_tuning/affine_weight.h"

#include <algorithm>
#include <cmath>

namespace paretoscope::pv_tuning {

core::Result<std::unique_ptr<TunableWeight>> TunableWeight::of(const engine::CompressedTensor& form)
{
    if (form.layout() == engine::AdditiveTensor::kLayout) {
        PSC_ASSIGN(const auto read,
                   engine::AdditiveTensor::fromParts(form.description(), form.serialise(), engine::TensorLayouts()));
        const auto& additive = static_cast<const engine::AdditiveTensor&>(*read);
        return std::unique_ptr<TunableWeight>(std::make_unique<AdditiveWeight>(additive.codes(), additive.bits()));
    }
    if (form.layout() == engine::GroupAffineTensor::kLayout) {
        PSC_ASSIGN(const auto read,
                   engine::GroupAffineTensor::fromParts(form.description(), form.serialise(), engine::TensorLayouts()));
        return std::unique_ptr<TunableWeight>(
            std::make_unique<AffineWeight>(static_cast<const engine::GroupAffineTensor&>(*read)));
    }
    return std::unique_ptr<TunableWeight>();
}

at::Tensor farthest(const at::Tensor& distances, double share)
{
    const auto count = static_cast<std::int64_t>(std::ceil(share * double(distances.numel())));
    return std::get<1>(distances.topk(std::clamp<std::int64_t>(count, 1, distances.numel())));
}

} // namespace paretoscope::pv_tuning
