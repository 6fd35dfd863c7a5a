// SPDX-License-Identifier: Apache-2.0
// What is recorded of how tensors are stored.
#include "core/engine/accounting/stored_form.h"

#include "core/engine/accounting/stored_size.h"
#include "core/engine/layout/dense_tensor.h"
#include "core/engine/layout/low_rank_tensor.h"
#include "core/engine/layout/sparse_tensor.h"
#include "core/engine/layout/sum_tensor.h"
#include "core/engine/quantization/coded_rounding.h"
#include "core/engine/quantization/group_affine_tensor.h"
#include "core/engine/warm_model.h"
#include "tests/core/engine/trial_fixture.h"

#include <QtTest>

#include <c10/core/InferenceMode.h>

#include <functional>

using namespace paretoscope;

namespace {

using TensorPtr = std::shared_ptr<const engine::CompressedTensor>;
using Make = std::function<TensorPtr()>;

const at::Tensor kWeight = at::arange(1, 24 * 64 + 1, at::kFloat).mul_(0.7).sin_().view({24, 64});

/// True where the place of an entry in its row, modulo `of`, is below `kept`.
at::Tensor firstOf(int kept, int of)
{
    return at::arange(64).remainder(of).lt(kept).unsqueeze(0).expand({24, 64}).contiguous();
}

engine::AffineOptions bits(int count)
{
    engine::AffineOptions options;
    options.bits = count;
    options.groupSize = 32;
    return options;
}

TensorPtr product(std::int64_t rank)
{
    return engine::LowRankTensor::stored(kWeight.narrow(1, 0, rank), kWeight.narrow(0, 0, rank), at::kBFloat16).value();
}

} // namespace

Q_DECLARE_METATYPE(Make)

class TstStoredForm : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void tellsWhatHardwareHasToKnow_data()
    {
        QTest::addColumn<Make>("make");
        QTest::addColumn<QString>("expected"); // the form as it is recorded
        const auto row = [](const char* name, Make make, const char* expected) {
            QTest::addRow("%s", name) << std::move(make) << QString::fromLatin1(expected);
        };
        row(
            "affine", [] { return engine::roundToNearest(kWeight, bits(3)).value(); },
            R"({"bits":[0],"code_bits":[3],"integer":[true]})");
        row(
            "affine 2:4", [] { return engine::roundToNearest(kWeight, bits(4), firstOf(2, 4)).value(); },
            R"({"bits":[0],"code_bits":[4],"density":[0.5],"integer":[true],"kept":[2],"of":[4]})");
        row(
            "sparse", [] { return std::make_shared<engine::SparseTensor>(kWeight, kWeight.gt(0.5), at::kBFloat16); },
            "density of the mask");
        row(
            "number format",
            [] {
                return engine::roundToFormat(
                           kWeight, engine::CodedOptions::fromParameters({{"format", "nf4"}, {"group_size", 64}}))
                    .value();
            },
            R"({"bits":[0],"code_bits":[4]})");
        row(
            "dense", [] { return std::make_shared<engine::DenseTensor>(kWeight, core::ElementType::BF16); },
            R"({"bits":[0]})");
        row(
            "low rank", [] { return product(5); }, R"({"bits":[0],"product":[true],"rank":[5]})");
        row(
            "codes and low rank",
            [] {
                return std::make_shared<engine::SumTensor>(
                    engine::roundToNearest(kWeight, bits(4), firstOf(2, 4)).value(), product(7));
            },
            R"({"bits":[0],"code_bits":[4],"density":[0.5],"integer":[true],"kept":[2],"of":[4],"rank":[7]})");
    }
    void tellsWhatHardwareHasToKnow()
    {
        QFETCH(Make, make);
        QFETCH(QString, expected);
        const c10::InferenceMode noGradients;
        core::StoredModel model;
        model.add(engine::storedFormOf(*make()));
        if (expected == QLatin1String("density of the mask")) {
            const double density = kWeight.gt(0.5).to(at::kDouble).mean().item<double>();
            QCOMPARE(model.at(0).density, density);
            QCOMPARE(model.at(0).kept, 0);
            return;
        }
        QCOMPARE(QString::fromStdString(core::canonicalJson(core::toJson(model)["forms"])), expected);
    }

    void bytesAreThoseOfAllTensors()
    {
        const c10::InferenceMode noGradients;
        const auto whole =
            engine::WarmModel::load(kResources / "models" / "tiny-llama", kResources / "architectures", core::Bytes {})
                .value();
        const core::Architecture& architecture = whole->graph().architecture();
        engine::ModelTensors tensors = whole->tensors();
        core::StoredModel stored = engine::storedModel(architecture, tensors);
        QCOMPARE(stored.size(), core::graphTensorNames(architecture).size());
        QCOMPARE(stored.bytes().value, std::int64_t(2 * 1311872)); // bf16
        const std::string name = "model.layers.0.self_attn.q_proj.weight";
        const auto rounded = engine::roundToNearest(tensors.read(name).value(), bits(4)).value();
        tensors.replace(name, rounded);
        tensors.replace("model.layers.1.self_attn.q_proj.weight", rounded); // one piece of memory
        std::int64_t parts = 0;
        for (const engine::StoredPart& part : rounded->storedParts())
            parts += part.bits.value;
        stored = engine::storedModel(architecture, tensors);
        const std::int64_t elements = tensors.read(name).value().numel();
        QCOMPARE(stored.bytes().value, 2 * (1311872 - 2 * elements) + parts / 8);
        QCOMPARE(engine::storedSize(architecture, tensors).value, stored.bytes().value);
        const auto names = core::graphTensorNames(architecture);
        const auto place = std::find(names.begin(), names.end(), name) - names.begin();
        QCOMPARE(stored.at(std::size_t(place)).bits.value, parts);
        QCOMPARE(stored.at(std::size_t(place)).codeBits, 4.0);
    }

    void aTrialBringsTheRecordBack()
    {
        const SweepUnderTest test("  - [rtn: {bits: 4, group_size: 64}]\n");
        engine::TrialRunner runner(optionsFor());
        Observer observer;
        const auto outcome = runner.run(test.request(0), observer);
        QVERIFY2(outcome.ok(), outcome.ok() ? "" : outcome.error().sentence().c_str());
        const core::MetricRecord& size = metricOf(outcome.value(), "stored_bytes");
        const auto stored = core::storedModelFromJson(size.details.at(core::kStoredModelKey));
        QVERIFY2(stored.ok(), stored.ok() ? "" : stored.error().sentence().c_str());
        QCOMPARE(double(stored.value().bytes().value), *size.value);
        QVERIFY(!stored.value().worksAtRunTime);
    }

    /// What a stage rounds in every forward pass is told with the weights that read it.
    void aTrialTellsOfRoundedInputs_data()
    {
        QTest::addColumn<QByteArray>("activations");
        QTest::addColumn<double>("bits");
        QTest::addRow("per token") << QByteArray("token") << 8.0;
        QTest::addRow("with a fixed range") << QByteArray("tensor") << 8.0;
        QTest::addRow("weights alone") << QByteArray("none") << 16.0;
    }
    void aTrialTellsOfRoundedInputs()
    {
        QFETCH(QByteArray, activations);
        QFETCH(double, bits);
        const SweepUnderTest test("  - [int8: {activations: " + activations.toStdString() + "}]\n");
        engine::TrialRunner runner(optionsFor());
        Observer observer;
        const auto outcome = runner.run(test.request(0), observer);
        QVERIFY2(outcome.ok(), outcome.ok() ? "" : outcome.error().sentence().c_str());
        const auto stored =
            core::storedModelFromJson(metricOf(outcome.value(), "stored_bytes").details.at(core::kStoredModelKey));
        QVERIFY(stored.ok());
        QVERIFY2(!stored.value().worksAtRunTime, "nothing is left that no tensor tells of");
        int rounded = 0;
        for (std::size_t i = 0; i < stored.value().size(); ++i) {
            const core::StoredTensor& form = stored.value().at(i);
            if (!form.isInteger)
                continue;
            ++rounded;
            QCOMPARE(form.inputBits, bits);
        }
        QVERIFY(rounded > 0);
    }
};

QTEST_GUILESS_MAIN(TstStoredForm)
#include "tst_stored_form.moc"
