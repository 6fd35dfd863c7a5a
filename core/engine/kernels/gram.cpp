// SPDX-License-Identifier: Apache-2.0
#include "core/engine/kernels/gram.h"

#include "core/engine/device/transfer.h"
#include "core/engine/parallel.h"

#include <algorithm>
#include <numeric>
#include <vector>

namespace paretoscope::engine {

namespace {

/// Small enough to skip most of the lower triangle, wide enough to keep GEMM at its rate.
constexpr std::int64_t kPanel = 256;
constexpr std::int64_t kTile = 64;

} // namespace

void addGram(const at::Tensor& x, at::Tensor& sum)
{
    const std::int64_t width = x.size(1);
    const std::int64_t panels = (width + kPanel - 1) / kPanel;
    // The longest panels first, each on one thread.
    const auto addPanel = [&](std::size_t panel) {
        const std::int64_t begin = static_cast<std::int64_t>(panel) * kPanel;
        const std::int64_t rows = std::min(kPanel, width - begin);
        const std::int64_t columns = width - begin;
        const at::Tensor product = at::mm(x.narrow(1, begin, rows).t(), x.narrow(1, begin, columns));
        if (!x.is_cpu()) {
            sum.narrow(0, begin, rows).narrow(1, begin, columns).add_(product);
            return;
        }
        const float* in = product.const_data_ptr<float>();
        for (std::int64_t row = 0; row < rows; ++row) {
            double* out = sum.mutable_data_ptr<double>() + (begin + row) * width + begin;
            for (std::int64_t column = 0; column < columns; ++column)
                out[column] += double(in[row * columns + column]);
        }
    };
    forEachSample(static_cast<std::size_t>(panels), addPanel, samplesAtOnce(x.device()));
}

double weightedSquareNorm(const at::Tensor& d, const at::Tensor& h)
{
    const std::int64_t width = d.size(1);
    const auto panels = static_cast<std::size_t>((width + kPanel - 1) / kPanel);
    std::vector<double> sums(panels);
    // As in addGram; what lies above a panel's diagonal block counts twice.
    const auto addPanel = [&](std::size_t panel) {
        const std::int64_t begin = static_cast<std::int64_t>(panel) * kPanel;
        const std::int64_t rows = std::min(kPanel, width - begin);
        const std::int64_t columns = width - begin;
        const at::Tensor product = at::mm(d.narrow(1, begin, rows).t(), d.narrow(1, begin, columns))
                                       .mul_(h.narrow(0, begin, rows).narrow(1, begin, columns));
        const double diagonal = product.narrow(1, 0, rows).sum(at::kDouble).item<double>();
        const double right =
            columns > rows ? product.narrow(1, rows, columns - rows).sum(at::kDouble).item<double>() : 0.0;
        sums[panel] = diagonal + 2 * right;
    };
    forEachSample(panels, addPanel, samplesAtOnce(d.device()));
    return std::accumulate(sums.begin(), sums.end(), 0.0);
}

at::Tensor symmetricFromUpper(const at::Tensor& upper, double divisor)
{
    const std::int64_t width = upper.size(0);
    if (!upper.is_cpu()) {
        const at::Tensor value = (upper / divisor).to(at::kFloat);
        return at::where(at::ones_like(value, at::kBool).triu(), value, value.t());
    }
    at::Tensor full = at::empty({width, width}, at::kFloat);
    const double* in = upper.const_data_ptr<double>();
    float* out = full.mutable_data_ptr<float>();
    // By tiles, so that the transposed half stays within the caches.
    const std::int64_t tiles = (width + kTile - 1) / kTile;
    forEachSample(static_cast<std::size_t>(tiles), [&](std::size_t tile) {
        const std::int64_t firstRow = static_cast<std::int64_t>(tile) * kTile;
        const std::int64_t endRow = std::min(width, firstRow + kTile);
        for (std::int64_t first = firstRow; first < width; first += kTile) {
            for (std::int64_t row = firstRow; row < endRow; ++row) {
                for (std::int64_t column = std::max(first, row); column < std::min(width, first + kTile); ++column) {
                    const auto value = static_cast<float>(in[row * width + column] / divisor);
                    out[row * width + column] = value;
                    out[column * width + row] = value;
                }
            }
        }
    });
    return full;
}

} // namespace paretoscope::engine
