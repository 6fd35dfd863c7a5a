// SPDX-License-Identifier: Apache-2.0
#include "core/engine/layout/tensor_layouts.h"
#include "core/engine/quantization/coded_rounding.h"

#include <QtTest>

#include <cmath>
#include <limits>
#include <utility>
#include <vector>

using namespace paretoscope;
using namespace paretoscope::engine;

namespace {

at::Tensor weightOf(std::int64_t rows, std::int64_t columns)
{
    const at::Tensor index = at::arange(rows * columns, at::kFloat);
    return (index * 0.7391).sin().mul((index * 0.0317).cos() + 1.1).view({rows, columns});
}

CodedOptions optionsOf(const QByteArray& parameters)
{
    return CodedOptions::fromParameters(core::Json::parse(parameters.constData()));
}

std::int64_t bitsOf(const CompressedTensor& tensor)
{
    std::int64_t sum = 0;
    for (const StoredPart& part : tensor.storedParts())
        sum += part.bits.value;
    return sum;
}

QList<float> listOf(const at::Tensor& tensor)
{
    const at::Tensor flat = tensor.to(at::kFloat).flatten().contiguous();
    return {flat.const_data_ptr<float>(), flat.const_data_ptr<float>() + flat.numel()};
}

at::Tensor rowOf(const QList<float>& values)
{
    return at::tensor(at::ArrayRef<float>(values.data(), std::size_t(values.size()))).unsqueeze(0);
}

/// The nearest value of a format by trying all of them, in float64.
double nearest(const NumberFormat& format, double value)
{
    double best = INFINITY;
    for (int code = 0; code < 1 << format.bits; ++code) {
        const double candidate = double(format.decode(std::uint8_t(code)));
        if (std::isfinite(candidate) && std::fabs(candidate - value) < std::fabs(best - value))
            best = candidate;
    }
    return best;
}

} // namespace

class TstCodedTensor : public QObject
{
    Q_OBJECT

    static void addForms()
    {
        QTest::addColumn<QByteArray>("parameters");
        const auto row = [](const char* tag, const char* parameters) {
            QTest::addRow("%s", tag) << QByteArray(parameters);
        };
        row("nf4 g16", R"({"format": "nf4", "group_size": 16})");
        row("nf4 twice quantised", R"({"format": "nf4", "group_size": 8, "double_quantization": true})");
        row("fp4 channel", R"({"format": "fp4", "granularity": "channel", "scale_dtype": "bfloat16"})");
        row("fp6 e2m3, last group shorter", R"({"format": "fp6_e2m3", "group_size": 20})");
        row("fp6 e3m2 tensor", R"({"format": "fp6_e3m2", "granularity": "tensor", "scale_dtype": "float32"})");
        row("fp8 e4m3", R"({"format": "fp8_e4m3", "granularity": "channel"})");
        row("fp8 e5m2", R"({"format": "fp8_e5m2", "granularity": "channel"})");
        row("mxfp4", R"({"format": "mxfp4"})");
        row("mxfp8", R"({"format": "mxfp8", "mx_scale_rule": "round175"})");
        row("nvfp4", R"({"format": "nvfp4"})");
        row("ternary", R"({"format": "ternary", "group_size": 32})");
    }

private Q_SLOTS:
    void bitsPerWeightOfTheSpec_data()
    {
        QTest::addColumn<QByteArray>("parameters");
        QTest::addColumn<double>("expected");
        const auto row = [](const char* tag, const char* parameters, double expected) {
            QTest::addRow("%s", tag) << QByteArray(parameters) << expected;
        };
        const double weights = 256 * 1024;
        row("nf4 g64 float32", R"({"format": "nf4", "group_size": 64, "scale_dtype": "float32"})", 4.5);
        row("nf4 g64 twice quantised", R"({"format": "nf4", "group_size": 64, "double_quantization": true})",
            4 + 8.0 / 64 + 32.0 / (64 * 256) + 32 / weights);
        row("mxfp4", R"({"format": "mxfp4"})", 4.25);
        row("nvfp4", R"({"format": "nvfp4"})", 4.5 + 32 / weights);
        row("mxfp8", R"({"format": "mxfp8"})", 8.25);
        row("fp8 tensor", R"({"format": "fp8_e4m3", "granularity": "tensor"})", 8 + 16 / weights);
        row("fp6 channel", R"({"format": "fp6_e2m3", "granularity": "channel"})", 6 + 16.0 / 1024);
        row("ternary g128", R"({"format": "ternary", "group_size": 128})", 2 + 16.0 / 128);
    }
    void bitsPerWeightOfTheSpec()
    {
        QFETCH(QByteArray, parameters);
        QFETCH(double, expected);
        const at::Tensor weight = weightOf(256, 1024);
        const auto rounded = roundToFormat(weight, optionsOf(parameters));
        QVERIFY2(rounded.ok(), rounded.ok() ? "" : rounded.error().sentence().c_str());
        QCOMPARE(double(bitsOf(*rounded.value())) / double(weight.numel()), expected);
    }

    void everyWeightGetsTheNearestValue_data() { addForms(); }
    void everyWeightGetsTheNearestValue()
    {
        QFETCH(QByteArray, parameters);
        const CodedOptions options = optionsOf(parameters);
        const at::Tensor weight = weightOf(12, 70);
        const auto rounded = roundToFormat(weight, options);
        QVERIFY2(rounded.ok(), rounded.ok() ? "" : rounded.error().sentence().c_str());
        const at::Tensor scales = rounded.value()->scales().values();
        const at::Tensor values = rounded.value()->dequantize();
        const std::int64_t size = options.form.groupSize < 0 ? 70 : options.form.groupSize;
        for (std::int64_t i = 0; i < 12; ++i) {
            for (std::int64_t j = 0; j < 70; ++j) {
                const double scale =
                    scales.size(0) == 1 ? scales[0][0].item<double>() : scales[i][j / size].item<double>();
                const double wanted = weight[i][j].item<double>();
                const double best = scale * nearest(*options.form.format, wanted / scale);
                const double found = values[i][j].item<double>();
                QVERIFY2(std::fabs(found - wanted) <= std::fabs(best - wanted) + 1e-6 * std::fabs(wanted),
                         qPrintable(QStringLiteral("%1 became %2, not %3").arg(wanted).arg(found).arg(best)));
            }
        }
    }

    void scalesByHand_data()
    {
        QTest::addColumn<QByteArray>("parameters");
        QTest::addColumn<QList<float>>("weight");
        QTest::addColumn<QList<float>>("scales");
        QTest::addColumn<QList<float>>("values");
        const auto row = [](const char* tag, const char* parameters, QList<float> weight, QList<float> scales,
                            QList<float> values) {
            QTest::addRow("%s", tag) << QByteArray(parameters) << weight << scales << values;
        };
        row("fp4: absmax / 6", R"({"format": "fp4", "group_size": 8})", {3, -6, 12, 1}, {2}, {3, -6, 12, 1});
        row("floor clips beyond 6 * 2^(k-2)", R"({"format": "mxfp4"})", {7, 3, 1, 0}, {1}, {6, 3, 1, 0});
        row("from 1.75 octaves up", R"({"format": "mxfp4", "mx_scale_rule": "round175"})", {7, 3, 1, 0}, {2},
            {8, 3, 1, 0});
        row("below 1.75 octaves", R"({"format": "mxfp4", "mx_scale_rule": "round175"})", {6, 3, 1, 0}, {1},
            {6, 3, 1, 0});
        row("mxfp8: offset 8", R"({"format": "mxfp8"})", {448, -1, 0.5F, 0}, {1}, {448, -1, 0.5F, 0});
        row("ternary: mean magnitude", R"({"format": "ternary", "group_size": 8})", {3, -1, 0, 0}, {1}, {1, -1, 0, 0});
        row("nvfp4: the factor fills E4M3", R"({"format": "nvfp4"})", {6, -3, 1, 0.5F}, {1}, {6, -3, 1, 0.5F});
        row("zeros", R"({"format": "nf4", "group_size": 8})", {0, 0, 0, 0}, {1}, {0, 0, 0, 0});
        row("zeros of mxfp4", R"({"format": "mxfp4"})", {0, 0, 0, 0}, {0x1p-127F}, {0, 0, 0, 0});
    }
    void scalesByHand()
    {
        QFETCH(QByteArray, parameters);
        QFETCH(QList<float>, weight);
        QFETCH(QList<float>, scales);
        QFETCH(QList<float>, values);
        const auto rounded = roundToFormat(rowOf(weight), optionsOf(parameters));
        QVERIFY(rounded.ok());
        QCOMPARE(listOf(rounded.value()->scales().values()), scales);
        QCOMPARE(listOf(rounded.value()->dequantize()), values);
    }

    void codesDoNotDependOnAPowerOfTwo_data()
    {
        QTest::addColumn<QByteArray>("parameters");
        QTest::addRow("nvfp4") << QByteArray(R"({"format": "nvfp4"})");
        QTest::addRow("mxfp4") << QByteArray(R"({"format": "mxfp4"})");
        QTest::addRow("nf4") << QByteArray(R"({"format": "nf4", "scale_dtype": "float32"})");
    }
    void codesDoNotDependOnAPowerOfTwo()
    {
        QFETCH(QByteArray, parameters);
        const at::Tensor weight = weightOf(16, 64);
        const auto rounded = roundToFormat(weight, optionsOf(parameters));
        const auto larger = roundToFormat(weight * 1024, optionsOf(parameters));
        QVERIFY(at::equal(rounded.value()->codes(), larger.value()->codes()));
        QVERIFY(at::equal(rounded.value()->dequantize() * 1024, larger.value()->dequantize()));
    }

    void aSharedFactorIsTakenFromTheLargestWeight()
    {
        const at::Tensor weight = weightOf(16, 64);
        const CodedOptions options = optionsOf(R"({"format": "nvfp4"})");
        const float larger = 4 * weight.abs().max().item<float>();
        const auto alone = roundToFormat(weight, options);
        const auto shared = roundToFormat(weight, options, {}, larger);
        QCOMPARE(shared.value()->scales().factor.item<float>(), alone.value()->scales().factor.item<float>() / 4);
    }

    void doubleQuantisationStaysNearTheScales()
    {
        const at::Tensor weight = weightOf(64, 640);
        const auto once =
            roundToFormat(weight, optionsOf(R"({"format": "nf4", "group_size": 64, "scale_dtype": "float32"})"));
        const auto twice =
            roundToFormat(weight, optionsOf(R"({"format": "nf4", "group_size": 64, "double_quantization": true})"));
        const at::Tensor scales = once.value()->scales().values();
        const double spread = (scales - scales.mean()).abs().max().item<double>();
        const double worst = (twice.value()->scales().values() - scales).abs().max().item<double>();
        QVERIFY(worst > 0);
        QVERIFY(worst <= spread / 127 / 2 * 1.001 + 1e-6);
    }

    void isReadBackAsItWas_data() { addForms(); }
    void isReadBackAsItWas()
    {
        QFETCH(QByteArray, parameters);
        const at::Tensor weight = weightOf(12, 70);
        const at::Tensor mask = at::arange(12 * 70).remainder(3).ne(0).view({12, 70});
        for (const at::Tensor& kept : {at::Tensor(), mask}) {
            const auto rounded = roundToFormat(kept.defined() ? weight * kept : weight, optionsOf(parameters), kept);
            QVERIFY2(rounded.ok(), rounded.ok() ? "" : rounded.error().sentence().c_str());
            const CompressedTensor& tensor = *rounded.value();
            QVERIFY(TensorLayouts::builtIn()->canRead(tensor));
            const auto parts = tensor.storedParts();
            const TensorParts packed = tensor.serialise();
            QCOMPARE(packed.size(), parts.size());
            for (std::size_t i = 0; i < parts.size(); ++i) {
                QCOMPARE(packed[i].first, parts[i].name);
                QCOMPARE(std::int64_t(packed[i].second.nbytes()) * 8, parts[i].bits.value);
            }
            const auto read = TensorLayouts::builtIn()->read(tensor.layout(), tensor.description(), packed);
            QVERIFY2(read.ok(), read.ok() ? "" : read.error().sentence().c_str());
            QVERIFY(at::equal(read.value()->dequantize(), tensor.dequantize()));
            QCOMPARE(read.value()->description(), tensor.description());
            QCOMPARE(read.value()->mask().defined(), kept.defined());
            if (kept.defined())
                QVERIFY(tensor.dequantize().masked_select(kept.logical_not()).eq(0).all().item<bool>());
        }
    }

    void whatDoesNotFitIsRefused_data()
    {
        QTest::addColumn<QByteArray>("key");
        QTest::addColumn<QByteArray>("value");
        QTest::addRow("unknown format") << QByteArray("format") << QByteArray(R"("fp3")");
        QTest::addRow("other bits") << QByteArray("format") << QByteArray(R"("fp8_e4m3")");
        QTest::addRow("other columns") << QByteArray("columns") << QByteArray("100");
        QTest::addRow("other rows") << QByteArray("rows") << QByteArray("3");
        QTest::addRow("other groups") << QByteArray("group_size") << QByteArray("8");
        QTest::addRow("group of nothing") << QByteArray("group_size") << QByteArray("0");
        QTest::addRow("other scales") << QByteArray("scales") << QByteArray(R"("e8m0")");
        QTest::addRow("scales that need a factor") << QByteArray("scales") << QByteArray(R"("second_level")");
        QTest::addRow("text for a number") << QByteArray("rows") << QByteArray(R"("many")");
    }
    void whatDoesNotFitIsRefused()
    {
        QFETCH(QByteArray, key);
        QFETCH(QByteArray, value);
        const auto rounded = roundToFormat(weightOf(4, 64), optionsOf(R"({"format": "nf4", "group_size": 16})"));
        core::Json description = rounded.value()->description();
        description[key.toStdString()] = core::Json::parse(value.constData());
        const auto read =
            TensorLayouts::builtIn()->read(CodedTensor::kLayout, description, rounded.value()->serialise());
        QVERIFY(!read.ok());
        QCOMPARE(read.error().code, core::ErrorCode::Corrupt);
    }

    void valuesBeyondTheScaleTypeAreAnError()
    {
        const auto rounded = roundToFormat(rowOf({1e9F, 0, 0, 0}), optionsOf(R"({"format": "nf4", "group_size": 8})"));
        QVERIFY(!rounded.ok());
        QCOMPARE(rounded.error().code, core::ErrorCode::Numerical);
    }
};

QTEST_GUILESS_MAIN(TstCodedTensor)
#include "tst_coded_tensor.moc"
