// SPDX-License-Identifier: Apache-2.0
#include "plugins/quantization/aqlm/aqlm.h"

#include "core/engine/layout/additive_tensor.h"
#include "core/engine/model/packed_tensor.h"
#include "plugins/quantization/aqlm/k_means.h"
#include "tests/core/engine/bystanders.h"
#include "tests/core/engine/trial_fixture.h"
#include "tests/plugins/quantization/correlated_layer.h"

#include <QtTest>

#include <ATen/Parallel.h>
#include <cmath>
#include <vector>

using namespace paretoscope;
using engine::AdditiveCodes;
using engine::AdditiveTensor;
using tests::CorrelatedLayer;
using tests::outputError;

namespace {

at::Tensor randomTensor(std::vector<std::int64_t> sizes, std::uint64_t seed)
{
    tests::UniformNumbers numbers(seed);
    at::Tensor tensor = at::empty(sizes, at::kFloat);
    for (std::int64_t i = 0; i < tensor.numel(); ++i)
        tensor.mutable_data_ptr<float>()[i] = float(numbers.next());
    return tensor;
}

/// Any codes: entry i of all has the value 7 i² mod 2^bits.
AdditiveCodes anyCodes(std::int64_t rows, std::int64_t groups, std::int64_t books, int bits, std::int64_t size)
{
    const std::int64_t vectors = std::int64_t(1) << bits;
    const at::Tensor entries = at::arange(rows * groups * books, at::kLong);
    return {(entries * entries * 7).remainder(vectors).view({rows, groups, books}),
            randomTensor({books, vectors, size}, 3), randomTensor({rows}, 4).abs() + 0.5};
}

double errorOf(const AdditiveCodes& codes, const CorrelatedLayer& layer)
{
    return outputError(layer.weight - codes.dequantize(), layer.hessian);
}

AdditiveCodes withCodes(AdditiveCodes codes, const at::Tensor& chosen)
{
    codes.codes = chosen;
    return codes;
}

std::int64_t storedBits(const engine::CompressedTensor& tensor)
{
    std::int64_t bits = 0;
    for (const engine::StoredPart& part : tensor.storedParts())
        bits += part.bits.value;
    return bits;
}

} // namespace

class TstAqlm : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void initTestCase() { at::set_num_threads(1); }

    void valuesByHand()
    {
        const AdditiveCodes codes {at::tensor({0, 1, 1, 0}, at::kLong).view({1, 2, 2}),
                                   at::tensor({1.0F, 2.0F, 3.0F, 4.0F, 10.0F, 20.0F, 30.0F, 40.0F}).view({2, 2, 2}),
                                   at::tensor({0.5F})};
        // Groups: [1, 2] + [30, 40] and [3, 4] + [10, 20], halved.
        QVERIFY(at::equal(codes.dequantize(), at::tensor({15.5F, 21.0F, 6.5F, 12.0F}).view({1, 4})));
    }

    void oneCodebookGetsTheBestCode()
    {
        // One group, one codebook: every vector tried with the whole loss.
        const CorrelatedLayer layer(9, 4, 64);
        const AdditiveCodes start = anyCodes(9, 1, 1, 5, 4);
        const at::Tensor found = engine::searchCodes(start, layer.weight, layer.hessian, {1, 5});
        for (std::int64_t row = 0; row < 9; ++row) {
            std::int64_t best = -1;
            double least = std::numeric_limits<double>::infinity();
            for (std::int64_t code = 0; code < 32; ++code) {
                at::Tensor tried = start.codes.clone();
                tried[row][0][0] = code;
                const double loss = errorOf(withCodes(start, tried), layer);
                if (loss < least) {
                    least = loss;
                    best = code;
                }
            }
            QCOMPARE(found[row][0][0].item<std::int64_t>(), best);
        }
    }

    void wideBeamGetsTheBestPair()
    {
        const CorrelatedLayer layer(6, 4, 64);
        const AdditiveCodes start = anyCodes(6, 1, 2, 3, 4);
        const at::Tensor found = engine::searchCodes(start, layer.weight, layer.hessian, {8, 5});
        for (std::int64_t row = 0; row < 6; ++row) {
            double least = std::numeric_limits<double>::infinity();
            for (std::int64_t pair = 0; pair < 64; ++pair) {
                at::Tensor tried = found.clone();
                tried[row][0][0] = pair / 8;
                tried[row][0][1] = pair % 8;
                least = std::min(least, errorOf(withCodes(start, tried), layer));
            }
            QVERIFY(errorOf(withCodes(start, found), layer) < least * (1 + 1e-6));
        }
    }

    void searchEndsWhereNoCodeHelps_data()
    {
        QTest::addColumn<int>("beam");
        QTest::addRow("beam 1") << 1;
        QTest::addRow("beam 4") << 4;
    }
    void searchEndsWhereNoCodeHelps()
    {
        QFETCH(int, beam);
        const CorrelatedLayer layer(5, 12, 64);
        AdditiveCodes codes = anyCodes(5, 4, 2, 3, 3);
        double before = errorOf(codes, layer);
        for (std::uint64_t round = 0; round < 20; ++round) {
            codes.codes = engine::searchCodes(codes, layer.weight, layer.hessian, {beam, round});
            const double after = errorOf(codes, layer);
            QVERIFY(after <= before * (1 + 1e-6));
            before = after;
        }
        for (std::int64_t place = 0; place < codes.codes.numel(); ++place) {
            for (std::int64_t code = 0; code < 8; ++code) {
                at::Tensor tried = codes.codes.clone();
                tried.view(-1)[place] = code;
                QVERIFY(errorOf(withCodes(codes, tried), layer) > before * (1 - 1e-6));
            }
        }
    }

    void clusteringIsAFixedPoint()
    {
        const at::Tensor points = randomTensor({300, 3}, 8);
        const at::Tensor centroids = aqlm::kMeans(points, {.centroids = 8, .rounds = 500});
        const at::Tensor owner = aqlm::nearest(points, centroids);
        for (std::int64_t centroid = 0; centroid < 8; ++centroid) {
            at::Tensor sum = at::zeros({3}, at::kDouble);
            std::int64_t count = 0;
            for (std::int64_t point = 0; point < 300; ++point) {
                const at::Tensor distances = (points[point] - centroids).square().sum(1);
                QVERIFY(distances[owner[point].item<std::int64_t>()].item<float>() <=
                        distances.min().item<float>() + 1e-6F);
                if (owner[point].item<std::int64_t>() == centroid) {
                    sum += points[point];
                    ++count;
                }
            }
            QVERIFY(count > 0);
            QVERIFY(at::allclose(sum / double(count), centroids[centroid].to(at::kDouble), 0, 1e-5));
        }
    }

    void fewDistinctPointsAreMetExactly_data()
    {
        QTest::addColumn<int>("points");
        QTest::addRow("fewer points than centroids") << 5;
        QTest::addRow("many equal points") << 400;
    }
    void fewDistinctPointsAreMetExactly()
    {
        QFETCH(int, points);
        const at::Tensor distinct = randomTensor({5, 2}, 6);
        const at::Tensor all = distinct.index_select(0, at::arange(points, at::kLong).remainder(5));
        const at::Tensor centroids = aqlm::kMeans(all, {.centroids = 16});
        QCOMPARE(centroids.size(0), std::int64_t(16));
        QVERIFY(centroids.isfinite().all().item<bool>());
        const at::Tensor found = centroids.index_select(0, aqlm::nearest(all, centroids));
        QVERIFY(at::allclose(found, all, 0, 1e-6));
    }

    void trainingFindsTheMeans()
    {
        // With codes fixed and the identity as Hessian the best codebook of one holds the means of its groups.
        const at::Tensor weight = randomTensor({40, 8}, 9);
        AdditiveCodes start = anyCodes(40, 4, 1, 2, 2);
        start.scales = at::ones({40});
        const at::Tensor groups = weight.view({160, 2});
        const at::Tensor owner = start.codes.view(-1);
        AdditiveCodes means = start;
        means.codebooks = at::zeros_like(start.codebooks);
        for (std::int64_t code = 0; code < 4; ++code) {
            const at::Tensor own = groups.index_select(0, at::nonzero(owner == code).squeeze(1));
            if (own.size(0) > 0)
                means.codebooks[0][code] = own.mean(0);
        }
        aqlm::Options options;
        options.steps = 3000;
        options.learningRate = 1e-3;
        const AdditiveCodes trained = aqlm::trained(start, weight, at::eye(8), options);
        QVERIFY(at::equal(trained.codes, start.codes));
        const double least = outputError(weight - means.dequantize(), at::eye(8));
        QVERIFY(outputError(weight - trained.dequantize(), at::eye(8)) < least * 1.01);
    }

    void lossFallsFromStepToStep()
    {
        const CorrelatedLayer layer(48, 64, 512);
        aqlm::Options options;
        options.bits = 6;
        options.rounds = 4;
        options.tolerance = 0;
        options.learningRate = 1e-3;
        const auto fitted = aqlm::fit(layer.weight, layer.hessian, options, 3);
        QVERIFY(fitted.ok());
        const std::vector<double>& losses = fitted.value().losses;
        for (std::size_t i = 1; i + 1 < losses.size(); ++i)
            QVERIFY2(losses[i] <= losses[i - 1] * (1 + 1e-5),
                     qPrintable(QStringLiteral("%1 after %2 at %3").arg(losses[i]).arg(losses[i - 1]).arg(i)));
        const double rounded = losses.back();
        QVERIFY(std::fabs(rounded - *std::prev(losses.end(), 2)) < 1e-2 * rounded);
        QVERIFY(rounded < 0.9 * losses.front());
        const double told = outputError(layer.weight - fitted.value().codes.dequantize(), layer.hessian) /
                            outputError(layer.weight, layer.hessian);
        QVERIFY(std::fabs(told - rounded) < 1e-3 * rounded);
    }

    void wideCodesComeClose_data()
    {
        QTest::addColumn<int>("codebooks");
        QTest::addColumn<int>("groupSize");
        QTest::addColumn<double>("most");
        // Uniform weights on 256 values: (2/256)²/12 of a mean square of 1/3, and something for a clustering that is
        // not the best.
        QTest::addRow("8 bit of one weight") << 1 << 1 << 3e-5;
        QTest::addRow("four codebooks of pairs") << 4 << 2 << 3e-5;
    }
    void wideCodesComeClose()
    {
        QFETCH(int, codebooks);
        QFETCH(int, groupSize);
        QFETCH(double, most);
        const CorrelatedLayer layer(64, 64, 256);
        aqlm::Options options;
        options.codebooks = codebooks;
        options.groupSize = groupSize;
        options.rounds = 1;
        const auto fitted = aqlm::fit(layer.weight, at::eye(64), options, 3);
        QVERIFY(fitted.ok());
        QVERIFY2(fitted.value().losses.back() < most, qPrintable(QString::number(fitted.value().losses.back())));
    }

    void betterThanClusteringAlone()
    {
        const CorrelatedLayer layer(64, 64, 512);
        aqlm::Options options;
        options.bits = 5;
        const auto fitted = aqlm::fit(layer.weight, layer.hessian, options, 3);
        options.rounds = 0;
        options.steps = 0;
        const auto clustered = aqlm::fit(layer.weight, layer.hessian, options, 3);
        QVERIFY(fitted.value().losses.back() < 0.6 * clustered.value().losses.back());
    }

    void zeroWeightsAndInputsStayFinite()
    {
        const auto zeros = aqlm::fit(at::zeros({8, 16}), at::eye(16), {}, 1);
        QVERIFY(zeros.ok());
        QCOMPARE(zeros.value().codes.dequantize().abs().max().item<float>(), 0.0F);
        const CorrelatedLayer layer(8, 16, 64);
        aqlm::Options options;
        options.bits = 4;
        const auto unseen = aqlm::fit(layer.weight, at::zeros({16, 16}), options, 1);
        const auto alike = aqlm::fit(layer.weight, at::eye(16), options, 1);
        QVERIFY(at::equal(unseen.value().codes.codes, alike.value().codes.codes));
    }

    void bitsPerWeight_data()
    {
        QTest::addColumn<int>("books");
        QTest::addColumn<int>("bits");
        QTest::addColumn<qint64>("rows");
        QTest::addColumn<qint64>("columns");
        QTest::addColumn<double>("expected"); // specs quantization 1
        QTest::addRow("1x16 g8, 4096 x 4096") << 1 << 16 << qint64(4096) << qint64(4096) << 2.504;
        QTest::addRow("1x16 g8, 11008 x 4096") << 1 << 16 << qint64(11008) << qint64(4096) << 2.190;
        QTest::addRow("2x8 g8, 4096 x 4096") << 2 << 8 << qint64(4096) << qint64(4096) << 2.008;
    }
    void bitsPerWeight()
    {
        QFETCH(int, books);
        QFETCH(int, bits);
        QFETCH(qint64, rows);
        QFETCH(qint64, columns);
        QFETCH(double, expected);
        const AdditiveTensor tensor({at::zeros({1, 1, 1}, at::kLong).expand({rows, columns / 8, books}),
                                     at::zeros({books, std::int64_t(1) << bits, 8}), at::zeros({rows})},
                                    bits);
        QVERIFY(std::fabs(double(storedBits(tensor)) / double(rows * columns) - expected) < 5e-4);
    }

    void comesBackFromItsParts_data()
    {
        QTest::addColumn<int>("bits");
        QTest::addRow("5 bit") << 5;
        QTest::addRow("8 bit") << 8;
        QTest::addRow("11 bit") << 11;
    }
    void comesBackFromItsParts()
    {
        QFETCH(int, bits);
        const AdditiveTensor tensor(anyCodes(7, 5, 3, bits, 4), bits);
        const auto layouts = engine::TensorLayouts::builtIn();
        QVERIFY(layouts->canRead(tensor));
        const auto back = engine::unpack(engine::pack(tensor), *layouts);
        QVERIFY2(back.ok(), back.ok() ? "" : back.error().sentence().c_str());
        QVERIFY(at::equal(back.value()->dequantize(), tensor.dequantize()));
        QCOMPARE(engine::pack(*back.value()), engine::pack(tensor));
        std::int64_t serialised = 0;
        for (const auto& [name, part] : tensor.serialise())
            serialised += static_cast<std::int64_t>(part.nbytes()) * 8;
        QCOMPARE(storedBits(*back.value()), serialised);
    }

    void damagedPartsAreRefused_data()
    {
        QTest::addColumn<QByteArray>("member"); // of the description or name of a part
        for (const char* member : {"rows", "groups", "group_size", "bits"})
            QTest::addRow("%s", member) << QByteArray(member);
        for (const char* part : {"codes", "codebooks", "scales"})
            QTest::addRow("%s", part) << QByteArray(part);
    }
    void damagedPartsAreRefused()
    {
        QFETCH(QByteArray, member);
        const AdditiveTensor tensor(anyCodes(7, 5, 3, 6, 4), 6);
        core::Json description = tensor.description();
        engine::TensorParts parts = tensor.serialise();
        if (description.contains(member.toStdString()) && description.at(member.toStdString()).is_number() &&
            member != "codebooks")
            description[member.toStdString()] = -1;
        for (auto& [name, part] : parts) {
            if (name == member.toStdString())
                part = part.slice(0, 1);
        }
        const auto read = AdditiveTensor::fromParts(description, parts, *engine::TensorLayouts::builtIn());
        QVERIFY(!read.ok());
        QCOMPARE(read.error().code, core::ErrorCode::Corrupt);
    }

    void wholeModel()
    {
        const SweepUnderTest test("  - [aqlm: {codebook_bits: 4, rounds: 1, steps: 5}]\n"
                                  "  - [aqlm: {codebook_bits: 4, group_size: 48}]\n",
                                  2);
        tests::SilentObserver observer;
        engine::TrialRunner runner(optionsFor());
        const auto outcome = runner.run(test.request(0), observer);
        QVERIFY2(outcome.ok(), outcome.ok() ? "" : outcome.error().sentence().c_str());
        QVERIFY(std::isfinite(*metricOf(outcome.value(), "perplexity").value));
        const auto refused = runner.run(test.request(1), observer);
        QVERIFY(!refused.ok());
        QCOMPARE(refused.error().code, core::ErrorCode::InvalidArgument);
        QVERIFY2(refused.error().message.find("q_proj: its 128 inputs are no multiple of group_size 48") !=
                     std::string::npos,
                 refused.error().message.c_str());
    }
};

QTEST_GUILESS_MAIN(TstAqlm)
#include "tst_aqlm.moc"
