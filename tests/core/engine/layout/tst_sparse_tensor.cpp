// SPDX-License-Identifier: Apache-2.0
// Forms of pruned weights: kept values as they are, and kept values as affine codes.
#include "core/engine/layout/sparse_tensor.h"
#include "core/engine/pruning/mask_selection.h"
#include "core/engine/quantization/group_affine_tensor.h"
#include "tests/core/engine/layout/read_back.h"

#include <QtTest>

using namespace paretoscope;
using engine::SparseTensor;
using tests::readBack;

namespace {

/// Values that no two entries share, of both signs.
at::Tensor weightOf(std::int64_t rows, std::int64_t columns)
{
    return at::arange(1, rows * columns + 1, at::kFloat).mul_(0.7).sin_().view({rows, columns});
}

at::Tensor maskFor(const at::Tensor& weight, const QString& pattern)
{
    if (pattern == QLatin1String("2:4"))
        return engine::keepLargestOfGroups(weight.abs(), 2, 4);
    return engine::dropSmallest(weight.abs(), pattern.toDouble());
}

constexpr double kMebi = 8.0 * 1024 * 1024; ///< bits

} // namespace

Q_DECLARE_METATYPE(at::ScalarType)

class TstSparseTensor : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void keptValuesAreStoredInTheirType_data()
    {
        QTest::addColumn<at::ScalarType>("type");
        QTest::addColumn<QString>("pattern");
        for (const char* pattern : {"0.5", "0.98", "2:4", "0"}) {
            QTest::addRow("float32, %s", pattern) << at::kFloat << QString::fromLatin1(pattern);
            QTest::addRow("float16, %s", pattern) << at::kHalf << QString::fromLatin1(pattern);
            QTest::addRow("bfloat16, %s", pattern) << at::kBFloat16 << QString::fromLatin1(pattern);
        }
    }
    void keptValuesAreStoredInTheirType()
    {
        QFETCH(at::ScalarType, type);
        QFETCH(QString, pattern);
        const at::Tensor weight = weightOf(24, 64);
        const at::Tensor mask = maskFor(weight, pattern);
        const SparseTensor sparse(weight, mask, type);
        const at::Tensor expected = weight.to(type).to(at::kFloat).masked_fill(mask.logical_not(), 0);
        QVERIFY(at::equal(sparse.dequantize(), expected));
        QVERIFY(at::equal(sparse.mask(), mask));
        QCOMPARE(tests::realBits(sparse), tests::toldBits(sparse));
        const auto read = readBack(sparse);
        QVERIFY2(read.ok(), read.ok() ? "" : read.error().message.c_str());
        QVERIFY(at::equal(read.value()->dequantize(), expected));
        QVERIFY(at::equal(read.value()->mask(), mask));
        QCOMPARE(tests::realBits(*read.value()), tests::realBits(sparse));
    }

    /// specs pruning_lowrank, appendix: a 4096 x 4096 matrix at 50 %.
    void sizesAreThoseOfTheTable_data()
    {
        QTest::addColumn<QString>("pattern");
        QTest::addColumn<bool>("fourBits");
        QTest::addColumn<double>("mebibytes");
        QTest::addRow("16 bits under a bitmask") << "0.5" << false << 18.0;
        QTest::addRow("16 bits, 2:4") << "2:4" << false << 18.0;
        QTest::addRow("4 bits, 2:4, without scales") << "2:4" << true << 6.0;
    }
    void sizesAreThoseOfTheTable()
    {
        QFETCH(QString, pattern);
        QFETCH(bool, fourBits);
        QFETCH(double, mebibytes);
        const at::Tensor weight = weightOf(4096, 4096);
        const at::Tensor mask = maskFor(weight, pattern);
        if (!fourBits) {
            QCOMPARE(double(tests::toldBits(SparseTensor(weight, mask, at::kHalf))) / kMebi, mebibytes);
            return;
        }
        engine::AffineOptions options;
        options.groupSize = -1;
        options.symmetric = true;
        const auto coded = engine::roundToNearest(weight.masked_fill(mask.logical_not(), 0), options, mask).value();
        const std::int64_t scaleBits = 4096 * 16;
        QCOMPARE(double(tests::toldBits(*coded) - scaleBits) / kMebi, mebibytes);
    }

    void keptCodesAreStored_data()
    {
        QTest::addColumn<QString>("pattern");
        QTest::addColumn<int>("bits");
        QTest::addColumn<bool>("symmetric");
        QTest::addColumn<bool>("reordered");
        QTest::addRow("3 bits at 50 %%") << "0.5" << 3 << false << false;
        QTest::addRow("4 bits, symmetric, 2:4") << "2:4" << 4 << true << false;
        QTest::addRow("4 bits, columns in another order") << "0.5" << 4 << false << true;
        QTest::addRow("8 bits at 98 %%") << "0.98" << 8 << false << false;
    }
    void keptCodesAreStored()
    {
        QFETCH(QString, pattern);
        QFETCH(int, bits);
        QFETCH(bool, symmetric);
        QFETCH(bool, reordered);
        const at::Tensor dense = weightOf(24, 64) + 0.3; // zero is not in the middle of a grid
        const at::Tensor mask = maskFor(dense, pattern);
        const at::Tensor weight = dense.masked_fill(mask.logical_not(), 0);
        engine::AffineOptions options;
        options.bits = bits;
        options.groupSize = 16;
        options.symmetric = symmetric;
        const auto grids = engine::fitGrids(weight, options).value();
        const at::Tensor codes = engine::quantizeToCodes(weight, grids, options);
        const at::Tensor groups = reordered ? at::arange(64, at::kInt).remainder(4).to(at::kInt) : at::Tensor();
        const engine::GroupAffineTensor coded(codes, grids, options, groups, mask);
        const engine::GroupAffineTensor whole(codes, grids, options, groups);
        const at::Tensor expected = whole.dequantize().masked_fill(mask.logical_not(), 0);
        QVERIFY(at::equal(coded.dequantize(), expected));
        QVERIFY(at::equal(coded.mask(), mask));
        QCOMPARE(tests::realBits(coded), tests::toldBits(coded));
        const std::int64_t kept = mask.sum().item<std::int64_t>();
        for (const engine::StoredPart& part : coded.storedParts()) {
            if (part.name == "codes")
                QCOMPARE(part.bits.value, (kept * bits + 31) / 32 * 32);
        }
        const auto read = readBack(coded);
        QVERIFY2(read.ok(), read.ok() ? "" : read.error().message.c_str());
        QVERIFY(at::equal(read.value()->dequantize(), expected));
        QVERIFY(at::equal(read.value()->mask(), mask));
        QCOMPARE(tests::realBits(*read.value()), tests::realBits(coded));
    }

    void partsThatDoNotFitAreRefused_data()
    {
        QTest::addColumn<QString>("part");
        QTest::addRow("no values") << "values";
        QTest::addRow("no mask") << "mask";
    }
    void partsThatDoNotFitAreRefused()
    {
        QFETCH(QString, part);
        const at::Tensor weight = weightOf(24, 64);
        const SparseTensor sparse(weight, engine::dropSmallest(weight.abs(), 0.5), at::kHalf);
        engine::TensorParts parts = sparse.serialise();
        std::erase_if(parts, [&](const auto& entry) { return entry.first == part.toStdString(); });
        const auto layouts = engine::TensorLayouts::builtIn();
        const auto read = layouts->read("sparse", sparse.description(), parts);
        QVERIFY(!read.ok());
        QCOMPARE(read.error().code, core::ErrorCode::Corrupt);
        QVERIFY(!layouts->read("sparse", core::Json::object(), sparse.serialise()).ok());
    }
};

QTEST_GUILESS_MAIN(TstSparseTensor)
#include "tst_sparse_tensor.moc"
