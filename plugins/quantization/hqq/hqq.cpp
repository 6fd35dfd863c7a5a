// SPDX-License-Identifier: Apache-2.0
#include "plugins/quantization/hqq/hqq.h"

#include "core/engine/device/transfer.h"
#include "core/engine/quantization/affine.h"

#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

namespace paretoscope::hqq {

namespace {

/// Rows that pass through all operators of a round together, so that they stay in the caches.
constexpr std::int64_t kRowsAtOnce = 32;

/// One weight on its way through the rounds, in groups [rows, groups, group].
class Solver
{
public:
    Solver(const at::Tensor& weight, const Options& options, const at::Tensor& mask)
        : m_options(options)
        , m_rows(weight.size(0))
        , m_columns(weight.size(1))
        , m_levels(double((1 << options.bits) - 1))
    {
        const std::int64_t size = options.groupSize < 0 ? m_columns : options.groupSize;
        const std::int64_t rest = (size - m_columns % size) % size;
        const auto grouped = [&](const at::Tensor& values) {
            return (rest == 0 ? values : at::constant_pad_nd(values, {0, rest})).view({m_rows, -1, size});
        };
        m_weight = grouped(weight);
        if (mask.defined() || rest > 0)
            m_kept = grouped(mask.defined() ? mask.to(at::kFloat) : at::ones_like(weight));
    }

    void fitRange()
    {
        const float inf = std::numeric_limits<float>::infinity();
        const at::Tensor left = m_kept.defined() ? m_kept == 0 : at::Tensor();
        const at::Tensor least = (left.defined() ? m_weight.masked_fill(left, inf) : m_weight).amin(-1, true);
        const at::Tensor most = (left.defined() ? m_weight.masked_fill(left, -inf) : m_weight).amax(-1, true);
        const at::Tensor range = most - least;
        // Equal values c are code 1 of a grid with scale c and zero point 0; a group without any has scale 1.
        const at::Tensor isFlat = range.gt(0).logical_not();
        const at::Tensor flat = at::where(least.isfinite().logical_and(least != 0), least, at::ones_like(least));
        m_scales = stored(at::where(isFlat, flat, floored(range / m_levels)));
        m_scales.masked_fill_(m_scales == 0, 1); // a flat group below the range of the type
        m_zeros = stored(at::where(isFlat, at::zeros_like(least),
                                   m_options.roundZero ? at::round(-least / m_scales) : -least / m_scales));
    }

    /// Codes and error of the zero points at hand, and those that the next round would try.
    /// @return mean magnitude of the error
    double round(double beta, at::Tensor& next) const
    {
        next = at::empty_like(m_zeros);
        const std::int64_t parts = (m_rows + kRowsAtOnce - 1) / kRowsAtOnce;
        std::vector<double> sums(static_cast<std::size_t>(parts)); // of rows at a time: the order of adding is fixed
        at::parallel_for(0, parts, 1, [&](std::int64_t begin, std::int64_t end) {
            const c10::InferenceMode noGradients; // a thread's own
            for (std::int64_t part = begin; part < end; ++part)
                sums[static_cast<std::size_t>(part)] = roundRows(part * kRowsAtOnce, beta, next);
        });
        const double count =
            m_kept.defined() ? std::max(1.0, m_kept.sum(at::kDouble).item<double>()) : double(m_weight.numel());
        return std::accumulate(sums.begin(), sums.end(), 0.0) / count;
    }

    at::Tensor codes() const
    {
        const at::Tensor all = codesOf(m_weight, m_scales, m_zeros).to(at::kByte).view({m_rows, -1});
        return all.narrow(1, 0, m_columns).contiguous();
    }
    at::Tensor scales() const { return m_scales.squeeze(-1); }
    at::Tensor zeros() const { return m_zeros; }
    void setZeros(at::Tensor zeros) { m_zeros = std::move(zeros); }
    at::ScalarType storedType() const { return engine::storageType(m_options.scaleType); }

private:
    at::Tensor codesOf(const at::Tensor& weight, const at::Tensor& scales, const at::Tensor& zeros) const
    {
        return weight.div(scales).add_(zeros).round_().clamp_(0, m_levels);
    }
    double roundRows(std::int64_t first, double beta, at::Tensor& next) const
    {
        const std::int64_t count = std::min(kRowsAtOnce, m_rows - first);
        const auto rows = [&](const at::Tensor& tensor) { return tensor.narrow(0, first, count); };
        const at::Tensor weight = rows(m_weight);
        const at::Tensor scales = rows(m_scales);
        const at::Tensor zeros = rows(m_zeros);
        const at::Tensor codes = codesOf(weight, scales, zeros);
        at::Tensor error = weight - (codes - zeros).mul_(scales);
        if (m_kept.defined())
            error.mul_(rows(m_kept));
        const at::Tensor magnitude = error.abs();
        const double sum = magnitude.sum(at::kDouble).item<double>();
        // The sparse part of the error: the proximal operator of |e|^p, in its approximation by one step.
        const at::Tensor threshold = magnitude.pow(m_options.norm - 1).div_(beta);
        const at::Tensor sparse = (magnitude - threshold).clamp_min_(0).mul_(error.sign_());
        const at::Tensor wanted = codes - (weight - sparse).div_(scales);
        next.narrow(0, first, count).copy_(stored(meanOfKept(wanted, first, count)));
        return sum;
    }
    at::Tensor meanOfKept(const at::Tensor& values, std::int64_t first, std::int64_t count) const
    {
        if (!m_kept.defined())
            return values.mean(-1, true);
        const at::Tensor kept = m_kept.narrow(0, first, count);
        return (values * kept).sum(-1, true) / kept.sum(-1, true).clamp_min(1);
    }
    /// Not below what the stored type and a division by it can hold.
    at::Tensor floored(const at::Tensor& scales) const
    {
        return scales.clamp_min(double(engine::affine_detail::smallestScale(m_options.scaleType)));
    }
    at::Tensor stored(const at::Tensor& values) const { return values.to(storedType()).to(at::kFloat); }

    const Options& m_options;
    std::int64_t m_rows;
    std::int64_t m_columns;
    double m_levels;
    at::Tensor m_weight; ///< [rows, groups, group]
    at::Tensor m_kept;   ///< float32 like it, 0 where nothing is stored; undefined: all of it is
    at::Tensor m_scales; ///< [rows, groups, 1], as stored
    at::Tensor m_zeros;  ///< likewise
};

} // namespace

core::Result<Quantized> quantize(const at::Tensor& weight, const Options& options, const at::Tensor& mask)
{
    const at::Tensor kept = mask.defined() ? engine::toHost(mask) : at::Tensor();
    Solver solver(engine::toHost(weight), options, kept);
    solver.fitRange();
    Quantized result;
    double beta = options.beta;
    double least = std::numeric_limits<double>::infinity();
    at::Tensor best = solver.zeros();
    for (int round = 0; round <= options.rounds; ++round, beta *= options.kappa) {
        at::Tensor next;
        const double error = solver.round(beta, next);
        if (round == 0)
            result.startError = error;
        if (!(error < least))
            break;
        least = error;
        best = solver.zeros();
        result.rounds = round;
        solver.setZeros(std::move(next));
    }
    solver.setZeros(best);
    result.error = least;
    const at::Tensor scales = solver.scales();
    if (!scales.isfinite().all().item<bool>() || !best.isfinite().all().item<bool>())
        return core::Error {core::ErrorCode::Numerical, "a scale or zero point of its groups is not finite",
                            "try scale_dtype float32, or check the model file"};
    const std::string format = "uint" + std::to_string(options.bits);
    engine::CodedScales stored {
        engine::scaleCodingOf(options.scaleType), scales.to(solver.storedType()).contiguous(), {}, {}};
    result.tensor = std::make_shared<const engine::CodedTensor>(
        engine::CodedTensor::Form {engine::NumberFormat::find(format), options.groupSize}, solver.codes(),
        std::move(stored), best.squeeze(-1).to(solver.storedType()).contiguous(), kept);
    return result;
}

} // namespace paretoscope::hqq
