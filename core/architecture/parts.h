// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace paretoscope::core {

/// A tensor as the checkpoint stores it.
struct ExpectedTensor
{
    std::string name;
    std::vector<std::int64_t> shape;
    /// The graph reads the transpose: a Conv1D weight is stored [in, out] and read [out, in] like every linear.
    bool transposed = false;
};

enum class NormKind
{
    Rms,
    Layer
};

struct NormSpec
{
    NormKind kind = NormKind::Rms;
    std::string weight; ///< tensor name
    std::string bias;   ///< tensor name; empty: none
    std::int64_t width = 0;
    double epsilon = 1e-6;
    double weightOffset = 0; ///< the factor is weightOffset + weight; 1 in Gemma
};

/// y = x Wᵀ (+ b); W is the tensor `module`.weight [outFeatures, inFeatures].
struct LinearSpec
{
    std::string module;
    std::int64_t outFeatures = 0;
    std::int64_t inFeatures = 0;
    bool bias = false;
    bool transposed = false; ///< stored [inFeatures, outFeatures] (Conv1D); read as [outFeatures, inFeatures]

    std::string weight() const { return module + ".weight"; }
    std::string biasName() const { return module + ".bias"; }
};

enum class Activation
{
    Silu,
    GeluErf,
    GeluTanh,
    Relu
};

void appendTensors(std::vector<ExpectedTensor>& tensors, const NormSpec& norm);
void appendTensors(std::vector<ExpectedTensor>& tensors, const LinearSpec& linear);

} // namespace paretoscope::core
