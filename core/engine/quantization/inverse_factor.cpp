// SPDX-License-Identifier: Apache-2.0
#include "core/engine/quantization/inverse_factor.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cstdlib>
#include <new>
#include <utility>

namespace paretoscope::engine {

namespace {

constexpr std::int64_t kPanel = 256; ///< of the blocked inversion
constexpr std::int64_t kTile = 64;   ///< of transpositions: two tiles stay within the first cache

/// Memory that can shrink in place.
class Buffer
{
public:
    explicit Buffer(std::int64_t doubles)
        : m_data(std::malloc(static_cast<std::size_t>(doubles) * sizeof(double)))
    {
        if (!m_data)
            throw std::bad_alloc();
    }
    ~Buffer() { std::free(m_data); }
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;

    double* doubles() { return static_cast<double*>(m_data); }
    float* floats() { return static_cast<float*>(m_data); }
    void shrinkToFloats(std::int64_t count)
    {
        if (void* smaller = std::realloc(m_data, static_cast<std::size_t>(count) * sizeof(float)))
            m_data = smaller;
    }
    /// A float32 matrix that owns the memory.
    at::Tensor release(std::int64_t n)
    {
        return at::from_blob(
            std::exchange(m_data, nullptr), {n, n}, [](void* data) { std::free(data); }, at::kFloat);
    }

private:
    void* m_data;
};

/// F = J (P H Pᵀ + δ I) J, where J reverses the order.
void fillReversed(double* out, const at::Tensor& hessian, const at::Tensor& diagonal, const at::Tensor& order,
                  double damping)
{
    const std::int64_t n = hessian.size(0);
    const float* in = hessian.const_data_ptr<float>();
    const std::int64_t* places = order.const_data_ptr<std::int64_t>();
    const double* onDiagonal = diagonal.const_data_ptr<double>();
    at::parallel_for(0, n, 16, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t row = begin; row < end; ++row) {
            const std::int64_t from = places[n - 1 - row];
            for (std::int64_t column = 0; column < n; ++column)
                out[row * n + column] = double(in[from * n + places[n - 1 - column]]);
            out[row * n + row] = onDiagonal[from] + damping;
        }
    });
}

/// Inverts an upper triangular matrix where it lies, panel of columns by panel of columns from the left:
/// the new panel above the diagonal is -R0^-1 C D^-1 with R0^-1 made before and D the panel's diagonal block.
void invertUpper(at::Tensor& matrix)
{
    const std::int64_t n = matrix.size(0);
    for (std::int64_t begin = 0; begin < n; begin += kPanel) {
        const std::int64_t width = std::min(kPanel, n - begin);
        at::Tensor columns = matrix.narrow(1, begin, width);
        at::Tensor diagonal = columns.narrow(0, begin, width);
        const at::Tensor inverse =
            at::linalg_solve_triangular(diagonal, at::eye(width, diagonal.options()), true).triu();
        diagonal.copy_(inverse);
        // From the top: rows below the ones just written still hold the old panel.
        for (std::int64_t top = 0; top < begin; top += kPanel) {
            const std::int64_t rows = std::min(kPanel, begin - top);
            const at::Tensor product =
                at::mm(matrix.narrow(0, top, rows).narrow(1, top, begin - top), columns.narrow(0, top, begin - top));
            columns.narrow(0, top, rows).copy_(at::mm(product, inverse).neg_());
        }
    }
}

/// Rounds to float32 in the first half of the same memory.
void narrow(Buffer& buffer, std::int64_t count)
{
    const double* in = buffer.doubles();
    float* out = buffer.floats();
    for (std::int64_t i = 0; i < count; ++i)
        out[i] = static_cast<float>(in[i]); // what is overwritten was read before
}

/// Swaps (i, j) with (n-1-j, n-1-i): J Rᵀ J.
void reflectAtOtherDiagonal(float* matrix, std::int64_t n)
{
    const std::int64_t tiles = (n + kTile - 1) / kTile;
    at::parallel_for(0, tiles * tiles, 1, [&](std::int64_t first, std::int64_t last) {
        for (std::int64_t tile = first; tile < last; ++tile) {
            const std::int64_t firstRow = tile / tiles * kTile;
            const std::int64_t firstColumn = tile % tiles * kTile;
            for (std::int64_t row = firstRow; row < std::min(n, firstRow + kTile); ++row) {
                for (std::int64_t column = firstColumn; column < std::min(n - 1 - row, firstColumn + kTile); ++column)
                    std::swap(matrix[row * n + column], matrix[(n - 1 - column) * n + (n - 1 - row)]);
            }
        }
    });
}

std::optional<at::Tensor> inverseFactorOnCard(const at::Tensor& hessian, const at::Tensor& diagonal,
                                              const at::Tensor& order, double damping)
{
    const at::Tensor reversed = order.flip(0);
    const at::Tensor matrix = hessian.index_select(0, reversed).index_select(1, reversed).to(at::kDouble);
    matrix.diagonal().copy_(diagonal.index_select(0, reversed) + damping);
    const auto [lower, info] = at::linalg_cholesky_ex(matrix);
    if (info.item<int>() != 0)
        return std::nullopt;
    at::Tensor upper = lower.t().contiguous();
    invertUpper(upper);
    return upper.to(at::kFloat).t().flip({0, 1});
}

} // namespace

std::optional<at::Tensor> inverseFactor(const at::Tensor& hessian, const at::Tensor& diagonal, const at::Tensor& order,
                                        double damping)
{
    if (!hessian.is_cpu())
        return inverseFactorOnCard(hessian, diagonal, order, damping);
    const std::int64_t n = hessian.size(0);
    Buffer buffer(n * n);
    fillReversed(buffer.doubles(), hessian, diagonal, order, damping);
    at::Tensor matrix = at::from_blob(buffer.doubles(), {n, n}, at::kDouble);
    // Symmetric, so its transpose, which has the strides that LAPACK wants, is the same matrix.
    at::Tensor lower = matrix.t();
    at::Tensor info = at::empty({}, at::kInt);
    at::linalg_cholesky_ex_out(lower, info, lower);
    if (info.item<int>() != 0)
        return std::nullopt;
    // F = Rᵀ R with R upper triangular in `matrix`; U = J R^-T J.
    invertUpper(matrix);
    narrow(buffer, n * n);
    buffer.shrinkToFloats(n * n);
    reflectAtOtherDiagonal(buffer.floats(), n);
    return buffer.release(n);
}

std::optional<DampedFactor> dampedInverseFactor(const at::Tensor& hessian, const at::Tensor& diagonal,
                                                const at::Tensor& order, double damping)
{
    const double meanDiagonal = diagonal.mean().item<double>();
    for (double tried = damping; tried <= 1.0 + 1e-9; tried *= 10) {
        if (auto factor = inverseFactor(hessian, diagonal, order, tried * meanDiagonal))
            return DampedFactor {std::move(*factor), tried};
    }
    return std::nullopt;
}

} // namespace paretoscope::engine
