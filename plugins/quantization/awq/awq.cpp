// SPDX-License-Identifier: Apache-2.0
#include "plugins/quantization/awq/awq.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace paretoscope::awq {

namespace {

constexpr double kSmallestFactor = 1e-4;

/// The values that the codes of `weight` stand for.
core::Result<at::Tensor> rounded(const at::Tensor& weight, const engine::AffineOptions& grid, const at::Tensor& mask)
{
    const at::Tensor values = weight.contiguous();
    PSC_ASSIGN(const engine::AffineGrids grids, engine::fitGrids(values, grid));
    at::Tensor result =
        engine::dequantizeCodes(engine::quantizeToCodes(values, grids, grid), grids, grid.groupSizeFor(values.size(1)));
    return mask.defined() ? result.masked_fill_(mask.logical_not(), 0) : result;
}

/// Mean over the rows of all consumers of |w| over the largest of its group.
at::Tensor relativeMagnitudes(const std::vector<Consumer>& consumers, const engine::AffineOptions& grid)
{
    at::Tensor sum;
    std::int64_t rows = 0;
    for (const Consumer& consumer : consumers) {
        const at::Tensor magnitudes = consumer.weight.abs();
        const std::int64_t columns = magnitudes.size(1);
        const std::int64_t size = grid.groupSizeFor(columns);
        const std::int64_t rest = grid.groups(columns) * size - columns;
        const at::Tensor groups = at::constant_pad_nd(magnitudes, {0, rest}).view({magnitudes.size(0), -1, size});
        const at::Tensor relative = (groups / groups.amax(-1, true).clamp_min(1e-12)).flatten(1).narrow(1, 0, columns);
        sum = sum.defined() ? sum + relative.sum(0) : relative.sum(0);
        rows += magnitudes.size(0);
    }
    return sum / double(rows);
}

at::Tensor normalised(const at::Tensor& factors)
{
    const at::Tensor limited = factors.clamp_min(kSmallestFactor);
    return limited / (limited.max() * limited.min()).sqrt();
}

/// A row's or group's share of every column. @param perGroup [rows, groups]
at::Tensor byColumn(const at::Tensor& perGroup, std::int64_t groupSize, std::int64_t columns)
{
    return perGroup.repeat_interleave(groupSize, 1).narrow(1, 0, columns);
}

/// Mean squared output of every row and group for weights [rows, in].
class GroupOutputs
{
public:
    GroupOutputs(const at::Tensor& rows, std::int64_t groupSize)
        : m_groupSize(groupSize)
        , m_tokens(rows.size(0))
    {
        m_inputs = grouped(rows); // [groups, tokens, group]
        if (groupSize <= m_tokens)
            m_gram = at::bmm(m_inputs.transpose(1, 2), m_inputs) / double(m_tokens);
    }

    /// @return [rows, groups]
    at::Tensor meanSquares(const at::Tensor& weight) const
    {
        const at::Tensor groups = grouped(weight);
        const at::Tensor squares = m_gram.defined()
                                       ? at::bmm(groups, m_gram).mul_(groups).sum(-1)
                                       : at::bmm(groups, m_inputs.transpose(1, 2)).square_().sum(-1) / double(m_tokens);
        return squares.t().contiguous();
    }

private:
    /// @return [groups, rows, group], the last group filled up with zeros
    at::Tensor grouped(const at::Tensor& matrix) const
    {
        const std::int64_t rest = (m_groupSize - matrix.size(1) % m_groupSize) % m_groupSize;
        return at::constant_pad_nd(matrix, {0, rest})
            .view({matrix.size(0), -1, m_groupSize})
            .transpose(0, 1)
            .contiguous();
    }

    std::int64_t m_groupSize;
    std::int64_t m_tokens;
    at::Tensor m_inputs;
    at::Tensor m_gram; ///< undefined where groups are longer than there are tokens
};

} // namespace

core::Result<at::Tensor> roundedWithFactors(const Consumer& consumer, const at::Tensor& factors, const Options& options)
{
    PSC_ASSIGN(at::Tensor values, rounded(consumer.weight * factors, options.grid, consumer.mask));
    return values.div_(factors);
}

ScaleLoss outputLoss(const std::vector<Consumer>& consumers, const Options& options)
{
    return [&consumers, &options](const at::Tensor& factors) -> core::Result<double> {
        double sum = 0;
        double outputs = 0;
        for (const Consumer& consumer : consumers) {
            PSC_ASSIGN(const at::Tensor values, roundedWithFactors(consumer, factors, options));
            sum += at::mm(consumer.rows, (values - consumer.weight).t()).square_().sum(at::kDouble).item<double>();
            outputs += double(consumer.weight.size(0)) * double(consumer.rows.size(0));
        }
        return sum / std::max(1.0, outputs);
    };
}

core::Result<Scales> searchScales(const std::vector<Consumer>& consumers, const at::Tensor& magnitudes,
                                  const Options& options, const ScaleLoss& loss)
{
    const auto lossOf = [&](const at::Tensor& factors) -> core::Result<double> {
        PSC_ASSIGN(const double value, loss(factors));
        if (!std::isfinite(value))
            return core::Error {core::ErrorCode::Numerical, "the error of its outputs is not finite",
                                "an earlier stage broke the model, or an activation overflows: exclude this module"};
        return value;
    };
    Scales best;
    best.factors = at::ones_like(magnitudes);
    PSC_ASSIGN(best.plainLoss, lossOf(best.factors));
    best.loss = best.plainLoss;
    const at::Tensor weights = options.duoScaling ? relativeMagnitudes(consumers, options.grid) : at::Tensor();
    for (int step = options.duoScaling ? 0 : 1; step < options.scaleGrid; ++step) {
        const double exponent = double(step) / double(options.scaleGrid);
        at::Tensor factors = magnitudes.pow(exponent);
        if (options.duoScaling)
            factors = factors / (weights.pow(1 - exponent) + kSmallestFactor);
        factors = normalised(factors);
        PSC_ASSIGN(const double here, lossOf(factors));
        if (here < best.loss) {
            best.factors = factors;
            best.exponent = exponent;
            best.loss = here;
        }
    }
    return best;
}

core::Result<Clipped> clipRanges(const Consumer& consumer, const Options& options)
{
    const std::int64_t columns = consumer.weight.size(1);
    const std::int64_t groupSize = options.grid.groupSizeFor(columns);
    const std::int64_t rest = options.grid.groups(columns) * groupSize - columns;
    const at::Tensor full =
        at::constant_pad_nd(consumer.weight.abs(), {0, rest}).view({consumer.weight.size(0), -1, groupSize}).amax(-1);
    const GroupOutputs outputs(consumer.rows, groupSize);
    const auto limited = [&](const at::Tensor& range) {
        const at::Tensor limit = byColumn(range, groupSize, columns);
        return at::min(at::max(consumer.weight, -limit), limit);
    };
    at::Tensor best = full;
    at::Tensor least;
    Clipped result;
    const int steps = std::max(1, static_cast<int>(options.clipMaxShrink * options.clipGrid));
    for (int step = 0; step < steps; ++step) {
        const at::Tensor range = full * (1 - double(step) / double(options.clipGrid));
        PSC_ASSIGN(const at::Tensor values, rounded(limited(range), options.grid, consumer.mask));
        const at::Tensor error = outputs.meanSquares(values - consumer.weight);
        if (!least.defined()) {
            least = error;
            result.plainError = error.mean(at::kDouble).item<double>();
            continue;
        }
        const at::Tensor isBetter = error < least; // so the widest wins ties
        best = at::where(isBetter, range, best);
        least = at::where(isBetter, error, least);
    }
    result.error = least.mean(at::kDouble).item<double>();
    result.weight = limited(best).contiguous();
    return result;
}

} // namespace paretoscope::awq
