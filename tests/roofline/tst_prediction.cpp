// SPDX-License-Identifier: Apache-2.0
// Times, memory, energy: identities, monotony on random models, closed forms.
#include "roofline/prediction/energy.h"
#include "roofline/prediction/explanation.h"
#include "tests/roofline/sample_models.h"

#include <QtTest>

#include <cmath>
#include <functional>
#include <limits>

using namespace paretoscope;
using namespace paretoscope::roofline;
using namespace paretoscope::roofline::test;

namespace {

bool isClose(double a, double b, double tolerance = 1e-12)
{
    return std::fabs(a - b) <= tolerance * std::max(std::fabs(a), std::fabs(b));
}

double secondsOf(const ModelShape& model, const Step& step, const HardwareSpec& device = sampleDevice(),
                 const Execution& execution = {}, const Efficiency& efficiency = {})
{
    const Ceilings ceilings = orDie(Ceilings::of(device, efficiency));
    return orDie(predictStep(model, execution, step, ceilings, geometryOf(device))).seconds;
}

HardwareSpec faster(HardwareSpec device, double bandwidth, double compute)
{
    device.bandwidthBytesPerSecond *= bandwidth;
    for (std::optional<double>& peak : device.peaks) {
        if (peak)
            *peak *= compute;
    }
    return device;
}

/// The decode steps one by one.
double summedOneByOne(const ModelShape& model, const Execution& execution, double batch, double first, double last,
                      const HardwareSpec& device, const Efficiency& efficiency)
{
    double sum = 0;
    for (double visible = first; visible <= last; ++visible)
        sum += secondsOf(model, Step::decode(batch, visible), device, execution, efficiency);
    return sum;
}

using Setter = std::function<void(HardwareSpec&, double)>;

} // namespace
Q_DECLARE_METATYPE(Setter)

class TstPrediction : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    /// Check 5.
    void timesAreMonotone()
    {
        RandomModels models(5);
        const HardwareSpec device = sampleDevice();
        for (int i = 0; i < 40; ++i) {
            const ModelShape model = models.next();
            const double batch = models.number(1, 64);
            const double length = models.number(1, 4000);
            for (const bool prefill : {false, true}) {
                const auto step = [&](double b, double s) {
                    return prefill ? Step::prefill(b, s) : Step::decode(b, s);
                };
                const double seconds = secondsOf(model, step(batch, length), device);
                QVERIFY(secondsOf(model, step(batch, length), faster(device, 1.5, 1)) <= seconds);
                QVERIFY(secondsOf(model, step(batch, length), faster(device, 1, 1.5)) <= seconds);
                QVERIFY(isClose(secondsOf(model, step(batch, length), faster(device, 2, 2)), seconds / 2));
                QVERIFY(secondsOf(model, step(batch + 1, length), device) >= seconds);
                QVERIFY(secondsOf(model, step(batch, length + 1), device) >= seconds);
                Execution fewerBits;
                fewerBits.weights = plainWeightFormat(4);
                fewerBits.kv.bits = 8;
                QVERIFY(secondsOf(model, step(batch, length), device, fewerBits) <= seconds);
                ModelShape deeper = model;
                std::vector<LayerShape> layers = model.expanded();
                layers.push_back(layers.back());
                deeper.setLayers(layers);
                QVERIFY(secondsOf(deeper, step(batch, length), device) >= seconds);
            }
        }
    }

    void decodeSumIsExact_data()
    {
        QTest::addColumn<QString>("variant");
        for (const char* variant : {"plain", "window", "recent tokens", "ratio", "launch", "crossing", "token keep"})
            QTest::addRow("%s", variant) << QString::fromLatin1(variant);
    }
    void decodeSumIsExact()
    {
        QFETCH(QString, variant);
        ModelShape model = sampleModel("Llama-3-8b");
        Execution execution;
        Efficiency efficiency;
        HardwareSpec device = sampleDevice();
        std::vector<LayerShape> layers = model.expanded();
        if (variant == QLatin1String("window"))
            std::get<AttentionShape>(layers[3].sublayers[0].part).window = 300;
        if (variant == QLatin1String("token keep"))
            layers[3].tokenKeep = 0.37;
        model.setLayers(layers);
        if (variant == QLatin1String("recent tokens"))
            execution.kv = {.bits = 4, .recentTokens = 250};
        if (variant == QLatin1String("ratio"))
            execution.kv.keepRatio = 0.3;
        if (variant == QLatin1String("launch"))
            efficiency = Efficiency::realistic();
        if (variant == QLatin1String("crossing")) {
            // Attention turns from memory to compute on the way: few bytes, many queries per head.
            execution.kv.bits = 1;
            device.peak(NumberType::Bf16) = 2e12;
            device.peak(NumberType::Fp32) = 1e11;
        }
        const Ceilings ceilings = orDie(Ceilings::of(device, efficiency));
        const double sum = orDie(decodeSeconds(model, execution, 4, 101, 600, ceilings, geometryOf(device)));
        QVERIFY(isClose(sum, summedOneByOne(model, execution, 4, 101, 600, device, efficiency), 1e-11));
    }

    void generationAddsUp()
    {
        const ModelShape model = sampleModel("Llama-2-7b");
        const HardwareSpec device = sampleDevice();
        const GenerationPrediction whole =
            orDie(predictGeneration(model, {}, {.batch = 2, .prompt = 100, .generated = 11}, device, {}));
        const double prefill = secondsOf(model, Step::prefill(2, 100), device);
        const double decode = summedOneByOne(model, {}, 2, 101, 110, device, {}); // ten steps: prefill gives a token
        QCOMPARE(whole.timeToFirstToken, prefill);
        QVERIFY(isClose(whole.totalSeconds, prefill + decode));
        QVERIFY(isClose(whole.timePerOutputToken, decode / 10));
        QVERIFY(isClose(whole.tokensPerSecond, 22 / (prefill + decode)));
        const GenerationPrediction one =
            orDie(predictGeneration(model, {}, {.batch = 2, .prompt = 100, .generated = 1}, device, {}));
        QCOMPARE(one.totalSeconds, prefill);
    }

    void refusesImpossibleRequests_data()
    {
        QTest::addColumn<double>("batch");
        QTest::addColumn<double>("prompt");
        QTest::addColumn<double>("generated");
        QTest::addRow("batch 0") << 0.0 << 1.0 << 1.0;
        QTest::addRow("prompt 0") << 1.0 << 0.0 << 1.0;
        QTest::addRow("nothing generated") << 1.0 << 1.0 << 0.0;
        QTest::addRow("huge") << 1.0 << 1e30 << 1.0;
        QTest::addRow("no number") << 1.0 << 1.0 << std::nan("");
    }
    void refusesImpossibleRequests()
    {
        QFETCH(double, batch);
        QFETCH(double, prompt);
        QFETCH(double, generated);
        const auto found =
            predictGeneration(sampleModel("Llama-2-7b"), {}, {batch, prompt, generated}, sampleDevice(), {});
        QVERIFY(!found.ok());
        QCOMPARE(found.error().code, core::ErrorCode::InvalidArgument);
    }

    void neverGuessesARate_data()
    {
        QTest::addColumn<QString>("device");
        QTest::addColumn<int>("tensor");
        QTest::addColumn<QByteArray>("message");
        QTest::addRow("no fp32") << QStringLiteral("nvidia_A100") << 1 << QByteArray("nvidia_A100 states no fp32 rate");
        QTest::addRow("no interconnect") << QStringLiteral("Intel Xeon 6980P") << 2 << QByteArray("states no ");
    }
    void neverGuessesARate()
    {
        QFETCH(QString, device);
        QFETCH(int, tensor);
        QFETCH(QByteArray, message);
        Execution execution;
        execution.parallel.tensor = tensor;
        HardwareSpec hardware = sampleDevice(device.toUtf8().constData());
        hardware.interconnectBytesPerSecond.reset();
        const auto found = predictGeneration(sampleModel("Llama-2-7b"), execution, {}, hardware, {});
        QVERIFY(!found.ok());
        QCOMPARE(found.error().code, core::ErrorCode::Unsupported);
        QVERIFY2(found.error().message.find(message.toStdString()) != std::string::npos, found.error().message.c_str());
    }

    void fallsBackToAWiderType_data()
    {
        QTest::addColumn<QString>("device");
        QTest::addColumn<int>("type");
        QTest::addColumn<int>("runsIn");
        const auto row = [](const char* device, MatrixType type, NumberType runsIn) {
            QTest::addRow("%s, %d", device, int(type)) << QString::fromLatin1(device) << int(type) << int(runsIn);
        };
        row("NVIDIA A100 SXM 80GB", MatrixType::Float16, NumberType::Bf16);
        row("NVIDIA V100 SXM2 32GB", MatrixType::Float16, NumberType::Fp16);
        row("NVIDIA A100 SXM 80GB", MatrixType::Fp8, NumberType::Bf16);
        row("NVIDIA H100 SXM 80GB", MatrixType::Fp8, NumberType::Fp8);
        row("NVIDIA A100 SXM 80GB", MatrixType::Int8, NumberType::Int8);
        row("NVIDIA A100 SXM 80GB", MatrixType::Int4, NumberType::Int4);
        row("NVIDIA H100 SXM 80GB", MatrixType::Int4, NumberType::Int8);
        row("NVIDIA A100 SXM 80GB", MatrixType::Tf32, NumberType::Tf32);
        row("NVIDIA V100 SXM2 32GB", MatrixType::Tf32, NumberType::Fp32);
    }
    void fallsBackToAWiderType()
    {
        QFETCH(QString, device);
        QFETCH(int, type);
        QFETCH(int, runsIn);
        const Ceilings ceilings = orDie(Ceilings::of(sampleDevice(device.toUtf8().constData()), {}));
        QCOMPARE(int(ceilings.numberType(MatrixType(type)).value()), runsIn);
    }

    void weightOnlyFormatsComputeIn16Bits()
    {
        Execution execution;
        execution.weights = plainWeightFormat(4);
        QVERIFY(matrixType(execution.weights, execution) == MatrixType::Float16);
        execution.activations = {.bits = 8, .codes = CodeKind::Integer};
        QVERIFY(matrixType(execution.weights, execution) == MatrixType::Int8);
        execution.activations.codes = CodeKind::Float;
        QVERIFY(matrixType({.bits = 8}, execution) == MatrixType::Fp8);
        execution.activations = {.bits = 4, .codes = CodeKind::Integer};
        QVERIFY(matrixType(execution.weights, execution) == MatrixType::Int4);
        QVERIFY(matrixType({.bits = 16}, execution) == MatrixType::Float16);
    }

    void sparseRateNeedsTheDevice()
    {
        Execution execution;
        execution.weights.sparsity = {.kept = 2, .of = 4};
        const ModelShape model = sampleModel("Llama-2-7b");
        const Step step = Step::prefill(1, 4096);
        HardwareSpec device = sampleDevice();
        const double supported = secondsOf(model, step, device, execution);
        device.sparse24 = false;
        QVERIFY(supported < secondsOf(model, step, device, execution));
    }

    void collectivesFollowTheirFormulas()
    {
        HardwareSpec device = sampleDevice(); // 600 GB/s both ways
        Efficiency efficiency {.network = 0.8, .linkLatencySeconds = 1e-6};
        const Ceilings ceilings = orDie(Ceilings::of(device, efficiency));
        const double rate = 600e9 / 2 * 0.8;
        QVERIFY(isClose(ceilings.collectiveSeconds(Collective::AllReduce, 8, 1e6), 14e-6 + 2 * 7.0 / 8 * 1e6 / rate));
        QVERIFY(isClose(ceilings.collectiveSeconds(Collective::AllGather, 8, 1e6), 7e-6 + 7.0 / 8 * 1e6 / rate));
        QVERIFY(isClose(ceilings.collectiveSeconds(Collective::AllToAll, 4, 1e6), 3e-6 + 3.0 / 4 * 1e6 / rate));
        QVERIFY(isClose(ceilings.collectiveSeconds(Collective::PointToPoint, 2, 1e6), 1e-6 + 1e6 / rate));
        QCOMPARE(ceilings.collectiveSeconds(Collective::AllReduce, 1, 1e6), 0.0);
        efficiency.networkCurve = {{1e3, 1e9}, {1e5, 1e11}};
        const Ceilings measured = orDie(Ceilings::of(device, efficiency));
        QVERIFY(isClose(measured.collectiveSeconds(Collective::PointToPoint, 2, 1e4), 1e-6 + 1e4 / 1e10));
        QVERIFY(isClose(measured.collectiveSeconds(Collective::PointToPoint, 2, 10), 1e-6 + 10 / 1e9));
    }

    void pipelineFillsAndEmpties()
    {
        const ModelShape model = sampleModel("Llama-2-7b");
        const HardwareSpec device = sampleDevice();
        Execution execution;
        execution.parallel.pipeline = 4;
        const double whole = secondsOf(model, Step::decode(8, 100), device);
        const double send = 1e-6 + 8 * 4096 * 2 / (600e9 / 2 * 0.8);
        QVERIFY(isClose(secondsOf(model, Step::decode(8, 100), device, execution), whole + 3 * send));
        execution.parallel.microBatches = 8;
        const double part = secondsOf(model, Step::decode(1, 100), device);
        const double sendPart = 1e-6 + 4096 * 2 / (600e9 / 2 * 0.8);
        QVERIFY(isClose(secondsOf(model, Step::decode(8, 100), device, execution), 11 * part / 4 + 3 * sendPart));
    }

    void l2CanBeTheBound()
    {
        HardwareSpec device = sampleDevice();
        device.l2BandwidthBytesPerSecond = 1e9;
        QVERIFY(secondsOf(sampleModel("Llama-2-7b"), Step::prefill(1, 1024), device) >
                secondsOf(sampleModel("Llama-2-7b"), Step::prefill(1, 1024)));
    }

    void tilesWasteAtMostWhatTheyHold()
    {
        const ModelShape model = sampleModel("Llama-2-7b");
        const Efficiency tiled {.tileQuantisation = true};
        HardwareSpec device = sampleDevice();
        QVERIFY(secondsOf(model, Step::prefill(1, 1025), device, {}, tiled) >
                secondsOf(model, Step::prefill(1, 1025), device) * 1.05);
        QVERIFY(isClose(secondsOf(model, Step::prefill(1, 1024), device, {}, tiled),
                        secondsOf(model, Step::prefill(1, 1024), device), 1e-3));
    }

    void dequantisationCostsArithmetic()
    {
        Execution execution;
        execution.weights = plainWeightFormat(4);
        const ModelShape model = sampleModel("Llama-2-7b");
        const double free = orDie(stepOperations(model, execution, Step::decode(1, 10))).flops();
        execution.dequantisationCost = true;
        const double paid = orDie(stepOperations(model, execution, Step::decode(1, 10))).flops();
        const double linears = 6738415616.0 - 2 * 32000 * 4096.0 - 65 * 4096;
        QCOMPARE(paid - free, 2 * linears);
    }

    void weightsInMemoryAreAllParameters()
    {
        for (const char* name : {"Llama-2-7b", "Llama-2-70b", "Qwen3-0.6B"}) {
            const ModelShape model = sampleModel(name);
            QCOMPARE(weightBytes(model, {}), 2 * model.parameters());
        }
    }

    void cacheGrowsByPages()
    {
        const ModelShape model = sampleModel("Llama-3-8b");
        const double token = 2.0 * 8 * 128 * 2 * 32;
        QCOMPARE(cacheBytes(model, {}, 1), 16 * token);
        QCOMPARE(cacheBytes(model, {}, 16), 16 * token);
        QCOMPARE(cacheBytes(model, {}, 17), 32 * token);
        QCOMPARE(cacheBytes(sampleModel("DeepSeek-V3"), {}, 16), 16 * 1152.0 * 61);
        Execution execution;
        execution.parallel.tensor = 4;
        QCOMPARE(cacheBytes(model, execution, 16), 4 * token);
        QCOMPARE(cacheBytes(sampleModel("DeepSeek-V3"), execution, 16), 16 * 1152.0 * 61); // not shared
    }

    void slidingLayersCacheTheirWindow()
    {
        ModelShape model = sampleModel("Llama-3-8b");
        std::vector<LayerShape> layers = model.expanded();
        for (LayerShape& layer : layers)
            std::get<AttentionShape>(layer.sublayers[0].part).window = 64;
        model.setLayers(layers);
        QCOMPARE(cacheBytes(model, {}, 5000), cacheBytes(model, {}, 64));
    }

    void activationsAreWhatIsAliveAtOnce()
    {
        // Decode of one token: the logits are the largest, 32000 · 4 bytes beside the last norm's row.
        const ModelShape model = sampleModel("Llama-2-7b");
        const Step step = Step::decode(1, 10);
        const StepOperations operations = orDie(stepOperations(model, {}, step));
        QCOMPARE(peakActivationBytes(operations, model, {}, step), 32000.0 * 4 + 4096 * 2);
        // A long prefill: the stream, gate, up and their product.
        Step prompt = Step::prefill(1, 4096);
        const StepOperations whole = orDie(stepOperations(model, {}, prompt));
        QCOMPARE(peakActivationBytes(whole, model, {}, prompt), 4096.0 * 2 * (4096 + 3 * 11008));
    }

    void largestBatchIsTheLargest()
    {
        const ModelShape model = sampleModel("Llama-3-8b");
        const Request request {.batch = 1, .prompt = 2048, .generated = 256};
        const std::int64_t batch = orDie(largestBatch(model, {}, request, 80e9));
        QVERIFY(batch > 1);
        Request at = request;
        at.batch = static_cast<double>(batch);
        QVERIFY(orDie(memoryNeed(model, {}, at)).total() <= 80e9);
        at.batch += 1;
        QVERIFY(orDie(memoryNeed(model, {}, at)).total() > 80e9);
        const std::int64_t prompt = orDie(longestPrompt(model, {}, request, 80e9));
        at = request;
        at.prompt = static_cast<double>(prompt);
        QVERIFY(orDie(memoryNeed(model, {}, at)).total() <= 80e9);
        at.prompt += 16;
        QVERIFY(orDie(memoryNeed(model, {}, at)).total() > 80e9);
        QCOMPARE(orDie(largestBatch(sampleModel("DeepSeek-V3"), {}, request, 80e9)), std::int64_t(0));
    }

    void speculationFollowsItsFormula()
    {
        QVERIFY(isClose(expectedTokens(0.8, 4), 3.3616));
        QCOMPARE(expectedTokens(1, 4), 5.0);
        QCOMPARE(expectedTokens(0, 4), 1.0);
        QVERIFY(isClose(speculativeSpeedup(0.8, 4, 0.1, 1, 1.05), 3.3616 / 1.45));
    }

    void speculationComparesTwoModels()
    {
        const ModelShape target = sampleModel("Llama-2-70b");
        const ModelShape draft = sampleModel("Llama-2-7b");
        const HardwareSpec device = sampleDevice();
        const Request request {.batch = 2, .prompt = 500, .generated = 1};
        const SpeculationPrediction found = orDie(predictSpeculation(target, draft, {}, request, 0.8, 4, device, {}));
        QCOMPARE(found.draftStep, secondsOf(draft, Step::decode(2, 501)));
        QCOMPARE(found.targetStep, secondsOf(target, Step::decode(2, 501)));
        QCOMPARE(found.verifyStep, secondsOf(target, {{{2, 5, 505}}, 10}));
        QVERIFY(isClose(found.perToken, (4 * found.draftStep + found.verifyStep) / 3.3616));
        QVERIFY(isClose(found.speedup, found.targetStep / found.perToken));
        QVERIFY(found.speedup > 1.5); // the draft is ten times smaller, and verification reads the weights once
        QVERIFY(!predictSpeculation(target, draft, {}, request, 1.5, 4, device, {}).ok());
        QVERIFY(!predictSpeculation(target, draft, {}, request, 0.8, 0, device, {}).ok());
    }

    void denoisingRepeatsItsPass()
    {
        const core::Json config = core::Json::parse(R"({"depth": 28, "hidden_size": 1152, "num_heads": 16})");
        const ModelShape model = orDie(diffusionTransformerShape(config));
        const PassPrediction once = orDie(predictPasses(model, {}, {.images = 2, .tokens = 256}, sampleDevice(), {}));
        const PassPrediction all = orDie(
            predictPasses(model, {}, {.images = 2, .tokens = 256, .steps = 50, .guided = true}, sampleDevice(), {}));
        QCOMPARE(all.totalSeconds, 100 * once.totalSeconds);
        QCOMPARE(once.totalSeconds, secondsOf(model, Step::prefill(2, 256)));
        QCOMPARE(all.memory.cache, 0.0);
        QCOMPARE(all.memory.weights, 2 * model.parameters());
        QVERIFY(!predictPasses(model, {}, {.images = 0}, sampleDevice(), {}).ok());
    }

    void energyIsBoundedByPower()
    {
        const HardwareSpec device = sampleDevice();
        const Ceilings ceilings = orDie(Ceilings::of(device, {}));
        const StepPrediction step = orDie(predictStep(sampleModel("Llama-2-7b"), {}, Step::decode(1, 100), ceilings));
        const double joules = utilisationJoules(step, *device.tdpWatts);
        QVERIFY(joules > 0.3 * *device.tdpWatts * step.seconds);
        QVERIFY(joules < *device.tdpWatts * step.seconds);
        const EnergyCoefficients coefficients {.joulesPerFlop = 2, .joulesPerByte = 3, .idleWatts = 5};
        QVERIFY(isClose(countedJoules(step, coefficients), 2 * step.flops + 3 * step.bytes + 5 * step.seconds));
    }

    /// Check 8, in time: a prompt in chunks takes the passes of its chunks, each of which reads all weights.
    void chunksOfAPromptAddUp_data()
    {
        QTest::addColumn<double>("chunk");
        QTest::addRow("even") << 256.0;
        QTest::addRow("with a rest") << 300.0;
        QTest::addRow("the whole prompt") << 1024.0;
        QTest::addRow("more than there is") << 4096.0;
    }
    void chunksOfAPromptAddUp()
    {
        QFETCH(double, chunk);
        const ModelShape model = sampleModel("Llama-2-7b");
        const HardwareSpec device = sampleDevice();
        Request request {.batch = 2, .prompt = 1024, .generated = 1, .chunk = chunk};
        const GenerationPrediction chunked = orDie(predictGeneration(model, {}, request, device, {}));
        double seconds = 0;
        for (double done = 0; done < 1024;) {
            const double tokens = std::min(chunk, 1024 - done);
            done += tokens;
            seconds += secondsOf(model, Step {{{2, tokens, done}}, done < 1024 ? 0.0 : 2.0}, device);
        }
        QVERIFY(isClose(chunked.timeToFirstToken, seconds));
        request.chunk = 0;
        const GenerationPrediction whole = orDie(predictGeneration(model, {}, request, device, {}));
        QVERIFY(chunked.timeToFirstToken >= whole.timeToFirstToken);
        QCOMPARE(chunked.memory.activations < whole.memory.activations, chunk < 1024);
        request.chunk = 1e-9;
        QVERIFY(!predictGeneration(model, {}, request, device, {}).ok());
    }

    /// What a whole prediction takes over from its own steps is what the functions for it compute.
    void predictionsShareTheirSteps()
    {
        RandomModels models(12);
        for (int i = 0; i < 20; ++i) {
            const ModelShape model = models.next();
            const Request request {.batch = double(models.number(1, 8)),
                                   .prompt = double(models.number(1, 900)),
                                   .generated = double(models.number(1, 90))};
            Execution execution;
            execution.parallel.microBatches = 1 + i % 2;
            const HardwareSpec device = sampleDevice();
            const GenerationPrediction whole = orDie(predictGeneration(model, execution, request, device, {}));
            QCOMPARE(whole.memory.activations, orDie(memoryNeed(model, execution, request)).activations);
            const Ceilings ceilings = orDie(Ceilings::of(device, {}));
            const double decoding =
                orDie(decodeSeconds(model, execution, request.batch, request.prompt + 1,
                                    request.prompt + request.generated - 1, ceilings, geometryOf(device)));
            QVERIFY(isClose(whole.totalSeconds, whole.timeToFirstToken + decoding));
        }
    }

    void countedEnergyAddsUp()
    {
        const EnergyCoefficients coefficients {.joulesPerFlop = 1e-12, .joulesPerByte = 32e-12, .idleWatts = 40};
        const GenerationPrediction answer = orDie(predictGeneration(
            sampleModel("Llama-2-7b"), {}, {.batch = 1, .prompt = 100, .generated = 11}, sampleDevice(), {}));
        QVERIFY(isClose(countedJoules(answer, 11, coefficients),
                        countedJoules(answer.prefill, coefficients) + 10 * countedJoules(answer.decode, coefficients)));
    }

    /// The slower of both parts counts, over all of the memory.
    void whatDoesNotFitComesOverALink_data()
    {
        QTest::addColumn<double>("need");
        QTest::addColumn<double>("link");
        QTest::addColumn<double>("bandwidth"); ///< 0: everything fits
        QTest::addRow("fits") << 80e9 << 32e9 << 0.0;
        QTest::addRow("the link is the bound") << 100e9 << 10e9 << 100e9 / 2;
        QTest::addRow("the memory is the bound") << 81e9 << 1000e9 << 81e9 / (80e9 / 2039e9);
    }
    void whatDoesNotFitComesOverALink()
    {
        QFETCH(double, need);
        QFETCH(double, link);
        QFETCH(double, bandwidth);
        const std::optional<Offload> found = offload(need, sampleDevice(), link);
        QCOMPARE(found.has_value(), bandwidth > 0);
        QVERIFY(!found || isClose(found->bytesPerSecond, bandwidth));
        QVERIFY(!found || isClose(found->outsideBytes, need - 80e9));
        HardwareSpec unknown = sampleDevice();
        unknown.memoryBytes.reset();
        QVERIFY(!offload(need, unknown, link));
    }

    void boundsShareTheTime()
    {
        const Ceilings ceilings = orDie(Ceilings::of(sampleDevice(), Efficiency::realistic()));
        const StepPrediction step = orDie(predictStep(sampleModel("Llama-2-7b"), {}, Step::decode(1, 100), ceilings));
        double shares = 0;
        for (const Bound bound : {Bound::Compute, Bound::Memory, Bound::Launch, Bound::Communication})
            shares += step.boundShare(bound);
        QVERIFY(isClose(shares, 1));
        QVERIFY(step.bound() == Bound::Memory);
        QVERIFY(step.boundShare(Bound::Launch) > 0);
    }

    void explainsWhatWouldHelp_data()
    {
        QTest::addColumn<bool>("prefill");
        QTest::addColumn<QByteArray>("bound");
        QTest::addColumn<QByteArray>("change");
        QTest::addRow("decode") << false << QByteArray("memory") << QByteArray("weights in 4 bits");
        QTest::addRow("prefill") << true << QByteArray("compute") << QByteArray("twice the compute rate");
    }
    void explainsWhatWouldHelp()
    {
        QFETCH(bool, prefill);
        QFETCH(QByteArray, bound);
        QFETCH(QByteArray, change);
        const HardwareSpec device = sampleDevice();
        const ModelShape model = sampleModel("Llama-2-7b");
        const Step step = prefill ? Step::prefill(1, 2048) : Step::decode(1, 2048);
        const StepPrediction prediction = orDie(predictStep(model, {}, step, orDie(Ceilings::of(device, {}))));
        const Explanation explanation = orDie(explain(model, {}, step, device, {}, prediction));
        QCOMPARE(QByteArray(boundName(explanation.bound).data()), bound);
        QCOMPARE(QByteArray::fromStdString(explanation.changes.front().name), change);
        QVERIFY(explanation.changes.front().seconds < prediction.seconds);
        const std::string sentence = explanation.sentence(prediction.seconds);
        QVERIFY2(sentence.find(change.toStdString()) != std::string::npos, sentence.c_str());
    }

    /// Nor does a device whose rates make no sense give a number.
    void refusesImpossibleDevices_data()
    {
        QTest::addColumn<Setter>("set");
        const auto row = [](const char* name, Setter set) { QTest::addRow("%s", name) << std::move(set); };
        row("bandwidth", [](HardwareSpec& d, double v) { d.bandwidthBytesPerSecond = v; });
        row("bf16", [](HardwareSpec& d, double v) { d.peak(NumberType::Bf16) = v; });
        row("fp32", [](HardwareSpec& d, double v) { d.peak(NumberType::Fp32) = v; });
        row("memory", [](HardwareSpec& d, double v) { d.memoryBytes = v; });
        row("interconnect", [](HardwareSpec& d, double v) { d.interconnectBytesPerSecond = v; });
        row("power", [](HardwareSpec& d, double v) { d.tdpWatts = v; });
        row("L2", [](HardwareSpec& d, double v) { d.l2Bytes = v; });
        row("bandwidth of L2", [](HardwareSpec& d, double v) { d.l2BandwidthBytesPerSecond = v; });
    }
    void refusesImpossibleDevices()
    {
        QFETCH(Setter, set);
        for (const double value : {0.0, -1.0, std::nan(""), std::numeric_limits<double>::infinity()}) {
            HardwareSpec device = sampleDevice();
            set(device, value);
            const auto found = predictGeneration(sampleModel("Llama-2-7b"), {}, {}, device, {});
            QVERIFY2(!found.ok(), qPrintable(QString::number(value)));
            QCOMPARE(found.error().code, core::ErrorCode::InvalidArgument);
        }
    }

    void refusesImpossibleCollectives()
    {
        const double nan = std::nan("");
        for (const std::vector<std::array<double, 2>>& curve : {std::vector<std::array<double, 2>> {{1e3, 0}},
                                                                {{0, 1e9}},
                                                                {{1e5, 1e9}, {1e3, 1e9}},
                                                                {{nan, 1e9}},
                                                                {{1e3, nan}}})
            QVERIFY(!Ceilings::of(sampleDevice(), {.networkCurve = curve}).ok());
        QVERIFY(!Ceilings::of(sampleDevice(), {.sparseSpeedup = nan}).ok());
        QVERIFY(!Ceilings::of(sampleDevice(), {.sparseSpeedup = 0.5}).ok());
    }

    void refusesImpossibleEfficiencies_data()
    {
        QTest::addColumn<double>("memory");
        QTest::addColumn<double>("launch");
        QTest::addRow("zero") << 0.0 << 0.0;
        QTest::addRow("above one") << 1.5 << 0.0;
        QTest::addRow("no number") << std::nan("") << 0.0;
        QTest::addRow("negative launch") << 1.0 << -1.0;
    }
    void refusesImpossibleEfficiencies()
    {
        QFETCH(double, memory);
        QFETCH(double, launch);
        QVERIFY(!Ceilings::of(sampleDevice(), {.memory = memory, .launchSeconds = launch}).ok());
    }
};

QTEST_GUILESS_MAIN(TstPrediction)
#include "tst_prediction.moc"
