// SPDX-License-Identifier: Apache-2.0
// Networks that are no language models: tables of layers, models that read images.
#include "roofline/operations/table_operations.h"
#include "roofline/prediction/vision_language.h"
#include "tests/roofline/sample_models.h"

#include <QtTest>

#include <cmath>
#include <limits>

using namespace paretoscope;
using namespace paretoscope::roofline;
using namespace paretoscope::roofline::test;

namespace {

constexpr const char* kTable = "name,kind,in_channels,out_channels,kernel_height,kernel_width,output_height,"
                               "output_width,stride,groups,lookups,dimension,table_rows\n"
                               "conv1,convolution,3,64,7,7,112,112,2,,,,\n"
                               "depthwise,convolution,32,32,3,3,56,56,1,32,,,\n"
                               "fc,linear,2048,1000,,,,,,,,,\n"
                               "clicks,embedding,,,,,,,,,20,64,1000000\n";

bool isClose(double a, double b, double tolerance = 1e-12)
{
    return std::fabs(a - b) <= tolerance * std::max(std::fabs(a), std::fabs(b));
}

/// LLaVA-1.5-7b: an encoder of 24 layers on 576 patches before Llama-2-7b.
core::Json llava()
{
    return {{"model_type", "llava"},
            {"text_config", sampleModels().at("Llama-2-7b").at("config")},
            {"vision_config",
             {{"hidden_size", 1024},
              {"num_hidden_layers", 24},
              {"num_attention_heads", 16},
              {"intermediate_size", 4096},
              {"image_size", 336},
              {"patch_size", 14}}}};
}

core::Result<VisionLanguageShape> shapeOf(const core::Json& config)
{
    return readVisionLanguageShape(config, PARETOSCOPE_RESOURCES "/architectures");
}

} // namespace

class TstOtherWorkloads : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void layersCountTheirWork_data()
    {
        QTest::addColumn<int>("layer");
        QTest::addColumn<double>("flops");
        QTest::addColumn<double>("weights");
        QTest::addColumn<double>("in");
        QTest::addColumn<double>("out");
        const double b = 4; // samples
        QTest::addRow("convolution") << 0 << 2 * 64.0 * 3 * 7 * 7 * 112 * 112 * b << 2 * 64.0 * 3 * 7 * 7
                                     << 2 * b * 3 * 229 * 229 << 2 * b * 64 * 112 * 112;
        QTest::addRow("depthwise") << 1 << 2 * 32.0 * 3 * 3 * 56 * 56 * b << 2 * 32.0 * 3 * 3 << 2 * b * 32 * 58 * 58
                                   << 2 * b * 32 * 56 * 56;
        QTest::addRow("linear") << 2 << 2 * 2048.0 * 1000 * b << 2 * 2048.0 * 1000 << 2 * b * 2048 << 2 * b * 1000;
        QTest::addRow("embedding") << 3 << 0.0 << 0.0 << 2 * b * 20 * 64 << 2 * b * 20 * 64;
    }
    void layersCountTheirWork()
    {
        QFETCH(int, layer);
        QFETCH(double, flops);
        QFETCH(double, weights);
        QFETCH(double, in);
        QFETCH(double, out);
        const LayerTable table = orDie(LayerTable::read(kTable, "table.csv"));
        const StepOperations step = orDie(tableOperations(table, {}, 4));
        const Operation& operation = step.sections.front().operations.at(std::size_t(layer));
        QCOMPARE(operation.flops(), flops);
        QCOMPARE(operation.weightBytes, weights);
        QCOMPARE(operation.activationInBytes, in);
        QCOMPARE(operation.activationOutBytes, out);
        QCOMPARE(table.weights(), 64.0 * 147 + 32 * 9 + 2048 * 1000 + 64e6);
        QCOMPARE(tableWeightBytes(table, {}), 2 * table.weights());
    }

    void gatheredRowsHaveACeilingOfTheirOwn()
    {
        const LayerTable table = orDie(LayerTable::read(kTable, "table.csv"));
        const StepOperations step = orDie(tableOperations(table, {}, 32));
        const Operation& gather = step.sections.front().operations[3];
        const double bytes = 2 * 32.0 * 20 * 64;
        const Ceilings whole = orDie(Ceilings::of(sampleDevice(), {}));
        QVERIFY(isClose(whole.timeOf(gather).total, 2 * bytes / 2039e9));
        const Ceilings quarter = orDie(Ceilings::of(sampleDevice(), {.gather = 0.25}));
        QVERIFY(isClose(quarter.timeOf(gather).total, (4 * bytes + bytes) / 2039e9)); // reads, then writes in order
        QCOMPARE(quarter.timeOf(step.sections.front().operations[0]).total,
                 whole.timeOf(step.sections.front().operations[0]).total);
        QVERIFY(!Ceilings::of(sampleDevice(), {.gather = 0}).ok());
    }

    void aTableIsOnePass()
    {
        const LayerTable table = orDie(LayerTable::read(kTable, "table.csv"));
        const Ceilings ceilings = orDie(Ceilings::of(sampleDevice(), {}));
        const StepPrediction step = orDie(predictOperations(orDie(tableOperations(table, {}, 4)), ceilings));
        double seconds = 0;
        for (const Operation& operation : step.operations.sections.front().operations)
            seconds += ceilings.timeOf(operation).total;
        QVERIFY(isClose(step.seconds, seconds));
        for (const double samples : {0.0, -1.0, 1e30, std::numeric_limits<double>::quiet_NaN()})
            QVERIFY(!tableOperations(table, {}, samples).ok());
    }

    void refusesTables_data()
    {
        QTest::addColumn<QByteArray>("csv");
        QTest::addColumn<QByteArray>("message");
        const auto row = [](const char* name, const char* csv, const char* message) {
            QTest::addRow("%s", name) << QByteArray(csv) << QByteArray(message);
        };
        row("no kind", "name\nconv\n", "one column \"kind\"");
        row("unknown column", "name,kind,in_chanels\nconv,convolution,3\n", "unknown column \"in_chanels\"");
        row("unknown kind", "name,kind\nconv,pooling\n", "table.csv: line 2: kind \"pooling\"");
        row("zero", "name,kind,in_channels\nconv,convolution,0\n", "in_channels \"0\" is no whole number");
        row("negative", "name,kind,in_channels\nconv,convolution,-3\n", "\"-3\"");
        row("huge", "name,kind,in_channels\nconv,convolution,1e30\n", "\"1e30\"");
        row("no number", "name,kind,in_channels\nconv,convolution,nan\n", "\"nan\"");
        row("groups", "name,kind,in_channels,groups\nconv,convolution,3,2\n", "do not divide the channels");
        row("no name", "name,kind\n,linear\n", "name \"\" is empty");
        row("no layer", "name,kind\n", "lists no layer");
    }
    void refusesTables()
    {
        QFETCH(QByteArray, csv);
        QFETCH(QByteArray, message);
        const auto table = LayerTable::read(csv.toStdString(), "table.csv");
        QVERIFY(!table.ok());
        QVERIFY2(table.error().message.find(message.toStdString()) != std::string::npos, table.error().message.c_str());
    }

    void phasesAddUp()
    {
        const VisionLanguageShape model = orDie(shapeOf(llava()));
        const HardwareSpec device = sampleDevice();
        const Request request {.batch = 2, .prompt = 100, .generated = 20};
        const VisionLanguagePrediction found = orDie(predictVisionLanguage(model, {}, request, 3, device, {}));
        QCOMPARE(model.imageTokens(), 576.0);
        QCOMPARE(found.readTokens, 100 + 3 * 576.0);
        Request reading = request;
        reading.prompt = found.readTokens;
        const GenerationPrediction text = orDie(predictGeneration(model.language, {}, reading, device, {}));
        const PassPrediction images = orDie(predictPasses(model.vision, {}, {.images = 6, .tokens = 576}, device, {}));
        QVERIFY(isClose(found.encoderSeconds + found.projectorSeconds, images.totalSeconds));
        QVERIFY(isClose(found.answer.timeToFirstToken, images.totalSeconds + text.timeToFirstToken));
        QVERIFY(isClose(found.answer.totalSeconds, images.totalSeconds + text.totalSeconds));
        QCOMPARE(found.answer.timePerOutputToken, text.timePerOutputToken);
        QCOMPARE(found.answer.memory.weights, 2 * model.parameters());
        QVERIFY(isClose(*found.answer.joules, *images.joules + *text.joules));
        // Two linears with bias and the activation between them, on 6 images.
        const Section& projector = found.vision.operations.sections.back();
        QCOMPARE(QByteArray(projector.name.data(), int(projector.name.size())), QByteArray("projector"));
        double flops = 0;
        for (const Operation& operation : projector.operations)
            flops += operation.matrixFlops;
        QCOMPARE(flops, 2 * 6 * 576.0 * (1024.0 * 4096 + 4096.0 * 4096));
    }

    void withoutImagesItIsTheLanguageModel()
    {
        const VisionLanguageShape model = orDie(shapeOf(llava()));
        const Request request {.batch = 1, .prompt = 100, .generated = 5};
        const VisionLanguagePrediction found = orDie(predictVisionLanguage(model, {}, request, 0, sampleDevice(), {}));
        const GenerationPrediction text = orDie(predictGeneration(model.language, {}, request, sampleDevice(), {}));
        QCOMPARE(found.answer.totalSeconds, text.totalSeconds);
        QCOMPARE(found.encoderSeconds + found.projectorSeconds, 0.0);
    }

    void tokensAreJoinedBeforeTheyAreRead_data()
    {
        QTest::addColumn<QString>("key");
        QTest::addColumn<double>("tokens");
        QTest::addColumn<double>("parameters"); ///< of the projector
        const double joined = 4 * 1024.0;
        QTest::addRow("one linear") << QStringLiteral("scale_factor") << 144.0 << joined * 4096;
        QTest::addRow("two over the joined tokens")
            << QStringLiteral("spatial_merge_size") << 144.0 << joined * joined + joined + joined * 4096 + 4096;
    }
    void tokensAreJoinedBeforeTheyAreRead()
    {
        QFETCH(QString, key);
        QFETCH(double, tokens);
        QFETCH(double, parameters);
        core::Json config = llava();
        (key == QLatin1String("scale_factor") ? config : config["vision_config"])[key.toStdString()] = 2;
        const VisionLanguageShape model = orDie(shapeOf(config));
        QCOMPARE(model.imageTokens(), tokens);
        double found = 0;
        for (const LinearShape& linear : model.vision.projector)
            found += linear.parameters();
        QCOMPARE(found, parameters);
    }

    void refusesImages_data()
    {
        QTest::addColumn<double>("images");
        QTest::addRow("negative") << -1.0;
        QTest::addRow("half an image") << 0.5;
        QTest::addRow("huge") << 1e30;
        QTest::addRow("no number") << std::numeric_limits<double>::quiet_NaN();
    }
    void refusesImages()
    {
        QFETCH(double, images);
        const VisionLanguageShape model = orDie(shapeOf(llava()));
        const auto found = predictVisionLanguage(model, {}, {}, images, sampleDevice(), {});
        QVERIFY(!found.ok());
        QCOMPARE(found.error().code, core::ErrorCode::InvalidArgument);
    }

    void refusesEncodersThatDoNotFit()
    {
        core::Json config = llava();
        config["scale_factor"] = 5; // 576 tokens are no multiple of 25
        QVERIFY(shapeOf(config).error().message.find("cannot be joined by 25") != std::string::npos);
        config["scale_factor"] = 0;
        QVERIFY(!shapeOf(config).ok());
        config = llava();
        config["vision_config"]["num_attention_heads"] = 15;
        QVERIFY(shapeOf(config).error().message.find("head size is not integral") != std::string::npos);
        VisionLanguageShape silent = orDie(shapeOf(llava()));
        silent.vision.imageTokens = 0;
        QVERIFY(predictVisionLanguage(silent, {}, {}, 1, sampleDevice(), {})
                    .error()
                    .message.find("how many tokens an image has") != std::string::npos);
    }
};

QTEST_GUILESS_MAIN(TstOtherWorkloads)
#include "tst_other_workloads.moc"
