// SPDX-License-Identifier: Apache-2.0
#include "plugins/quantization/spqr/spqr.h"

#include "tests/plugins/quantization/correlated_layer.h"

#include <QtTest>

#include <c10/util/Half.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

using namespace paretoscope;
using spqr::ActivationOrder;
using spqr::Format;
using tests::CorrelatedLayer;
using tests::outputError;

namespace {

using Row = std::vector<double>;
using Matrix = std::vector<Row>;

constexpr double kNone = std::numeric_limits<double>::infinity();

double half(double value)
{
    return double(float(c10::Half(float(value))));
}

Matrix toMatrix(const at::Tensor& tensor)
{
    const at::Tensor wide = tensor.to(at::kDouble).contiguous();
    Matrix result(std::size_t(wide.size(0)), Row(std::size_t(wide.size(1))));
    for (std::size_t i = 0; i < result.size(); ++i) {
        for (std::size_t j = 0; j < result[i].size(); ++j)
            result[i][j] = wide.const_data_ptr<double>()[i * result[i].size() + j];
    }
    return result;
}

/// The upper triangular U with inverse(a) = UᵀU: the inverse by Gauss-Jordan, then its Cholesky factor from the
/// definition.
Matrix inverseFactorOf(Matrix a)
{
    const std::size_t n = a.size();
    Matrix inverted(n, Row(n));
    for (std::size_t i = 0; i < n; ++i)
        inverted[i][i] = 1;
    for (std::size_t i = 0; i < n; ++i) {
        const double pivot = a[i][i];
        for (std::size_t j = 0; j < n; ++j) {
            a[i][j] /= pivot;
            inverted[i][j] /= pivot;
        }
        for (std::size_t k = 0; k < n; ++k) {
            const double factor = a[k][i];
            for (std::size_t j = 0; k != i && j < n; ++j) {
                a[k][j] -= factor * a[i][j];
                inverted[k][j] -= factor * inverted[i][j];
            }
        }
    }
    Matrix upper(n, Row(n));
    for (std::size_t i = 0; i < n; ++i) {
        for (std::size_t j = i; j < n; ++j) {
            double sum = inverted[i][j];
            for (std::size_t k = 0; k < i; ++k)
                sum -= upper[k][i] * upper[k][j];
            upper[i][j] = i == j ? std::sqrt(sum) : sum / upper[i][i];
        }
    }
    return upper;
}

struct Grid
{
    double scale = 1;
    double zero = 0;
    double round(double value, double levels) const
    {
        return scale * (std::clamp(std::nearbyint(value / scale + zero), 0.0, levels) - zero);
    }
};

/// Of one row. What a row without a range gets is not asked for here.
Grid fit(const Row& values, const Format& format)
{
    const double levels = (1 << format.rule.bits) - 1;
    const double low = *std::min_element(values.begin(), values.end());
    const double high = *std::max_element(values.begin(), values.end());
    if (format.rule.symmetric)
        return {2 * std::max(std::fabs(low), std::fabs(high)) / levels, double(1 << (format.rule.bits - 1))};
    const double scale = (high - low) / levels;
    return {scale, format.rule.roundZero ? std::clamp(std::nearbyint(-low / scale), 0.0, levels) : -low / scale};
}

void quantizeToHalfGrid(Row& values, int bits)
{
    const double levels = (1 << bits) - 1;
    const double low = *std::min_element(values.begin(), values.end());
    const double high = *std::max_element(values.begin(), values.end());
    Grid grid {half((high - low) / levels), 0};
    grid.zero = half(-low / grid.scale);
    for (double& value : values)
        value = grid.round(value, levels);
}

double groupError(const Row& values, const Row& diagonal, const Grid& grid, double levels)
{
    double sum = 0;
    for (std::size_t i = 0; i < values.size(); ++i)
        sum += std::pow((values[i] - grid.round(values[i], levels)) / diagonal[i], 2);
    return sum;
}

Row without(Row values, std::size_t index)
{
    values.erase(values.begin() + std::ptrdiff_t(index));
    return values;
}

/// One fit per left-out weight, as published.
Row withoutLikelyOutliers(const Row& values, const Row& diagonal, double threshold, const Format& format)
{
    const double levels = (1 << format.rule.bits) - 1;
    const double all = groupError(values, diagonal, fit(values, format), levels);
    std::vector<bool> drops(values.size());
    double sum = 0;
    double kept = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
        const Row rest = without(values, i);
        drops[i] = all - groupError(rest, without(diagonal, i), fit(rest, format), levels) > threshold;
        sum += drops[i] ? 0 : values[i];
        kept += drops[i] ? 0 : 1;
    }
    Row result = values;
    for (std::size_t i = 0; i < values.size(); ++i)
        result[i] = drops[i] ? sum / std::max(kept, 1.0) : values[i];
    return result;
}

/// SpQR from its description, column by column over the whole matrix in float64: no blocks, no shortcuts.
class Direct
{
public:
    Direct(const CorrelatedLayer& layer, const spqr::Options& options)
        : m_options(options)
        , m_weight(toMatrix(layer.weight))
        , m_rows(m_weight.size())
        , m_columns(m_weight[0].size())
        , m_levels((1 << options.format.rule.bits) - 1)
        , m_group(std::size_t(options.format.groupSize))
        , m_order(m_columns)
    {
        const Matrix hessian = toMatrix(layer.hessian);
        std::iota(m_order.begin(), m_order.end(), 0);
        if (options.order != ActivationOrder::None)
            std::stable_sort(m_order.begin(), m_order.end(),
                             [&](auto a, auto b) { return hessian[a][a] > hessian[b][b]; });
        double mean = 0;
        for (std::size_t i = 0; i < m_columns; ++i)
            mean += hessian[i][i] / double(m_columns);
        Matrix permuted(m_columns, Row(m_columns));
        for (std::size_t i = 0; i < m_columns; ++i) {
            for (std::size_t j = 0; j < m_columns; ++j)
                permuted[i][j] = hessian[m_order[i]][m_order[j]] + (i == j ? options.damping * mean : 0);
        }
        m_factor = inverseFactorOf(std::move(permuted));
        for (Row& row : m_weight) {
            const Row stored = row;
            for (std::size_t i = 0; i < m_columns; ++i)
                row[i] = stored[m_order[i]];
        }
        m_threshold = threshold();
    }

    /// In the original order of the columns.
    Matrix run()
    {
        Matrix result(m_rows, Row(m_columns));
        if (m_options.order == ActivationOrder::Static) {
            for (std::size_t first = 0; first < m_columns; first += m_group)
                m_grids.push_back(fitGroup(placesOfStoredGroup(first)));
        }
        for (std::size_t c = 0; c < m_columns; ++c) {
            const bool isFixed = m_options.order == ActivationOrder::Static;
            if (!isFixed && c % m_group == 0) {
                std::vector<std::size_t> places(std::min(m_group, m_columns - c));
                std::iota(places.begin(), places.end(), c);
                m_grids.push_back(fitGroup(places));
            }
            const std::vector<Grid>& grids = m_grids[(isFixed ? m_order[c] : c) / m_group];
            for (std::size_t row = 0; row < m_rows; ++row) {
                Row& w = m_weight[row];
                double quantized = grids[row].round(w[c], m_levels);
                if (std::pow((w[c] - quantized) / m_factor[c][c], 2) > m_threshold) {
                    quantized += half(w[c] - quantized);
                    ++outliers;
                }
                result[row][m_order[c]] = quantized;
                const double error = (w[c] - quantized) / m_factor[c][c];
                for (std::size_t k = c; k < m_columns; ++k)
                    w[k] -= error * m_factor[c][k];
            }
        }
        return result;
    }

    int outliers = 0;

private:
    double threshold() const
    {
        if (std::isinf(m_options.outlierThreshold))
            return kNone;
        double sum = 0;
        for (std::size_t c = 0; c < m_columns; ++c) {
            double mean = 0;
            double variance = 0;
            for (const Row& row : m_weight)
                mean += row[c] / double(m_rows);
            for (const Row& row : m_weight)
                variance += std::pow(row[c] - mean, 2) / double(m_rows - 1);
            sum += variance / std::pow(m_factor[c][c], 2);
        }
        return m_options.outlierThreshold * sum / double(m_columns);
    }

    std::vector<std::size_t> placesOfStoredGroup(std::size_t first) const
    {
        std::vector<std::size_t> places;
        for (std::size_t column = first; column < std::min(first + m_group, m_columns); ++column)
            places.push_back(std::size_t(std::find(m_order.begin(), m_order.end(), column) - m_order.begin()));
        return places;
    }

    std::vector<Grid> fitGroup(const std::vector<std::size_t>& places) const
    {
        const Format& format = m_options.format;
        Row scales;
        Row zeros;
        for (const Row& row : m_weight) {
            Row values;
            Row diagonal;
            for (const std::size_t place : places) {
                values.push_back(row[place]);
                diagonal.push_back(m_factor[place][place]);
            }
            if (!m_options.simplifiedOutliers && !std::isinf(m_threshold))
                values = withoutLikelyOutliers(values, diagonal, m_threshold, format);
            const Grid grid = fit(values, format);
            scales.push_back(grid.scale);
            zeros.push_back(grid.zero);
        }
        store(scales, format.scaleBits);
        if (!format.rule.symmetric && !format.rule.roundZero)
            store(zeros, format.zeroBits);
        std::vector<Grid> grids;
        for (std::size_t row = 0; row < m_rows; ++row)
            grids.push_back({scales[row], zeros[row]});
        return grids;
    }

    void store(Row& numbers, int bits) const
    {
        const auto run = std::size_t(m_options.format.scaleGroupSize);
        for (std::size_t first = 0; first < numbers.size(); first += run) {
            const auto begin = numbers.begin() + std::ptrdiff_t(first);
            const auto end = numbers.begin() + std::ptrdiff_t(std::min(first + run, numbers.size()));
            Row part(begin, end);
            if (bits == Format::kHalf)
                std::transform(part.begin(), part.end(), part.begin(), half);
            else
                quantizeToHalfGrid(part, bits);
            std::copy(part.begin(), part.end(), begin);
        }
    }

    spqr::Options m_options;
    Matrix m_weight;
    std::size_t m_rows;
    std::size_t m_columns;
    double m_levels;
    std::size_t m_group;
    std::vector<std::size_t> m_order;
    Matrix m_factor;
    double m_threshold = 0;
    std::vector<std::vector<Grid>> m_grids;
};

spqr::Options optionsFor(int bits, std::int64_t group, ActivationOrder order)
{
    spqr::Options options;
    options.format.rule.bits = bits;
    options.format.groupSize = group;
    options.order = order;
    return options;
}

core::Result<spqr::Quantized> quantizeWith(const at::Tensor& weight, const at::Tensor& hessian,
                                           const spqr::Options& options, const at::Tensor& mask = {})
{
    return spqr::quantize(weight, engine::factorise(hessian, options.factor()), options, mask);
}

at::Tensor dequantized(const spqr::Quantized& result, const spqr::Options& options, const at::Tensor& mask = {})
{
    return spqr::SpqrTensor(result.parts, options.format, mask).dequantize();
}

double outlierShareAt(double threshold)
{
    const CorrelatedLayer layer(48, 64, 512);
    spqr::Options options = optionsFor(3, 16, ActivationOrder::Dynamic);
    options.outlierThreshold = threshold;
    return quantizeWith(layer.weight, layer.hessian, options).value().outlierShare;
}

} // namespace

Q_DECLARE_METATYPE(paretoscope::spqr::Options)
Q_DECLARE_METATYPE(paretoscope::spqr::ActivationOrder)

class TstSpqr : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void equalsTheDirectFormulation_data()
    {
        QTest::addColumn<spqr::Options>("options");
        const spqr::Options plain = optionsFor(3, 16, ActivationOrder::None);
        const auto row = [&](const char* name, auto change) {
            spqr::Options options = plain;
            change(options);
            QTest::addRow("%s", name) << options;
        };
        row("stored order", [](spqr::Options&) {});
        row("dynamic order", [](spqr::Options& o) { o.order = ActivationOrder::Dynamic; });
        row("static order", [](spqr::Options& o) { o.order = ActivationOrder::Static; });
        row("4 bit, little damping", [](spqr::Options& o) {
            o.format.rule.bits = 4;
            o.damping = 0.01;
        });
        row("many outliers", [](spqr::Options& o) { o.outlierThreshold = 0.05; });
        row("no outliers", [](spqr::Options& o) { o.outlierThreshold = kNone; });
        row("grids of all weights", [](spqr::Options& o) {
            o.simplifiedOutliers = true;
            o.outlierThreshold = 0.05;
        });
        row("no second level", [](spqr::Options& o) { o.format.scaleBits = o.format.zeroBits = Format::kHalf; });
        row("whole zeros", [](spqr::Options& o) { o.format.rule.roundZero = true; });
        row("symmetric", [](spqr::Options& o) { o.format.rule.symmetric = true; });
        row("short last group, run of rows", [](spqr::Options& o) {
            o.format.groupSize = 24;
            o.format.scaleGroupSize = 32;
            o.format.scaleBits = 4;
            o.format.zeroBits = 5;
        });
    }
    void equalsTheDirectFormulation()
    {
        QFETCH(spqr::Options, options);
        const CorrelatedLayer layer(40, 64, 512);
        const auto result = quantizeWith(layer.weight, layer.hessian, options);
        QVERIFY2(result.ok(), result.ok() ? "" : result.error().message.c_str());
        Direct direct(layer, options);
        const Matrix expected = direct.run();
        const Matrix found = toMatrix(dequantized(result.value(), options));
        for (std::size_t i = 0; i < expected.size(); ++i) {
            for (std::size_t j = 0; j < expected[i].size(); ++j)
                QVERIFY2(std::fabs(expected[i][j] - found[i][j]) < 1e-5,
                         qPrintable(QStringLiteral("row %1 column %2: %3, expected %4")
                                        .arg(i)
                                        .arg(j)
                                        .arg(found[i][j])
                                        .arg(expected[i][j])));
        }
        QCOMPARE(std::lround(result.value().outlierShare * 40 * 64), long(direct.outliers));
    }

    void lossIsTheWeightedError_data()
    {
        QTest::addColumn<ActivationOrder>("order");
        QTest::addRow("none") << ActivationOrder::None;
        QTest::addRow("static") << ActivationOrder::Static;
        QTest::addRow("dynamic") << ActivationOrder::Dynamic;
    }
    void lossIsTheWeightedError()
    {
        // specs quantization 6 and 8, exact identity: the sum of squared scaled errors is tr(D H_damped Dᵀ).
        QFETCH(ActivationOrder, order);
        const CorrelatedLayer layer(48, 160, 1024);
        const spqr::Options options = optionsFor(3, 16, order);
        const auto result = quantizeWith(layer.weight, layer.hessian, options);
        QVERIFY(result.ok());
        at::Tensor damped = layer.hessian.clone();
        damped.diagonal().add_(layer.hessian.diagonal().mean().item<double>());
        const double expected = outputError(layer.weight - dequantized(result.value(), options), damped);
        QVERIFY2(std::fabs(result.value().loss - expected) < 1e-3 * expected,
                 qPrintable(QStringLiteral("%1 against %2").arg(result.value().loss).arg(expected)));
    }

    void everythingIsAnOutlierAtThresholdZero()
    {
        const CorrelatedLayer layer(32, 64, 512);
        spqr::Options options = optionsFor(2, 16, ActivationOrder::Dynamic);
        options.outlierThreshold = 0;
        options.simplifiedOutliers = true; // so that grids span all weights and differences stay below half a step
        options.format.scaleBits = options.format.zeroBits = Format::kHalf;
        const auto result = quantizeWith(layer.weight, layer.hessian, options);
        QVERIFY(result.ok());
        QVERIFY(result.value().outlierShare > 0.99);
        // Half a step, rounded to 11 significant bits, errs by a 2^-13th of a step; as much again comes from other
        // columns.
        const double step = (layer.weight.max() - layer.weight.min()).item<double>() / 3;
        const double error = (dequantized(result.value(), options) - layer.weight).abs().max().item<double>();
        QVERIFY2(error < step * 0x1p-11, qPrintable(QString::number(error)));
    }

    void fewerOutliersTheHigherTheThreshold()
    {
        QCOMPARE(outlierShareAt(kNone), 0.0);
        double before = 1;
        for (const double threshold : {0.0, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0}) {
            const double share = outlierShareAt(threshold);
            QVERIFY2(share <= before, qPrintable(QStringLiteral("%1 at %2").arg(share).arg(threshold)));
            before = share;
        }
        QVERIFY(before < 0.001);
    }

    void outliersAreStoredWhereTheyHelp()
    {
        // One weight a hundred times as large as the others would ruin the grid of its group.
        CorrelatedLayer layer(32, 64, 512);
        layer.weight[3][17] = 100;
        const spqr::Options options = optionsFor(3, 16, ActivationOrder::None);
        const auto result = quantizeWith(layer.weight, at::eye(64), options); // errors stay where they are
        QVERIFY(result.ok());
        const at::Tensor error = (dequantized(result.value(), options) - layer.weight).abs();
        QVERIFY(error[3][17].item<double>() < 0.05);
        QVERIFY(error[3].narrow(0, 16, 16).max().item<double>() < 1);
    }

    void noHessianIsRoundToNearest()
    {
        const CorrelatedLayer layer(32, 64, 512);
        spqr::Options options = optionsFor(4, 16, ActivationOrder::Dynamic);
        options.outlierThreshold = kNone;
        at::Tensor broken = at::eye(64);
        broken[0][1] = broken[1][0] = 4; // eigenvalue -3: no damping up to 1 helps
        const auto result = quantizeWith(layer.weight, broken, options);
        QVERIFY(result.ok());
        QCOMPARE(result.value().damping, 0.0);
        const auto alone = quantizeWith(layer.weight, at::eye(64), options);
        QVERIFY(at::equal(result.value().parts.codes, alone.value().parts.codes));
    }

    void deadInputsCostNothing()
    {
        const CorrelatedLayer layer(32, 64, 512);
        at::Tensor hessian = layer.hessian.clone();
        hessian.select(0, 5).zero_();
        hessian.select(1, 5).zero_();
        const spqr::Options options = optionsFor(4, 16, ActivationOrder::Dynamic);
        const auto result = quantizeWith(layer.weight, hessian, options);
        QVERIFY(result.ok());
        at::Tensor without = layer.weight.clone();
        without.select(1, 5).zero_();
        QVERIFY(at::equal(quantizeWith(without, hessian, options).value().parts.codes, result.value().parts.codes));
    }

    void zerosStayZeroAndSpoilNoNeighbour()
    {
        // A row of zeros shares its second-level grid with fifteen others.
        CorrelatedLayer layer(16, 32, 512);
        spqr::Options options = optionsFor(4, 16, ActivationOrder::None);
        options.outlierThreshold = kNone;
        const auto before = quantizeWith(layer.weight, layer.hessian, options);
        layer.weight[7].zero_();
        const auto after = quantizeWith(layer.weight, layer.hessian, options);
        QVERIFY(before.ok() && after.ok());
        const auto others = [&](const spqr::Quantized& result, const at::Tensor& weight) {
            at::Tensor error = dequantized(result, options) - weight;
            error[7].zero_();
            return outputError(error, layer.hessian);
        };
        const CorrelatedLayer original(16, 32, 512);
        QVERIFY(others(after.value(), layer.weight) < 2 * others(before.value(), original.weight));
        options.format.zeroBits = options.format.scaleBits = Format::kHalf;
        const auto exact = quantizeWith(layer.weight, layer.hessian, options);
        QCOMPARE(dequantized(exact.value(), options)[7].abs().max().item<float>(), 0.0F);
    }

    void prunedWeightsStayZero()
    {
        CorrelatedLayer layer(32, 64, 512);
        const at::Tensor mask = layer.weight.abs() > 0.5;
        layer.weight.mul_(mask);
        for (const ActivationOrder order : {ActivationOrder::None, ActivationOrder::Static, ActivationOrder::Dynamic}) {
            const spqr::Options options = optionsFor(3, 16, order);
            const auto result = quantizeWith(layer.weight, layer.hessian, options, mask);
            QVERIFY(result.ok());
            const at::Tensor found = dequantized(result.value(), options, mask);
            QCOMPARE(found.masked_select(mask.logical_not()).abs().max().item<float>(), 0.0F);
            const double error = outputError(found - layer.weight, layer.hessian);
            QVERIFY2(error < 0.05 * outputError(layer.weight, layer.hessian), qPrintable(QString::number(error)));
        }
    }

    void betterThanPlainSmallGroups()
    {
        // What outliers and moved errors are for: less error at the output than without either.
        const CorrelatedLayer layer(64, 128, 2048);
        spqr::Options options = optionsFor(3, 16, ActivationOrder::Dynamic);
        options.damping = 0.01;
        const auto full = quantizeWith(layer.weight, layer.hessian, options);
        options.outlierThreshold = kNone;
        const auto without = quantizeWith(layer.weight, layer.hessian, options);
        const auto rounded = quantizeWith(layer.weight, at::eye(128), options);
        const auto error = [&](const auto& result) {
            return outputError(dequantized(result.value(), options) - layer.weight, layer.hessian);
        };
        QVERIFY(error(full) < error(without));
        QVERIFY(error(without) < 0.7 * error(rounded));
    }
};

QTEST_GUILESS_MAIN(TstSpqr)
#include "tst_spqr.moc"
