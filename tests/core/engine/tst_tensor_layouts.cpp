// SPDX-License-Identifier: Apache-2.0
#include "core/engine/layout/tensor_layouts.h"

#include "core/engine/layout/copied_tensor.h"
#include "core/engine/layout/dense_tensor.h"
#include "core/engine/layout/sum_tensor.h"
#include "core/engine/model/packed_tensor.h"
#include "core/engine/quantization/group_affine_tensor.h"

#include <QtTest>

using namespace paretoscope;
using namespace paretoscope::engine;

namespace {

std::shared_ptr<const CompressedTensor> rounded(const at::Tensor& weight)
{
    AffineOptions options;
    options.bits = 3;
    options.groupSize = 16;
    return roundToNearest(weight, options).value();
}

/// A form that only its plugin can read: a constant.
class ConstantTensor : public CompressedTensor
{
public:
    explicit ConstantTensor(at::Tensor value)
        : m_value(std::move(value))
    {}
    at::Tensor dequantize() const override { return m_value.expand({4, 32}).contiguous(); }
    std::vector<StoredPart> storedParts() const override { return {{"value", {32}, nullptr}}; }
    std::vector<std::pair<std::string, at::Tensor>> serialise() const override { return {{"value", m_value}}; }
    std::string_view layout() const override { return "constant"; }

    static ReadTensor fromParts(const core::Json&, const TensorParts& parts, const TensorLayouts&)
    {
        const at::Tensor value = partNamed(parts, "value");
        if (!hasShape(value, at::kFloat, {1}))
            return damagedParts("constant");
        return std::shared_ptr<const CompressedTensor>(std::make_shared<ConstantTensor>(value));
    }

private:
    at::Tensor m_value;
};

constexpr std::array kConstant {TensorLayout {"constant", &ConstantTensor::fromParts}};

std::int64_t storedBits(const CompressedTensor& tensor)
{
    std::int64_t bits = 0;
    for (const StoredPart& part : tensor.storedParts())
        bits += part.bits.value;
    return bits;
}

std::int64_t serialisedBits(const CompressedTensor& tensor)
{
    std::int64_t bits = 0;
    for (const auto& [name, part] : tensor.serialise())
        bits += static_cast<std::int64_t>(part.nbytes()) * 8;
    return bits;
}

} // namespace

class TstTensorLayouts : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void initTestCase() { at::manual_seed(7); }

    void sumsAddUpAndComeBack()
    {
        const at::Tensor weight = at::randn({4, 32});
        const auto base = rounded(weight);
        const auto addition = std::make_shared<DenseTensor>(weight - base->dequantize(), core::ElementType::F16);
        const SumTensor sum(base, std::make_shared<SumTensor>(addition, rounded(at::randn({4, 32}))));
        QVERIFY(at::allclose(sum.dequantize() - sum.addition().dequantize(), base->dequantize(), 0, 1e-6));
        QCOMPARE(storedBits(sum), storedBits(sum.base()) + storedBits(sum.addition()));
        QCOMPARE(serialisedBits(sum), storedBits(sum));

        const auto layouts = TensorLayouts::builtIn();
        QVERIFY(layouts->canRead(sum));
        const auto back = unpack(pack(sum), *layouts);
        QVERIFY2(back.ok(), back.ok() ? "" : back.error().sentence().c_str());
        QVERIFY(at::equal(back.value()->dequantize(), sum.dequantize()));
        QCOMPARE(pack(*back.value()), pack(sum));
    }

    void copiesKeepValuesAndTheSizeTheyHad_data()
    {
        QTest::addColumn<int>("type");
        QTest::addColumn<int>("bitsHere"); // of an element
        QTest::addRow("float32") << int(core::ElementType::F32) << 32;
        QTest::addRow("float16") << int(core::ElementType::F16) << 16;
        QTest::addRow("bfloat16") << int(core::ElementType::BF16) << 16;
        QTest::addRow("a block format") << int(core::ElementType::Q4_0) << 32;
        QTest::addRow("codes of another toolkit") << int(core::ElementType::Packed) << 32;
    }
    void copiesKeepValuesAndTheSizeTheyHad()
    {
        QFETCH(int, type);
        QFETCH(int, bitsHere);
        const at::Tensor values = at::arange(64, at::kFloat).reshape({2, 32}); // exact in every one of them
        const CopiedTensor copy(values, core::ElementType(type), {777});
        QVERIFY(at::equal(copy.dequantize(), values));
        QCOMPARE(storedBits(copy), 777);
        QCOMPARE(serialisedBits(copy), 64 * bitsHere);
        const auto back = unpack(pack(copy), *TensorLayouts::builtIn());
        QVERIFY2(back.ok(), back.ok() ? "" : back.error().sentence().c_str());
        QVERIFY(at::equal(back.value()->dequantize(), values));
        QCOMPARE(storedBits(*back.value()), 777);
        QCOMPARE(pack(*back.value()), pack(copy));
    }

    void layoutsOfPluginsAreReadBesideTheBuiltInOnes()
    {
        const auto constant = std::make_shared<ConstantTensor>(at::full({1}, 2.5F));
        const SumTensor sum(rounded(at::randn({4, 32})), constant);
        QVERIFY(!TensorLayouts::builtIn()->canRead(*constant));
        QVERIFY(!TensorLayouts::builtIn()->canRead(sum)); // what it holds cannot be read
        const auto layouts = TensorLayouts::builtIn()->with(kConstant);
        QVERIFY(layouts->canRead(sum));
        const auto back = unpack(pack(sum), *layouts);
        QVERIFY(back.ok());
        QVERIFY(at::equal(back.value()->dequantize(), sum.dequantize()));
        QVERIFY(!unpack(pack(sum), *TensorLayouts::builtIn()).ok());
    }

    void whatDoesNotFitIsRefused_data()
    {
        QTest::addColumn<QByteArray>("layout");
        QTest::addColumn<QByteArray>("description");
        QTest::newRow("unknown layout") << QByteArray("mystery") << QByteArray("{}");
        QTest::newRow("no object") << QByteArray("dense") << QByteArray("[]");
        QTest::newRow("no part") << QByteArray("dense") << QByteArray("{}");
        QTest::newRow("sum of nothing") << QByteArray("sum") << QByteArray("{}");
        QTest::newRow("sum of numbers") << QByteArray("sum") << QByteArray(R"({"base": 1, "addition": 2})");
        QTest::newRow("copy of no size") << QByteArray("copied") << QByteArray("{}");
        QTest::newRow("copy without values") << QByteArray("copied") << QByteArray(R"({"stored_bits": 8})");
        QTest::newRow("bits as text") << QByteArray("group_affine") << QByteArray(R"({"bits": "four"})");
        QTest::newRow("sum without addition")
            << QByteArray("sum") << QByteArray(R"({"base": {"layout": "dense", "description": {}}})");
    }
    void whatDoesNotFitIsRefused()
    {
        QFETCH(QByteArray, layout);
        QFETCH(QByteArray, description);
        const TensorParts parts {{"base/values", at::ones({2, 2})}, {"codes", at::ones({2, 2}, at::kInt)}};
        const ReadTensor read =
            TensorLayouts::builtIn()->read(layout.toStdString(), core::Json::parse(description.toStdString()), parts);
        QVERIFY(!read.ok());
        QCOMPARE(read.error().code, core::ErrorCode::Corrupt);
    }
};

QTEST_APPLESS_MAIN(TstTensorLayouts)
#include "tst_tensor_layouts.moc"
