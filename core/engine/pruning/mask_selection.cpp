// SPDX-License-Identifier: Apache-2.0
#include "core/engine/pruning/mask_selection.h"

#include "core/engine/device/transfer.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

namespace paretoscope::engine {

namespace {

/// Non-negative floats stand in the order of their bits.
std::uint32_t bitsOf(float score)
{
    return std::bit_cast<std::uint32_t>(score + 0.0F); // -0 becomes 0
}

constexpr std::int64_t kBins = 1 << 16;

/// Counts, over all scores whose upper half is `upper` (or over all, when it is negative), the half that decides next.
std::vector<std::int64_t> histogram(std::span<const at::Tensor> scores, std::int64_t upper)
{
    std::vector<std::int64_t> counts(kBins);
    for (const at::Tensor& tensor : scores) {
        const float* values = tensor.const_data_ptr<float>();
        for (std::int64_t i = 0; i < tensor.numel(); ++i) {
            const std::uint32_t bits = bitsOf(values[i]);
            if (upper < 0)
                ++counts[bits >> 16];
            else if (bits >> 16 == upper)
                ++counts[bits & 0xffff];
        }
    }
    return counts;
}

struct Threshold
{
    std::uint32_t bits = 0;    ///< everything below is dropped
    std::int64_t ofEquals = 0; ///< and so many of those that equal it
};

/// Of the `dropped` smallest scores. Two passes over the values instead of a sort.
Threshold thresholdOf(std::span<const at::Tensor> scores, std::int64_t dropped)
{
    std::int64_t left = dropped;
    const auto binOf = [&](const std::vector<std::int64_t>& counts) {
        std::int64_t bin = 0;
        while (left >= counts[static_cast<std::size_t>(bin)] && bin < kBins - 1)
            left -= counts[static_cast<std::size_t>(bin++)];
        return bin;
    };
    const std::int64_t upper = binOf(histogram(scores, -1));
    const std::int64_t lower = binOf(histogram(scores, upper));
    return {static_cast<std::uint32_t>(upper << 16 | lower), left};
}

at::Tensor emptyMaskFor(const at::Tensor& scores)
{
    return at::empty(scores.sizes(), at::TensorOptions(at::kBool));
}

void dropOfRow(const float* scores, std::int64_t count, std::int64_t dropped, std::vector<float>& scratch, bool* kept)
{
    if (dropped == count) {
        std::fill(kept, kept + count, false);
        return;
    }
    scratch.assign(scores, scores + count);
    std::nth_element(scratch.begin(), scratch.begin() + dropped, scratch.end());
    const float threshold = scratch[static_cast<std::size_t>(dropped)];
    std::int64_t ofEquals = dropped - std::count_if(scratch.begin(), scratch.begin() + dropped,
                                                    [&](float score) { return score < threshold; });
    for (std::int64_t i = 0; i < count; ++i)
        kept[i] = scores[i] > threshold || (scores[i] == threshold && ofEquals-- <= 0);
}

} // namespace

std::int64_t droppedOf(std::int64_t count, double sparsity)
{
    const double product = sparsity * double(count);
    const double nearest = std::round(product);
    return static_cast<std::int64_t>(std::fabs(product - nearest) < 1e-6 ? nearest : std::floor(product));
}

std::vector<at::Tensor> dropSmallest(std::span<const at::Tensor> scores, double sparsity)
{
    std::vector<at::Tensor> onHost;
    std::int64_t count = 0;
    for (const at::Tensor& tensor : scores) {
        onHost.push_back(toHost(tensor));
        count += tensor.numel();
    }
    Threshold threshold = thresholdOf(onHost, droppedOf(count, sparsity));
    std::vector<at::Tensor> masks;
    for (std::size_t i = 0; i < onHost.size(); ++i) {
        at::Tensor mask = emptyMaskFor(onHost[i]);
        const float* values = onHost[i].const_data_ptr<float>();
        bool* kept = mask.mutable_data_ptr<bool>();
        for (std::int64_t at = 0; at < mask.numel(); ++at) {
            const std::uint32_t bits = bitsOf(values[at]);
            kept[at] = bits > threshold.bits || (bits == threshold.bits && threshold.ofEquals-- <= 0);
        }
        masks.push_back(toDevice(mask, scores[i].device()));
    }
    return masks;
}

at::Tensor dropSmallest(const at::Tensor& scores, double sparsity)
{
    return dropSmallest(std::span(&scores, 1), sparsity).front();
}

at::Tensor dropSmallestOfRows(const at::Tensor& scores, double sparsity)
{
    const at::Tensor onHost = toHost(scores);
    const std::int64_t columns = onHost.size(1);
    const std::int64_t dropped = droppedOf(columns, sparsity);
    at::Tensor mask = emptyMaskFor(onHost);
    const float* values = onHost.const_data_ptr<float>();
    bool* kept = mask.mutable_data_ptr<bool>();
    at::parallel_for(0, onHost.size(0), 16, [&](std::int64_t first, std::int64_t last) {
        std::vector<float> scratch;
        for (std::int64_t row = first; row < last; ++row)
            dropOfRow(values + row * columns, columns, dropped, scratch, kept + row * columns);
    });
    return toDevice(mask, scores.device());
}

at::Tensor keepLargestOfGroups(const at::Tensor& scores, std::int64_t keep, std::int64_t of)
{
    const at::Tensor onHost = toHost(scores);
    at::Tensor mask = emptyMaskFor(onHost);
    const float* values = onHost.const_data_ptr<float>();
    bool* kept = mask.mutable_data_ptr<bool>();
    at::parallel_for(0, onHost.numel() / of, 1024, [&](std::int64_t first, std::int64_t last) {
        for (std::int64_t group = first * of; group < last * of; group += of) {
            for (std::int64_t i = group; i < group + of; ++i) {
                std::int64_t ahead = 0;
                for (std::int64_t k = group; k < group + of; ++k)
                    ahead += values[k] > values[i] || (values[k] == values[i] && k < i) ? 1 : 0;
                kept[i] = ahead < keep;
            }
        }
    });
    return toDevice(mask, scores.device());
}

} // namespace paretoscope::engine
