// SPDX-License-Identifier: Apache-2.0
#include "plugins/quantization/int8/activation_statistics.h"

#include "core/engine/device/transfer.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>

namespace paretoscope::int8 {

namespace {

constexpr std::size_t kBins = 1 << 15; ///< sign-free upper halves of float32

std::size_t binOf(float magnitude)
{
    return std::bit_cast<std::uint32_t>(magnitude) >> 16U;
}

float upperEnd(std::size_t bin)
{
    return std::bit_cast<float>(static_cast<std::uint32_t>(bin << 16U | 0xFFFFU));
}

} // namespace

std::unique_ptr<engine::Statistic> ActivationMagnitude::make(const core::Json& options)
{
    return std::make_unique<ActivationMagnitude>(options.value("percentile", 100.0));
}

void ActivationMagnitude::add(const at::Tensor& x)
{
    m_samples += x.size(0);
    if (x.numel() == 0)
        return;
    const at::Tensor magnitudes = x.abs();
    m_largest = std::max(m_largest, magnitudes.max().item<float>());
    if (m_percentile >= 100)
        return;
    m_counts.resize(kBins);
    const at::Tensor onHost = engine::toHost(magnitudes);
    const float* values = onHost.const_data_ptr<float>();
    for (std::int64_t i = 0; i < onHost.numel(); ++i)
        ++m_counts[binOf(std::fabs(values[i]))];
}

void ActivationMagnitude::merge(const engine::Statistic& other)
{
    const auto& more = static_cast<const ActivationMagnitude&>(other);
    m_samples += more.m_samples;
    m_largest = std::max(m_largest, more.m_largest);
    m_counts.resize(std::max(m_counts.size(), more.m_counts.size()));
    for (std::size_t i = 0; i < more.m_counts.size(); ++i)
        m_counts[i] += more.m_counts[i];
}

at::Tensor ActivationMagnitude::value() const
{
    float magnitude = m_largest;
    if (!m_counts.empty()) {
        const auto all = static_cast<double>(std::accumulate(m_counts.begin(), m_counts.end(), std::int64_t(0)));
        std::int64_t below = 0;
        std::size_t bin = 0;
        for (; bin + 1 < kBins; ++bin) {
            below += m_counts[bin];
            if (double(below) >= all * m_percentile / 100)
                break;
        }
        magnitude = std::min(m_largest, upperEnd(bin));
    }
    return at::full({1}, magnitude, at::kFloat);
}

std::unique_ptr<engine::Statistic> OutlierShares::make(const core::Json& options)
{
    return std::make_unique<OutlierShares>(options.value("threshold", 6.0));
}

void OutlierShares::add(const at::Tensor& x)
{
    if (x.size(0) == 0)
        return;
    m_shares.push_back(x.abs().amax(0).ge(m_threshold).to(at::kFloat).mean().item<float>());
    m_samples += x.size(0);
}

void OutlierShares::merge(const engine::Statistic& other)
{
    const auto& more = static_cast<const OutlierShares&>(other);
    m_shares.insert(m_shares.end(), more.m_shares.begin(), more.m_shares.end());
    m_samples += more.m_samples;
}

at::Tensor OutlierShares::value() const
{
    return at::tensor(m_shares, at::kFloat);
}

} // namespace paretoscope::int8
