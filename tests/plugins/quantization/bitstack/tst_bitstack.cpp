// SPDX-License-Identifier: Apache-2.0
#include "core/engine/model/packed_tensor.h"
#include "plugins/quantization/bitstack/block_importance.h"
#include "plugins/quantization/bitstack/decompose.h"
#include "plugins/quantization/bitstack/top_singular.h"
#include "plugins/quantization/bitstack/universal_stack.h"
#include "tests/plugins/quantization/correlated_layer.h"

#include <QtTest>

#include <ATen/Parallel.h>
#include <c10/util/Half.h>

#include <array>
#include <cmath>
#include <limits>

using namespace paretoscope;
using bitstack::StackedLayer;
using bitstack::StackParts;
using bitstack::StackTensor;

namespace {

using Row = std::vector<double>;
using Matrix = std::vector<Row>;

constexpr std::array kLayouts {engine::TensorLayout {StackTensor::kLayout, &StackTensor::fromParts}};

double half(double value)
{
    return double(float(c10::Half(float(value))));
}

double squaredNorm(const at::Tensor& matrix)
{
    return matrix.to(at::kDouble).square().sum().item<double>();
}

at::Tensor randomMatrix(std::int64_t rows, std::int64_t columns, std::uint64_t seed)
{
    return tests::CorrelatedLayer(rows, columns, 1, seed).weight;
}

/// Σ σᵢ² of the first `rank`, by a full decomposition.
double topEnergy(const at::Tensor& matrix, std::int64_t rank)
{
    return at::linalg_svdvals(matrix.to(at::kDouble)).narrow(0, 0, rank).square().sum().item<double>();
}

/// One rank-1 block from its definition: power iteration on plain vectors in float64.
void takeOff(Matrix& rest)
{
    const std::size_t rows = rest.size();
    const std::size_t columns = rest[0].size();
    Row u(rows);
    Row v(columns, 1 / std::sqrt(double(columns)));
    double sigma = 0;
    for (int round = 0; round < 300; ++round) {
        double length = 0;
        for (std::size_t i = 0; i < rows; ++i) {
            u[i] = 0;
            for (std::size_t j = 0; j < columns; ++j)
                u[i] += std::fabs(rest[i][j]) * v[j];
            length += u[i] * u[i];
        }
        for (double& entry : u)
            entry /= std::sqrt(length);
        sigma = 0;
        for (std::size_t j = 0; j < columns; ++j) {
            v[j] = 0;
            for (std::size_t i = 0; i < rows; ++i)
                v[j] += std::fabs(rest[i][j]) * u[i];
            sigma += v[j] * v[j];
        }
        sigma = std::sqrt(sigma);
        for (double& entry : v)
            entry /= sigma;
    }
    for (std::size_t i = 0; i < rows; ++i) {
        for (std::size_t j = 0; j < columns; ++j) {
            const double magnitude = half(u[i] * std::sqrt(sigma)) * half(v[j] * std::sqrt(sigma));
            rest[i][j] -= rest[i][j] >= 0 ? magnitude : -magnitude;
        }
    }
}

StackParts stackOf(const at::Tensor& weight, std::int64_t blocks, std::int64_t rank, const at::Tensor& scales = {})
{
    return bitstack::decompose(weight, scales, {blocks, rank}, 7).value();
}

std::int64_t storedBits(const engine::CompressedTensor& tensor)
{
    std::int64_t bits = 0;
    for (const engine::StoredPart& part : tensor.storedParts())
        bits += part.bits.value;
    return bits;
}

/// Four layers of unlike sizes; importance falls and rises so that no level has the order of another.
std::vector<StackedLayer> layers()
{
    return {{16, 100, 4, {-0.1, -0.4, -0.2}},
            {32, 250, 4, {-0.3, -0.1, -0.1}},
            {0, 80, 2, {-0.2}},
            {16, 120, 4, {-0.3, -0.2, -0.3}}};
}

} // namespace

Q_DECLARE_METATYPE(std::vector<std::int64_t>)

class TstBitstack : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void initTestCase() { at::set_num_threads(1); }

    void signsArePackedFromTheHighestBit()
    {
        const at::Tensor signs = at::tensor({1, 0, 0, 1, 0, 0, 0, 1, 1, 1}, at::kByte).to(at::kBool);
        QVERIFY(at::equal(bitstack::packSigns(signs), at::tensor({0x91, 0xC0}, at::kByte)));
    }

    void signsComeBack_data()
    {
        QTest::addColumn<int>("count");
        for (const int count : {1, 7, 8, 9, 63, 64, 1000})
            QTest::addRow("%d", count) << count;
    }
    void signsComeBack()
    {
        QFETCH(int, count);
        const at::Tensor signs = randomMatrix(1, count, 3).view(-1) >= 0;
        QVERIFY(at::equal(bitstack::unpackSigns(bitstack::packSigns(signs), count), signs));
    }

    void leadingSingularPartIsThatOfAFullDecomposition_data()
    {
        QTest::addColumn<int>("rows");
        QTest::addColumn<int>("columns");
        QTest::addColumn<int>("rank");
        QTest::addColumn<double>("decay"); // σᵢ ~ decay^i; 0: magnitudes of random numbers
        QTest::addRow("tall, falling") << 120 << 60 << 5 << 0.7;
        QTest::addRow("wide, falling") << 50 << 200 << 8 << 0.8;
        QTest::addRow("magnitudes") << 96 << 160 << 4 << 0.0;
        QTest::addRow("all of it") << 24 << 40 << 24 << 0.0;
    }
    void leadingSingularPartIsThatOfAFullDecomposition()
    {
        QFETCH(int, rows);
        QFETCH(int, columns);
        QFETCH(int, rank);
        QFETCH(double, decay);
        at::Tensor matrix = randomMatrix(rows, columns, 11);
        if (decay > 0) {
            const auto [u, s, v] = at::linalg_svd(matrix, false);
            matrix = at::mm(u * at::pow(decay, at::arange(s.size(0), at::kFloat)), v);
        } else {
            matrix = matrix.abs();
        }
        const bitstack::TopSingular top = bitstack::topSingular(matrix, rank, 5);
        const double left = squaredNorm(matrix - at::mm(top.left, top.right));
        const double least = squaredNorm(matrix) - topEnergy(matrix, rank);
        // The iteration stops at gains of 1e-4 of what is left out; ten of those remain at most.
        QVERIFY2(left < least * 1.001 + 1e-9 * squaredNorm(matrix),
                 qPrintable(QStringLiteral("%1, least %2").arg(left).arg(least)));
        // Both factors carry the same share: their Gram matrices are diagonal and equal.
        const at::Tensor gram = at::mm(top.left.t(), top.left);
        QVERIFY(at::allclose(gram, at::mm(top.right, top.right.t()), 1e-3, 1e-3 * gram.max().item<double>()));
    }

    void matrixOfZerosHasNoPart()
    {
        const bitstack::TopSingular top = bitstack::topSingular(at::zeros({20, 30}), 3, 1);
        QCOMPARE(at::mm(top.left, top.right).abs().max().item<float>(), 0.0F);
    }

    void magnitudesOfRankOneNeedOneBlock()
    {
        const at::Tensor weight = at::tensor({3.0F, -4.0F, -6.0F, 8.0F}).view({2, 2});
        const StackParts parts = stackOf(weight, 1, 1);
        QVERIFY(at::equal(bitstack::unpackSigns(parts.signs[0], 4), weight.view(-1) >= 0));
        // Both factors are rounded to 11 significant bits.
        QVERIFY(at::allclose(StackTensor(parts, 2).dequantize(), weight, 0x1p-10, 0));
    }

    void equalsTheDefinition_data()
    {
        QTest::addColumn<int>("blocks");
        QTest::addRow("one block") << 1;
        QTest::addRow("six blocks") << 6;
    }
    void equalsTheDefinition()
    {
        QFETCH(int, blocks);
        const at::Tensor weight = randomMatrix(40, 56, 21);
        const StackParts parts = stackOf(weight, blocks, 1);
        Matrix rest(40, Row(56));
        for (std::size_t i = 0; i < 40; ++i) {
            for (std::size_t j = 0; j < 56; ++j)
                rest[i][j] = double(weight.const_data_ptr<float>()[i * 56 + j]);
        }
        for (int block = 0; block < blocks; ++block) {
            takeOff(rest);
            double expected = 0;
            for (const Row& row : rest) {
                for (const double entry : row)
                    expected += entry * entry;
            }
            const double found = parts.errors[std::size_t(block) + 1];
            // Signs of entries that are almost nothing may differ, and the iteration stops short of the last digits.
            QVERIFY2(std::fabs(found - expected) < 2e-3 * expected,
                     qPrintable(QStringLiteral("block %1: %2, expected %3").arg(block).arg(found).arg(expected)));
        }
        const double left = squaredNorm(weight - StackTensor(parts, 56).dequantize());
        QVERIFY(std::fabs(left - parts.errors.back()) < 1e-4 * left);
    }

    void everyBlockLowersTheError_data()
    {
        QTest::addColumn<int>("rank");
        QTest::addColumn<bool>("isScaled");
        QTest::addRow("rank 1") << 1 << false;
        QTest::addRow("rank 4") << 4 << false;
        QTest::addRow("rank 4, scaled") << 4 << true;
    }
    void everyBlockLowersTheError()
    {
        QFETCH(int, rank);
        QFETCH(bool, isScaled);
        const tests::CorrelatedLayer layer(64, 96, 256);
        const at::Tensor scales = isScaled ? bitstack::activationScales(layer.hessian.diagonal()) : at::Tensor();
        const StackParts parts = stackOf(layer.weight, 24, rank, scales);
        const StackTensor stack(parts, 96);
        for (std::int64_t blocks = 1; blocks <= 24; ++blocks) {
            const auto prefix = stack.prefix(blocks);
            at::Tensor difference = layer.weight - prefix->dequantize();
            if (isScaled)
                difference.mul_(scales.to(at::kFloat));
            const double left = squaredNorm(difference);
            QVERIFY(parts.errors[std::size_t(blocks)] < parts.errors[std::size_t(blocks) - 1]);
            QVERIFY2(std::fabs(left - parts.errors[std::size_t(blocks)]) <= 1e-3 * left + 1e-9 * parts.errors[0],
                     qPrintable(QStringLiteral("%1 blocks: %2, told %3")
                                    .arg(blocks)
                                    .arg(left)
                                    .arg(parts.errors[std::size_t(blocks)])));
        }
        QVERIFY(parts.errors.back() < 1e-4 * parts.errors.front());
    }

    void scalingServesTheOutput()
    {
        // Inputs of unlike size: with their scales the output is closer, the weight is not.
        tests::CorrelatedLayer layer(64, 96, 512);
        const at::Tensor size = at::pow(10, at::arange(96, at::kFloat) / 48 - 1);
        layer.hessian.mul_(size.unsqueeze(0)).mul_(size.unsqueeze(1));
        const auto scaled = stackOf(layer.weight, 3, 2, bitstack::activationScales(layer.hessian.diagonal()));
        const auto plain = stackOf(layer.weight, 3, 2);
        const auto error = [&](const StackParts& parts) {
            return tests::outputError(StackTensor(parts, 96).dequantize() - layer.weight, layer.hessian);
        };
        QVERIFY2(error(scaled) < 0.8 * error(plain),
                 qPrintable(QStringLiteral("%1 against %2").arg(error(scaled)).arg(error(plain))));
    }

    void scalesAreFiniteAndAboutOne()
    {
        const at::Tensor scales = bitstack::activationScales(at::tensor({0.0F, 1e12F, 4e12F}));
        QVERIFY(at::allclose(scales.to(at::kFloat), at::tensor({0.001F, 1.001F, 2.001F}), 1e-3, 0));
        QVERIFY(at::equal(bitstack::activationScales(at::zeros({3})), at::ones({3}, at::kHalf)));
    }

    void ranksFollowTheSizeUnlessGiven()
    {
        const bitstack::Options automatic;
        QCOMPARE(automatic.rankFor(4096, 11008), std::int64_t(16));
        QCOMPARE(automatic.rankFor(576, 1536), std::int64_t(2));
        QCOMPARE(automatic.rankFor(64, 128), std::int64_t(1));
        QCOMPARE((bitstack::Options {16, 32}).rankFor(24, 128), std::int64_t(24));
    }

    void bytesOfABlock_data()
    {
        QTest::addColumn<qint64>("rows");
        QTest::addColumn<qint64>("columns");
        QTest::addColumn<double>("expected"); // specs quantization 1
        QTest::addRow("4096 x 4096") << qint64(4096) << qint64(4096) << 1.125;
        QTest::addRow("4096 x 11008") << qint64(4096) << qint64(11008) << 1.086;
    }
    void bytesOfABlock()
    {
        QFETCH(qint64, rows);
        QFETCH(qint64, columns);
        QFETCH(double, expected);
        StackParts parts;
        parts.signs = at::zeros({1, rows * columns / 8}, at::kByte);
        parts.left = at::zeros({1, rows, 16}, at::kHalf);
        parts.right = at::zeros({1, 16, columns}, at::kHalf);
        const StackTensor stack(parts, columns);
        QVERIFY(std::fabs(double(storedBits(stack)) / double(rows * columns) - expected) < 5e-4);
        QCOMPARE(stack.blockBits(), storedBits(stack));
    }

    void comesBackFromItsParts_data()
    {
        QTest::addColumn<bool>("isScaled");
        QTest::addColumn<int>("blocks");
        QTest::addRow("whole") << true << 3;
        QTest::addRow("cut") << true << 1;
        QTest::addRow("no scales") << false << 2;
    }
    void comesBackFromItsParts()
    {
        QFETCH(bool, isScaled);
        QFETCH(int, blocks);
        const tests::CorrelatedLayer layer(13, 21, 64); // 273 signs do not fill their last byte
        const at::Tensor scales = isScaled ? bitstack::activationScales(layer.hessian.diagonal()) : at::Tensor();
        const auto stack = StackTensor(stackOf(layer.weight, 3, 2, scales), 21).prefix(blocks);
        const auto layouts = engine::TensorLayouts::builtIn()->with(kLayouts);
        const auto back = engine::unpack(engine::pack(*stack), *layouts);
        QVERIFY2(back.ok(), back.ok() ? "" : back.error().sentence().c_str());
        QVERIFY(at::equal(back.value()->dequantize(), stack->dequantize()));
        QCOMPARE(engine::pack(*back.value()), engine::pack(*stack));
        QCOMPARE(storedBits(*back.value()), stack->fixedBits() + blocks * stack->blockBits());
    }

    void damagedPartsAreRefused_data()
    {
        QTest::addColumn<QByteArray>("member"); // of the description or name of a part
        for (const char* member : {"rows", "columns", "blocks", "rank", "errors", "importance"})
            QTest::addRow("%s", member) << QByteArray(member);
        for (const char* part : {"signs", "left", "right", "scales"})
            QTest::addRow("%s", part) << QByteArray(part);
    }
    void damagedPartsAreRefused()
    {
        QFETCH(QByteArray, member);
        const tests::CorrelatedLayer layer(13, 21, 64);
        const StackTensor stack(stackOf(layer.weight, 3, 2, bitstack::activationScales(layer.hessian.diagonal())), 21);
        core::Json description = stack.description();
        engine::TensorParts parts = stack.serialise();
        if (description.contains(member.toStdString()))
            description[member.toStdString()] =
                description.at(member.toStdString()).is_array() ? core::Json::array({1.0}) : core::Json(-1);
        for (auto& [name, part] : parts) {
            if (name == member.toStdString())
                part = part.slice(-1, 1);
        }
        const auto read = StackTensor::fromParts(description, parts, engine::TensorLayouts());
        QVERIFY(!read.ok());
        QCOMPARE(read.error().code, core::ErrorCode::Corrupt);
    }

    void budgetLoadsLevelByLevel_data()
    {
        // Levels by hand: second blocks 1, 3, 2, 0 (of equal importance the first layer), third 0, 3, 1, fourth 3,
        // 0, 1.
        QTest::addColumn<double>("budget");
        QTest::addColumn<std::vector<std::int64_t>>("expected");
        using Blocks = std::vector<std::int64_t>;
        QTest::addRow("one of each") << 614.0 << Blocks {1, 1, 1, 1};
        QTest::addRow("almost one more") << 863.0 << Blocks {1, 1, 1, 1};
        QTest::addRow("one more") << 864.0 << Blocks {1, 2, 1, 1};
        QTest::addRow("stops where one does not fit") << 980.0 << Blocks {1, 2, 1, 1};
        QTest::addRow("second level") << 1164.0 << Blocks {2, 2, 2, 2};
        QTest::addRow("into the third") << 1264.0 << Blocks {3, 2, 2, 2};
        QTest::addRow("everything") << 1e9 << Blocks {4, 4, 2, 4};
    }
    void budgetLoadsLevelByLevel()
    {
        QFETCH(double, budget);
        QFETCH(std::vector<std::int64_t>, expected);
        QCOMPARE(bitstack::smallestBits(layers()), std::int64_t(614));
        QCOMPARE(bitstack::blocksWithin(layers(), budget), expected);
    }

    void largerBudgetsLoadMoreOfTheSame()
    {
        std::vector<std::int64_t> before(4, 1);
        for (double budget = 614; budget < 2300; budget += 10) {
            const auto loaded = bitstack::blocksWithin(layers(), budget);
            std::int64_t bits = 0;
            for (std::size_t i = 0; i < loaded.size(); ++i) {
                QVERIFY(loaded[i] >= before[i]);
                bits += layers()[i].fixedBits + loaded[i] * layers()[i].blockBits;
            }
            QVERIFY(double(bits) <= budget);
            before = loaded;
        }
        QCOMPARE(before, (std::vector<std::int64_t> {4, 4, 2, 4}));
    }

    void lossesThatAreNotFiniteAreFilledIn()
    {
        // Two layers, levels 1 to 3: at level 1 the loss of layer 1 is not finite.
        const double nan = std::numeric_limits<double>::quiet_NaN();
        const std::array<std::array<double, 2>, 3> losses {{{9, nan}, {6, 5}, {4, 3}}};
        const auto importance =
            bitstack::importanceByLoss(2, 4, [&](std::int64_t blocks, std::size_t layer) -> core::Result<double> {
                return losses[std::size_t(blocks) - 1][layer];
            });
        QVERIFY(importance.ok());
        QCOMPARE(importance.value()[0], (std::vector<double> {9, 6, 4}));
        QCOMPARE(importance.value()[1], (std::vector<double> {5 + 9, 5, 3}));
    }

    void lossThatIsNeverFiniteIsAnError()
    {
        const auto importance = bitstack::importanceByLoss(
            1, 3, [](std::int64_t, std::size_t) -> core::Result<double> { return std::nan(""); });
        QVERIFY(!importance.ok());
        QCOMPARE(importance.error().code, core::ErrorCode::Numerical);
    }
};

QTEST_GUILESS_MAIN(TstBitstack)
#include "tst_bitstack.moc"
