// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
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
    /// Above 0: so many matrices (or vectors) lie behind one another in it, along the first dimension of `shape`. The
    /// graph reads them one by one, under the names of stackedName().
    std::int64_t stacked = 0;
};

/// "model.layers.0.mlp.experts.gate_up_proj[3]": matrix `index` of a stored tensor.
std::string stackedName(const std::string& tensor, std::int64_t index);

/// The names under which the graph reads what this tensor holds.
void appendGraphNames(std::vector<std::string>& names, const ExpectedTensor& tensor);

enum class NormKind
{
    Rms,
    Layer
};

struct NormSpec
{
    NormKind kind = NormKind::Rms;
    std::string weight; ///< tensor name; empty: none, as if it were 1
    std::string bias;   ///< tensor name; empty: none
    std::int64_t width = 0;
    double epsilon = 1e-6;
    double weightOffset = 0; ///< the factor is weightOffset + weight; 1 in Gemma
};

/// A place in tensors that hold the weights of several linears, such as all experts of a layer.
struct StackPlace
{
    std::string weight;    ///< tensor name, [count, outFeatures, inFeatures]
    std::string bias = {}; ///< tensor name, [count, outFeatures]
    std::int64_t index = 0;
    std::int64_t count = 0;
};

/// y = x Wᵀ (+ b); W is the tensor `module`.weight [outFeatures, inFeatures].
struct LinearSpec
{
    std::string module;
    std::int64_t outFeatures = 0;
    std::int64_t inFeatures = 0;
    bool bias = false;
    bool transposed = false; ///< stored [inFeatures, outFeatures] (Conv1D); read as [outFeatures, inFeatures]
    std::optional<StackPlace> stack = std::nullopt; ///< where the weight is no tensor of its own

    std::string weight() const { return stack ? stackedName(stack->weight, stack->index) : module + ".weight"; }
    std::string biasName() const { return stack ? stackedName(stack->bias, stack->index) : module + ".bias"; }
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
