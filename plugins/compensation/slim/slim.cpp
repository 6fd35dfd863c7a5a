// SPDX-License-Identifier: Apache-2.0
#include "plugins/compensation/slim/slim.h"

#include "core/engine/device/transfer.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

namespace paretoscope::slim {

namespace {

/// Mean magnitudes in equal bins from 0 to the largest.
class Histogram
{
public:
    explicit Histogram(const at::Tensor& weight)
        : m_largest(weight.abs().max().item<double>())
        , m_bins(std::clamp<std::int64_t>(weight.numel() / 1000, 512, 20000))
    {
        if (m_largest > 0)
            m_counts = engine::toHost(at::histc(weight.abs(), m_bins, 0, m_largest).to(at::kDouble));
    }
    double largest() const { return m_largest; }
    std::int64_t bins() const { return m_bins; }
    double edge(std::int64_t bin) const { return m_largest * double(bin) / double(m_bins); }
    /// Squared error of all values when the cap lies at the upper edge of bin `cap` - 1.
    double errorAt(std::int64_t cap, int bits) const
    {
        const double alpha = edge(cap);
        const double step = alpha / double((1 << (bits - 1)) - 1);
        const double* counts = m_counts.const_data_ptr<double>();
        double error = 0;
        for (std::int64_t bin = 0; bin < m_bins; ++bin) {
            const double value = m_largest * (double(bin) + 0.5) / double(m_bins);
            const double off = bin < cap ? value - step * std::nearbyint(value / step) : value - alpha;
            error += counts[bin] * off * off;
        }
        return error;
    }

private:
    double m_largest;
    std::int64_t m_bins;
    at::Tensor m_counts; ///< float64 [bins]
};

/// One scale for all rows.
engine::AffineGrids gridOfCap(double cap, const at::Tensor& weight, const engine::AffineOptions& options)
{
    const auto largest = static_cast<float>(cap);
    const engine::AffineGrid grid = engine::fitGrid(&largest, 1, options);
    const auto forAllRows = [&](float value) { return at::full({weight.size(0), 1}, value, weight.options()); };
    return {forAllRows(grid.scale), forAllRows(grid.zero)};
}

core::Result<engine::AffineGrids> gridsFor(const at::Tensor& weight, const at::Tensor& mask,
                                           const Quantization& quantization)
{
    if (quantization.quantizer == Quantizer::GroupAbsMax)
        return engine::fitGrids(weight.contiguous(), quantization.grid);
    const at::Tensor kept = mask.defined() ? weight.masked_select(mask) : weight;
    const double cap = kept.numel() == 0                             ? 0
                       : quantization.quantizer == Quantizer::AbsMax ? kept.abs().max().item<double>()
                                                                     : capOf(kept, quantization.grid.bits);
    return gridOfCap(cap, weight, quantization.grid);
}

} // namespace

double capOf(const at::Tensor& weight, int bits)
{
    const Histogram histogram(weight);
    if (histogram.largest() <= 0)
        return 0;
    const std::int64_t coarse = histogram.bins() / 10;
    std::int64_t best = histogram.bins();
    double smallest = histogram.errorAt(best, bits);
    const auto consider = [&](std::int64_t cap) {
        if (const double error = histogram.errorAt(cap, bits); error < smallest) {
            smallest = error;
            best = cap;
        }
    };
    for (std::int64_t cap = coarse; cap < histogram.bins(); cap += coarse)
        consider(cap);
    const std::int64_t last = std::min(best + coarse, histogram.bins());
    for (std::int64_t cap = std::max<std::int64_t>(best - coarse, 1); cap <= last; ++cap)
        consider(cap);
    return histogram.edge(best);
}

at::Tensor saliency(const at::Tensor& columnSquareMean)
{
    const at::Tensor isZero = columnSquareMean == 0;
    if (!isZero.any().item<bool>() || isZero.all().item<bool>())
        return columnSquareMean;
    return columnSquareMean + columnSquareMean.masked_select(isZero.logical_not()).min();
}

core::Result<Compensated> compensate(const at::Tensor& original, const at::Tensor& current,
                                     const std::shared_ptr<const engine::CompressedTensor>& form,
                                     const at::Tensor& omega, const Options& options)
{
    Compensated result;
    engine::AffineGrids grids;
    const at::Tensor mask = form->mask();
    const auto rounded = [&](const at::Tensor& weight) {
        const engine::AffineOptions& grid = options.quantization->grid;
        return std::make_shared<const engine::GroupAffineTensor>(
            engine::quantizeToCodes(weight.contiguous(), grids, grid), grids, grid, at::Tensor(), mask);
    };
    result.base = form;
    if (options.quantization) {
        PSC_ASSIGN(grids, gridsFor(current, mask, *options.quantization));
        result.base = rounded(current);
    }
    if (options.rank == 0)
        return result;
    const at::Tensor error = original - result.base->dequantize();
    PSC_ASSIGN(result.adapter, engine::store(engine::truncate(error, omega, options.rank), options.adapter));
    if (options.quantization && options.quantization->reproject)
        result.base = rounded(original - result.adapter->dequantize());
    return result;
}

} // namespace paretoscope::slim
