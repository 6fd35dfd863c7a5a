// SPDX-License-Identifier: Apache-2.0
#include "plugins/quantization/aqlm/aqlm.h"

#include "plugins/quantization/aqlm/k_means.h"

#include <cmath>
#include <limits>

namespace paretoscope::aqlm {

namespace {

using engine::AdditiveCodes;
using engine::weightedSquare;

/// One tensor under Adam without momentum and with the running maximum of the second moment.
class AdamValue
{
public:
    explicit AdamValue(at::Tensor value)
        : m_value(std::move(value))
        , m_second(at::zeros_like(m_value))
        , m_largest(at::zeros_like(m_value))
    {}

    void step(const at::Tensor& gradient, double learningRate)
    {
        m_second.mul_(kDecay).addcmul_(gradient, gradient, 1 - kDecay);
        m_largest = at::maximum(m_largest, m_second);
        m_power *= kDecay;
        m_value = m_value - learningRate * gradient / ((m_largest / (1 - m_power)).sqrt_() + 1e-8);
    }
    const at::Tensor& value() const { return m_value; }

private:
    static constexpr double kDecay = 0.95;
    at::Tensor m_value;
    at::Tensor m_second;
    at::Tensor m_largest;
    double m_power = 1;
};

AdditiveCodes roundedToHalf(const AdditiveCodes& codes)
{
    return {codes.codes, codes.codebooks.to(at::kHalf).to(at::kFloat), codes.scales.to(at::kHalf).to(at::kFloat)};
}

} // namespace

AdditiveCodes clustered(const at::Tensor& weight, const Options& options, std::uint64_t seed)
{
    const std::int64_t rows = weight.size(0);
    const std::int64_t groups = weight.size(1) / options.groupSize;
    AdditiveCodes start;
    start.scales = weight.square().sum(1, false, at::kDouble).sqrt().to(at::kFloat) + 1e-9;
    at::Tensor rest = (weight / start.scales.unsqueeze(1)).reshape({rows * groups, options.groupSize});
    std::vector<at::Tensor> codebooks;
    std::vector<at::Tensor> codes;
    for (std::int64_t book = 0; book < options.codebooks; ++book) {
        codebooks.push_back(kMeans(rest, {.centroids = std::int64_t(1) << options.bits,
                                          .pointsPerCentroid = options.pointsPerCentroid,
                                          .seed = seed + static_cast<std::uint64_t>(book)}));
        codes.push_back(nearest(rest, codebooks.back()));
        rest = rest - codebooks.back().index_select(0, codes.back());
    }
    start.codebooks = at::stack(codebooks);
    start.codes = at::stack(codes, 1).view({rows, groups, options.codebooks});
    return start;
}

AdditiveCodes trained(const AdditiveCodes& start, const at::Tensor& weight, const at::Tensor& hessian,
                      const Options& options)
{
    const double norm = weightedSquare(weight, hessian);
    AdamValue codebooks(start.codebooks);
    AdamValue scales(start.scales);
    AdditiveCodes best = start;
    double least = std::numeric_limits<double>::infinity();
    for (int step = 0; step <= options.steps; ++step) {
        const AdditiveCodes current {start.codes, codebooks.value(), scales.value()};
        const at::Tensor sums = current.sums();
        const at::Tensor error = weight - sums.flatten(1) * current.scales.unsqueeze(1);
        const at::Tensor weighted = at::mm(error, hessian);
        const double loss = (weighted * error).sum(at::kDouble).item<double>();
        if (loss < least) {
            least = loss;
            best = current;
        }
        if (step == options.steps || !(norm > 0))
            break;
        const at::Tensor ofWeight = weighted * (-2 / norm);
        const at::Tensor ofSums = (ofWeight * current.scales.unsqueeze(1)).view({-1, start.groupSize()});
        std::vector<at::Tensor> ofCodebooks;
        for (std::int64_t book = 0; book < start.count(); ++book)
            ofCodebooks.push_back(
                at::zeros_like(start.codebooks[book]).index_add_(0, start.codes.select(2, book).reshape(-1), ofSums));
        codebooks.step(at::stack(ofCodebooks), options.learningRate);
        scales.step((ofWeight * sums.flatten(1)).sum(1), options.learningRate);
    }
    return best;
}

core::Result<Fitted> fit(const at::Tensor& weight, const at::Tensor& hessian, const Options& options,
                         std::uint64_t seed)
{
    const bool isSeen = weightedSquare(weight, hessian) > 0;
    const at::Tensor h = isSeen ? hessian : at::eye(weight.size(1), weight.options());
    const double norm = weightedSquare(weight, h);
    Fitted result {clustered(weight, options, seed), {}};
    const auto note = [&] {
        const double loss = weightedSquare(weight - result.codes.dequantize(), h);
        result.losses.push_back(norm > 0 ? loss / norm : 0);
    };
    note();
    double before = std::numeric_limits<double>::infinity();
    for (int round = 0; round < options.rounds; ++round) {
        result.codes = trained(result.codes, weight, h, options);
        note();
        result.codes.codes = engine::searchCodes(result.codes, weight, h,
                                                 {options.beam, seed + static_cast<std::uint64_t>(1000 + round)});
        note();
        if (result.losses.back() > before * (1 - options.tolerance))
            break;
        before = result.losses.back();
    }
    result.codes = trained(result.codes, weight, h, options);
    note();
    result.codes = roundedToHalf(result.codes);
    note();
    if (!std::isfinite(result.losses.back()))
        return core::Error {core::ErrorCode::Numerical, "a codebook or scale is beyond the range of float16",
                            "exclude this module"};
    return result;
}

} // namespace paretoscope::aqlm
