// SPDX-License-Identifier: Apache-2.0
#include "plugins/quantization/gptq/gptq.h"

#include <QtTest>

#include <cmath>
#include <numeric>
#include <vector>

using namespace paretoscope;
using engine::AffineGrids;
using engine::AffineOptions;

namespace {

using Matrix = std::vector<std::vector<double>>;

/// A layer with correlated inputs, reproducible everywhere: a fixed linear congruential generator.
struct Layer
{
    Layer(std::int64_t out, std::int64_t in, std::int64_t tokens)
    {
        std::uint64_t state = 12345;
        const auto next = [&] {
            state = state * 6364136223846793005ULL + 1442695040888963407ULL;
            return double(state >> 33) / double(1ULL << 31) * 2 - 1;
        };
        weight = at::empty({out, in}, at::kFloat);
        for (std::int64_t i = 0; i < out * in; ++i)
            weight.mutable_data_ptr<float>()[i] = float(next());
        at::Tensor x = at::empty({tokens, in}, at::kFloat);
        for (std::int64_t t = 0; t < tokens; ++t) {
            double carry = 0;
            for (std::int64_t j = 0; j < in; ++j) {
                carry = 0.8 * carry + next() * (1 + 0.05 * double(j % 7));
                x.mutable_data_ptr<float>()[t * in + j] = float(carry);
            }
        }
        hessian = at::mm(x.t(), x) / double(tokens);
    }
    at::Tensor weight;
    at::Tensor hessian;
};

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

/// Gauss-Jordan without pivoting; enough for a positive definite matrix.
Matrix inverse(Matrix a)
{
    const std::size_t n = a.size();
    Matrix inverted(n, std::vector<double>(n));
    for (std::size_t i = 0; i < n; ++i)
        inverted[i][i] = 1;
    for (std::size_t i = 0; i < n; ++i) {
        const double pivot = a[i][i];
        for (std::size_t j = 0; j < n; ++j) {
            a[i][j] /= pivot;
            inverted[i][j] /= pivot;
        }
        for (std::size_t k = 0; k < n; ++k) {
            if (k == i)
                continue;
            const double factor = a[k][i];
            for (std::size_t j = 0; j < n; ++j) {
                a[k][j] -= factor * a[i][j];
                inverted[k][j] -= factor * inverted[i][j];
            }
        }
    }
    return inverted;
}

struct Grid
{
    double scale = 1;
    double zero = 0;
};

Grid fit(const std::vector<double>& values, int bits)
{
    const double low = std::min(0.0, *std::min_element(values.begin(), values.end()));
    const double high = std::max(0.0, *std::max_element(values.begin(), values.end()));
    const double scale = (high - low) / ((1 << bits) - 1);
    return {scale, std::nearbyint(-low / scale)};
}

double round(double value, Grid grid, int bits)
{
    const double code = std::clamp(std::nearbyint(value / grid.scale) + grid.zero, 0.0, double((1 << bits) - 1));
    return grid.scale * (code - grid.zero);
}

/// Optimal Brain Quantization in column order, straight from its definition: after each column the inverse Hessian of
/// the remaining ones is found by Gaussian elimination. No blocks, no Cholesky, all in float64.
/// @param mask  0 where a pruned weight stays zero; empty: nowhere
Matrix direct(Matrix weight, Matrix hessian, const gptq::Options& options, const Matrix& mask = {})
{
    const std::size_t n = hessian.size();
    const int bits = options.grid.bits;
    const auto group = static_cast<std::size_t>(options.grid.groupSize);
    std::vector<std::size_t> order(n);
    std::iota(order.begin(), order.end(), 0);
    if (options.order != gptq::ActivationOrder::None)
        std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return hessian[a][a] > hessian[b][b]; });
    double mean = 0;
    for (std::size_t i = 0; i < n; ++i)
        mean += hessian[i][i] / double(n);
    for (std::size_t i = 0; i < n; ++i)
        hessian[i][i] += options.damping * mean;
    Matrix permuted(n, std::vector<double>(n));
    for (std::size_t i = 0; i < n; ++i) {
        for (std::size_t j = 0; j < n; ++j)
            permuted[i][j] = hessian[order[i]][order[j]];
    }
    const Matrix start = inverse(permuted);
    Matrix result = weight;
    for (std::size_t row = 0; row < weight.size(); ++row) {
        Matrix inverted = start;
        std::vector<double> w(n);
        for (std::size_t i = 0; i < n; ++i)
            w[i] = weight[row][order[i]];
        const auto isKept = [&](std::size_t c) { return mask.empty() || mask[row][order[c]] != 0; };
        Grid current;
        for (std::size_t c = 0; c < n; ++c) {
            if (options.order == gptq::ActivationOrder::Static) {
                const std::size_t first = order[c] / group * group;
                const auto begin = weight[row].begin() + std::ptrdiff_t(first);
                current = fit({begin, begin + std::ptrdiff_t(std::min(group, n - first))}, bits);
            } else if (c % group == 0) {
                std::vector<double> values;
                for (std::size_t k = c; k < std::min(c + group, n); ++k)
                    values.push_back(isKept(k) ? w[k] : 0);
                current = fit(values, bits);
            }
            const double quantized = isKept(c) ? round(w[c], current, bits) : 0;
            result[row][order[c]] = quantized;
            const double error = (w[c] - quantized) / inverted[c][c];
            for (std::size_t k = c; k < n; ++k)
                w[k] -= error * inverted[c][k];
            const double pivot = inverted[c][c];
            const std::vector<double> eliminated = inverted[c];
            for (std::size_t i = c; i < n; ++i) {
                const double factor = inverted[i][c] / pivot;
                for (std::size_t j = c; j < n; ++j)
                    inverted[i][j] -= factor * eliminated[j];
            }
        }
    }
    return result;
}

core::Result<gptq::Quantized> quantizeWith(const at::Tensor& weight, const at::Tensor& hessian,
                                           const gptq::Options& options, const at::Tensor& mask = {})
{
    return gptq::quantize(weight, engine::factorise(hessian, options.factor()), options, mask);
}

at::Tensor dequantized(const gptq::Quantized& result, const gptq::Options& options)
{
    return engine::dequantizeCodes(result.codes, result.grids, options.grid.groupSizeFor(result.codes.size(1)),
                                   result.columnGroups);
}

/// tr(D H Dᵀ) in float64.
double weighted(const at::Tensor& difference, const at::Tensor& hessian)
{
    const at::Tensor d = difference.to(at::kDouble);
    return (at::mm(d, hessian.to(at::kDouble)) * d).sum().item<double>();
}

gptq::Options optionsFor(int bits, std::int64_t group, std::int64_t block, gptq::ActivationOrder order)
{
    gptq::Options options;
    options.grid.bits = bits;
    options.grid.groupSize = group;
    options.grid.scaleType = engine::ScaleType::Float32;
    options.blockSize = block;
    options.order = order;
    return options;
}

} // namespace

Q_DECLARE_METATYPE(paretoscope::gptq::ActivationOrder)

class TstGptq : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void equalsTheDirectFormulation_data()
    {
        QTest::addColumn<int>("bits");
        QTest::addColumn<qint64>("group");
        QTest::addColumn<qint64>("block");
        QTest::addColumn<gptq::ActivationOrder>("order");
        using Order = gptq::ActivationOrder;
        QTest::addRow("no order, block 16, group 8") << 4 << qint64(8) << qint64(16) << Order::None;
        QTest::addRow("static order, block 16, group 8") << 4 << qint64(8) << qint64(16) << Order::Static;
        QTest::addRow("dynamic order, block 16, group 8") << 4 << qint64(8) << qint64(16) << Order::Dynamic;
        QTest::addRow("3 bit") << 3 << qint64(8) << qint64(16) << Order::None;
        QTest::addRow("group crosses a block") << 4 << qint64(24) << qint64(16) << Order::None;
        QTest::addRow("whole row, block 1") << 4 << qint64(64) << qint64(1) << Order::None;
        QTest::addRow("one block") << 2 << qint64(16) << qint64(128) << Order::Static;
    }
    void equalsTheDirectFormulation()
    {
        QFETCH(int, bits);
        QFETCH(qint64, group);
        QFETCH(qint64, block);
        QFETCH(gptq::ActivationOrder, order);
        const Layer layer(32, 64, 512);
        const gptq::Options options = optionsFor(bits, group, block, order);
        const auto result = quantizeWith(layer.weight, layer.hessian, options);
        QVERIFY2(result.ok(), result.ok() ? "" : result.error().message.c_str());
        const Matrix expected = direct(toMatrix(layer.weight), toMatrix(layer.hessian), options);
        const Matrix found = toMatrix(dequantized(result.value(), options));
        for (std::size_t i = 0; i < expected.size(); ++i) {
            for (std::size_t j = 0; j < expected[i].size(); ++j)
                QVERIFY2(std::fabs(expected[i][j] - found[i][j]) < 1e-6,
                         qPrintable(QStringLiteral("row %1 column %2: %3, expected %4")
                                        .arg(i)
                                        .arg(j)
                                        .arg(found[i][j])
                                        .arg(expected[i][j])));
        }
    }

    void prunedWeightsStayZero_data()
    {
        QTest::addColumn<qint64>("group");
        QTest::addColumn<gptq::ActivationOrder>("order");
        using Order = gptq::ActivationOrder;
        QTest::addRow("no order") << qint64(8) << Order::None;
        QTest::addRow("no order, group crosses a block") << qint64(24) << Order::None;
        QTest::addRow("static order") << qint64(8) << Order::Static;
        QTest::addRow("dynamic order") << qint64(8) << Order::Dynamic;
    }
    void prunedWeightsStayZero()
    {
        QFETCH(qint64, group);
        QFETCH(gptq::ActivationOrder, order);
        const Layer layer(32, 64, 512);
        const at::Tensor mask = layer.weight.abs() > 0.5;
        const at::Tensor pruned = layer.weight.masked_fill(mask.logical_not(), 0);
        const gptq::Options options = optionsFor(4, group, 16, order);
        const auto result = quantizeWith(pruned, layer.hessian, options, mask);
        QVERIFY2(result.ok(), result.ok() ? "" : result.error().message.c_str());
        const at::Tensor found = dequantized(result.value(), options).masked_fill(mask.logical_not(), 0);
        const at::Tensor expected = at::empty({32, 64}, at::kDouble);
        const Matrix rows = direct(toMatrix(pruned), toMatrix(layer.hessian), options, toMatrix(mask));
        for (std::int64_t row = 0; row < 32; ++row)
            expected[row].copy_(at::tensor(rows[std::size_t(row)], at::kDouble));
        QVERIFY((found - expected).abs().max().item<double>() < 1e-6);
        // Zeros count as errors that the columns to come make up for.
        const double loss = result.value().loss;
        at::Tensor damped = layer.hessian.clone();
        damped.diagonal().add_(0.01 * layer.hessian.diagonal().mean().item<double>());
        const double error = weighted(pruned - found, damped);
        QVERIFY(std::fabs(loss - error) < 1e-3 * error);
    }

    void lossIsTheWeightedError()
    {
        // specs quantization 6, exact identity: the sum of squared scaled errors is tr(D H_damped Dᵀ).
        const Layer layer(32, 64, 512);
        const gptq::Options options = optionsFor(3, 16, 32, gptq::ActivationOrder::Static);
        const auto result = quantizeWith(layer.weight, layer.hessian, options);
        QVERIFY(result.ok());
        at::Tensor damped = layer.hessian.clone();
        damped.diagonal().add_(0.01 * layer.hessian.diagonal().mean().item<double>());
        const double expected = weighted(layer.weight - dequantized(result.value(), options), damped);
        QVERIFY(std::fabs(result.value().loss - expected) < 1e-3 * expected);
    }

    void diagonalHessianGivesRoundToNearest_data()
    {
        QTest::addColumn<gptq::ActivationOrder>("order");
        QTest::addRow("none") << gptq::ActivationOrder::None;
        QTest::addRow("static") << gptq::ActivationOrder::Static;
    }
    void diagonalHessianGivesRoundToNearest()
    {
        QFETCH(gptq::ActivationOrder, order);
        const Layer layer(16, 64, 128);
        const gptq::Options options = optionsFor(4, 16, 16, order);
        const at::Tensor diagonal = at::diag(at::arange(1, 65, at::kFloat));
        const auto result = quantizeWith(layer.weight, diagonal, options);
        QVERIFY(result.ok());
        const auto grids = engine::fitGrids(layer.weight, options.grid);
        QVERIFY(grids.ok());
        QVERIFY(at::equal(result.value().codes, engine::quantizeToCodes(layer.weight, grids.value(), options.grid)));
    }

    void betterThanRoundToNearestOnItsObjective()
    {
        const Layer layer(64, 128, 2048);
        const gptq::Options options = optionsFor(3, 32, 32, gptq::ActivationOrder::Static);
        const auto result = quantizeWith(layer.weight, layer.hessian, options);
        QVERIFY(result.ok());
        const auto grids = engine::fitGrids(layer.weight, options.grid);
        const at::Tensor rounded = engine::dequantizeCodes(
            engine::quantizeToCodes(layer.weight, grids.value(), options.grid), grids.value(), 32);
        const double ours = weighted(layer.weight - dequantized(result.value(), options), layer.hessian);
        const double theirs = weighted(layer.weight - rounded, layer.hessian);
        QVERIFY2(ours < 0.7 * theirs, qPrintable(QStringLiteral("%1 against %2").arg(ours).arg(theirs)));
    }

    void deadInputsBecomeZero()
    {
        const Layer layer(8, 32, 256);
        at::Tensor hessian = layer.hessian.clone();
        hessian.select(0, 5).zero_();
        hessian.select(1, 5).zero_();
        const gptq::Options options = optionsFor(4, 8, 16, gptq::ActivationOrder::Static);
        const auto result = quantizeWith(layer.weight, hessian, options);
        QVERIFY(result.ok());
        QCOMPARE(dequantized(result.value(), options).select(1, 5).abs().max().item<float>(), 0.0F);
    }

    void zeroHessianFallsBackToRoundToNearest()
    {
        const Layer layer(8, 32, 256);
        const gptq::Options options = optionsFor(4, 8, 16, gptq::ActivationOrder::Static);
        const auto result = quantizeWith(layer.weight, at::zeros({32, 32}), options);
        QVERIFY(result.ok());
        QCOMPARE(result.value().damping, 0.0);
        const auto grids = engine::fitGrids(layer.weight, options.grid);
        QVERIFY(at::equal(result.value().codes, engine::quantizeToCodes(layer.weight, grids.value(), options.grid)));
    }

    void indefiniteHessianIsDampedMore()
    {
        const Layer layer(8, 32, 256);
        at::Tensor hessian = at::eye(32);
        hessian[0][1] = 1.05F; // eigenvalues 2.05 and -0.05: a twentieth of the mean diagonal is missing
        hessian[1][0] = 1.05F;
        const auto result = quantizeWith(layer.weight, hessian, optionsFor(4, 8, 16, gptq::ActivationOrder::None));
        QVERIFY(result.ok());
        QCOMPARE(result.value().damping, 0.1);
    }
};

QTEST_GUILESS_MAIN(TstGptq)
#include "tst_gptq.moc"
