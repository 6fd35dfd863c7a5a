// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "plugins/quantization/spqr/spqr.h"

#include <vector>

namespace paretoscope::spqr {

/// The column-by-column elimination, on a weight whose columns are already in the order of work; all on the host. Rows
/// that share a second-level grid are worked on together.
class Elimination
{
public:
    /// @param weight float32 [rows, columns], changed; @param factor float32 [columns, columns], upper triangular
    /// @param order int64 [columns]: the original column at every place; @param mask bool [rows, columns] in the order
    /// of work, or undefined
    Elimination(at::Tensor weight, at::Tensor factor, at::Tensor order, const Options& options, at::Tensor mask);

    void run();

    const at::Tensor& codes() const { return m_codes; }       ///< uint8 [rows, columns]
    const at::Tensor& outliers() const { return m_outliers; } ///< float32 [rows, columns], 0 where there is none
    const GroupNumbers& scales() const { return m_scales; }
    const GroupNumbers& zeros() const { return m_zeros; }
    double loss() const { return m_losses.sum().item<double>(); }

private:
    /// Rows [first, last) with a second-level grid of their own.
    struct Run
    {
        std::int64_t index = 0;
        std::int64_t first = 0;
        std::int64_t last = 0;
    };
    /// Columns [begin, end) and their scaled errors [rows, end - begin].
    struct Block
    {
        std::int64_t begin = 0;
        std::int64_t end = 0;
        float* errors = nullptr;
    };

    template <typename Work>
    void forEachRun(const Work& work);
    void fitGroup(const Run& run, std::int64_t group);
    void storeScales(const Run& run, std::int64_t group, std::vector<float>& scales);
    void storeZeros(const Run& run, std::int64_t group, const std::vector<float>& zeros);
    void eliminate(const Run& run, const Block& block);
    bool isKept(std::int64_t row, std::int64_t place) const
    {
        return !m_mask.defined() || m_mask.const_data_ptr<bool>()[row * m_columns + place];
    }
    bool hasFixedGroups() const { return m_options.order == ActivationOrder::Static; }

    at::Tensor m_weight;
    at::Tensor m_factor;
    at::Tensor m_order;
    const Options& m_options;
    at::Tensor m_mask;
    std::int64_t m_rows;
    std::int64_t m_columns;
    double m_threshold;
    at::Tensor m_places; ///< int64 [columns]: where the order of work has an original column
    at::Tensor m_codes;
    at::Tensor m_outliers;
    GroupNumbers m_scales;
    GroupNumbers m_zeros;
    at::Tensor m_usedScales; ///< float32 [groups, rows], as they come back from storage
    at::Tensor m_usedZeros;  ///< the same
    at::Tensor m_losses;     ///< float64 [rows]
};

} // namespace paretoscope::spqr
