// SPDX-License-Identifier: Apache-2.0
#include "plugins/pruning/sparsegpt/sparsegpt.h"

#include "core/engine/pruning/mask_selection.h"
#include "core/engine/quantization/group_affine_tensor.h"
#include "tests/core/engine/correlated_layer.h"

#include <QtTest>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

using namespace paretoscope;
using tests::CorrelatedLayer;
using tests::weightedError;

namespace {

using Matrix = std::vector<std::vector<double>>;

sparsegpt::Options optionsFor(double sparsity, const std::string& pattern = "unstructured", std::int64_t block = 16)
{
    sparsegpt::Options options;
    options.pattern = engine::SparsityPattern::fromParameters({{"sparsity", sparsity}, {"pattern", pattern}}).value();
    options.blockSize = block;
    return options;
}

Matrix toMatrix(const at::Tensor& tensor)
{
    const at::Tensor wide = tensor.to(at::kDouble).contiguous();
    Matrix result(static_cast<std::size_t>(wide.size(0)), std::vector<double>(static_cast<std::size_t>(wide.size(1))));
    for (std::size_t i = 0; i < result.size(); ++i) {
        for (std::size_t j = 0; j < result[i].size(); ++j)
            result[i][j] = wide.const_data_ptr<double>()[i * result[i].size() + j];
    }
    return result;
}

at::Tensor damped(const at::Tensor& hessian, double damping)
{
    at::Tensor wide = hessian.to(at::kDouble, false, true);
    wide.diagonal().add_(damping * wide.diagonal().mean().item<double>());
    return wide;
}

/// Optimal brain surgeon in column order, straight from its definition: after each column the inverse Hessian of the
/// remaining ones is found by Gaussian elimination of one row and column. No Cholesky, no lazy updates, all in float64.
/// Masks are chosen where the method chooses them. @return the weight; what it drops is 0
Matrix direct(const CorrelatedLayer& layer, const sparsegpt::Options& options)
{
    Matrix w = toMatrix(layer.weight);
    Matrix inverse = toMatrix(at::linalg_inv(damped(layer.hessian, options.damping)));
    const std::size_t rows = w.size();
    const std::size_t columns = w.front().size();
    // The diagonal of the inverse of what remains when a column's turn comes does not depend on the weights.
    std::vector<double> pivots(columns);
    Matrix remaining = inverse;
    std::vector<Matrix> steps;
    for (std::size_t c = 0; c < columns; ++c) {
        steps.push_back({remaining[c]});
        pivots[c] = remaining[c][c];
        const std::vector<double> gone = remaining[c];
        for (std::size_t i = c; i < columns; ++i) {
            for (std::size_t j = c; j < columns; ++j)
                remaining[i][j] -= gone[i] * gone[j] / gone[c];
        }
    }
    std::vector<std::vector<bool>> kept(rows, std::vector<bool>(columns, true));
    const auto score = [&](std::size_t row, std::size_t c) { return w[row][c] * w[row][c] / pivots[c]; };
    for (std::size_t c = 0; c < columns; ++c) {
        const auto block = std::size_t(options.blockSize);
        if (!options.pattern.isNOfM() && c % block == 0) {
            const std::size_t width = std::min(block, columns - c);
            std::vector<std::pair<std::size_t, std::size_t>> entries;
            for (std::size_t row = 0; row < rows; ++row) {
                for (std::size_t k = c; k < c + width; ++k)
                    entries.emplace_back(row, k);
            }
            std::stable_sort(entries.begin(), entries.end(), [&](const auto& a, const auto& b) {
                return score(a.first, a.second) < score(b.first, b.second);
            });
            const auto dropped = std::size_t(engine::droppedOf(std::int64_t(entries.size()), options.pattern.sparsity));
            for (std::size_t i = 0; i < dropped; ++i)
                kept[entries[i].first][entries[i].second] = false;
        }
        for (std::size_t row = 0; row < rows; ++row) {
            if (options.pattern.isNOfM() && c % std::size_t(options.pattern.of) == 0) {
                std::vector<std::size_t> order(std::size_t(options.pattern.of));
                std::iota(order.begin(), order.end(), c);
                std::stable_sort(order.begin(), order.end(),
                                 [&](auto a, auto b) { return score(row, a) > score(row, b); });
                for (std::size_t i = std::size_t(options.pattern.keep); i < order.size(); ++i)
                    kept[row][order[i]] = false;
            }
            if (kept[row][c])
                continue;
            const double error = w[row][c] / pivots[c];
            for (std::size_t k = c; k < columns; ++k)
                w[row][k] -= error * steps[c][0][k];
            w[row][c] = 0;
        }
    }
    return w;
}

core::Result<sparsegpt::Pruned> pruneWith(const at::Tensor& weight, const at::Tensor& hessian,
                                          const sparsegpt::Options& options)
{
    return sparsegpt::prune(weight, engine::factorise(hessian, options.factor()), options);
}

at::Tensor dequantized(const sparsegpt::Pruned& pruned, const engine::AffineOptions& grid)
{
    return engine::GroupAffineTensor(pruned.codes, pruned.grids, grid, {}, pruned.mask).dequantize();
}

engine::AffineOptions fourBits()
{
    engine::AffineOptions grid;
    grid.bits = 4;
    grid.groupSize = 16;
    grid.scaleType = engine::ScaleType::Float32;
    return grid;
}

} // namespace

class TstSparseGpt : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    /// specs pruning_lowrank, appendix.
    void workedNumbers_data()
    {
        QTest::addColumn<QString>("pattern");
        QTest::addRow("50 %% in one block") << "unstructured";
        QTest::addRow("2:4") << "2:4";
    }
    void workedNumbers()
    {
        QFETCH(QString, pattern);
        const at::Tensor weight = at::tensor({.5F, -1.F, .8F, .6F}).view({1, 4});
        const at::Tensor hessian =
            at::tensor({4.F, 2.F, .5F, 0.F, 2.F, 3.F, 1.F, .5F, .5F, 1.F, 2.F, .8F, 0.F, .5F, .8F, 1.F}).view({4, 4});
        const auto result = pruneWith(weight, hessian, optionsFor(0.5, pattern.toStdString(), 4));
        QVERIFY(result.ok());
        const double expected[] = {0, -0.645751, 0.824271, 0};
        for (int i = 0; i < 4; ++i)
            QVERIFY(std::fabs(result.value().weight[0][i].item<double>() - expected[i]) < 5e-7);
        QVERIFY(std::fabs(result.value().loss / 2 - 0.408385) < 5e-7);
        const at::Tensor difference = weight - result.value().weight;
        QVERIFY(std::fabs(weightedError(difference, damped(hessian, 0.01)) - 0.816770) < 1e-6);
        QVERIFY(std::fabs(weightedError(difference, hessian) - 0.798368) < 1e-6);
        const at::Tensor masked = weight.masked_fill(result.value().mask.logical_not(), 0);
        QVERIFY(std::fabs(weightedError(weight - masked, hessian) - 1.36) < 1e-6);
    }

    void equalsTheDirectFormulation_data()
    {
        QTest::addColumn<double>("sparsity");
        QTest::addColumn<QString>("pattern");
        QTest::addColumn<int>("block");
        QTest::addRow("50 %% in blocks of 16") << 0.5 << "unstructured" << 16;
        QTest::addRow("50 %% in one block") << 0.5 << "unstructured" << 128;
        QTest::addRow("70 %% in blocks that do not divide the columns") << 0.7 << "unstructured" << 24;
        QTest::addRow("2:4") << 0.5 << "2:4" << 16;
        QTest::addRow("1:4") << 0.5 << "1:4" << 16;
        QTest::addRow("4:8") << 0.5 << "4:8" << 32;
    }
    void equalsTheDirectFormulation()
    {
        QFETCH(double, sparsity);
        QFETCH(QString, pattern);
        QFETCH(int, block);
        const CorrelatedLayer layer(24, 64, 512);
        const sparsegpt::Options options = optionsFor(sparsity, pattern.toStdString(), block);
        const auto result = pruneWith(layer.weight, layer.hessian, options);
        QVERIFY(result.ok());
        const Matrix expected = direct(layer, options);
        const Matrix found = toMatrix(result.value().weight);
        for (std::size_t i = 0; i < expected.size(); ++i) {
            for (std::size_t j = 0; j < expected[i].size(); ++j)
                QVERIFY2(std::fabs(expected[i][j] - found[i][j]) < 2e-5,
                         qPrintable(QStringLiteral("row %1 column %2: %3, expected %4")
                                        .arg(i)
                                        .arg(j)
                                        .arg(found[i][j])
                                        .arg(expected[i][j])));
        }
        QVERIFY(at::equal(result.value().mask, result.value().weight != 0));
        const double loss = weightedError(layer.weight - result.value().weight, damped(layer.hessian, 0.01));
        QVERIFY(std::fabs(result.value().loss - loss) < 1e-3 * loss);
    }

    void betterThanDroppingAlone_data()
    {
        QTest::addColumn<QString>("pattern");
        QTest::addRow("unstructured") << "unstructured";
        QTest::addRow("2:4") << "2:4";
        QTest::addRow("4:8") << "4:8";
    }
    void betterThanDroppingAlone()
    {
        QFETCH(QString, pattern);
        for (const std::uint64_t seed : {1U, 2U, 3U}) {
            const CorrelatedLayer layer(64, 128, 1024, seed);
            const sparsegpt::Options options = optionsFor(0.5, pattern.toStdString(), 32);
            const auto result = pruneWith(layer.weight, layer.hessian, options);
            QVERIFY(result.ok());
            const auto lostBy = [&](const at::Tensor& pruned) {
                return weightedError(layer.weight - pruned, layer.hessian);
            };
            const auto dropping = [&](const at::Tensor& mask) {
                return layer.weight.masked_fill(mask.logical_not(), 0);
            };
            const double ours = lostBy(result.value().weight);
            QVERIFY(ours < lostBy(dropping(result.value().mask)));
            QVERIFY(ours < lostBy(dropping(options.pattern.maskOf(layer.weight.abs()))));
        }
    }

    void countsAreExact()
    {
        const CorrelatedLayer layer(24, 64, 512);
        const auto unstructured = pruneWith(layer.weight, layer.hessian, optionsFor(0.3, "unstructured", 16));
        // Every block of 24 x 16 entries gives up 115 of its 384.
        for (std::int64_t block = 0; block < 4; ++block)
            QCOMPARE(unstructured.value().mask.narrow(1, block * 16, 16).sum().item<std::int64_t>(),
                     std::int64_t(384 - 115));
        const auto grouped = pruneWith(layer.weight, layer.hessian, optionsFor(0, "2:4"));
        QVERIFY((grouped.value().mask.view({24, 16, 4}).sum(2) == 2).all().item<bool>());
    }

    void nothingDroppedIsTheWeightItself()
    {
        const CorrelatedLayer layer(24, 64, 512);
        const auto result = pruneWith(layer.weight, layer.hessian, optionsFor(0));
        QVERIFY(result.ok());
        QVERIFY(at::equal(result.value().weight, layer.weight));
        QCOMPARE(result.value().loss, 0.0);
    }

    void identityGivesMagnitudeWithinBlocks()
    {
        const CorrelatedLayer layer(24, 64, 512);
        const auto result = pruneWith(layer.weight, at::eye(64), optionsFor(0.5, "unstructured", 64));
        QVERIFY(result.ok());
        const at::Tensor mask = engine::dropSmallest(layer.weight.abs(), 0.5);
        QVERIFY(at::equal(result.value().mask, mask));
        QVERIFY(at::equal(result.value().weight, layer.weight.masked_fill(mask.logical_not(), 0)));
    }

    void roundsInTheSamePass_data()
    {
        QTest::addColumn<QString>("pattern");
        QTest::addRow("unstructured") << "unstructured";
        QTest::addRow("2:4") << "2:4";
    }
    void roundsInTheSamePass()
    {
        QFETCH(QString, pattern);
        const CorrelatedLayer layer(32, 64, 1024);
        sparsegpt::Options options = optionsFor(0.5, pattern.toStdString());
        const auto pruned = pruneWith(layer.weight, layer.hessian, options);
        options.grid = fourBits();
        const auto joint = pruneWith(layer.weight, layer.hessian, options);
        QVERIFY(joint.ok());
        const at::Tensor found = dequantized(joint.value(), *options.grid);
        QVERIFY(at::equal(found != 0, (found != 0).logical_and(joint.value().mask)));
        // Exact identity: what was lost at every column adds up to the weighted error of the result.
        const double loss = weightedError(layer.weight - found, damped(layer.hessian, 0.01));
        QVERIFY(std::fabs(joint.value().loss - loss) < 1e-3 * loss);
        // Rounding afterwards does not know of the columns to come.
        const at::Tensor& mask = pruned.value().mask;
        const at::Tensor after =
            engine::roundToNearest(pruned.value().weight, *options.grid, mask).value()->dequantize();
        const double ours = weightedError(layer.weight - found, layer.hessian);
        const double theirs = weightedError(layer.weight - after, layer.hessian);
        QVERIFY2(ours < theirs, qPrintable(QStringLiteral("%1 against %2").arg(ours).arg(theirs)));
    }

    void deadInputsGoFirst()
    {
        const CorrelatedLayer layer(24, 64, 512);
        at::Tensor hessian = layer.hessian.clone();
        hessian.select(0, 5).zero_();
        hessian.select(1, 5).zero_();
        const auto result = pruneWith(layer.weight, hessian, optionsFor(0.5));
        QVERIFY(result.ok());
        QCOMPARE(result.value().weight.select(1, 5).abs().max().item<float>(), 0.0F);
        QVERIFY(!result.value().mask.select(1, 5).any().item<bool>());
    }

    void withoutInputsMagnitudeDecides_data()
    {
        QTest::addColumn<bool>("rounds");
        QTest::addRow("pruned") << false;
        QTest::addRow("pruned and rounded") << true;
    }
    void withoutInputsMagnitudeDecides()
    {
        QFETCH(bool, rounds);
        const CorrelatedLayer layer(24, 64, 512);
        sparsegpt::Options options = optionsFor(0.5);
        if (rounds)
            options.grid = fourBits();
        const auto result = pruneWith(layer.weight, at::zeros({64, 64}), options);
        QVERIFY(result.ok());
        QCOMPARE(result.value().damping, 0.0);
        QVERIFY(at::equal(result.value().mask, engine::dropSmallest(layer.weight.abs(), 0.5)));
        QCOMPARE(result.value().codes.defined(), rounds);
    }

    void indefiniteHessians_data()
    {
        QTest::addColumn<double>("correlation");
        QTest::addColumn<double>("damping");
        QTest::addRow("damped more") << 1.05 << 0.1;
        QTest::addRow("refused") << 2.5 << 0.0;
    }
    void indefiniteHessians()
    {
        QFETCH(double, correlation);
        QFETCH(double, damping);
        const CorrelatedLayer layer(8, 32, 64);
        at::Tensor hessian = at::eye(32);
        hessian[0][1] = correlation; // an eigenvalue of 1 - correlation
        hessian[1][0] = correlation;
        const auto result = pruneWith(layer.weight, hessian, optionsFor(0.5));
        QCOMPARE(result.ok(), damping > 0);
        if (result.ok()) {
            QCOMPARE(result.value().damping, damping);
            return;
        }
        QCOMPARE(result.error().code, core::ErrorCode::Numerical);
        QVERIFY(!result.error().hint.empty());
    }
};

QTEST_GUILESS_MAIN(TstSparseGpt)
#include "tst_sparsegpt.moc"
