// SPDX-License-Identifier: Apache-2.0
#include "roofline/llm_viewer/derivation.h"
#include "roofline/operations/operation_catalogue.h"
#include "roofline/prediction/derivation.h"
#include "tests/roofline/sample_models.h"

#include <QtTest>

#include <algorithm>

using namespace paretoscope;
using namespace paretoscope::roofline;

namespace {

const Derivation* find(const std::vector<Derivation>& list, std::string_view quantity)
{
    const auto found =
        std::find_if(list.begin(), list.end(), [&](const Derivation& each) { return each.quantity == quantity; });
    return found == list.end() ? nullptr : &*found;
}

} // namespace

class TstDerivation : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void everyOperationHasItsFormulas_data()
    {
        QTest::addColumn<QByteArray>("model");
        QTest::addColumn<bool>("eager");
        QTest::addColumn<bool>("fused");
        QTest::addColumn<int>("tensor");
        for (const char* model : {"Llama-2-7b", "OPT-125m", "Mixtral-8x7B", "Qwen3-0.6B", "DeepSeek-V2-Lite"}) {
            QTest::addRow("%s", model) << QByteArray(model) << false << false << 1;
            QTest::addRow("%s eager", model) << QByteArray(model) << true << false << 1;
            QTest::addRow("%s fused", model) << QByteArray(model) << false << true << 1;
            QTest::addRow("%s on two devices", model) << QByteArray(model) << false << false << 2;
        }
    }
    void everyOperationHasItsFormulas()
    {
        QFETCH(QByteArray, model);
        QFETCH(bool, eager);
        QFETCH(bool, fused);
        QFETCH(int, tensor);
        const ModelShape shape = test::sampleModel(model.constData());
        Execution execution;
        execution.attention = eager ? AttentionKernel::Eager : AttentionKernel::Flash;
        execution.parallel.tensor = tensor;
        if (fused)
            execution.fusion = {true, true, true, true, true, true};
        for (const Step& step : {Step::prefill(2, 64), Step::decode(2, 65)}) {
            const auto operations = stepOperations(shape, execution, step);
            QVERIFY2(operations.ok(), operations.ok() ? "" : operations.error().sentence().c_str());
            for (const Section& section : operations.value().sections) {
                for (const Operation& operation : section.operations) {
                    const OperationNote* note = noteOf(operation.name);
                    const std::string name(operation.name);
                    QVERIFY2(note, name.c_str());
                    QVERIFY2(operation.matrixFlops <= 0 || !note->matrixFlops.empty(), name.c_str());
                    QVERIFY2(operation.bytes() <= 0 || !note->bytes.empty(), name.c_str());
                    QCOMPARE(operation.collective != Collective::None, note->kind == OperationKind::Communication);
                }
            }
        }
    }

    void derivedNumbersAreThoseOfThePrediction()
    {
        const HardwareSpec device = test::sampleDevice();
        const auto ceilings = Ceilings::of(device, Efficiency::ideal());
        QVERIFY(ceilings.ok());
        const auto step = predictStep(test::sampleModel("Llama-2-7b"), {}, Step::decode(1, 1025), ceilings.value());
        QVERIFY(step.ok());
        const Section& layer = step.value().operations.sections[1];
        for (std::size_t i = 0; i < layer.operations.size(); ++i) {
            const Operation& operation = layer.operations[i];
            const Timing& timing = step.value().timings[1][i];
            const auto list = derivationsOf(operation, timing, ceilings.value(), device);
            QCOMPARE(find(list, "time")->value, timing.total);
            QCOMPARE(find(list, "bytes")->value, operation.bytes());
            QCOMPARE(find(list, "mbu")->value, operation.bytes() / timing.total / device.bandwidthBytesPerSecond);
            if (timing.bound == Bound::Memory)
                QVERIFY(std::abs(find(list, "mbu")->value - 1) < 1e-12);
        }
        const auto query = std::find_if(layer.operations.begin(), layer.operations.end(),
                                        [](const Operation& each) { return each.name == "q_proj"; });
        const auto at = std::size_t(query - layer.operations.begin());
        const auto list = derivationsOf(*query, step.value().timings[1][at], ceilings.value(), device);
        QCOMPARE(find(list, "matrix_flops")->inputs, std::string("T = 1, in = 4096, out = 4096"));
        QCOMPARE(find(list, "matrix_flops")->value, 2.0 * 4096 * 4096);
    }

    void llmViewerTellsItsOwnFormulas()
    {
        const auto model = llm_viewer::readModel("Llama", test::sampleModels().at("Llama-2-7b").at("config"));
        QVERIFY(model.ok());
        const llm_viewer::Hardware hardware {.bandwidth = 768e9, .fp16 = 154.8e12, .int8 = {}, .onchipBuffer = 21504e3};
        const auto analysis =
            llm_viewer::analyse(llm_viewer::Profile::Lv2409, model.value(), hardware, {.sequenceLength = 1024});
        QVERIFY(analysis.ok());
        for (const llm_viewer::Operation& operation : analysis.value().decode.operations) {
            const auto list = llm_viewer::derivationsOf(operation, hardware, analysis.value().peakOperations, false);
            QCOMPARE(find(list, "time")->value, operation.inferenceTime);
            QCOMPARE(find(list, "bytes")->value, operation.memoryAccess);
            for (const Derivation& each : list)
                QVERIFY2(!each.formula.empty(), std::string(operation.name).c_str());
        }
    }
};

QTEST_APPLESS_MAIN(TstDerivation)
#include "tst_derivation.moc"
