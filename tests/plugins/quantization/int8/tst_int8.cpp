// SPDX-License-Identifier: Apache-2.0
#include "plugins/quantization/int8/activation_places.h"
#include "plugins/quantization/int8/activation_quantizer.h"
#include "plugins/quantization/int8/activation_statistics.h"

#include <QtTest>

#include <algorithm>
#include <cmath>
#include <vector>

using namespace paretoscope;
using namespace paretoscope::int8;

namespace {

/// Tokens with a channel of outliers, reproducible everywhere.
at::Tensor activations(std::int64_t tokens, std::int64_t features)
{
    at::Tensor x =
        at::arange(tokens * features, at::kFloat).mul(12.9898).sin().mul(43758.5453).frac().view({tokens, features});
    x.select(1, 3).mul_(9);
    return x;
}

ActivationRule ruleOf(Granularity granularity, bool symmetric = true, double divisor = 127)
{
    ActivationRule rule;
    rule.granularity = granularity;
    rule.symmetric = symmetric;
    rule.divisor = divisor;
    rule.groupSize = 16;
    return rule;
}

} // namespace

class TstInt8 : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    /// specs quantization 4: Y = a_t w_o acc with acc the sum of products of integers.
    void equalsAProductOfIntegers()
    {
        const at::Tensor x = activations(20, 48);
        const at::Tensor weight = activations(12, 48).cos();
        const at::Tensor weightScale = weight.abs().amax(1, true) / 127;
        const at::Tensor codes = (weight / weightScale).round();
        const at::Tensor fake = at::mm(quantizeActivations(x, ruleOf(Granularity::Token)), (codes * weightScale).t());
        for (std::int64_t t = 0; t < x.size(0); ++t) {
            const double scale = x[t].abs().max().item<double>() / 127;
            for (std::int64_t o = 0; o < weight.size(0); ++o) {
                std::int32_t sum = 0;
                for (std::int64_t j = 0; j < x.size(1); ++j)
                    sum += static_cast<std::int32_t>(std::nearbyint(x[t][j].item<double>() / scale)) *
                           static_cast<std::int32_t>(codes[o][j].item<double>());
                const double real = scale * weightScale[o][0].item<double>() * sum;
                QVERIFY(std::fabs(fake[t][o].item<double>() - real) <= 1e-3 * std::max(1.0, std::fabs(real)));
            }
        }
    }

    void valuesByHand_data()
    {
        QTest::addColumn<int>("granularity");
        QTest::addColumn<bool>("symmetric");
        QTest::addColumn<double>("divisor");
        QTest::addColumn<QList<float>>("expected");
        const auto row = [](const char* tag, Granularity granularity, bool symmetric, double divisor,
                            QList<float> expected) {
            QTest::addRow("%s", tag) << int(granularity) << symmetric << divisor << expected;
        };
        // of the row 127, -2.4, 0.5, 1.5
        row("none", Granularity::None, true, 127, {127, -2.4F, 0.5F, 1.5F});
        row("token: scale 1, half to even", Granularity::Token, true, 127, {127, -2, 0, 2});
        row("static: scale 2 of a magnitude of 254", Granularity::Tensor, true, 127, {128, -2, 0, 2});
        row("127.5: the positive end is clipped", Granularity::Token, true, 127.5,
            {127 * 127 / 127.5F, -2 * 127 / 127.5F, 127 / 127.5F, 2 * 127 / 127.5F});
    }
    void valuesByHand()
    {
        QFETCH(int, granularity);
        QFETCH(bool, symmetric);
        QFETCH(double, divisor);
        QFETCH(QList<float>, expected);
        const at::Tensor x = at::tensor({127.0F, -2.4F, 0.5F, 1.5F}).unsqueeze(0);
        const at::Tensor found =
            quantizeActivations(x, ruleOf(Granularity(granularity), symmetric, divisor), 254).contiguous();
        for (int i = 0; i < expected.size(); ++i)
            QVERIFY2(std::fabs(found.const_data_ptr<float>()[i] - expected[i]) < 1e-4F,
                     qPrintable(QStringLiteral("value %1: %2").arg(i).arg(double(found.const_data_ptr<float>()[i]))));
    }

    void errorIsHalfAStep_data()
    {
        QTest::addColumn<int>("granularity");
        QTest::addColumn<bool>("symmetric");
        for (const bool symmetric : {true, false}) {
            QTest::addRow("token, %s", symmetric ? "symmetric" : "asymmetric") << int(Granularity::Token) << symmetric;
            QTest::addRow("group, %s", symmetric ? "symmetric" : "asymmetric") << int(Granularity::Group) << symmetric;
        }
    }
    void errorIsHalfAStep()
    {
        QFETCH(int, granularity);
        QFETCH(bool, symmetric);
        const at::Tensor x = activations(20, 40) + 0.4; // 40 = 16 + 16 + 8
        const at::Tensor found = quantizeActivations(x, ruleOf(Granularity(granularity), symmetric));
        QCOMPARE(found.sizes().vec(), x.sizes().vec());
        const std::int64_t size = Granularity(granularity) == Granularity::Token ? 40 : 16;
        for (std::int64_t t = 0; t < 20; ++t) {
            for (std::int64_t first = 0; first < 40; first += size) {
                const at::Tensor part = x[t].narrow(0, first, std::min<std::int64_t>(size, 40 - first));
                const double step =
                    symmetric
                        ? part.abs().max().item<double>() / 127
                        : (std::max(0.0, part.max().item<double>()) - std::min(0.0, part.min().item<double>())) / 255;
                const at::Tensor error = (found[t].narrow(0, first, part.size(0)) - part).abs();
                QVERIFY(error.max().item<double>() <= 0.5 * step * 1.001 + (symmetric ? 0 : 0.5 * step));
            }
        }
    }

    void outliersAreSplitOff_data()
    {
        QTest::addColumn<double>("threshold");
        QTest::addRow("none of them") << double(INFINITY);
        QTest::addRow("the outlier's channel") << 6.0;
        QTest::addRow("all of them") << 0.0;
    }
    void outliersAreSplitOff()
    {
        QFETCH(double, threshold);
        const at::Tensor x = activations(20, 40);
        ActivationRule rule = ruleOf(Granularity::Token);
        rule.outlierThreshold = threshold;
        const at::Tensor found = quantizeActivations(x, rule);
        if (std::isinf(threshold)) {
            QVERIFY(at::equal(found, quantizeActivations(x, ruleOf(Granularity::Token))));
            return;
        }
        if (threshold == 0) {
            QVERIFY(at::equal(found, x));
            return;
        }
        QVERIFY(at::equal(found.select(1, 3), x.select(1, 3)));
        at::Tensor rest = x.clone();
        rest.select(1, 3).zero_();
        at::Tensor expected = quantizeActivations(rest, ruleOf(Granularity::Token));
        expected.select(1, 3).copy_(x.select(1, 3));
        QVERIFY(at::equal(found, expected));
    }

    void tokensDoNotSeeEachOther()
    {
        const at::Tensor x = activations(20, 40);
        const at::Tensor order = at::arange(20).mul(7).remainder(20);
        const ActivationRule rule = ruleOf(Granularity::Token);
        QVERIFY(at::equal(quantizeActivations(x.index_select(0, order), rule),
                          quantizeActivations(x, rule).index_select(0, order)));
    }

    void keepsTheTypeAndZeros()
    {
        const at::Tensor zeros = at::zeros({3, 16}, at::kBFloat16);
        for (const bool symmetric : {true, false}) {
            const at::Tensor found = quantizeActivations(zeros, ruleOf(Granularity::Token, symmetric));
            QCOMPARE(found.scalar_type(), at::kBFloat16);
            QVERIFY(at::equal(found, zeros));
        }
        QCOMPARE(quantizeActivations(at::empty({0, 16}), ruleOf(Granularity::Token)).size(0), std::int64_t(0));
    }

    void magnitudesOfCalibration_data()
    {
        QTest::addColumn<double>("percentile");
        for (const double percentile : {100.0, 99.0, 90.0, 50.0})
            QTest::addRow("%g %%", percentile) << percentile;
    }
    void magnitudesOfCalibration()
    {
        QFETCH(double, percentile);
        const at::Tensor x = activations(200, 40);
        ActivationMagnitude parts(percentile);
        parts.add(x.narrow(0, 0, 30));
        ActivationMagnitude more(percentile);
        more.add(x.narrow(0, 30, 170));
        parts.merge(more);
        QCOMPARE(parts.samples(), std::int64_t(200));
        const at::Tensor sorted = std::get<0>(x.abs().flatten().sort());
        const auto rank = std::int64_t(std::ceil(double(sorted.numel()) * percentile / 100)) - 1;
        const double expected = sorted[rank].item<double>();
        const double found = parts.value().item<double>();
        if (percentile == 100)
            QCOMPARE(found, expected);
        QVERIFY2(found >= expected && found <= expected * (1 + 1.0 / 128),
                 qPrintable(QStringLiteral("%1 of %2").arg(found).arg(expected)));
    }

    void sharesOfOutlierColumns()
    {
        OutlierShares shares(6);
        shares.add(activations(100, 40));
        shares.add(activations(100, 40) * 0.01);
        QCOMPARE(shares.value().size(0), std::int64_t(2));
        QCOMPARE(shares.value()[0].item<float>(), 1.0F / 40);
        QCOMPARE(shares.value()[1].item<float>(), 0.0F);
    }

    void placesFollowFromRoles()
    {
        engine::ModelView model;
        const auto add = [&](const char* role, const char* input, int expert = -1) {
            model.units.push_back(
                {.module = role, .tensor = role, .role = role, .block = 2, .expert = expert, .input = input});
        };
        add("attention.query", "a");
        add("attention.key", "a");
        add("attention.output", "b");
        add("moe.router", "c");
        add("moe.expert.gate", "d", 5);
        add("moe.expert.down", "e", 5);
        const auto places = placesOf(model, {0, 1, 2, 3, 4, 5});
        QVERIFY(places.ok());
        using engine::HookPoint;
        const std::map<Place, std::string> expected {{{HookPoint::AttentionInput, 2, -1}, "a"},
                                                     {{HookPoint::AttentionOutput, 2, -1}, "b"},
                                                     {{HookPoint::ExpertInput, 2, 5}, "d"},
                                                     {{HookPoint::ExpertHidden, 2, 5}, "e"}};
        QVERIFY(places.value() == expected);
        const auto refused = placesOf(model, {0, 2});
        QVERIFY(!refused.ok());
        QCOMPARE(refused.error().code, core::ErrorCode::InvalidArgument);
        QVERIFY(refused.error().message.find("attention.key is left out") != std::string::npos);
    }
};

QTEST_GUILESS_MAIN(TstInt8)
#include "tst_int8.moc"
