// SPDX-License-Identifier: Apache-2.0
#include "core/architecture/parts.h"

namespace paretoscope::core {

void appendTensors(std::vector<ExpectedTensor>& tensors, const NormSpec& norm)
{
    tensors.push_back({norm.weight, {norm.width}});
    if (!norm.bias.empty())
        tensors.push_back({norm.bias, {norm.width}});
}

void appendTensors(std::vector<ExpectedTensor>& tensors, const LinearSpec& linear)
{
    if (linear.transposed)
        tensors.push_back({linear.weight(), {linear.inFeatures, linear.outFeatures}, true});
    else
        tensors.push_back({linear.weight(), {linear.outFeatures, linear.inFeatures}});
    if (linear.bias)
        tensors.push_back({linear.biasName(), {linear.outFeatures}});
}

} // namespace paretoscope::core
