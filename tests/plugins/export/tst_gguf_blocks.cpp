// SPDX-License-Identifier: Apache-2.0
// Affine codes as blocks of GGUF: what is decoded from the blocks is what the codes stand for.
#include "affine_blocks.h"
#include "core/checkpoint/dequantize.h"

#include <QtTest>

#include <array>

using namespace paretoscope;
using core::ElementType;
using engine::AffineOptions;
using engine::GroupAffineTensor;
using gguf::AffineBlocks;

namespace {

constexpr std::int64_t kRows = 8;
constexpr std::int64_t kColumns = 128;

/// Numbers in (-1, 1) without pattern, the same everywhere.
at::Tensor someWeight()
{
    const at::Tensor angles = at::arange(kRows * kColumns, at::kDouble).mul_(12.9898);
    return angles.sin().mul_(43758.5453).frac().to(at::kFloat).view({kRows, kColumns});
}

std::shared_ptr<const GroupAffineTensor> rounded(int bits, std::int64_t groupSize, bool symmetric)
{
    AffineOptions options;
    options.bits = bits;
    options.groupSize = groupSize;
    options.symmetric = symmetric;
    return engine::roundToNearest(someWeight(), options).value();
}

at::Tensor decoded(ElementType type, const std::vector<std::byte>& bytes)
{
    at::Tensor values = at::empty({kRows, kColumns}, at::kFloat);
    core::dequantize(type, bytes, {values.mutable_data_ptr<float>(), static_cast<std::size_t>(values.numel())});
    return values;
}

} // namespace

class TstGgufBlocks : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void blocksHoldEveryValue_data()
    {
        QTest::addColumn<int>("bits");
        QTest::addColumn<int>("groupSize");
        QTest::addColumn<bool>("symmetric");
        QTest::addColumn<QList<bool>>("fits"); // Q4_0, Q4_1, Q8_0
        const auto row = [](int bits, int groupSize, bool symmetric, const QList<bool>& fits) {
            QTest::addRow("%d bit, groups of %d%s", bits, groupSize, symmetric ? ", symmetric" : "")
                << bits << groupSize << symmetric << fits;
        };
        row(4, 32, true, {true, true, true}); // a zero of 8 times a float16 scale is a float16 number
        row(4, 64, true, {true, true, true});
        row(4, -1, true, {true, true, true});
        row(3, 32, true, {true, true, true});
        row(2, 32, true, {true, true, true});
        row(4, 32, false, {false, false, true}); // a zero of 7 times a scale needs more bits than float16 has
        row(5, 32, true, {false, false, true});
        row(8, 32, true, {false, false, true});
        row(8, 32, false, {false, false, false}); // codes up to 255 - zero
    }
    void blocksHoldEveryValue()
    {
        QFETCH(int, bits);
        QFETCH(int, groupSize);
        QFETCH(bool, symmetric);
        QFETCH(QList<bool>, fits);
        const auto weight = rounded(bits, groupSize, symmetric);
        const auto blocks = AffineBlocks::of(*weight);
        QVERIFY2(blocks.ok(), blocks.ok() ? "" : blocks.error().sentence().c_str());
        const std::array types {ElementType::Q4_0, ElementType::Q4_1, ElementType::Q8_0};
        for (std::size_t i = 0; i < types.size(); ++i) {
            QCOMPARE(blocks.value().fit(types[i], false), fits[qsizetype(i)]);
            if (fits[qsizetype(i)])
                QVERIFY(at::equal(decoded(types[i], blocks.value().encode(types[i], {})), weight->dequantize()));
        }
    }

    void minimumMayBeRounded()
    {
        const auto weight = rounded(4, 32, false);
        const auto blocks = AffineBlocks::of(*weight);
        QVERIFY(blocks.ok());
        QVERIFY(blocks.value().fit(ElementType::Q4_1, true));
        const at::Tensor values = decoded(ElementType::Q4_1, blocks.value().encode(ElementType::Q4_1, {}));
        // float16 keeps 11 bits of a minimum of at most 15 scales.
        const at::Tensor allowed = weight->grids().scales.repeat_interleave(32, 1) * (15 * 0x1p-11);
        QVERIFY((values - weight->dequantize()).abs().le(allowed).all().item<bool>());
    }

    void rowsComeInTheirOrder()
    {
        const auto weight = rounded(4, 32, true);
        const auto blocks = AffineBlocks::of(*weight);
        QVERIFY(blocks.ok());
        const at::Tensor order = at::arange(kRows - 1, -1, -1, at::kLong);
        QVERIFY(at::equal(decoded(ElementType::Q4_0, blocks.value().encode(ElementType::Q4_0, order)),
                          weight->dequantize().flip(0)));
    }

    void whatCannotBeCutIsRefused_data()
    {
        QTest::addColumn<int>("groupSize");
        QTest::addColumn<bool>("wideScales");
        QTest::addColumn<bool>("reordered");
        QTest::addColumn<QString>("says");
        QTest::addRow("groups of 48") << 48 << false << false << "48 weights are no multiple of 32";
        QTest::addRow("scales in float32") << 32 << true << false << "no float16 numbers";
        QTest::addRow("another order") << 32 << false << true << "another order";
    }
    void whatCannotBeCutIsRefused()
    {
        QFETCH(int, groupSize);
        QFETCH(bool, wideScales);
        QFETCH(bool, reordered);
        QFETCH(QString, says);
        AffineOptions options;
        options.groupSize = groupSize;
        options.scaleType = wideScales ? engine::ScaleType::Float32 : engine::ScaleType::Float16;
        const auto weight = engine::roundToNearest(someWeight(), options).value();
        const at::Tensor groups = reordered ? at::arange(kColumns, at::kInt).remainder(kColumns / 32) : at::Tensor();
        const auto blocks =
            AffineBlocks::of(GroupAffineTensor(weight->codes(), weight->grids(), weight->options(), groups));
        QVERIFY(!blocks.ok());
        const std::string sentence = blocks.error().sentence();
        QVERIFY2(QString::fromStdString(sentence).contains(says), sentence.c_str());
    }
};

QTEST_GUILESS_MAIN(TstGgufBlocks)
#include "tst_gguf_blocks.moc"
