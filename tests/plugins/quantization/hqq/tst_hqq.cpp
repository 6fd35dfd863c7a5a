// SPDX-License-Identifier: Apache-2.0
#include "plugins/quantization/hqq/hqq.h"

#include <QtTest>

#include <algorithm>
#include <cmath>
#include <vector>

using namespace paretoscope;

namespace {

using Rows = std::vector<std::vector<double>>;

/// Weights with a few outliers, reproducible everywhere.
at::Tensor weightWithOutliers(std::int64_t rows, std::int64_t columns)
{
    const at::Tensor index = at::arange(rows * columns, at::kFloat);
    const at::Tensor noise = (index * 12.9898).sin().mul(43758.5453).frac();
    return at::where(index.remainder(29) == 0, noise * 6, noise).view({rows, columns});
}

Rows toRows(const at::Tensor& tensor)
{
    const at::Tensor wide = tensor.to(at::kDouble).contiguous();
    Rows rows(std::size_t(wide.size(0)));
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const double* first = wide.const_data_ptr<double>() + std::int64_t(i) * wide.size(1);
        rows[i].assign(first, first + wide.size(1));
    }
    return rows;
}

/// The method straight from its formulas, value by value in float64.
struct Direct
{
    Rows values;
    double startError = 0;
    double error = 0;
};

Direct direct(const Rows& weight, const hqq::Options& options)
{
    const double levels = (1 << options.bits) - 1;
    const std::size_t columns = weight.front().size();
    const std::size_t size = options.groupSize < 0 ? columns : std::size_t(options.groupSize);
    struct Group
    {
        std::size_t row;
        std::size_t first;
        std::size_t end;
        double scale;
        double zero;
    };
    std::vector<Group> groups;
    for (std::size_t row = 0; row < weight.size(); ++row) {
        for (std::size_t first = 0; first < columns; first += size) {
            const std::size_t end = std::min(columns, first + size);
            const auto [low, high] =
                std::minmax_element(weight[row].begin() + long(first), weight[row].begin() + long(end));
            const double scale = (*high - *low) / levels;
            groups.push_back({row, first, end, scale, -*low / scale});
        }
    }
    const auto code = [&](double w, const Group& group, double zero) {
        return std::clamp(std::nearbyint(w / group.scale + zero), 0.0, levels);
    };
    Direct result;
    result.error = INFINITY;
    std::vector<double> zeros;
    for (const Group& group : groups)
        zeros.push_back(group.zero);
    std::vector<double> best = zeros;
    double beta = options.beta;
    for (int round = 0; round <= options.rounds; ++round) {
        double sum = 0;
        std::vector<double> next;
        for (std::size_t g = 0; g < groups.size(); ++g) {
            const Group& group = groups[g];
            double mean = 0;
            for (std::size_t i = group.first; i < group.end; ++i) {
                const double w = weight[group.row][i];
                const double q = code(w, group, zeros[g]);
                const double r = w - group.scale * (q - zeros[g]);
                sum += std::fabs(r);
                const double shrunk =
                    r == 0 ? 0 : std::max(0.0, std::fabs(r) - std::pow(std::fabs(r), options.norm - 1) / beta);
                const double e = r < 0 ? -shrunk : shrunk;
                mean += (q - (w - e) / group.scale) / double(group.end - group.first);
            }
            next.push_back(mean);
        }
        const double error = sum / double(weight.size() * columns);
        if (round == 0)
            result.startError = error;
        if (!(error < result.error))
            break;
        result.error = error;
        best = zeros;
        zeros = next;
        beta *= options.kappa;
    }
    result.values = weight;
    for (std::size_t g = 0; g < groups.size(); ++g) {
        for (std::size_t i = groups[g].first; i < groups[g].end; ++i)
            result.values[groups[g].row][i] =
                groups[g].scale * (code(weight[groups[g].row][i], groups[g], best[g]) - best[g]);
    }
    return result;
}

hqq::Options optionsFor(int bits, qint64 group, engine::ScaleType type = engine::ScaleType::Float32)
{
    hqq::Options options;
    options.bits = bits;
    options.groupSize = group;
    options.scaleType = type;
    return options;
}

std::int64_t bitsOf(const engine::CompressedTensor& tensor)
{
    std::int64_t sum = 0;
    for (const engine::StoredPart& part : tensor.storedParts())
        sum += part.bits.value;
    return sum;
}

} // namespace

class TstHqq : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void equalsTheDirectFormulation_data()
    {
        QTest::addColumn<int>("bits");
        QTest::addColumn<qint64>("group");
        QTest::addColumn<double>("norm");
        QTest::addRow("4 bit, group 16") << 4 << qint64(16) << 0.7;
        QTest::addRow("2 bit, whole row") << 2 << qint64(-1) << 0.7;
        QTest::addRow("3 bit, last group shorter") << 3 << qint64(20) << 0.5;
        QTest::addRow("l1") << 3 << qint64(16) << 1.0;
    }
    void equalsTheDirectFormulation()
    {
        QFETCH(int, bits);
        QFETCH(qint64, group);
        QFETCH(double, norm);
        hqq::Options options = optionsFor(bits, group);
        options.norm = norm;
        const at::Tensor weight = weightWithOutliers(40, 48);
        const auto found = hqq::quantize(weight, options);
        QVERIFY2(found.ok(), found.ok() ? "" : found.error().sentence().c_str());
        const Direct expected = direct(toRows(weight), options);
        // The error decides about rounds and may turn in the last bits of float32, which rounds each zero point.
        QVERIFY(std::fabs(found.value().startError - expected.startError) < 1e-5 * expected.startError);
        QVERIFY(std::fabs(found.value().error - expected.error) < 1e-4 * expected.error);
        const Rows values = toRows(found.value().tensor->dequantize());
        int off = 0;
        for (std::size_t i = 0; i < values.size(); ++i) {
            for (std::size_t j = 0; j < values[i].size(); ++j)
                off += std::fabs(values[i][j] - expected.values[i][j]) > 1e-3 ? 1 : 0;
        }
        QVERIFY2(off <= 2, qPrintable(QStringLiteral("%1 of %2 values differ").arg(off).arg(weight.numel())));
    }

    void movesTheZeroPointOfOneGroupByHand()
    {
        // s = 1, z = 0: codes 0 0 0 0 0 3, errors 0.25 four times, of which |r| - |r|^-0.3 / 10 = 0.0984 is sparse. The
        // next zero point is -(4 * 0.1516) / 6 = -0.1011, with an error of (4 * 0.1489 + 2 * 0.1011) / 6.
        const at::Tensor weight = at::tensor({0.25F, 0.25F, 0.25F, 0.25F, 0.0F, 3.0F}).unsqueeze(0);
        hqq::Options options = optionsFor(2, -1);
        options.rounds = 1;
        const auto found = hqq::quantize(weight, options);
        QVERIFY(found.ok());
        const double share = 0.25 - (0.25 - std::pow(0.25, -0.3) / 10);
        const double zero = -4 * share / 6;
        QCOMPARE(found.value().rounds, 1);
        QVERIFY(std::fabs(found.value().startError - 1.0 / 6) < 1e-6);
        QVERIFY(std::fabs(found.value().error - (4 * (0.25 + zero) - 2 * zero) / 6) < 1e-6);
        QVERIFY(std::fabs(found.value().tensor->dequantize()[0][0].item<float>() + zero) < 1e-6);
    }

    void errorNeverRises_data()
    {
        QTest::addColumn<int>("bits");
        for (const int bits : {2, 3, 4, 8})
            QTest::addRow("%d bit", bits) << bits;
    }
    void errorNeverRises()
    {
        QFETCH(int, bits);
        const at::Tensor weight = weightWithOutliers(64, 128);
        const auto found = hqq::quantize(weight, optionsFor(bits, 64, engine::ScaleType::Float16));
        QVERIFY(found.ok());
        QVERIFY(found.value().error <= found.value().startError);
        const double stored = (found.value().tensor->dequantize() - weight).abs().mean(at::kDouble).item<double>();
        QVERIFY2(std::fabs(stored - found.value().error) < 1e-5 * stored, "the error is not that of what is stored");
        if (bits <= 3)
            QVERIFY(found.value().error < 0.97 * found.value().startError);
    }

    void storesCodesScalesAndRealZeroPoints_data()
    {
        QTest::addColumn<int>("bits");
        QTest::addColumn<qint64>("group");
        QTest::addColumn<double>("expected");
        QTest::addRow("4 bit, group 64") << 4 << qint64(64) << 4 + 32.0 / 64;
        QTest::addRow("2 bit, group 16") << 2 << qint64(16) << 2 + 32.0 / 16;
        QTest::addRow("8 bit, whole row") << 8 << qint64(-1) << 8 + 32.0 / 128;
    }
    void storesCodesScalesAndRealZeroPoints()
    {
        QFETCH(int, bits);
        QFETCH(qint64, group);
        QFETCH(double, expected);
        const at::Tensor weight = weightWithOutliers(32, 128);
        const auto found = hqq::quantize(weight, optionsFor(bits, group, engine::ScaleType::Float16));
        QVERIFY(found.ok());
        QCOMPARE(double(bitsOf(*found.value().tensor)) / double(weight.numel()), expected);
    }

    void groupsOfEqualValuesAreExact_data()
    {
        QTest::addColumn<float>("value");
        for (const float value : {0.0F, 0.75F, -1.5F})
            QTest::addRow("%g", double(value)) << value;
    }
    void groupsOfEqualValuesAreExact()
    {
        QFETCH(float, value);
        at::Tensor weight = weightWithOutliers(4, 64);
        weight.narrow(1, 16, 16).fill_(value);
        const auto found = hqq::quantize(weight, optionsFor(4, 16, engine::ScaleType::Float16));
        QVERIFY(found.ok());
        QVERIFY(found.value().tensor->dequantize().narrow(1, 16, 16).eq(value).all().item<bool>());
    }

    void prunedWeightsStayZero()
    {
        const at::Tensor mask = at::arange(32 * 64, at::kLong).remainder(3).ne(1).view({32, 64});
        const at::Tensor weight = (weightWithOutliers(32, 64) + 2) * mask;
        const auto found = hqq::quantize(weight, optionsFor(4, 32, engine::ScaleType::Float16), mask);
        QVERIFY(found.ok());
        const at::Tensor values = found.value().tensor->dequantize();
        QVERIFY(values.masked_select(mask.logical_not()).eq(0).all().item<bool>());
        // What was pruned does not widen the range; the filler lies inside it.
        const at::Tensor dense = weightWithOutliers(32, 64) + 2;
        const auto unpruned = hqq::quantize(at::where(mask, dense, at::full_like(dense, 2.0)),
                                            optionsFor(4, 32, engine::ScaleType::Float16));
        QVERIFY(found.value()
                    .tensor->scales()
                    .values()
                    .le(unpruned.value().tensor->scales().values() * 1.001)
                    .all()
                    .item<bool>());
        QVERIFY(bitsOf(*found.value().tensor) < bitsOf(*unpruned.value().tensor));
    }

    void valuesBeyondTheScaleTypeAreAnError()
    {
        at::Tensor weight = weightWithOutliers(2, 64);
        weight[1][3] = 1e9F;
        const auto found = hqq::quantize(weight, optionsFor(2, 64, engine::ScaleType::Float16));
        QVERIFY(!found.ok());
        QCOMPARE(found.error().code, core::ErrorCode::Numerical);
        QVERIFY(found.error().hint.find("float32") != std::string::npos);
    }
};

QTEST_GUILESS_MAIN(TstHqq)
#include "tst_hqq.moc"
