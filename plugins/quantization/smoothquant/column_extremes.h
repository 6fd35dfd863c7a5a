// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/engine/plugin/statistic.h"

#include <memory>

namespace paretoscope::smoothquant {

/// Least and largest value of every column over all tokens. Value: float32 [2, features].
class ColumnExtremes : public engine::Statistic
{
public:
    static constexpr std::string_view kId = "column_extremes";
    static std::unique_ptr<engine::Statistic> make(const core::Json& options);

    void add(const at::Tensor& x) override;
    void merge(const engine::Statistic& other) override;
    at::Tensor value() const override { return m_extremes; }
    std::int64_t samples() const override { return m_samples; }

private:
    void take(const at::Tensor& extremes);

    at::Tensor m_extremes;
    std::int64_t m_samples = 0;
};

} // namespace paretoscope::smoothquant
