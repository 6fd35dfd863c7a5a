// SPDX-License-Identifier: Apache-2.0
#include "plugins/pruning/wanda/wanda.h"

#include "core/engine/pruning/mask_selection.h"
#include "tests/core/engine/correlated_layer.h"

#include <QtTest>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

using namespace paretoscope;
using tests::CorrelatedLayer;

namespace {

engine::SparsityPattern perRow(double sparsity)
{
    engine::SparsityPattern pattern;
    pattern.sparsity = sparsity;
    pattern.scope = engine::PruningScope::Row;
    return pattern;
}

at::Tensor maskOf(const at::Tensor& weight, const at::Tensor& squares, double sparsity)
{
    return perRow(sparsity).maskOf(wanda::scores(weight, squares));
}

/// One entry after the other, from the inputs themselves.
at::Tensor direct(const CorrelatedLayer& layer, std::int64_t dropped)
{
    const std::int64_t rows = layer.weight.size(0);
    const std::int64_t columns = layer.weight.size(1);
    at::Tensor mask = at::ones({rows, columns}, at::kBool);
    std::vector<double> norms(static_cast<std::size_t>(columns));
    for (std::int64_t t = 0; t < layer.inputs.size(0); ++t) {
        for (std::size_t j = 0; j < norms.size(); ++j)
            norms[j] += std::pow(double(layer.inputs.const_data_ptr<float>()[t * columns + std::int64_t(j)]), 2);
    }
    for (std::int64_t row = 0; row < rows; ++row) {
        std::vector<std::size_t> order(norms.size());
        std::iota(order.begin(), order.end(), 0);
        const float* weight = layer.weight.const_data_ptr<float>() + row * columns;
        std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
            return std::fabs(weight[a]) * std::sqrt(norms[a]) < std::fabs(weight[b]) * std::sqrt(norms[b]);
        });
        for (std::size_t i = 0; i < std::size_t(dropped); ++i)
            mask.mutable_data_ptr<bool>()[row * columns + std::int64_t(order[i])] = false;
    }
    return mask;
}

} // namespace

class TstWanda : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    /// specs pruning_lowrank, appendix.
    void workedNumbers()
    {
        const at::Tensor weight = at::tensor({.5F, -1.F, .8F, .6F}).view({1, 4});
        const at::Tensor squares = at::tensor({4.F, 3.F, 2.F, 1.F});
        const at::Tensor scores = wanda::scores(weight, squares);
        const double expected[] = {1.0, 1.732051, 1.131371, 0.6};
        for (int i = 0; i < 4; ++i)
            QVERIFY(std::fabs(scores[0][i].item<double>() - expected[i]) < 5e-7);
        QVERIFY(at::equal(maskOf(weight, squares, 0.5), at::tensor({0, 1, 1, 0}).to(at::kBool).view({1, 4})));
    }

    void equalsTheDirectFormulation_data()
    {
        QTest::addColumn<double>("sparsity");
        for (const double sparsity : {0.25, 0.5, 0.8})
            QTest::addRow("%g", sparsity) << sparsity;
    }
    void equalsTheDirectFormulation()
    {
        QFETCH(double, sparsity);
        const CorrelatedLayer layer(16, 60, 300);
        const at::Tensor mask = maskOf(layer.weight, layer.inputs.square().mean(0), sparsity);
        QVERIFY(at::equal(mask, direct(layer, engine::droppedOf(60, sparsity))));
    }

    void equalInputsGiveMagnitudeAndSizeDoesNotMatter()
    {
        const CorrelatedLayer layer(16, 64, 300);
        const at::Tensor squares = layer.inputs.square().mean(0);
        QVERIFY(at::equal(maskOf(layer.weight, at::full({64}, 2.5F), 0.5), perRow(0.5).maskOf(layer.weight.abs())));
        QVERIFY(at::equal(maskOf(layer.weight, squares * 16, 0.5), maskOf(layer.weight, squares, 0.5)));
    }

    /// Removing one weight alone costs W_ij² H_jj: the ranking of SparseGPT where the Hessian is a diagonal.
    void ranksByTheCostOfOneWeight()
    {
        const CorrelatedLayer layer(8, 32, 300);
        const at::Tensor cost = layer.weight.square() * layer.hessian.diagonal();
        QVERIFY(at::equal(maskOf(layer.weight, layer.inputs.square().mean(0), 0.5), perRow(0.5).maskOf(cost)));
    }

    void variantReachesTheSparsity_data()
    {
        QTest::addColumn<double>("sparsity");
        for (const double sparsity : {0.3, 0.5, 0.7})
            QTest::addRow("%g", sparsity) << sparsity;
    }
    void variantReachesTheSparsity()
    {
        QFETCH(double, sparsity);
        const CorrelatedLayer layer(64, 256, 300);
        const at::Tensor scores = wanda::scores(layer.weight, layer.inputs.square().mean(0));
        const wanda::Variant variant = wanda::variantMask(scores, sparsity, 1e-3);
        const double dropped = 1 - variant.mask.to(at::kDouble).mean().item<double>();
        QVERIFY2(std::fabs(dropped - sparsity) < 2e-3, qPrintable(QString::number(dropped)));
        // Every row gives up as many of its smallest as fit into the share alpha, and not one more.
        const at::Tensor kept = variant.mask.to(at::kDouble) * scores;
        const at::Tensor given = scores.sum(1, false, at::kDouble) - kept.sum(1);
        const at::Tensor limit = scores.sum(1, false, at::kDouble) * variant.alpha;
        const at::Tensor next = kept.masked_fill(variant.mask.logical_not(), 1e9).amin(1);
        QVERIFY((given <= limit + 1e-9).all().item<bool>());
        QVERIFY((given + next > limit - 1e-9).all().item<bool>());
    }
};

QTEST_GUILESS_MAIN(TstWanda)
#include "tst_wanda.moc"
