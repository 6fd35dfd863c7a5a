// SPDX-License-Identifier: Apache-2.0
#include "plugins/quantization/spqr/elimination.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

namespace paretoscope::spqr {

namespace {

/// Space for one number per group and row.
GroupNumbers emptyNumbers(bool hasSecondLevel, const Format& format, std::int64_t rows, std::int64_t columns)
{
    const std::int64_t groups = format.groups(columns);
    GroupNumbers numbers;
    if (!hasSecondLevel) {
        numbers.plain = at::empty({groups, rows}, at::kFloat);
        return numbers;
    }
    numbers.codes = at::empty({groups, rows}, at::kByte);
    numbers.steps = at::empty({groups, format.runs(rows)}, at::kFloat);
    numbers.offsets = at::empty({groups, format.runs(rows)}, at::kFloat);
    return numbers;
}

/// The mean over the columns of the variance of the weights over their squared pivot.
double meanScaledVariance(const at::Tensor& weight, const at::Tensor& factor)
{
    const at::Tensor variance = at::var(weight.to(at::kDouble), at::IntArrayRef({0}), /*unbiased=*/true);
    return (variance / factor.diagonal().to(at::kDouble).square()).mean().item<double>();
}

/// Where numbers of one run and group are written: `values` are read, and become what comes back from storage.
struct SecondLevelPlace
{
    std::span<float> values;
    std::uint8_t* codes = nullptr;
    float* step = nullptr;
    float* offset = nullptr;
};

void quantizeRun(const SecondLevelPlace& place, int bits)
{
    const SecondLevelGrid grid = SecondLevelGrid::fit(place.values, bits);
    *place.step = grid.step;
    *place.offset = grid.offset;
    const auto levels = static_cast<float>((1 << bits) - 1);
    for (std::size_t i = 0; i < place.values.size(); ++i) {
        const float code = grid.code(place.values[i], levels);
        place.codes[i] = static_cast<std::uint8_t>(code);
        place.values[i] = grid.value(code);
    }
}

} // namespace

Elimination::Elimination(at::Tensor weight, at::Tensor factor, at::Tensor order, const Options& options,
                         at::Tensor mask)
    : m_weight(std::move(weight))
    , m_factor(std::move(factor))
    , m_order(std::move(order))
    , m_options(options)
    , m_mask(std::move(mask))
    , m_rows(m_weight.size(0))
    , m_columns(m_weight.size(1))
    , m_threshold(std::isinf(options.outlierThreshold)
                      ? options.outlierThreshold
                      : options.outlierThreshold * meanScaledVariance(m_weight, m_factor))
    , m_places(m_order.argsort())
    , m_codes(at::zeros({m_rows, m_columns}, at::kByte))
    , m_outliers(at::zeros({m_rows, m_columns}, at::kFloat))
    , m_scales(emptyNumbers(options.format.scaleBits != Format::kHalf, options.format, m_rows, m_columns))
    , m_zeros(emptyNumbers(options.format.hasZeroCodes(), options.format, m_rows, m_columns))
    , m_usedScales(at::empty({options.format.groups(m_columns), m_rows}, at::kFloat))
    , m_usedZeros(at::empty_like(m_usedScales))
    , m_losses(at::zeros({m_rows}, at::kDouble))
{}

template <typename Work>
void Elimination::forEachRun(const Work& work)
{
    const std::int64_t size = m_options.format.scaleGroupSize;
    at::parallel_for(0, m_options.format.runs(m_rows), 1, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t index = begin; index < end; ++index)
            work(Run {index, index * size, std::min((index + 1) * size, m_rows)});
    });
}

void Elimination::run()
{
    const std::int64_t groupSize = m_options.format.groupSize;
    if (hasFixedGroups()) {
        forEachRun([&](const Run& run) {
            for (std::int64_t group = 0; group < m_options.format.groups(m_columns); ++group)
                fitGroup(run, group);
        });
    }
    // Whole groups, so that one that is fitted on the way sees all errors made before it.
    const std::int64_t width = std::max<std::int64_t>(1, 128 / groupSize) * groupSize;
    for (std::int64_t begin = 0; begin < m_columns; begin += width) {
        const std::int64_t end = std::min(begin + width, m_columns);
        at::Tensor errors = at::empty({m_rows, end - begin}, at::kFloat);
        const Block block {begin, end, errors.mutable_data_ptr<float>()};
        forEachRun([&](const Run& run) { eliminate(run, block); });
        if (end < m_columns)
            m_weight.narrow(1, end, m_columns - end)
                .addmm_(errors, m_factor.narrow(0, begin, end - begin).narrow(1, end, m_columns - end), 1, -1);
    }
}

void Elimination::fitGroup(const Run& run, std::int64_t group)
{
    const RowGridRule& rule = m_options.format.rule;
    const std::int64_t first = group * m_options.format.groupSize;
    const std::int64_t last = std::min(first + m_options.format.groupSize, m_columns);
    const float* weight = m_weight.const_data_ptr<float>();
    const float* factor = m_factor.const_data_ptr<float>();
    const std::int64_t* places = m_places.const_data_ptr<std::int64_t>();
    std::vector<float> weights;
    std::vector<float> diagonal;
    std::vector<float> scales; // 0 where a row has no range
    std::vector<float> lows;
    for (std::int64_t row = run.first; row < run.last; ++row) {
        weights.clear();
        diagonal.clear();
        for (std::int64_t column = first; column < last; ++column) {
            const std::int64_t place = hasFixedGroups() ? places[column] : column;
            if (isKept(row, place)) {
                weights.push_back(weight[row * m_columns + place]);
                diagonal.push_back(factor[place * m_columns + place]);
            }
        }
        if (!m_options.simplifiedOutliers && std::isfinite(m_threshold))
            dropLikelyOutliers(weights, diagonal, m_threshold, rule);
        const Range range = weights.empty() ? Range() : Range::of(weights);
        scales.push_back(range.scale(rule));
        lows.push_back(range.low);
    }
    const auto ranges = static_cast<float>(std::count_if(scales.begin(), scales.end(), [](float s) { return s > 0; }));
    const float mean = ranges > 0 ? std::accumulate(scales.begin(), scales.end(), 0.0F) / ranges : 1.0F;
    std::vector<float> zeros;
    for (std::size_t i = 0; i < scales.size(); ++i) {
        scales[i] = std::max(kSmallestScale, scales[i] > 0 ? scales[i] : mean);
        zeros.push_back(rule.zeroFor(lows[i], scales[i]));
    }
    storeScales(run, group, scales);
    storeZeros(run, group, zeros);
}

void Elimination::storeScales(const Run& run, std::int64_t group, std::vector<float>& scales)
{
    const std::int64_t at = group * m_rows + run.first;
    if (m_scales.plain.defined()) {
        for (float& scale : scales)
            scale = std::max(kSmallestScale, roundToHalf(scale));
        std::copy(scales.begin(), scales.end(), m_scales.plain.mutable_data_ptr<float>() + at);
    } else {
        const std::int64_t grid = group * m_scales.steps.size(1) + run.index;
        quantizeRun({scales, m_scales.codes.mutable_data_ptr<std::uint8_t>() + at,
                     m_scales.steps.mutable_data_ptr<float>() + grid,
                     m_scales.offsets.mutable_data_ptr<float>() + grid},
                    m_options.format.scaleBits);
        for (float& scale : scales)
            scale = std::max(kSmallestScale, scale);
    }
    std::copy(scales.begin(), scales.end(), m_usedScales.mutable_data_ptr<float>() + at);
}

void Elimination::storeZeros(const Run& run, std::int64_t group, const std::vector<float>& zeros)
{
    const std::int64_t at = group * m_rows + run.first;
    std::vector<float> stored = zeros;
    if (m_options.format.hasZeroCodes()) {
        const std::int64_t grid = group * m_zeros.steps.size(1) + run.index;
        quantizeRun({stored, m_zeros.codes.mutable_data_ptr<std::uint8_t>() + at,
                     m_zeros.steps.mutable_data_ptr<float>() + grid, m_zeros.offsets.mutable_data_ptr<float>() + grid},
                    m_options.format.zeroBits);
    } else {
        for (float& zero : stored)
            zero = roundToHalf(zero); // whole codes stay what they are
        std::copy(stored.begin(), stored.end(), m_zeros.plain.mutable_data_ptr<float>() + at);
    }
    std::copy(stored.begin(), stored.end(), m_usedZeros.mutable_data_ptr<float>() + at);
}

void Elimination::eliminate(const Run& run, const Block& block)
{
    const std::int64_t groupSize = m_options.format.groupSize;
    const float levels = m_options.format.rule.levels();
    const std::int64_t* order = m_order.const_data_ptr<std::int64_t>();
    const float* scales = m_usedScales.const_data_ptr<float>();
    const float* zeros = m_usedZeros.const_data_ptr<float>();
    for (std::int64_t column = block.begin; column < block.end; ++column) {
        if (!hasFixedGroups() && column % groupSize == 0)
            fitGroup(run, column / groupSize);
        const std::int64_t group = (hasFixedGroups() ? order[column] : column) / groupSize;
        const float* factor = m_factor.const_data_ptr<float>() + column * m_columns;
        for (std::int64_t row = run.first; row < run.last; ++row) {
            float* weight = m_weight.mutable_data_ptr<float>() + row * m_columns;
            const RowGrid grid {scales[group * m_rows + row], zeros[group * m_rows + row]};
            const bool kept = isKept(row, column);
            const float code = kept ? grid.code(weight[column], levels) : 0.0F;
            const float quantized = kept ? grid.value(code) : 0.0F;
            float error = (weight[column] - quantized) / factor[column];
            if (kept && double(error) * double(error) > m_threshold) {
                const float difference = roundToHalf(weight[column] - quantized);
                m_outliers.mutable_data_ptr<float>()[row * m_columns + column] = difference;
                error = (weight[column] - (quantized + difference)) / factor[column];
            }
            m_codes.mutable_data_ptr<std::uint8_t>()[row * m_columns + column] = static_cast<std::uint8_t>(code);
            m_losses.mutable_data_ptr<double>()[row] += double(error) * double(error);
            block.errors[row * (block.end - block.begin) + column - block.begin] = error;
            for (std::int64_t k = column + 1; k < block.end; ++k)
                weight[k] -= error * factor[k];
        }
    }
}

} // namespace paretoscope::spqr
