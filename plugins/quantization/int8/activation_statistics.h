// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/engine/plugin/statistic.h"

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace paretoscope::int8 {

/// The magnitude that `percentile` percent of all values do not exceed. Value: float32 [1]; 100 is the largest
/// magnitude exactly, others are the upper end of one of 256 steps per octave pair of a histogram (bfloat16's, 0.8 %
/// wide at most).
class ActivationMagnitude : public engine::Statistic
{
public:
    static constexpr std::string_view kId = "activation_magnitude";
    /// Option: percentile, above 0 and at most 100.
    static std::unique_ptr<engine::Statistic> make(const core::Json& options);
    explicit ActivationMagnitude(double percentile)
        : m_percentile(percentile)
    {}

    void add(const at::Tensor& x) override;
    void merge(const engine::Statistic& other) override;
    at::Tensor value() const override;
    std::int64_t samples() const override { return m_samples; }

private:
    double m_percentile;
    float m_largest = 0;
    std::vector<std::int64_t> m_counts; ///< by the upper half of the bits of |x|; empty at 100 percent
    std::int64_t m_samples = 0;
};

/// Share of columns that hold a value of at least `threshold`, sample by sample. Value: float32 [samples fed].
class OutlierShares : public engine::Statistic
{
public:
    static constexpr std::string_view kId = "outlier_shares";
    /// Option: threshold.
    static std::unique_ptr<engine::Statistic> make(const core::Json& options);
    explicit OutlierShares(double threshold)
        : m_threshold(threshold)
    {}

    void add(const at::Tensor& x) override;
    void merge(const engine::Statistic& other) override;
    at::Tensor value() const override;
    std::int64_t samples() const override { return m_samples; }

private:
    double m_threshold;
    std::vector<float> m_shares;
    std::int64_t m_samples = 0;
};

} // namespace paretoscope::int8
