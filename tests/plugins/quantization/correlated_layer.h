// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/engine/aten.h"

#include <cstdint>

namespace paretoscope::tests {

/// Uniform numbers in [-1, 1), the same everywhere: a fixed linear congruential generator.
class UniformNumbers
{
public:
    explicit UniformNumbers(std::uint64_t seed)
        : m_state(seed)
    {}
    double next()
    {
        m_state = m_state * 6364136223846793005ULL + 1442695040888963407ULL;
        return double(m_state >> 33) / double(1ULL << 31) * 2 - 1;
    }

private:
    std::uint64_t m_state;
};

/// A layer whose inputs are correlated and of unlike size.
struct CorrelatedLayer
{
    CorrelatedLayer(std::int64_t out, std::int64_t in, std::int64_t tokens, std::uint64_t seed = 12345)
    {
        UniformNumbers numbers(seed);
        weight = at::empty({out, in}, at::kFloat);
        for (std::int64_t i = 0; i < out * in; ++i)
            weight.mutable_data_ptr<float>()[i] = float(numbers.next());
        at::Tensor x = at::empty({tokens, in}, at::kFloat);
        for (std::int64_t t = 0; t < tokens; ++t) {
            double carry = 0;
            for (std::int64_t j = 0; j < in; ++j) {
                carry = 0.8 * carry + numbers.next() * (1 + 0.05 * double(j % 7));
                x.mutable_data_ptr<float>()[t * in + j] = float(carry);
            }
        }
        hessian = at::mm(x.t(), x) / double(tokens);
    }
    at::Tensor weight;  ///< float32 [out, in]
    at::Tensor hessian; ///< float32 [in, in] = X^T X / N
};

/// tr(D H Dᵀ) in float64.
inline double outputError(const at::Tensor& difference, const at::Tensor& hessian)
{
    const at::Tensor d = difference.to(at::kDouble);
    return (at::mm(d, hessian.to(at::kDouble)) * d).sum().item<double>();
}

} // namespace paretoscope::tests
