// SPDX-License-Identifier: Apache-2.0
#include "core/engine/quantization/additive_codes.h"

#include <ATen/CPUGeneratorImpl.h>

#include <algorithm>
#include <vector>

namespace paretoscope::engine {

namespace {

constexpr std::int64_t kScoresAtOnce = std::int64_t(1) << 22;

std::vector<std::int64_t> randomOrder(std::int64_t count, at::Generator& generator)
{
    const at::Tensor order = at::randperm(count, generator, at::kLong);
    return {order.const_data_ptr<std::int64_t>(), order.const_data_ptr<std::int64_t>() + count};
}

/// The search for some rows.
class RowsSearch
{
public:
    RowsSearch(const AdditiveCodes& start, const at::Tensor& weight, const at::Tensor& hessian, std::int64_t beam)
        : m_codebooks(start.codebooks)
        , m_hessian(hessian)
        , m_beam(beam)
        , m_codes(start.codes.clone())
        , m_scales(start.scales.view({-1, 1, 1}))
        , m_error(weight - start.dequantize())
    {}

    void searchGroup(std::int64_t group, const std::vector<std::int64_t>& order)
    {
        const std::int64_t size = m_codebooks.size(2);
        const at::Tensor columns = m_hessian.narrow(1, group * size, size);
        const at::Tensor own = columns.narrow(0, group * size, size);
        // With d the change of the unscaled sum, the loss changes by s² dᵀ own d - 2 s d · pull.
        const at::Tensor pull = at::mm(m_error, columns).unsqueeze(1); // [rows, 1, g]
        at::Tensor codes = m_codes.select(1, group).unsqueeze(1);      // [rows, beam, M]
        at::Tensor change = at::zeros_like(pull);                      // [rows, beam, g]
        at::Tensor score;
        for (const std::int64_t book : order) {
            const at::Tensor vectors = m_codebooks[book]; // [2^B, g]
            const at::Tensor without =
                change - vectors.index_select(0, codes.select(2, book).reshape(-1)).view_as(change);
            const at::Tensor turned = at::matmul(without, own);
            const at::Tensor slope = (turned * m_scales - pull) * (2 * m_scales);
            const at::Tensor fixed =
                ((turned * m_scales - 2 * pull) * m_scales * without).sum(2, true); // without any vector
            const at::Tensor squares = (at::mm(vectors, own) * vectors).sum(1);
            const at::Tensor scores =
                (at::matmul(slope, vectors.t()) + m_scales.square() * squares + fixed).flatten(1); // [rows, beam 2^B]
            const std::int64_t width = std::min(m_beam, scores.size(1));
            const auto [best, place] = at::topk(scores, width, 1, false);
            const at::Tensor from = place.floor_divide(vectors.size(0));
            const at::Tensor chosen = place.remainder(vectors.size(0));
            const auto ofParent = [&](const at::Tensor& all) {
                return all.gather(1, from.unsqueeze(2).expand({-1, -1, all.size(2)}));
            };
            change =
                ofParent(without) + vectors.index_select(0, chosen.reshape(-1)).view({chosen.size(0), width, size});
            codes = ofParent(codes);
            codes.select(2, book).copy_(chosen);
            score = best;
        }
        take(group, codes, change, score);
    }

    const at::Tensor& codes() const { return m_codes; }

private:
    /// The best combination of every row, where it is better than the one that is there.
    void take(std::int64_t group, const at::Tensor& codes, const at::Tensor& change, const at::Tensor& score)
    {
        const std::int64_t size = m_codebooks.size(2);
        const auto [least, place] = score.min(1, true); // [rows, 1]
        const auto best = [&](const at::Tensor& all) {
            return all.gather(1, place.unsqueeze(2).expand({-1, -1, all.size(2)})).squeeze(1);
        };
        const at::Tensor isBetter = least < 0; // [rows, 1]
        at::Tensor current = m_codes.select(1, group);
        current.copy_(at::where(isBetter, best(codes), current));
        m_error.narrow(1, group * size, size).sub_(best(change) * m_scales.squeeze(2) * isBetter);
    }

    at::Tensor m_codebooks;
    at::Tensor m_hessian;
    std::int64_t m_beam;
    at::Tensor m_codes;
    at::Tensor m_scales; ///< [rows, 1, 1]
    at::Tensor m_error;  ///< W - Ŵ
};

} // namespace

at::Tensor AdditiveCodes::sums() const
{
    at::Tensor sum;
    for (std::int64_t book = 0; book < count(); ++book) {
        const at::Tensor chosen = codebooks[book].index_select(0, codes.select(2, book).reshape(-1));
        sum = sum.defined() ? sum.add_(chosen) : chosen;
    }
    return sum.view({codes.size(0), codes.size(1), groupSize()});
}

at::Tensor AdditiveCodes::dequantize() const
{
    return sums().flatten(1).mul_(scales.unsqueeze(1));
}

at::Tensor searchCodes(const AdditiveCodes& start, const at::Tensor& weight, const at::Tensor& hessian,
                       const BeamSearch& search)
{
    at::Generator generator = at::make_generator<at::CPUGeneratorImpl>(search.seed);
    const std::vector<std::int64_t> groups = randomOrder(start.codes.size(1), generator);
    const std::vector<std::int64_t> books = randomOrder(start.count(), generator);
    const std::int64_t rows = start.codes.size(0);
    const std::int64_t atOnce = std::max<std::int64_t>(1, kScoresAtOnce / (search.beam * start.codebooks.size(1)));
    std::vector<at::Tensor> found;
    for (std::int64_t first = 0; first < rows; first += atOnce) {
        const std::int64_t width = std::min(atOnce, rows - first);
        const AdditiveCodes part {start.codes.narrow(0, first, width), start.codebooks,
                                  start.scales.narrow(0, first, width)};
        RowsSearch some(part, weight.narrow(0, first, width), hessian, search.beam);
        for (const std::int64_t group : groups)
            some.searchGroup(group, books);
        found.push_back(some.codes());
    }
    return at::cat(found);
}

double weightedSquare(const at::Tensor& error, const at::Tensor& hessian)
{
    return at::mm(error, hessian).mul_(error).sum(at::kDouble).item<double>();
}

} // namespace paretoscope::engine
