// SPDX-License-Identifier: Apache-2.0
#include "core/engine/quantization/group_affine_tensor.h"

#include <QtTest>

#include <limits>

using namespace paretoscope;
using namespace paretoscope::engine;

namespace {

at::Tensor row(const QList<float>& values)
{
    return at::tensor(at::ArrayRef<float>(values.data(), size_t(values.size()))).unsqueeze(0);
}

QList<float> listOf(const at::Tensor& tensor)
{
    const at::Tensor flat = tensor.to(at::kFloat).flatten().contiguous();
    return {flat.const_data_ptr<float>(), flat.const_data_ptr<float>() + flat.numel()};
}

core::Json parameters(const char* text)
{
    return core::Json::parse(text);
}

std::int64_t bitsOf(const CompressedTensor& tensor)
{
    std::int64_t sum = 0;
    for (const StoredPart& part : tensor.storedParts())
        sum += part.bits.value;
    return sum;
}

} // namespace

class TstAffine : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void handComputedGroups_data()
    {
        QTest::addColumn<QByteArray>("options");
        QTest::addColumn<QList<float>>("weight");
        QTest::addColumn<QList<float>>("codes");
        QTest::addColumn<QList<float>>("values");
        const auto test = [](const char* tag, const char* options, QList<float> weight, QList<float> codes,
                             QList<float> values) {
            QTest::addRow("%s", tag) << QByteArray(options) << weight << codes << values;
        };
        test("asymmetric 2 bit: s = 1, z = 1, half to even", R"({"bits": 2, "scale_dtype": "float32"})",
             {-1, 0, 0.5F, 2}, {0, 1, 1, 3}, {-1, 0, 0, 2});
        test("positive group still holds 0", R"({"bits": 2, "scale_dtype": "float32"})", {1, 2, 3, 3}, {1, 2, 3, 3},
             {1, 2, 3, 3});
        test("half range clips the positive end", R"({"bits": 4, "symmetric": true, "scale_dtype": "float32"})",
             {7.5F, -7.5F, 1, 0}, {15, 0, 9, 8}, {7, -8, 1, 0});
        test("qmax", R"({"bits": 4, "symmetric": true, "symmetric_divisor": "qmax", "scale_dtype": "float32"})",
             {7, -7, 1, 0}, {15, 1, 9, 8}, {7, -7, 1, 0});
        test("neg_absmax keeps a positive extreme",
             R"({"bits": 4, "symmetric": true, "symmetric_divisor": "neg_absmax", "scale_dtype": "float32"})",
             {8, -7, 1, 0}, {0, 15, 7, 8}, {8, -7, 1, 0});
        test("zeros stay exact", R"({"bits": 3})", {0, 0, 0, 0}, {4, 4, 4, 4}, {0, 0, 0, 0});
        test("codes use the scale rounded to float16", R"({"bits": 2})", {0, 0.1F, 0.2F, 0.3F}, {0, 1, 2, 3},
             {0, 0.0999755859375F, 0.199951171875F, 0.2999267578125F});
        test("without zero in the range the zero point is clamped",
             R"({"bits": 2, "include_zero": false, "scale_dtype": "float32"})", {10, 11, 12, 13}, {3, 3, 3, 3},
             {3, 3, 3, 3});
    }
    void handComputedGroups()
    {
        QFETCH(QByteArray, options);
        QFETCH(QList<float>, weight);
        QFETCH(QList<float>, codes);
        QFETCH(QList<float>, values);
        const auto quantized =
            roundToNearest(row(weight), AffineOptions::fromParameters(parameters(options.constData())));
        QVERIFY(quantized.ok());
        QCOMPARE(listOf(quantized.value()->codes()), codes);
        QCOMPARE(listOf(quantized.value()->dequantize()), values);
    }

    void bitsPerWeightOfTheSpec_data()
    {
        QTest::addColumn<QByteArray>("options");
        QTest::addColumn<double>("expected");
        QTest::addRow("int4 g128 asymmetric") << QByteArray(R"({"bits": 4, "group_size": 128})") << 4 + 20.0 / 128;
        QTest::addRow("int4 g128 symmetric")
            << QByteArray(R"({"bits": 4, "group_size": 128, "symmetric": true})") << 4.125;
        QTest::addRow("int3 g128 asymmetric") << QByteArray(R"({"bits": 3, "group_size": 128})") << 3 + 19.0 / 128;
        QTest::addRow("int8 whole row") << QByteArray(R"({"bits": 8, "group_size": -1})") << 8 + 24.0 / 1024;
    }
    void bitsPerWeightOfTheSpec()
    {
        QFETCH(QByteArray, options);
        QFETCH(double, expected);
        const at::Tensor weight = at::arange(256 * 1024, at::kFloat).view({256, 1024}).sin();
        const auto quantized = roundToNearest(weight, AffineOptions::fromParameters(parameters(options.constData())));
        QVERIFY(quantized.ok());
        QCOMPARE(double(bitsOf(*quantized.value())) / double(weight.numel()), expected);
    }

    void packedPartsHaveTheCountedBits_data()
    {
        QTest::addColumn<QByteArray>("options");
        QTest::addRow("3 bit, remainder group") << QByteArray(R"({"bits": 3, "group_size": 32})");
        QTest::addRow("5 bit symmetric") << QByteArray(R"({"bits": 5, "group_size": 16, "symmetric": true})");
        QTest::addRow("float32 scales") << QByteArray(R"({"bits": 2, "group_size": -1, "scale_dtype": "float32"})");
    }
    void packedPartsHaveTheCountedBits()
    {
        QFETCH(QByteArray, options);
        const at::Tensor weight = at::arange(7 * 75, at::kFloat).view({7, 75}).cos();
        const auto quantized = roundToNearest(weight, AffineOptions::fromParameters(parameters(options.constData())));
        QVERIFY(quantized.ok());
        const auto parts = quantized.value()->storedParts();
        const auto packed = quantized.value()->serialise();
        QCOMPARE(packed.size(), parts.size());
        for (size_t i = 0; i < parts.size(); ++i) {
            QCOMPARE(packed[i].first, parts[i].name);
            QCOMPARE(std::int64_t(packed[i].second.nbytes()) * 8, parts[i].bits.value);
        }
    }

    void packingIsALittleEndianBitStream()
    {
        // specs formats 4.3: a row of int4 codes 0..15 packs to 0x76543210, 0xFEDCBA98.
        const at::Tensor packed = packRows(at::arange(16, at::kByte).unsqueeze(0), 4);
        QCOMPARE(std::uint32_t(packed[0][0].item<int>()), 0x76543210U);
        QCOMPARE(std::uint32_t(packed[0][1].item<int>()), 0xFEDCBA98U);
        // 3 bit straddles words: code 10 lies in bits 30..32.
        at::Tensor codes = at::zeros({1, 11}, at::kByte);
        codes[0][10] = 5;
        const at::Tensor straddling = packRows(codes, 3);
        QCOMPARE(std::uint32_t(straddling[0][0].item<int>()), 0x40000000U);
        QCOMPARE(std::uint32_t(straddling[0][1].item<int>()), 1U);
    }

    void lastGroupMayBeShorter()
    {
        // 576 = 4 * 128 + 64
        AffineOptions options;
        options.groupSize = 128;
        const at::Tensor weight = at::arange(2 * 576, at::kFloat).view({2, 576}).sin();
        const auto quantized = roundToNearest(weight, options);
        QVERIFY(quantized.ok());
        QCOMPARE(quantized.value()->grids().scales.size(1), std::int64_t(5));
        const float worst = (quantized.value()->dequantize() - weight).abs().max().item<float>();
        QVERIFY(worst <= 0.5F * quantized.value()->grids().scales.max().item<float>() + 1e-3F);
    }

    void clipSearchNeverRaisesItsError()
    {
        AffineOptions plain;
        plain.bits = 3;
        plain.groupSize = 64;
        AffineOptions clipped = plain;
        clipped.clip = ClipSearch::MeanSquare;
        const at::Tensor weight = at::arange(16 * 128, at::kFloat).view({16, 128}).sin().pow(9);
        const auto error = [&](const AffineOptions& options) {
            const at::Tensor difference = (roundToNearest(weight, options).value()->dequantize() - weight).abs();
            return difference.pow(2.4).view({16, 2, 64}).sum(2, false, at::kDouble);
        };
        QVERIFY((error(clipped) <= error(plain) * 1.000001).all().item<bool>());
        QVERIFY(error(clipped).sum().item<double>() < error(plain).sum().item<double>());
    }

    void tooLargeAScaleIsAnError()
    {
        AffineOptions options;
        options.bits = 2;
        const auto quantized = roundToNearest(row({1e9F, 0, 0, 0}), options);
        QVERIFY(!quantized.ok());
        QCOMPARE(quantized.error().code, core::ErrorCode::Numerical);
    }
};

QTEST_GUILESS_MAIN(TstAffine)
#include "tst_affine.moc"
