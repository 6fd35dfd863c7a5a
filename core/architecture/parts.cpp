// SPDX-License-Identifier: Apache-2.0
#include "core/architecture/parts.h"

#include <utility>

namespace paretoscope::core {

void appendTensors(std::vector<ExpectedTensor>& tensors, const NormSpec& norm)
{
    if (!norm.weight.empty())
        tensors.push_back({norm.weight, {norm.width}});
    if (!norm.bias.empty())
        tensors.push_back({norm.bias, {norm.width}});
}

std::string stackedName(const std::string& tensor, std::int64_t index)
{
    return tensor + '[' + std::to_string(index) + ']';
}

void appendGraphNames(std::vector<std::string>& names, const ExpectedTensor& tensor)
{
    if (tensor.stacked == 0)
        names.push_back(tensor.name);
    for (std::int64_t index = 0; index < tensor.stacked; ++index)
        names.push_back(stackedName(tensor.name, index));
}

void appendTensors(std::vector<ExpectedTensor>& tensors, const LinearSpec& linear)
{
    std::vector<std::int64_t> shape {linear.outFeatures, linear.inFeatures};
    if (linear.transposed)
        std::swap(shape[0], shape[1]);
    if (!linear.stack) {
        tensors.push_back({linear.weight(), shape, linear.transposed});
        if (linear.bias)
            tensors.push_back({linear.biasName(), {linear.outFeatures}});
        return;
    }
    // The first of the linears brings the tensors that it shares with the others.
    const StackPlace& stack = *linear.stack;
    if (stack.index != 0)
        return;
    shape.insert(shape.begin(), stack.count);
    tensors.push_back({stack.weight, shape, linear.transposed, stack.count});
    if (linear.bias)
        tensors.push_back({stack.bias, {stack.count, linear.outFeatures}, false, stack.count});
}

} // namespace paretoscope::core
