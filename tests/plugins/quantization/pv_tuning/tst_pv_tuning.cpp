// SPDX-License-Identifier: Apache-2.0
#include "core/engine/layout/additive_tensor.h"
#include "core/engine/layout/dense_tensor.h"
#include "core/engine/quantization/group_affine_tensor.h"
#include "plugins/quantization/pv_tuning/relative_adam.h"
#include "plugins/quantization/pv_tuning/tunable_weight.h"
#include "tests/core/engine/bystanders.h"
#include "tests/core/engine/trial_fixture.h"
#include "tests/plugins/quantization/correlated_layer.h"

#include <QtTest>

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

using namespace paretoscope;
using pv_tuning::TunableWeight;

namespace {

at::Tensor randomTensor(std::int64_t rows, std::int64_t columns, std::uint64_t seed)
{
    return tests::CorrelatedLayer(rows, columns, 1, seed).weight;
}

/// A quantised weight [24, 32] of either layout.
std::shared_ptr<const engine::CompressedTensor> formOf(const QByteArray& kind)
{
    if (kind == "additive codes") {
        const at::Tensor codes = (at::arange(24 * 8 * 2, at::kLong) * 37).remainder(16).view({24, 8, 2});
        const at::Tensor codebooks = randomTensor(32, 4, 2).view({2, 16, 4});
        return std::make_shared<engine::AdditiveTensor>(
            engine::AdditiveCodes {codes, codebooks, randomTensor(1, 24, 5).view(-1).abs() + 0.5}, 4);
    }
    engine::AffineOptions options;
    options.bits = 3;
    options.groupSize = 16;
    return engine::roundToNearest(randomTensor(24, 32, 7), options).value();
}

void addForms()
{
    QTest::addColumn<QByteArray>("kind");
    QTest::addRow("additive codes") << QByteArray("additive codes");
    QTest::addRow("affine codes") << QByteArray("affine codes");
}

std::unique_ptr<TunableWeight> tunable(const QByteArray& kind)
{
    return TunableWeight::of(*formOf(kind)).value();
}

double distance(const at::Tensor& a, const at::Tensor& b)
{
    return (a - b).square().sum(at::kDouble).item<double>();
}

std::int64_t storedBits(const engine::CompressedTensor& tensor)
{
    std::int64_t bits = 0;
    for (const engine::StoredPart& part : tensor.storedParts())
        bits += part.bits.value;
    return bits;
}

} // namespace

class TstPvTuning : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void adamByHand()
    {
        // Size of the value: sqrt((9 + 16) / 2). First step: m̂ = g, v̂ = g², so each entry moves by rate * size.
        pv_tuning::RelativeAdam adam(0.9, 0.95);
        const at::Tensor value = at::tensor({3.0F, 4.0F});
        const double size = std::sqrt(12.5);
        const at::Tensor first = adam.step(value, at::tensor({2.0F, -5.0F}), 0.1);
        QVERIFY(at::allclose(first, at::tensor({-1.0, 1.0}).to(at::kFloat) * (0.1 * size), 1e-4));
        // Second: m = 0.9 * 0.1 * 2 + 0.1 * 1, v = 0.95 * 0.05 * 4 + 0.05 * 1, both over what the weights sum to.
        const at::Tensor second = adam.step(value, at::tensor({1.0F, 0.0F}), 0.1);
        const double m = (0.9 * 0.1 * 2 + 0.1) / (1 - 0.81);
        const double v = (0.95 * 0.05 * 4 + 0.05) / (1 - 0.9025);
        QVERIFY(std::fabs(second[0].item<double>() + 0.1 * size * m / std::sqrt(v)) < 1e-4);
        QCOMPARE(pv_tuning::RelativeAdam(0, 0.95).step(value, at::zeros({2}), 1).abs().max().item<float>(), 0.0F);
    }

    void startsWhereTheFormIs_data() { addForms(); }
    void startsWhereTheFormIs()
    {
        QFETCH(QByteArray, kind);
        const auto form = formOf(kind);
        const auto weight = tunable(kind);
        QVERIFY(at::equal(weight->dequantize(), form->dequantize()));
        QVERIFY(at::equal(weight->form()->dequantize(), form->dequantize()));
        QCOMPARE(storedBits(*weight->form()), storedBits(*form));
    }

    void codesMoveTowardsTheTarget_data()
    {
        QTest::addColumn<QByteArray>("kind");
        QTest::addColumn<double>("share");
        for (const char* kind : {"additive codes", "affine codes"}) {
            for (const double share : {0.001, 0.1, 1.0})
                QTest::addRow("%s, %g of the groups", kind, share) << QByteArray(kind) << share;
        }
    }
    void codesMoveTowardsTheTarget()
    {
        QFETCH(QByteArray, kind);
        QFETCH(double, share);
        const auto weight = tunable(kind);
        const at::Tensor before = weight->dequantize();
        const at::Tensor target = randomTensor(24, 32, 99);
        const std::int64_t changed = weight->moveCodes(target, {share, 2, 3});
        const at::Tensor after = weight->dequantize();
        QVERIFY(changed >= 1);
        QVERIFY(double(changed) <= std::ceil(share * double(weight->groups())));
        const std::int64_t size = before.numel() / weight->groups();
        const auto perGroup = [&](const at::Tensor& x) { return (x - target).square().view({-1, size}).sum(1); };
        QVERIFY(perGroup(after).le(perGroup(before) + 1e-6).all().item<bool>());
        QVERIFY(distance(after, target) < distance(before, target));
        // Only as many groups as told have other values, and all of it can be stored.
        QCOMPARE((after - before).abs().view({-1, size}).amax(1).gt(0).sum().item<std::int64_t>(), changed);
        QVERIFY(at::equal(weight->form()->dequantize(), after));
    }

    void affineCodesAreTheNearest()
    {
        const auto weight = tunable("affine codes");
        const at::Tensor target = randomTensor(24, 32, 99);
        weight->moveCodes(target, {1, 1, 0});
        const auto stored = weight->form();
        const auto& form = static_cast<const engine::GroupAffineTensor&>(*stored);
        const at::Tensor found = weight->dequantize();
        for (std::int64_t row = 0; row < 24; ++row) {
            for (std::int64_t column = 0; column < 32; ++column) {
                double least = 1e9;
                for (int code = 0; code < 8; ++code) {
                    const double value = form.grids().scales[row][column / 16].item<double>() *
                                         (code - form.grids().zeros[row][column / 16].item<double>());
                    least = std::min(least, std::fabs(value - target[row][column].item<double>()));
                }
                QVERIFY(std::fabs(found[row][column].item<double>() - target[row][column].item<double>()) <
                        least + 1e-6);
            }
        }
    }

    /// Value by value: what the loss ⟨gradient, Ŵ⟩ gains when one codebook entry or scale grows by one.
    void gradientsOfAdditiveValues()
    {
        const auto weight = tunable("additive codes");
        const auto stored = weight->form();
        const engine::AdditiveCodes& codes = static_cast<const engine::AdditiveTensor&>(*stored).codes();
        const at::Tensor gradient = randomTensor(24, 32, 41);
        std::vector<double> ofCodebooks(std::size_t(codes.codebooks.numel()));
        std::vector<double> ofScales(24);
        for (std::int64_t row = 0; row < 24; ++row) {
            for (std::int64_t column = 0; column < 32; ++column) {
                const double slope = gradient[row][column].item<double>();
                for (std::int64_t book = 0; book < 2; ++book) {
                    const auto code = codes.codes[row][column / 4][book].item<std::int64_t>();
                    ofCodebooks[std::size_t((book * 16 + code) * 4 + column % 4)] +=
                        slope * codes.scales[row].item<double>();
                    ofScales[std::size_t(row)] += slope * codes.codebooks[book][code][column % 4].item<double>();
                }
            }
        }
        const std::vector<at::Tensor> found = weight->valueGradients(gradient);
        QCOMPARE(found.size(), std::size_t(2));
        QVERIFY(at::allclose(found[0].reshape(-1), at::tensor(ofCodebooks).to(at::kFloat), 1e-4, 1e-5));
        QVERIFY(at::allclose(found[1], at::tensor(ofScales).to(at::kFloat), 1e-4, 1e-5));
    }

    void gradientsOfAffineValues()
    {
        const auto weight = tunable("affine codes");
        const auto stored = weight->form();
        const auto& form = static_cast<const engine::GroupAffineTensor&>(*stored);
        const at::Tensor gradient = randomTensor(24, 32, 41);
        std::vector<double> ofScales(24 * 2);
        for (std::int64_t row = 0; row < 24; ++row) {
            for (std::int64_t column = 0; column < 32; ++column)
                ofScales[std::size_t(row * 2 + column / 16)] +=
                    gradient[row][column].item<double>() *
                    (form.codes()[row][column].item<double>() - form.grids().zeros[row][column / 16].item<double>());
        }
        const std::vector<at::Tensor> found = weight->valueGradients(gradient);
        QCOMPARE(found.size(), std::size_t(1));
        QVERIFY(at::allclose(found[0].reshape(-1), at::tensor(ofScales).to(at::kFloat), 1e-4, 1e-5));
    }

    void valuesFallAlongTheGradient_data() { addForms(); }
    void valuesFallAlongTheGradient()
    {
        // The loss is the squared distance to a target: its gradient is twice the difference.
        QFETCH(QByteArray, kind);
        const auto weight = tunable(kind);
        const at::Tensor target = randomTensor(24, 32, 99);
        const double before = distance(weight->dequantize(), target);
        for (int step = 0; step < 200; ++step)
            weight->moveValues(2 * (weight->dequantize() - target), 0.005);
        const double after = distance(weight->dequantize(), target);
        QVERIFY2(after < 0.9 * before, qPrintable(QStringLiteral("%1 after %2").arg(after).arg(before)));
        QVERIFY(at::equal(weight->form()->dequantize(), weight->dequantize()));
    }

    void prunedWeightsStayZero()
    {
        const at::Tensor mask = randomTensor(24, 32, 13) > 0;
        engine::AffineOptions options;
        options.bits = 3;
        options.groupSize = 16;
        const auto rounded = engine::roundToNearest(randomTensor(24, 32, 7), options).value();
        const engine::GroupAffineTensor pruned(rounded->codes(), rounded->grids(), options, {}, mask);
        const auto weight = TunableWeight::of(pruned).value();
        const at::Tensor target = randomTensor(24, 32, 99);
        weight->moveValues(weight->dequantize() - target, 0.01);
        weight->moveCodes(target, {1, 1, 0});
        QCOMPARE(weight->dequantize().masked_select(mask.logical_not()).abs().max().item<float>(), 0.0F);
        QVERIFY(at::equal(weight->form()->dequantize(), weight->dequantize()));
    }

    void otherFormsAreLeftAlone()
    {
        const engine::DenseTensor dense(randomTensor(4, 4, 1));
        const auto weight = TunableWeight::of(dense);
        QVERIFY(weight.ok());
        QVERIFY(!weight.value());
    }

    void tuningLowersPerplexity_data()
    {
        QTest::addColumn<QString>("before");
        QTest::addColumn<QString>("tuning");
        QTest::addRow("2 bit codes") << "rtn: {bits: 2, group_size: 32}"
                                     << "pv_tuning: {epochs: 3, code_learning_rate: 0.1}";
        QTest::addRow("2 bit codes, loss of the text") << "rtn: {bits: 2, group_size: 32}"
                                                       << "pv_tuning: {epochs: 3, code_learning_rate: 0.1, loss: text}";
        QTest::addRow("2 bit codes, values only") << "rtn: {bits: 2, group_size: 32}"
                                                  << "pv_tuning: {epochs: 3, max_code_change: 0}";
        QTest::addRow("2 bit codes, no buffer") << "rtn: {bits: 2, group_size: 32}"
                                                << "pv_tuning: {epochs: 3, delta_decay: 1, code_learning_rate: 0.3}";
        QTest::addRow("additive codes") << "aqlm: {codebook_bits: 5, rounds: 1, steps: 20}"
                                        << "pv_tuning: {epochs: 3, code_learning_rate: 0.1}";
    }
    void tuningLowersPerplexity()
    {
        QFETCH(QString, before);
        QFETCH(QString, tuning);
        const QString pipelines = QStringLiteral("  - [%1]\n  - [%1, %2]\n").arg(before, tuning);
        const SweepUnderTest test(pipelines.toStdString(), 8, "tiny-llama", "samples: 15, length: 128");
        tests::SilentObserver observer;
        engine::TrialRunner runner(optionsFor());
        const auto untuned = runner.run(test.request(0), observer);
        const auto tuned = runner.run(test.request(1), observer);
        QVERIFY2(untuned.ok(), untuned.ok() ? "" : untuned.error().sentence().c_str());
        QVERIFY2(tuned.ok(), tuned.ok() ? "" : tuned.error().sentence().c_str());
        const double with = *metricOf(tuned.value(), "perplexity").value;
        const double without = *metricOf(untuned.value(), "perplexity").value;
        qInfo("%.2f after %.2f", with, without);
        QVERIFY2(with < 0.98 * without, qPrintable(QStringLiteral("%1 after %2").arg(with).arg(without)));
        QCOMPARE(*metricOf(tuned.value(), "stored_bytes").value, *metricOf(untuned.value(), "stored_bytes").value);
        double moved = 0; // the largest share of groups of a layer that got other codes in a step, on average
        double validationBefore = 0;
        double validationAfter = 0;
        for (const core::LayerMetricRecord& record : tuned.value().layerMetrics) {
            moved = std::max(moved, record.name == "moved_groups_per_step" ? *record.value : 0);
            validationBefore += record.name == "validation_loss_before" ? *record.value : 0;
            validationAfter += record.name == "validation_loss_after" ? *record.value : 0;
        }
        QVERIFY(validationAfter > 0 && validationAfter < validationBefore);
        QCOMPARE(moved > 0, !tuning.contains(QLatin1String("max_code_change: 0")));
        QVERIFY(moved < 0.011); // max_code_change, and one group at least
        const auto again = runner.run(test.request(1), observer);
        QCOMPARE(*metricOf(again.value(), "perplexity").value, with);
    }

    void refusals_data()
    {
        QTest::addColumn<QString>("pipeline");
        QTest::addColumn<QString>("calibration");
        QTest::addColumn<QString>("message");
        const auto row = [](const char* name, const char* pipeline, const char* calibration, const char* message) {
            QTest::addRow("%s", name) << QString::fromLatin1(pipeline) << QString::fromLatin1(calibration)
                                      << QString::fromLatin1(message);
        };
        row("other layers", "[rtn: {include: \"*.mlp.*\"}, pv_tuning: {include: \"*.self_attn.*\"}]",
            "samples: 4, length: 64", "pv_tuning: the weight is not quantised yet");
        row("no codes that can be tuned", "[hqq, pv_tuning]", "samples: 4, length: 64",
            "the model: no layer has codes that can be tuned");
        row("one sequence", "[rtn, pv_tuning]", "samples: 1, length: 64",
            "tuning needs two calibration sequences at least");
    }
    void refusals()
    {
        QFETCH(QString, pipeline);
        QFETCH(QString, calibration);
        QFETCH(QString, message);
        const SweepUnderTest test("  - " + pipeline.toStdString() + "\n", 1, "tiny-llama", calibration.toStdString());
        tests::SilentObserver observer;
        engine::TrialRunner runner(optionsFor());
        const auto outcome = runner.run(test.request(0), observer);
        QVERIFY(!outcome.ok());
        QCOMPARE(outcome.error().code, core::ErrorCode::InvalidArgument);
        QVERIFY2(outcome.error().message.find(message.toStdString()) != std::string::npos,
                 outcome.error().message.c_str());
        QVERIFY(!outcome.error().hint.empty());
    }

    /// Steps that are far too wide leave the model as it was.
    void divergenceKeepsTheBestModel()
    {
        const SweepUnderTest test("  - [rtn: {bits: 3}]\n  - [rtn: {bits: 3}, pv_tuning: {epochs: 2, learning_rate: 1, "
                                  "code_learning_rate: 10, max_code_change: 1}]\n",
                                  1, "tiny-llama", "samples: 5, length: 64");
        tests::SilentObserver observer;
        engine::TrialRunner runner(optionsFor());
        const auto untuned = runner.run(test.request(0), observer);
        const auto tuned = runner.run(test.request(1), observer);
        QVERIFY2(tuned.ok(), tuned.ok() ? "" : tuned.error().sentence().c_str());
        QCOMPARE(*metricOf(tuned.value(), "perplexity").value, *metricOf(untuned.value(), "perplexity").value);
    }
};

QTEST_GUILESS_MAIN(TstPvTuning)
#include "tst_pv_tuning.moc"
