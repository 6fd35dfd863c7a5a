// SPDX-License-Identifier: Apache-2.0
#include "core/engine/kernels/gram.h"

namespace paretoscope::engine {

namespace {

/// Small enough to skip most of the lower triangle, wide enough to keep GEMM at its rate.
constexpr std::int64_t kPanel = 256;

} // namespace

void addGram(const at::Tensor& x, at::Tensor& sum)
{
    const std::int64_t width = x.size(1);
    for (std::int64_t begin = 0; begin < width; begin += kPanel) {
        const std::int64_t rows = std::min(kPanel, width - begin);
        const at::Tensor product = at::mm(x.narrow(1, begin, rows).t(), x.narrow(1, begin, width - begin));
        sum.narrow(0, begin, rows).narrow(1, begin, width - begin).add_(product);
    }
}

at::Tensor symmetricFromUpper(const at::Tensor& upper)
{
    return upper.triu() + upper.triu(1).t();
}

} // namespace paretoscope::engine
