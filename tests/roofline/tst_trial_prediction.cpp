// SPDX-License-Identifier: Apache-2.0
// Predictions of trials from how their tensors are stored, against bytes and FLOPs computed by hand.
#include "roofline/trial/trial_predictor.h"
#include "tests/roofline/sample_models.h"
#include "tests/roofline/sample_trials.h"

#include <QtTest>

#include <cmath>

using namespace paretoscope;
using namespace paretoscope::roofline;
using namespace paretoscope::roofline::test;

namespace {

// Llama-2-7b: weights of the linears of all 32 blocks, and what one decode step with 1024 visible tokens reads and
// writes beside them (13 764 080 648 bytes at 16 bits is the worked value of specs roofline 3.7).
constexpr double kLinearWeights = 32.0 * (4.0 * 4096 * 4096 + 3.0 * 4096 * 11008);
constexpr double kOtherBytes = 13'764'080'648.0 - 2 * kLinearWeights;
constexpr double kBandwidth = 2039e9; // of the A100

bool isClose(double a, double b, double tolerance = 1e-12)
{
    return std::fabs(a - b) <= tolerance * std::max(std::fabs(a), std::fabs(b));
}

core::Json configOf(const char* name)
{
    return sampleModels().at(name).at("config");
}

WorkloadModel workload(const char* name)
{
    return orDie(WorkloadModel::read(configOf(name), PARETOSCOPE_RESOURCES "/architectures"));
}

CompressedModel compressed(const char* name, const StoredForm& form, int layer = -1)
{
    return orDie(workload(name).with(storedModelOf(configOf(name), form, layer)));
}

WhatIf whatIfOn(const char* device, double batch = 1, double prompt = 1023, double generated = 2)
{
    return {.hardware = sampleDevice(device), .request = {.batch = batch, .prompt = prompt, .generated = generated}};
}

/// FLOPs of all operations of one name in a step.
double matrixFlopsOf(const StepPrediction& step, std::string_view name)
{
    double flops = 0;
    for (const Section& section : step.operations.sections) {
        for (const Operation& operation : section.operations)
            flops += operation.name == name ? section.count * operation.matrixFlops : 0;
    }
    return flops;
}

double secondsOf(const StepPrediction& step, std::string_view name)
{
    double seconds = 0;
    for (std::size_t s = 0; s < step.timings.size(); ++s) {
        const Section& section = step.operations.sections[s];
        for (std::size_t i = 0; i < section.operations.size(); ++i)
            seconds += section.operations[i].name == name ? section.count * step.timings[s][i].total : 0;
    }
    return seconds;
}

QByteArray joined(const std::vector<std::string>& sentences)
{
    QByteArray text;
    for (const std::string& sentence : sentences)
        text += QByteArray::fromStdString(sentence) + '\n';
    return text;
}

} // namespace

class TstTrialPrediction : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void decodeReadsTheStoredBytes_data()
    {
        QTest::addColumn<int>("variant");
        QTest::addColumn<double>("bitsPerWeight");
        QTest::addRow("16 bits") << 0 << 16.0;
        QTest::addRow("rtn, 4 bits in groups of 64") << 1 << 4 + 20.0 / 64;
        QTest::addRow("2:4") << 2 << 9.0;
        QTest::addRow("unstructured") << 3 << 9.0;
    }
    void decodeReadsTheStoredBytes()
    {
        QFETCH(int, variant);
        QFETCH(double, bitsPerWeight);
        const std::vector<StoredForm> forms {
            [](std::int64_t out, std::int64_t in) { return core::StoredTensor {.bits = {16 * out * in}}; },
            roundedTo(4, 64), sparse24, scattered};
        const CompressedModel model = compressed("Llama-2-7b", forms[std::size_t(variant)]);
        const GenerationPrediction whole = orDie(predictGeneration(model, whatIfOn("NVIDIA A100 SXM 80GB")));
        const double bytes = kOtherBytes + kLinearWeights * bitsPerWeight / 8;
        QVERIFY2(isClose(whole.decode.bytes, bytes), qPrintable(QString::number(whole.decode.bytes, 'f', 0)));
        QVERIFY(isClose(whole.timePerOutputToken, bytes / kBandwidth)); // every operation is bound by memory
        QCOMPARE(whole.memory.weights, model.storedBytes);
        // All but the linears of the blocks takes 16 bits.
        QCOMPARE(model.storedBytes, 2 * (6738415616.0 - kLinearWeights) + kLinearWeights * bitsPerWeight / 8);
        QCOMPARE(model.shape.runs.size(), std::size_t(1)); // stored alike: described once
    }

    void baselineIsThePlainModel()
    {
        for (const char* name : {"Llama-2-7b", "OPT-125m", "Mixtral-8x7B", "Qwen3-0.6B", "DeepSeek-V2-Lite"}) {
            const CompressedModel model = compressed(
                name, [](std::int64_t out, std::int64_t in) { return core::StoredTensor {.bits = {16 * out * in}}; });
            const WhatIf whatIf = whatIfOn("NVIDIA A100 SXM 80GB", 2, 500, 20);
            const GenerationPrediction stored = orDie(predictGeneration(model, whatIf));
            const GenerationPrediction plain =
                orDie(predictGeneration(sampleModel(name), {}, whatIf.request, whatIf.hardware, {}));
            QVERIFY2(isClose(stored.timeToFirstToken, plain.timeToFirstToken), name);
            QVERIFY2(isClose(stored.totalSeconds, plain.totalSeconds), name);
            QCOMPARE(model.storedBytes, 2 * sampleModel(name).parameters());
        }
    }

    /// W8A8: products at the int8 rate of a device that has one, in 16 bits on others, and it says which.
    void roundedInputsAreMultipliedAsIntegers_data()
    {
        QTest::addColumn<bool>("hasInt8");
        QTest::addColumn<QByteArray>("remark");
        QTest::addRow("int8 units") << true << QByteArray("the products run at the int8 rate of ");
        QTest::addRow("none") << false << QByteArray("states no int8 rate, the products run in 16 bits");
    }
    void roundedInputsAreMultipliedAsIntegers()
    {
        QFETCH(bool, hasInt8);
        QFETCH(QByteArray, remark);
        WhatIf whatIf = whatIfOn("NVIDIA A100 SXM 80GB", 8, 1024, 2);
        if (!hasInt8)
            whatIf.hardware.peak(NumberType::Int8).reset();
        const StoredForm weightOnly = [](std::int64_t out, std::int64_t in) {
            core::StoredTensor form = w8a8(out, in);
            form.inputBits = 16;
            return form;
        };
        const CompressedModel model = compressed("Llama-2-7b", w8a8);
        QCOMPARE(model.roundedInputMatrices, 7 * 32);
        QCOMPARE(compressed("Llama-2-7b", weightOnly).roundedInputMatrices, 0);
        const GenerationPrediction rounded = orDie(predictGeneration(model, whatIf));
        const GenerationPrediction plain = orDie(predictGeneration(compressed("Llama-2-7b", weightOnly), whatIf));
        // 8192 rows are bound by compute: as much faster as the rate of the device is higher.
        const double rate = hasInt8 ? *whatIf.hardware.peak(NumberType::Int8) : *whatIf.hardware.peak(NumberType::Bf16);
        QVERIFY(isClose(secondsOf(rounded.prefill, "gate_proj"), matrixFlopsOf(rounded.prefill, "gate_proj") / rate));
        QVERIFY(isClose(secondsOf(plain.prefill, "gate_proj"),
                        matrixFlopsOf(plain.prefill, "gate_proj") / *whatIf.hardware.peak(NumberType::Bf16)));
        // In decode it is bytes: one per activation and a scale per row in place of two.
        QVERIFY(isClose(plain.decode.bytes - rounded.decode.bytes, 32.0 * 8 * (6 * (4096 - 4) + 11008 - 4)));
        QVERIFY2(joined(remarksOn(model, whatIf)).contains(remark), joined(remarksOn(model, whatIf)).constData());
    }

    void sparse24IsFasterWhereTheDeviceHasIt()
    {
        const CompressedModel model = compressed("Llama-2-7b", sparse24);
        QCOMPARE(model.sparse24Matrices, 7 * 32);
        const WhatIf ampere = whatIfOn("NVIDIA A100 SXM 80GB", 1, 4096);
        const WhatIf volta = whatIfOn("NVIDIA V100 SXM2 32GB", 1, 4096);
        const double flops = 2.0 * 4096 * 4096 * 4096 * 32; // of all q_proj on 4096 tokens
        const GenerationPrediction fast = orDie(predictGeneration(model, ampere));
        const GenerationPrediction slow = orDie(predictGeneration(model, volta));
        QVERIFY(isClose(secondsOf(fast.prefill, "q_proj"), flops / (312e12 * 1.5)));
        QVERIFY(isClose(secondsOf(slow.prefill, "q_proj"),
                        flops / *sampleDevice("NVIDIA V100 SXM2 32GB").peak(NumberType::Fp16)));
        QVERIFY2(joined(remarksOn(model, volta)).contains("V100 SXM2 32GB does not multiply 2:4"),
                 joined(remarksOn(model, volta)).constData());
        QVERIFY2(joined(remarksOn(model, ampere)).contains("speeds up the prefill alone"),
                 joined(remarksOn(model, ampere)).constData());
        QVERIFY(remarksOn(model, whatIfOn("NVIDIA A100 SXM 80GB", 16)).empty());
    }

    void keepingFewerThanTwoOfFourIs24_data()
    {
        QTest::addColumn<int>("kept");
        QTest::addColumn<int>("of");
        QTest::addColumn<bool>("is24");
        QTest::addRow("2:4") << 2 << 4 << true;
        QTest::addRow("1:4") << 1 << 4 << true;
        QTest::addRow("1:2") << 1 << 2 << true;
        QTest::addRow("3:4") << 3 << 4 << false;
        QTest::addRow("4:8") << 4 << 8 << false; // all four may be neighbours
    }
    void keepingFewerThanTwoOfFourIs24()
    {
        QFETCH(int, kept);
        QFETCH(int, of);
        QFETCH(bool, is24);
        const double density = double(kept) / of;
        const WeightFormat format = weightFormatOf({.bits = {1600}, .kept = kept, .of = of, .density = density}, 200);
        QCOMPARE(format.sparsity.is24(), is24);
        QCOMPARE(format.sparsity.density, is24 ? 1.0 : density);
        QCOMPARE(bitsPerWeight(format, 10, 20), 8.0);
    }

    void scatteredZerosAreComputed()
    {
        const CompressedModel model = compressed("Llama-2-7b", scattered);
        QCOMPARE(model.scatteredMatrices, 7 * 32);
        const WhatIf whatIf = whatIfOn("NVIDIA H100 SXM 80GB", 1, 4096);
        const GenerationPrediction whole = orDie(predictGeneration(model, whatIf));
        const GenerationPrediction dense =
            orDie(predictGeneration(sampleModel("Llama-2-7b"), {}, whatIf.request, whatIf.hardware, {}));
        QCOMPARE(whole.prefill.flops, dense.prefill.flops);
        QVERIFY(isClose(secondsOf(whole.prefill, "gate_proj"), secondsOf(dense.prefill, "gate_proj"))); // compute-bound
        QVERIFY(whole.timePerOutputToken < dense.timePerOutputToken);                                   // bytes count
        QVERIFY2(joined(remarksOn(model, whatIf)).contains("zeros of 224 matrices follow no pattern"),
                 joined(remarksOn(model, whatIf)).constData());
    }

    void lowRankTakesTheFlopsOfItsFactors()
    {
        const CompressedModel model = compressed("Llama-2-7b", lowRank(256));
        const GenerationPrediction whole = orDie(predictGeneration(model, whatIfOn("NVIDIA A100 SXM 80GB", 1, 2000)));
        QVERIFY(isClose(matrixFlopsOf(whole.prefill, "q_proj"), 32 * 2.0 * 2000 * 256 * (4096 + 4096)));
        QVERIFY(isClose(matrixFlopsOf(whole.prefill, "down_proj"), 32 * 2.0 * 2000 * 256 * (11008 + 4096)));
        QVERIFY(remarksOn(model, whatIfOn("NVIDIA A100 SXM 80GB")).empty());
    }

    void addedLowRankComesOnTop()
    {
        const auto corrected = [](std::int64_t out, std::int64_t in) {
            core::StoredTensor stored = roundedTo(4, 128)(out, in);
            stored.bits += core::Bits {16 * 32 * (out + in)};
            stored.rank = 32;
            return stored;
        };
        const GenerationPrediction whole =
            orDie(predictGeneration(compressed("Llama-2-7b", corrected), whatIfOn("NVIDIA A100 SXM 80GB", 1, 2000)));
        QVERIFY(isClose(matrixFlopsOf(whole.prefill, "q_proj"), 32 * 2.0 * 2000 * (4096.0 * 4096 + 32 * 8192)));
    }

    void onlyTheLayerThatDiffersIsDescribedAnew()
    {
        const CompressedModel model = compressed("Llama-2-7b", roundedTo(4, 64), 5);
        QCOMPARE(model.shape.runs.size(), std::size_t(2));
        QCOMPARE(model.shape.runs[1].layers, std::vector<int> {5});
        const GenerationPrediction whole = orDie(predictGeneration(model, whatIfOn("NVIDIA A100 SXM 80GB")));
        const double weights = kLinearWeights / 32;
        QVERIFY(isClose(whole.decode.bytes, kOtherBytes + 31 * 2 * weights + weights * (4 + 20.0 / 64) / 8));
    }

    void expertsAreStoredOneByOne()
    {
        const core::Json config = configOf("Mixtral-8x7B");
        int matrix = 0;
        // Every second matrix in 4 bits, the others in 8: six bits on average for the experts of a projection.
        const CompressedModel model = compressed("Mixtral-8x7B", [&matrix](std::int64_t out, std::int64_t in) {
            const bool isExpert = out > 8 && in > 8 && std::max(out, in) == 14336;
            const int bits = !isExpert ? 16 : ++matrix / 3 % 2 == 0 ? 4 : 8;
            return core::StoredTensor {.bits = {out * in * bits}, .codeBits = double(bits), .isInteger = bits < 16};
        });
        const auto& moe = std::get<MoeShape>(model.shape.runs.front().shape.sublayers[1].part);
        QVERIFY(moe.expert.down.format.has_value());
        const double bits = *moe.expert.gate->format->storedBits + *moe.expert.up.format->storedBits +
                            *moe.expert.down.format->storedBits;
        QVERIFY2(isClose(bits, 18, 0.1), qPrintable(QString::number(bits)));
        QCOMPARE(*moe.router.format->storedBits, 16.0);
        double experts = 0;
        for (const LayerRun& run : model.shape.runs) {
            const MlpShape& expert = std::get<MoeShape>(run.shape.sublayers[1].part).expert;
            for (const LinearShape* linear : {&*expert.gate, &expert.up, &expert.down})
                experts += run.count() * 8 * linear->in * linear->out * *linear->format->storedBits / 8;
        }
        const double others = 46702792704.0 - 32 * 8 * 3.0 * 4096 * 14336;
        QVERIFY(isClose(model.storedBytes, experts + 2 * others)); // nothing is lost on the way
    }

    void tiedTablesAreStoredOnce()
    {
        const CompressedModel model = compressed("Qwen3-0.6B", roundedTo(4, 64));
        QVERIFY(model.shape.tied);
        QCOMPARE(model.execution.headWeights, model.execution.embeddingWeights);
        QCOMPARE(*model.execution.headWeights.storedBits, 16.0);
    }

    /// A checkpoint without a head ties it, also where the configuration does not say so.
    void aMissingHeadIsTied()
    {
        core::Json config = configOf("Qwen3-0.6B");
        const core::StoredModel stored = storedModelOf(config, roundedTo(4, 64));
        config["tie_word_embeddings"] = false;
        const WorkloadModel model = orDie(WorkloadModel::read(config, PARETOSCOPE_RESOURCES "/architectures"));
        QVERIFY(orDie(model.with(stored)).shape.tied);
    }

    void refusesARecordOfAnotherModel()
    {
        const auto found = workload("Llama-2-7b").with(storedModelOf(configOf("Llama-2-13b"), roundedTo(4, 64)));
        QVERIFY(!found.ok());
        QCOMPARE(found.error().code, core::ErrorCode::Corrupt);
        QVERIFY2(found.error().message.find("363 stored tensors, the model has 291") != std::string::npos,
                 found.error().message.c_str());
    }

    void refusesImpossibleForms_data()
    {
        QTest::addColumn<double>("bits");
        QTest::addColumn<double>("rank");
        QTest::addRow("bits") << 9e18 << 0.0;
        QTest::addRow("rank") << 1e6 << 1e18;
    }
    void refusesImpossibleForms()
    {
        QFETCH(double, bits);
        QFETCH(double, rank);
        const auto found = workload("Llama-2-7b").with(storedModelOf(configOf("Llama-2-7b"), [&](auto, auto) {
            return core::StoredTensor {.bits = {std::int64_t(bits)}, .rank = std::int64_t(rank)};
        }));
        QVERIFY(!found.ok());
        QCOMPARE(found.error().code, core::ErrorCode::Corrupt);
    }

    void predictsTheTrialsOfAProject()
    {
        const core::Json config = configOf("Llama-2-7b");
        const std::vector<core::WorkloadRecord> workloads {workloadOf("llama", config)};
        TrialPredictor predictor(workloads, PARETOSCOPE_RESOURCES "/architectures");
        const core::StoredModel stored = storedModelOf(config, roundedTo(4, 64));
        const TrialPrediction found =
            orDie(predictor.predict(trialOf("rtn(bits=4)", "llama", stored), whatIfOn("NVIDIA A100 SXM 80GB")));
        const double bytes = kOtherBytes + kLinearWeights * (4 + 20.0 / 64) / 8;
        QVERIFY(isClose(found.timePerOutputToken, bytes / kBandwidth));
        QVERIFY(isClose(found.totalSeconds, found.timeToFirstToken + found.timePerOutputToken));
        QVERIFY(found.fits.value());
        const PredictedQuantity* tpot = predictedQuantity("predicted_tpot");
        QVERIFY(tpot && tpot->minimise);
        QCOMPARE(tpot->valueIn(found).value(), found.timePerOutputToken);
        QVERIFY(!predictedQuantity("perplexity"));
    }

    void saysWhatIsMissing_data()
    {
        QTest::addColumn<QString>("variant");
        QTest::addColumn<QByteArray>("message");
        QTest::addRow("record") << QStringLiteral("record") << QByteArray("how the tensors of rtn(bits=4) are stored");
        QTest::addRow("configuration") << QStringLiteral("configuration")
                                       << QByteArray("the configuration of llama is not in the project");
        QTest::addRow("unfinished") << QStringLiteral("unfinished") << QByteArray("rtn(bits=4) is not finished");
        QTest::addRow("rate") << QStringLiteral("rate") << QByteArray("nvidia_A100 states no fp32 rate");
        QTest::addRow("damaged") << QStringLiteral("damaged") << QByteArray("names a form that is not there");
    }
    void saysWhatIsMissing()
    {
        QFETCH(QString, variant);
        QFETCH(QByteArray, message);
        const core::Json config = configOf("Llama-2-7b");
        std::vector<core::WorkloadRecord> workloads {workloadOf("llama", config)};
        core::TrialRecord trial = trialOf("rtn(bits=4)", "llama", storedModelOf(config, roundedTo(4, 64)));
        if (variant == QLatin1String("record"))
            trial.metrics.front().details = nullptr;
        if (variant == QLatin1String("configuration"))
            workloads.front().description = nullptr;
        if (variant == QLatin1String("unfinished")) {
            trial.metrics.clear();
            trial.status = core::TrialStatus::Failed;
        }
        if (variant == QLatin1String("damaged"))
            trial.metrics.front().details["tensors"]["tensors"] = "ZZZ";
        TrialPredictor predictor(workloads, PARETOSCOPE_RESOURCES "/architectures");
        const bool isRate = variant == QLatin1String("rate");
        const auto found = predictor.predict(trial, whatIfOn(isRate ? "nvidia_A100" : "NVIDIA A100 SXM 80GB"));
        QVERIFY(!found.ok());
        QVERIFY2(found.error().message.find(message.toStdString()) != std::string::npos, found.error().message.c_str());
        QVERIFY(!found.error().hint.empty());
    }

    void digestFollowsTheInputs()
    {
        const core::Json config = configOf("Llama-2-7b");
        const std::vector<core::WorkloadRecord> workloads {workloadOf("llama", config)};
        const TrialPredictor predictor(workloads, PARETOSCOPE_RESOURCES "/architectures");
        const core::TrialRecord four = trialOf("a", "llama", storedModelOf(config, roundedTo(4, 64)));
        const core::TrialRecord alike = trialOf("b", "llama", storedModelOf(config, roundedTo(4, 64)));
        const core::TrialRecord three = trialOf("c", "llama", storedModelOf(config, roundedTo(3, 64)));
        HardwareSpec device = sampleDevice();
        const std::string digest = orDie(predictor.inputsDigest(four, device, {{"batch", 1}}));
        QCOMPARE(digest.size(), std::size_t(64));
        QCOMPARE(orDie(predictor.inputsDigest(alike, device, {{"batch", 1}})), digest);
        QVERIFY(orDie(predictor.inputsDigest(three, device, {{"batch", 1}})) != digest);
        QVERIFY(orDie(predictor.inputsDigest(four, device, {{"batch", 2}})) != digest);
        device.bandwidthBytesPerSecond += 1;
        QVERIFY(orDie(predictor.inputsDigest(four, device, {{"batch", 1}})) != digest);
    }

    void readsWhatIfs_data()
    {
        QTest::addColumn<QString>("text");
        QTest::addColumn<QString>("id");
        QTest::addColumn<QByteArray>("error");
        const auto good = [](const char* text, const char* id) {
            QTest::addRow("%s", text) << QString::fromLatin1(text) << QString::fromLatin1(id) << QByteArray();
        };
        const auto bad = [](const char* text, const char* error) {
            QTest::addRow("%s", text) << QString::fromLatin1(text) << QString() << QByteArray(error);
        };
        good("NVIDIA L4", "NVIDIA L4/batch-1/prompt-1024/generate-128/ideal");
        good("nvidia l4/batch-8", "NVIDIA L4/batch-8/prompt-1024/generate-128/ideal");
        good("NVIDIA L4/batch-8/prompt-2/generate-3/realistic", "NVIDIA L4/batch-8/prompt-2/generate-3/realistic");
        good("my/box/batch-2", "my/box/batch-2/prompt-1024/generate-128/ideal");
        bad("NVIDIA L44", "no device is called \"NVIDIA L44\"");
        bad("NVIDIA L4/batch-0", "\"batch-0\"");
        bad("NVIDIA L4/batch-1e30", "\"batch-1e30\"");
        bad("NVIDIA L4/batch-99999999999999999999", "batch-9");
        bad("NVIDIA L4/prompt-8", "\"prompt-8\" is no batch-N");
        bad("NVIDIA L4/batch-8/prompt-2/generate-3/perfect", "no efficiency is called \"perfect\"");
        bad("NVIDIA L4/batch-8/prompt-2/generate-3/ideal/more", "\"more\"");
        bad("", "no device is called \"\"");
    }
    void readsWhatIfs()
    {
        QFETCH(QString, text);
        QFETCH(QString, id);
        QFETCH(QByteArray, error);
        HardwareTable table = orDie(HardwareTable::read(PARETOSCOPE_RESOURCES "/hardware.csv"));
        QVERIFY(table.add("name,bandwidth_GBps\nmy/box,51.2\n", "mine.csv").ok());
        const auto found = WhatIf::read(text.toStdString(), table);
        if (error.isEmpty()) {
            QVERIFY2(found.ok(), found.ok() ? "" : found.error().sentence().c_str());
            QCOMPARE(QString::fromStdString(found.value().id()), id);
            QCOMPARE(QString::fromStdString(orDie(WhatIf::read(found.value().id(), table)).id()), id);
        } else {
            QVERIFY(!found.ok());
            QVERIFY2(found.error().message.find(error.toStdString()) != std::string::npos,
                     found.error().message.c_str());
        }
    }
};

QTEST_GUILESS_MAIN(TstTrialPrediction)
#include "tst_trial_prediction.moc"
