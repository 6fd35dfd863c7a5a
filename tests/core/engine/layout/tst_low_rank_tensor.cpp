// SPDX-License-Identifier: Apache-2.0
#include "core/engine/layout/low_rank_tensor.h"

#include "core/engine/layout/sum_tensor.h"
#include "core/engine/quantization/group_affine_tensor.h"
#include "tests/core/engine/layout/read_back.h"

#include <QtTest>

using namespace paretoscope;
using engine::LowRankTensor;
using tests::readBack;

namespace {

const at::Tensor kB = at::arange(1, 24 * 5 + 1, at::kFloat).mul_(0.7).sin_().view({24, 5});
const at::Tensor kA = at::arange(1, 5 * 64 + 1, at::kFloat).mul_(1.3).cos_().view({5, 64});

engine::AffineOptions fourBits()
{
    engine::AffineOptions options;
    options.bits = 4;
    options.groupSize = 32;
    options.symmetric = true;
    return options;
}

} // namespace

Q_DECLARE_METATYPE(at::ScalarType)

class TstLowRankTensor : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void factorsAreStoredInTheirType_data()
    {
        QTest::addColumn<at::ScalarType>("type");
        QTest::addColumn<int>("bits");
        QTest::addRow("float32") << at::kFloat << 32;
        QTest::addRow("float16") << at::kHalf << 16;
        QTest::addRow("bfloat16") << at::kBFloat16 << 16;
    }
    void factorsAreStoredInTheirType()
    {
        QFETCH(at::ScalarType, type);
        QFETCH(int, bits);
        const auto product = LowRankTensor::stored(kB, kA, type).value();
        const at::Tensor expected = at::mm(kB.to(type).to(at::kFloat), kA.to(type).to(at::kFloat));
        QVERIFY(at::equal(product->dequantize(), expected));
        QCOMPARE(tests::toldBits(*product), 5LL * (24 + 64) * bits);
        QCOMPARE(tests::realBits(*product), tests::toldBits(*product));
        const auto read = readBack(*product);
        QVERIFY2(read.ok(), read.ok() ? "" : read.error().message.c_str());
        QVERIFY(at::equal(read.value()->dequantize(), expected));
    }

    void factorsAreQuantized()
    {
        const auto product = LowRankTensor::quantized(kB, kA, fourBits()).value();
        const at::Tensor b = engine::roundToNearest(kB, fourBits()).value()->dequantize();
        const at::Tensor a = engine::roundToNearest(kA, fourBits()).value()->dequantize();
        QVERIFY(at::equal(product->dequantize(), at::mm(b, a)));
        // Rows of 5 codes fill one word and have one scale; rows of 64 fill eight words and have two.
        QCOMPARE(tests::toldBits(*product), 24LL * (32 + 16) + 5LL * (8 * 32 + 2 * 16));
        QCOMPARE(tests::realBits(*product), tests::toldBits(*product));
        const auto read = readBack(*product);
        QVERIFY2(read.ok(), read.ok() ? "" : read.error().message.c_str());
        QVERIFY(at::equal(read.value()->dequantize(), product->dequantize()));
    }

    void aQuantizedWeightWithAnAdapterReadsBack()
    {
        const auto base = engine::roundToNearest(at::mm(kB, kA), fourBits()).value();
        const engine::SumTensor sum(base, LowRankTensor::stored(kB, kA, at::kHalf).value());
        const auto read = readBack(sum);
        QVERIFY2(read.ok(), read.ok() ? "" : read.error().message.c_str());
        QVERIFY(at::equal(read.value()->dequantize(), sum.dequantize()));
        QCOMPARE(tests::realBits(*read.value()), tests::toldBits(sum));
    }

    void valuesBeyondTheTypeAreRefused()
    {
        const auto product = LowRankTensor::stored(kB * 1e6, kA, at::kHalf);
        QVERIFY(!product.ok());
        QCOMPARE(product.error().code, core::ErrorCode::Numerical);
        QVERIFY(LowRankTensor::stored(kB * 1e6, kA, at::kBFloat16).ok());
    }

    void factorsThatDoNotFitAreRefused()
    {
        const auto product = LowRankTensor::stored(kB, kA, at::kHalf).value();
        engine::TensorParts parts = product->serialise();
        for (auto& [name, part] : parts) {
            if (name.starts_with("a/"))
                part = part.narrow(0, 0, 4).contiguous();
        }
        const auto read = engine::TensorLayouts::builtIn()->read("low_rank", product->description(), parts);
        QVERIFY(!read.ok());
        QCOMPARE(read.error().code, core::ErrorCode::Corrupt);
    }
};

QTEST_GUILESS_MAIN(TstLowRankTensor)
#include "tst_low_rank_tensor.moc"
