// SPDX-License-Identifier: Apache-2.0
#include "core/engine/statistics/activation_statistics.h"

#include "core/engine/kernels/gram.h"

#include <array>

namespace paretoscope::engine {

namespace {

class Hessian : public Statistic
{
public:
    void add(const at::Tensor& x) override
    {
        if (!m_sum.defined())
            m_sum = at::zeros({x.size(1), x.size(1)}, x.options().dtype(at::kDouble));
        addGram(x, m_sum);
        m_samples += x.size(0);
    }
    void merge(const Statistic& other) override
    {
        const auto& more = static_cast<const Hessian&>(other);
        if (!more.m_sum.defined())
            return;
        m_sum = m_sum.defined() ? m_sum.add_(more.m_sum) : more.m_sum.clone();
        m_samples += more.m_samples;
    }
    at::Tensor value() const override { return symmetricFromUpper(m_sum, double(m_samples)); }
    std::int64_t samples() const override { return m_samples; }

private:
    at::Tensor m_sum; ///< upper blocks only
    std::int64_t m_samples = 0;
};

/// Mean of a function of every column, summed in float64.
template <typename Map>
class ColumnMean : public Statistic
{
public:
    void add(const at::Tensor& x) override
    {
        const at::Tensor sum = Map()(x).sum(0, false, at::kDouble);
        m_sum = m_sum.defined() ? m_sum.add_(sum) : sum;
        m_samples += x.size(0);
    }
    void merge(const Statistic& other) override
    {
        const auto& more = static_cast<const ColumnMean&>(other);
        if (!more.m_sum.defined())
            return;
        m_sum = m_sum.defined() ? m_sum.add_(more.m_sum) : more.m_sum.clone();
        m_samples += more.m_samples;
    }
    at::Tensor value() const override { return (m_sum / double(m_samples)).to(at::kFloat); }
    std::int64_t samples() const override { return m_samples; }

private:
    at::Tensor m_sum;
    std::int64_t m_samples = 0;
};

struct Square
{
    at::Tensor operator()(const at::Tensor& x) const { return x.square(); }
};
struct Absolute
{
    at::Tensor operator()(const at::Tensor& x) const { return x.abs(); }
};

template <typename T>
std::unique_ptr<Statistic> make(const core::Json&)
{
    return std::make_unique<T>();
}

} // namespace

std::span<const StatisticFactory> builtInStatistics()
{
    static const std::array<StatisticFactory, 3> factories {{
        {"hessian", 1, &make<Hessian>},
        {"column_square_mean", 1, &make<ColumnMean<Square>>},
        {"column_abs_mean", 1, &make<ColumnMean<Absolute>>},
    }};
    return factories;
}

} // namespace paretoscope::engine
