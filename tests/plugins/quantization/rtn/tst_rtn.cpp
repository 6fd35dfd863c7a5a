// SPDX-License-Identifier: Apache-2.0
#include "plugins/quantization/rtn/rtn.h"

#include "core/engine/layout/tensor_layouts.h"

#include <QtTest>

#include <algorithm>
#include <cmath>

using namespace paretoscope;

namespace {

core::Json parametersOf(const QByteArray& text)
{
    return core::Json::parse(text.constData());
}

at::Tensor weightOf(std::int64_t rows, std::int64_t columns)
{
    return at::arange(rows * columns, at::kFloat).mul(0.37).sin().view({rows, columns});
}

std::int64_t bitsOf(const engine::CompressedTensor& tensor)
{
    std::int64_t sum = 0;
    for (const engine::StoredPart& part : tensor.storedParts())
        sum += part.bits.value;
    return sum;
}

} // namespace

class TstRtn : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void oneIntegerGridForAllOfIt_data()
    {
        QTest::addColumn<QByteArray>("parameters");
        QTest::addColumn<bool>("symmetric");
        QTest::addRow("asymmetric") << QByteArray(R"({"bits": 4, "granularity": "tensor", "scale_dtype": "float32"})")
                                    << false;
        QTest::addRow("symmetric") << QByteArray(
                                          R"({"bits": 4, "granularity": "tensor", "scale_dtype": "float32",
                                              "symmetric": true})")
                                   << true;
    }
    void oneIntegerGridForAllOfIt()
    {
        QFETCH(QByteArray, parameters);
        QFETCH(bool, symmetric);
        const at::Tensor weight = weightOf(6, 40);
        const auto rounded = rtn::quantize(weight, rtn::Options::fromParameters(parametersOf(parameters)));
        QVERIFY2(rounded.ok(), rounded.ok() ? "" : rounded.error().sentence().c_str());
        const double low = weight.min().item<double>();
        const double high = weight.max().item<double>();
        const double scale = symmetric ? std::max(-low, high) / 7.5 : (high - low) / 15;
        const double zero = symmetric ? 8 : std::nearbyint(-low / scale);
        const at::Tensor values = rounded.value()->dequantize();
        for (std::int64_t i = 0; i < weight.numel(); ++i) {
            const double w = weight.flatten()[i].item<double>();
            const double expected = scale * (std::clamp(std::nearbyint(w / scale) + zero, 0.0, 15.0) - zero);
            QVERIFY(std::fabs(values.flatten()[i].item<double>() - expected) < 1e-5);
        }
        QCOMPARE(bitsOf(*rounded.value()), std::int64_t(6 * 40 * 4 + 64));
    }

    void aChannelIsAWholeRow()
    {
        const at::Tensor weight = weightOf(6, 40);
        const auto channel =
            rtn::quantize(weight, rtn::Options::fromParameters(parametersOf(R"({"granularity": "channel"})")));
        const auto row = rtn::quantize(weight, rtn::Options::fromParameters(parametersOf(R"({"group_size": -1})")));
        QVERIFY(at::equal(channel.value()->dequantize(), row.value()->dequantize()));
        QCOMPARE(bitsOf(*channel.value()), bitsOf(*row.value()));
    }

    void finerScalesAreNoLessAccurate_data()
    {
        QTest::addColumn<QByteArray>("format");
        for (const char* format : {"integer", "nf4", "fp4", "fp6_e2m3"}) // fp8 has more range than these weights need
            QTest::addRow("%s", format) << QByteArray(format);
    }
    void finerScalesAreNoLessAccurate()
    {
        QFETCH(QByteArray, format);
        // Rows and groups of very different size, so that what shares a scale matters.
        const at::Tensor weight = weightOf(32, 256) *
                                  at::pow(2.0, at::arange(32, at::kFloat).remainder(5)).unsqueeze(1) *
                                  at::pow(2.0, at::arange(256, at::kFloat).div(64, "floor"));
        double before = INFINITY;
        for (const char* granularity : {"tensor", "channel", "group"}) {
            const core::Json parameters {{"format", format.toStdString()},
                                         {"granularity", granularity},
                                         {"group_size", 64},
                                         {"scale_dtype", "float32"}};
            const auto rounded = rtn::quantize(weight, rtn::Options::fromParameters(parameters));
            QVERIFY(rounded.ok());
            const double error = (rounded.value()->dequantize() - weight).square().sum(at::kDouble).item<double>();
            QVERIFY2(error < before, granularity);
            before = error;
        }
    }

    void prunedWeightsStayZero_data()
    {
        QTest::addColumn<QByteArray>("parameters");
        QTest::addRow("integer without 0 in the range")
            << QByteArray(R"({"bits": 4, "group_size": 16, "include_zero": false})");
        QTest::addRow("integer per tensor") << QByteArray(R"({"granularity": "tensor", "include_zero": false})");
        QTest::addRow("nf4") << QByteArray(R"({"format": "nf4", "group_size": 16})");
    }
    void prunedWeightsStayZero()
    {
        QFETCH(QByteArray, parameters);
        const at::Tensor mask = at::arange(8 * 64).remainder(2).eq(0).view({8, 64});
        const at::Tensor weight = (weightOf(8, 64) + 3) * mask;
        const auto rounded = rtn::quantize(weight, rtn::Options::fromParameters(parametersOf(parameters)), mask);
        QVERIFY(rounded.ok());
        QVERIFY(rounded.value()->dequantize().masked_select(mask.logical_not()).eq(0).all().item<bool>());
        QVERIFY(at::equal(rounded.value()->mask(), mask));
        const auto dense = rtn::quantize(weight, rtn::Options::fromParameters(parametersOf(parameters)));
        QVERIFY(bitsOf(*rounded.value()) < bitsOf(*dense.value()));
    }

    void senselessCombinationsAreRefused_data()
    {
        QTest::addColumn<QByteArray>("parameters");
        QTest::addColumn<QByteArray>("named");
        const auto row = [](const char* parameters, const char* named) {
            QTest::addRow("%s", parameters) << QByteArray(parameters) << QByteArray(named);
        };
        row(R"({"format": "mxfp4", "granularity": "channel"})", "granularity");
        row(R"({"format": "nvfp4", "granularity": "tensor"})", "granularity");
        row(R"({"format": "integer", "double_quantization": true})", "double_quantization");
        row(R"({"format": "nf4", "granularity": "tensor", "double_quantization": true})", "double_quantization");
        row(R"({"format": "fp4", "clip": "mse"})", "clip");
        row(R"({"format": "nf4", "symmetric": true})", "symmetric");
        row(R"({"format": "fp8_e4m3", "include_zero": false})", "include_zero");
    }
    void senselessCombinationsAreRefused()
    {
        QFETCH(QByteArray, parameters);
        QFETCH(QByteArray, named);
        const core::Status refused = rtn::checkCombination(parametersOf(parameters));
        QVERIFY(!refused.ok());
        QCOMPARE(refused.error().code, core::ErrorCode::InvalidArgument);
        QVERIFY(refused.error().message.find(named.constData()) != std::string::npos);
        QVERIFY(!refused.error().hint.empty());
    }
    void sensibleCombinationsAreNot_data()
    {
        QTest::addColumn<QByteArray>("parameters");
        for (const char* parameters :
             {"{}", R"({"clip": "mse", "symmetric": true})", R"({"format": "nf4", "double_quantization": true})",
              R"({"format": "mxfp8", "mx_scale_rule": "round175"})",
              R"({"format": "ternary", "granularity": "tensor"})"})
            QTest::addRow("%s", parameters) << QByteArray(parameters);
    }
    void sensibleCombinationsAreNot()
    {
        QFETCH(QByteArray, parameters);
        QVERIFY(rtn::checkCombination(parametersOf(parameters)).ok());
    }
};

QTEST_GUILESS_MAIN(TstRtn)
#include "tst_rtn.moc"
