// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/engine/differentiation/differentiable.h"

#include <functional>
#include <string>
#include <vector>

namespace paretoscope::engine {

/// y = f(x; W): one block, the entry (x undefined) or rows of the head. Recorded or not, as the calling thread says.
using SegmentFunction = std::function<at::Tensor(const at::Tensor& input, const TensorSource& tensors)>;

/// One segment at one sample.
struct Segment
{
    SegmentFunction function;
    const TensorSource& tensors;
    const std::vector<std::string>& names; ///< differentiated with respect to; among those it reads
    at::Tensor input;
    bool needsInput = false; ///< whether its derivative with respect to the input is asked for
};

/// What comes back through a segment. Undefined tensors are zero.
struct SegmentGradient
{
    at::Tensor output;
    at::Tensor input;                ///< x̄
    at::Tensor inputTangent;         ///< R x̄, second order only
    std::vector<at::Tensor> tensors; ///< W̄ (first order) or R W̄ (second order), parallel to Segment::names
};

/// x̄ and W̄ for the adjoint ȳ of the output.
SegmentGradient pullBack(const Segment& segment, const at::Tensor& adjoint);

/// R y = J_x R x + J_W v: how y changes along the direction. @param directions parallel to Segment::names
struct SegmentTangent
{
    at::Tensor output;
    at::Tensor tangent;
};
SegmentTangent pushForward(const Segment& segment, const at::Tensor& inputTangent,
                           const std::vector<at::Tensor>& directions);

/// Pearlmutter's R operator on pullBack: with s = ⟨x̄, R x⟩ + ⟨W̄, v⟩ it is R x̄ = ∂s/∂x + J_xᵀ R ȳ, and R W̄ alike.
/// @param adjointTangent R ȳ
SegmentGradient pullBackTwice(const Segment& segment, const at::Tensor& inputTangent,
                              const std::vector<at::Tensor>& directions, const at::Tensor& adjoint,
                              const at::Tensor& adjointTangent);

} // namespace paretoscope::engine
