// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/engine/aten.h"

#include <cstdint>

namespace paretoscope::tests {

/// A layer with correlated inputs of unlike size, reproducible everywhere: a fixed linear congruential generator.
struct CorrelatedLayer
{
    CorrelatedLayer(std::int64_t out, std::int64_t in, std::int64_t tokens, std::uint64_t seed = 12345)
    {
        std::uint64_t state = seed;
        const auto next = [&] {
            state = state * 6364136223846793005ULL + 1442695040888963407ULL;
            return double(state >> 33) / double(1ULL << 31) * 2 - 1;
        };
        weight = at::empty({out, in}, at::kFloat);
        for (std::int64_t i = 0; i < out * in; ++i)
            weight.mutable_data_ptr<float>()[i] = float(next());
        inputs = at::empty({tokens, in}, at::kFloat);
        for (std::int64_t t = 0; t < tokens; ++t) {
            double carry = 0;
            for (std::int64_t j = 0; j < in; ++j) {
                carry = 0.8 * carry + next() * (1 + 0.3 * double(j % 7));
                inputs.mutable_data_ptr<float>()[t * in + j] = float(carry);
            }
        }
        hessian = at::mm(inputs.t(), inputs) / double(tokens);
    }
    at::Tensor weight;  ///< float32 [out, in]
    at::Tensor inputs;  ///< float32 [tokens, in]
    at::Tensor hessian; ///< XᵀX / tokens
};

/// tr(D H Dᵀ) in float64.
inline double weightedError(const at::Tensor& difference, const at::Tensor& hessian)
{
    const at::Tensor d = difference.to(at::kDouble);
    return (at::mm(d, hessian.to(at::kDouble)) * d).sum().item<double>();
}

} // namespace paretoscope::tests
