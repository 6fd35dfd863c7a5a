// SPDX-License-Identifier: Apache-2.0
#include "core/engine/differentiation/segment.h"

#include <torch/csrc/autograd/autograd.h>

namespace paretoscope::engine {

namespace {

using torch::autograd::grad;

/// A segment whose graph is being recorded.
struct Recorded
{
    Recorded(const Segment& segment, bool withInput)
        : source(segment.tensors)
    {
        at::Tensor input = segment.input;
        if (withInput) {
            input = leafOf(input);
            variables.push_back(input);
        } else if (input.defined()) {
            input = recordable(input);
        }
        for (const std::string& name : segment.names)
            variables.push_back(source.addLeaf(name));
        output = segment.function(input, source);
    }

    DifferentiableTensors source;
    std::vector<at::Tensor> variables; ///< the input, where wanted, then the named tensors
    at::Tensor output;
};

/// ⟨a, b⟩ added to `sum`; undefined factors are zero.
void addProduct(at::Tensor& sum, const at::Tensor& a, const at::Tensor& b)
{
    if (!a.defined() || !b.defined())
        return;
    const at::Tensor product = (a * b).sum();
    sum = sum.defined() ? sum + product : product;
}

/// Derivatives of a scalar, which may depend on none of the variables.
std::vector<at::Tensor> gradOf(const at::Tensor& scalar, const std::vector<at::Tensor>& variables)
{
    if (!scalar.defined() || !scalar.requires_grad())
        return std::vector<at::Tensor>(variables.size());
    return grad({scalar}, variables, {}, std::nullopt, false, true);
}

/// ⟨x̄, R x⟩ + ⟨W̄, v⟩
at::Tensor alongDirection(const std::vector<at::Tensor>& gradients, bool withInput, const at::Tensor& inputTangent,
                          const std::vector<at::Tensor>& directions)
{
    at::Tensor sum;
    if (withInput)
        addProduct(sum, gradients.front(), recordable(inputTangent));
    for (std::size_t i = 0; i < directions.size(); ++i)
        addProduct(sum, gradients[i + (withInput ? 1 : 0)], recordable(directions[i]));
    return sum;
}

at::Tensor detached(const at::Tensor& tensor)
{
    return tensor.defined() ? tensor.detach() : tensor;
}

} // namespace

SegmentGradient pullBack(const Segment& segment, const at::Tensor& adjoint)
{
    const RecordingScope recording;
    const Recorded recorded(segment, segment.needsInput);
    std::vector<at::Tensor> gradients =
        recorded.output.requires_grad()
            ? grad({recorded.output}, recorded.variables, {adjoint}, std::nullopt, false, true)
            : std::vector<at::Tensor>(recorded.variables.size());
    SegmentGradient result {.output = recorded.output.detach(), .input = {}, .inputTangent = {}, .tensors = {}};
    if (segment.needsInput)
        result.input = gradients.front();
    result.tensors.assign(gradients.begin() + (segment.needsInput ? 1 : 0), gradients.end());
    return result;
}

SegmentTangent pushForward(const Segment& segment, const at::Tensor& inputTangent,
                           const std::vector<at::Tensor>& directions)
{
    const RecordingScope recording;
    const bool withInput = inputTangent.defined();
    const Recorded recorded(segment, withInput);
    const at::Tensor& output = recorded.output;
    if (!output.requires_grad())
        return {output.detach(), {}};
    // x̄ and W̄ are linear in ȳ, so the derivative with respect to ȳ, taken anywhere, is the tangent.
    const at::Tensor adjoint = at::zeros_like(output).requires_grad_();
    const auto gradients = grad({output}, recorded.variables, {adjoint}, true, true, true);
    const at::Tensor along = alongDirection(gradients, withInput, inputTangent, directions);
    return {output.detach(), gradOf(along, {adjoint}).front()};
}

SegmentGradient pullBackTwice(const Segment& segment, const at::Tensor& inputTangent,
                              const std::vector<at::Tensor>& directions, const at::Tensor& adjoint,
                              const at::Tensor& adjointTangent)
{
    const RecordingScope recording;
    const bool withInput = segment.needsInput || inputTangent.defined();
    const Recorded recorded(segment, withInput);
    SegmentGradient result {.output = recorded.output.detach(), .input = {}, .inputTangent = {}, .tensors = {}};
    if (!recorded.output.requires_grad()) {
        result.tensors.resize(segment.names.size());
        return result;
    }
    const auto gradients = grad({recorded.output}, recorded.variables, {recordable(adjoint)}, true, true, true);
    at::Tensor total = alongDirection(gradients, withInput && inputTangent.defined(), inputTangent, directions);
    if (adjointTangent.defined())
        addProduct(total, recorded.output, recordable(adjointTangent));
    const auto tangents = gradOf(total, recorded.variables);
    if (withInput) {
        result.input = detached(gradients.front());
        result.inputTangent = tangents.front();
    }
    result.tensors.assign(tangents.begin() + (withInput ? 1 : 0), tangents.end());
    return result;
}

} // namespace paretoscope::engine
