// SPDX-License-Identifier: Apache-2.0
// hardware and roofline, through the built program.
#include "tests/app/program_call.h"

#include <QJsonArray>
#include <QTemporaryDir>
#include <QtTest>

#include <cmath>

namespace {

const QString kCases = QStringLiteral(PARETOSCOPE_TEST_DATA "/roofline/llm_viewer_cases.json");
const QString kA100 = QStringLiteral("NVIDIA A100 SXM 80GB");

QByteArray contentOf(const QString& path)
{
    QFile file(path);
    return file.open(QIODevice::ReadOnly) ? file.readAll() : QByteArray();
}

/// A folder with the config.json of one of the sample models and no weights.
class ModelFolder
{
public:
    explicit ModelFolder(const char* name, const QJsonObject& changes = {})
    {
        const QJsonObject models =
            QJsonDocument::fromJson(contentOf(QStringLiteral(PARETOSCOPE_TEST_DATA "/roofline/models.json"))).object();
        QJsonObject config = models[QLatin1String(name)][QLatin1String("config")].toObject();
        for (auto change = changes.begin(); change != changes.end(); ++change)
            config[change.key()] = change.value();
        QFile file(configPath());
        if (file.open(QIODevice::WriteOnly))
            file.write(QJsonDocument(config).toJson());
    }
    QString path() const { return m_folder.path(); }
    QString configPath() const { return m_folder.filePath(QStringLiteral("config.json")); }

private:
    QTemporaryDir m_folder;
};

ProgramCall roofline(const QStringList& arguments)
{
    return callProgram(QStringList {QStringLiteral("roofline")} + arguments);
}

} // namespace

class TstRooflineVerbs : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void listsDevices()
    {
        const QJsonObject json =
            callProgram({QStringLiteral("hardware"), QStringLiteral("list"), QStringLiteral("--json")}).json();
        QCOMPARE(json[QLatin1String("schema")].toString(), QStringLiteral("paretoscope.hardware/1"));
        QCOMPARE(json[QLatin1String("devices")].toArray().size(), 100);
        const ProgramCall table = callProgram({QStringLiteral("hardware")});
        QCOMPARE(table.status, 0);
        QCOMPARE(table.out.count('\n'), 101);
    }

    void showsADevice()
    {
        const QJsonObject json =
            callProgram({QStringLiteral("hardware"), QStringLiteral("show"), kA100, QStringLiteral("--json")}).json();
        QCOMPARE(json[QLatin1String("schema")].toString(), QStringLiteral("paretoscope.hardware-show/1"));
        QCOMPARE(json[QLatin1String("bandwidth_bytes_per_second")].toDouble(), 2039e9);
        const QJsonObject peaks = json[QLatin1String("peak_operations_per_second")].toObject();
        QCOMPARE(peaks[QLatin1String("bf16")].toDouble(), 312e12);
        QVERIFY(peaks[QLatin1String("fp8")].isNull());
        QVERIFY(!json[QLatin1String("source")].toString().isEmpty());
        const ProgramCall text = callProgram({QStringLiteral("hardware"), QStringLiteral("show"), kA100});
        QVERIFY2(text.outText().contains(QLatin1String("2039 GB/s")), qPrintable(text.described()));
        QVERIFY2(text.outText().contains(QLatin1String("ridge point 153")), qPrintable(text.described()));
    }

    void readsDevicesOfTheUser()
    {
        const QTemporaryDir folder;
        const QString file = folder.filePath(QStringLiteral("mine.csv"));
        QFile csv(file);
        QVERIFY(csv.open(QIODevice::WriteOnly));
        csv.write("name,bandwidth_GBps,fp32_TFLOPS\nmy box,51.2,0.9\n");
        csv.close();
        const ProgramCall call =
            callProgram({QStringLiteral("hardware"), QStringLiteral("show"), QStringLiteral("MY BOX"),
                         QStringLiteral("--hardware-file"), file, QStringLiteral("--json")});
        QVERIFY2(call.status == 0, qPrintable(call.described()));
        QCOMPARE(call.json()[QLatin1String("bandwidth_bytes_per_second")].toDouble(), 51.2e9);
        QVERIFY(csv.open(QIODevice::WriteOnly));
        csv.write("name,bandwidth_GBps\nmy box,nan\n");
        csv.close();
        const ProgramCall hostile = callProgram({QStringLiteral("hardware"), QStringLiteral("--hardware-file"), file});
        QVERIFY2(hostile.status != 0 && hostile.out.isEmpty(), qPrintable(hostile.described()));
        QVERIFY2(hostile.errText().contains(QLatin1String("mine.csv: line 2: bandwidth_GBps \"nan\" is not a number")),
                 qPrintable(hostile.described()));
    }

    void reproducesTheCases()
    {
        const ProgramCall call = roofline({QStringLiteral("--cases"), kCases, QStringLiteral("--json")});
        QVERIFY2(call.status == 0, qPrintable(call.described()));
        const QJsonObject expected = QJsonDocument::fromJson(contentOf(kCases)).object();
        const QJsonObject found = call.json();
        QCOMPARE(found.keys(), expected.keys());
        const QJsonArray records = found[QLatin1String("records")].toArray();
        QCOMPARE(records.size(), 15);
        for (int i = 0; i < records.size(); ++i) {
            const QJsonObject record = records[i].toObject();
            const QJsonObject original = expected[QLatin1String("records")].toArray()[i].toObject();
            QCOMPARE(record.keys(), original.keys());
            QCOMPARE(record[QLatin1String("results")].toObject().keys(),
                     original[QLatin1String("results")].toObject().keys());
        }
        // The numbers themselves: tests/roofline/tst_llm_viewer.cpp.
        const QJsonValue generated = records[12].toObject()[QLatin1String("results")][QLatin1String("inference_time")];
        QVERIFY(std::fabs(generated.toDouble() / 1.2314294932255871 - 1) < 1e-12);
    }

    void casesComeFromStandardInputToo()
    {
        ProgramSetting setting;
        setting.input = contentOf(kCases);
        const ProgramCall call =
            callProgram({QStringLiteral("roofline"), QStringLiteral("--cases"), QStringLiteral("-")}, setting);
        QCOMPARE(call.out, roofline({QStringLiteral("--cases"), kCases}).out);
    }

    void predictsFromAConfigurationAlone()
    {
        const ModelFolder model("Llama-2-7b");
        const QStringList options {QStringLiteral("--hardware"), kA100,
                                   QStringLiteral("--prompt"),   QStringLiteral("1023"),
                                   QStringLiteral("--generate"), QStringLiteral("2"),
                                   QStringLiteral("--json")};
        const ProgramCall call = roofline(QStringList {model.path()} + options);
        QVERIFY2(call.status == 0, qPrintable(call.described()));
        const QJsonObject json = call.json();
        QCOMPARE(json[QLatin1String("schema")].toString(), QStringLiteral("paretoscope.roofline/1"));
        QCOMPARE(json[QLatin1String("parameters")].toDouble(), 6738415616.0);
        const QJsonObject results = json[QLatin1String("results")].toObject();
        const double seconds = results[QLatin1String("time_per_output_token_seconds")].toDouble();
        QVERIFY(std::fabs(seconds / 0.006750407380088 - 1) < 1e-12); // the worked value of one decode step
        QVERIFY(results[QLatin1String("memory")][QLatin1String("fits")].toBool());
        for (const QString& way : {QStringLiteral("--config"), QStringLiteral("--model")})
            QCOMPARE(roofline(QStringList {way, model.configPath()} + options).json()[QLatin1String("results")],
                     json[QLatin1String("results")]);
    }

    void printsATableAndTheReason()
    {
        const ModelFolder model("Llama-2-7b");
        const ProgramCall call = roofline({model.path(), QStringLiteral("--device"), kA100});
        QVERIFY2(call.status == 0, qPrintable(call.described()));
        for (const char* part : {"q_proj", "32 layers", "lm_head", "memory", "first token", "largest batch",
                                 "why not faster", "weights in 4 bits"})
            QVERIFY2(call.outText().contains(QLatin1String(part)), qPrintable(call.described()));
        const ProgramCall csv = roofline({model.path(), QStringLiteral("--device"), kA100, QStringLiteral("--csv")});
        QVERIFY(csv.outText().startsWith(QLatin1String("section,first_layer,count,operation,")));
        QCOMPARE(csv.out.count('\n'), 1 + 1 + 15 + 2);
    }

    void compressionMakesDecodingFaster()
    {
        const ModelFolder model("Llama-2-7b");
        const auto decode = [&](const QStringList& options) {
            const ProgramCall call = roofline(
                QStringList {model.path(), QStringLiteral("--hardware"), kA100, QStringLiteral("--json")} + options);
            return call.json()[QLatin1String("results")][QLatin1String("time_per_output_token_seconds")].toDouble(-1);
        };
        const double plain = decode({});
        const double four = decode({QStringLiteral("--weight-bits"), QStringLiteral("4")});
        QVERIFY(four > 0 && four < plain / 2);
        QCOMPARE(decode({QStringLiteral("--weight-format"), QStringLiteral("int4-g128")}), four);
        QVERIFY(decode({QStringLiteral("--tp"), QStringLiteral("4")}) < plain);
        QVERIFY(decode({QStringLiteral("--efficiency"), QStringLiteral("realistic")}) > plain);
        QVERIFY(decode({QStringLiteral("--fuse"), QStringLiteral("all")}) < plain);
        QVERIFY(decode({QStringLiteral("--kv-bits"), QStringLiteral("8")}) < plain);
    }

    void answersAsLlmViewerDoes()
    {
        const ModelFolder model("Llama-2-7b");
        const QStringList options {model.path(), QStringLiteral("--hardware"), QStringLiteral("nvidia_A6000"),
                                   QStringLiteral("--mode"), QStringLiteral("lv-2409")};
        const QJsonObject json = roofline(options + QStringList {QStringLiteral("--json")}).json();
        const QJsonObject record =
            QJsonDocument::fromJson(contentOf(kCases))[QLatin1String("records")].toArray()[0].toObject();
        const QJsonValue expected = record[QLatin1String("results")][QLatin1String("total_results")];
        const QJsonValue found = json[QLatin1String("results")][QLatin1String("total_results")];
        for (const char* key : {"OPs", "memory_access", "memory_consumption"})
            QCOMPARE(found[QLatin1String("decode")][QLatin1String(key)].toDouble(),
                     expected[QLatin1String("decode")][QLatin1String(key)].toDouble());
        const ProgramCall csv = roofline(options + QStringList {QStringLiteral("--csv")});
        QVERIFY2(csv.outText().contains(QLatin1String("q_proj,33.6M,33.6MB,1.00,768G,memory,")),
                 qPrintable(csv.described()));
        const ProgramCall text = roofline(options);
        QVERIFY2(text.outText().contains(QLatin1String("memory_consumption_weight 13.0G")),
                 qPrintable(text.described()));
    }

    void predictsSpeculation()
    {
        const ModelFolder target("Llama-2-70b");
        const ModelFolder draft("Llama-2-7b");
        const QJsonObject json =
            roofline({target.path(), QStringLiteral("--hardware"), kA100, QStringLiteral("--draft"), draft.path(),
                      QStringLiteral("--draft-tokens"), QStringLiteral("4"), QStringLiteral("--json")})
                .json();
        const QJsonValue found = json[QLatin1String("results")][QLatin1String("speculation")];
        QVERIFY(std::fabs(found[QLatin1String("expected_tokens")].toDouble() - 3.3616) < 1e-12);
        QVERIFY(found[QLatin1String("speedup")].toDouble() > 1);
    }

    void predictsDiffusionTransformers()
    {
        QTemporaryDir folder;
        QFile file(folder.filePath(QStringLiteral("config.json")));
        QVERIFY(file.open(QIODevice::WriteOnly));
        file.write(R"({"depth": 28, "hidden_size": 1152, "patch_size": 2, "num_heads": 16})");
        file.close();
        const QStringList options {file.fileName(),
                                   QStringLiteral("--hardware"),
                                   kA100,
                                   QStringLiteral("--prompt"),
                                   QStringLiteral("256"),
                                   QStringLiteral("--steps"),
                                   QStringLiteral("50"),
                                   QStringLiteral("--guidance")};
        const QJsonValue results =
            roofline(options + QStringList {QStringLiteral("--json")}).json()[QLatin1String("results")];
        const double pass = results[QLatin1String("pass")][QLatin1String("seconds")].toDouble();
        QVERIFY(pass > 0);
        QVERIFY(std::fabs(results[QLatin1String("total_seconds")].toDouble() / (100 * pass) - 1) < 1e-12);
        const ProgramCall text = roofline(options);
        QVERIFY2(text.outText().contains(QLatin1String("100 passes, guided")) &&
                     text.outText().contains(QLatin1String("adaln")),
                 qPrintable(text.described()));
        // The same configuration is LLM-Viewer's family DiT.
        QCOMPARE(roofline({file.fileName(), QStringLiteral("--hardware"), QStringLiteral("nvidia_A6000"),
                           QStringLiteral("--mode"), QStringLiteral("lv-2409"), QStringLiteral("--family"),
                           QStringLiteral("DiT")})
                     .status,
                 0);
    }

    void optionsChangeWhatTheyName_data()
    {
        QTest::addColumn<QString>("usual"); // options, between spaces
        QTest::addColumn<QString>("option");
        QTest::addColumn<QString>("result");
        QTest::addColumn<bool>("isLess");
        const auto row = [](const char* tag, const char* usual, const char* option, const char* result, bool isLess) {
            QTest::addRow("%s", tag) << QString::fromLatin1(usual) << QString::fromLatin1(option)
                                     << QString::fromLatin1(result) << isLess;
        };
        row("2:4", "", "--sparsity 2:4", "decode/bytes", true);
        row("2:4 is faster", "--prompt 4096", "--sparsity 2:4", "prefill/seconds", true);
        row("zeros", "", "--sparsity 0.5", "memory/weight_bytes", true);
        row("rank", "", "--rank 64", "prefill/flops", true);
        row("kept tokens", "", "--kv-keep 0.5", "memory/cache_bytes", true);
        row("at least", "--kv-keep 0.1", "--kv-keep-tokens 800", "memory/cache_bytes", false);
        row("recent tokens", "--kv-bits 4", "--kv-recent 512", "memory/cache_bytes", false);
        row("dequantising", "--weight-bits 4", "--dequantise", "decode/flops", false);
        row("tiles", "--prompt 1025", "--tiles", "prefill/seconds", false);
        row("micro-batches", "--batch 8 --pp 2", "--micro-batches 4", "prefill/seconds", true);
        row("sequence parallel", "--tp 2", "--sequence-parallel", "prefill/bytes", true);
        row("shared cache", "", "--kv-layers 2", "memory/cache_bytes", true);
        row("scoring", "--kv-keep 0.5", "--kv-observed 32", "prefill/flops", false);
        row("splits", "", "--kv-splits 4", "decode/bytes", false);
        row("tf32", "--activation-bits 32 --prompt 4096", "--tf32", "prefill/seconds", true);
        row("overlap", "--prompt 4096", "--overlap", "prefill/seconds", true);
        row("efficiency", "", "--efficiency memory=0.5", "decode/seconds", false);
        row("chunks", "--prompt 4096", "--chunk 512", "memory/activation_bytes", true);
    }
    void optionsChangeWhatTheyName()
    {
        QFETCH(QString, usual);
        QFETCH(QString, option);
        QFETCH(QString, result);
        QFETCH(bool, isLess);
        const ModelFolder model("Llama-2-7b");
        const auto value = [&](const QString& options) {
            const ProgramCall call =
                roofline(QStringList {model.path(), QStringLiteral("--hardware"), kA100, QStringLiteral("--json")} +
                         options.split(QLatin1Char(' '), Qt::SkipEmptyParts));
            const QJsonObject results = call.json()[QLatin1String("results")].toObject();
            return results[result.section(QLatin1Char('/'), 0, 0)][result.section(QLatin1Char('/'), 1)].toDouble();
        };
        const double before = value(usual);
        const double after = value(usual + QLatin1Char(' ') + option);
        QVERIFY(before > 0 && after > 0);
        QVERIFY2(isLess ? after < before : after > before,
                 qPrintable(QStringLiteral("%1 -> %2").arg(before).arg(after)));
    }

    void predictsTablesOfLayers()
    {
        const QTemporaryDir folder;
        const QString file = folder.filePath(QStringLiteral("net.csv"));
        QFile csv(file);
        QVERIFY(csv.open(QIODevice::WriteOnly));
        csv.write("name,kind,in_channels,out_channels,lookups,dimension,table_rows\n"
                  "clicks,embedding,,,20,64,1000000\nfc,linear,64,1,,,\n");
        csv.close();
        const QStringList options {QStringLiteral("--layers"),   file,
                                   QStringLiteral("--hardware"), kA100,
                                   QStringLiteral("--batch"),    QStringLiteral("100")};
        const ProgramCall call = roofline(options + QStringList {QStringLiteral("--json")});
        QVERIFY2(call.status == 0, qPrintable(call.described()));
        const QJsonObject results = call.json()[QLatin1String("results")].toObject();
        const double gathered = 2.0 * 100 * 20 * 64;
        const double others = gathered + 2.0 * (64 + 100 * 64 + 100);
        QVERIFY(std::fabs(results[QLatin1String("total_seconds")].toDouble() * 2039e9 / (gathered + others) - 1) <
                1e-12);
        QCOMPARE(results[QLatin1String("weight_bytes")].toDouble(), 2 * (64e6 + 64));
        const ProgramCall slower = roofline(
            options + QStringList {QStringLiteral("--gather-share"), QStringLiteral("0.1"), QStringLiteral("--json")});
        QVERIFY(std::fabs(slower.json()[QLatin1String("results")][QLatin1String("total_seconds")].toDouble() * 2039e9 /
                              (10 * gathered + others) -
                          1) < 1e-12);
        const ProgramCall table = roofline(options);
        QVERIFY2(table.outText().contains(QLatin1String("clicks")) &&
                     table.outText().contains(QLatin1String("samples/s")),
                 qPrintable(table.described()));
        QVERIFY(roofline(options + QStringList {QStringLiteral("some.json")})
                    .errText()
                    .contains(QLatin1String("--layers stands in place of a model")));
    }

    void listsThePhasesOfModelsThatReadImages()
    {
        const QJsonObject text =
            QJsonDocument::fromJson(contentOf(QStringLiteral(PARETOSCOPE_TEST_DATA "/roofline/models.json")))
                .object()[QLatin1String("Llama-2-7b")][QLatin1String("config")]
                .toObject();
        const QJsonObject vision {{QStringLiteral("hidden_size"), 1024}, {QStringLiteral("num_hidden_layers"), 24},
                                  {QStringLiteral("image_size"), 336},   {QStringLiteral("num_attention_heads"), 16},
                                  {QStringLiteral("patch_size"), 14},    {QStringLiteral("intermediate_size"), 4096}};
        const ModelFolder model("Llama-2-7b", {{QStringLiteral("model_type"), QStringLiteral("llava")},
                                               {QStringLiteral("text_config"), text},
                                               {QStringLiteral("vision_config"), vision}});
        const QStringList options {model.path(), QStringLiteral("--hardware"), kA100};
        const ProgramCall call =
            roofline(options + QStringList {QStringLiteral("--images"), QStringLiteral("2"), QStringLiteral("--json")});
        QVERIFY2(call.status == 0, qPrintable(call.described()));
        const QJsonObject results = call.json()[QLatin1String("results")].toObject();
        const QJsonArray phases = results[QLatin1String("phases")].toArray();
        QCOMPARE(phases.size(), 4);
        double first = 0;
        for (int i = 0; i < 3; ++i)
            first += phases[i][QLatin1String("seconds")].toDouble();
        QVERIFY(std::fabs(first / results[QLatin1String("time_to_first_token_seconds")].toDouble() - 1) < 1e-12);
        QCOMPARE(phases[2][QLatin1String("tokens")].toDouble(), 1024 + 2 * 576.0);
        const ProgramCall table = roofline(options);
        QVERIFY2(table.outText().contains(QLatin1String("in the projector")), qPrintable(table.described()));
        const ProgramCall alone =
            roofline(options + QStringList {QStringLiteral("--images"), QStringLiteral("0"), QStringLiteral("--json")});
        QVERIFY(!alone.json()[QLatin1String("results")].toObject().contains(QLatin1String("phases")));
    }

    void sweepsAnAxis_data()
    {
        QTest::addColumn<QString>("axis");
        QTest::addColumn<QList<double>>("values");
        QTest::addRow("listed") << QStringLiteral("batch=1,8,2") << QList<double> {1, 8, 2};
        QTest::addRow("doublings") << QStringLiteral("prompt=100..1000") << QList<double> {100, 200, 400, 800, 1000};
        QTest::addRow("bits") << QStringLiteral("weight-bits=16,4.25") << QList<double> {16, 4.25};
        QTest::addRow("bandwidth") << QStringLiteral("bandwidth=2039,4078") << QList<double> {2039, 4078};
    }
    void sweepsAnAxis()
    {
        QFETCH(QString, axis);
        QFETCH(QList<double>, values);
        const ModelFolder model("Llama-2-7b");
        const QStringList options {model.path(), QStringLiteral("--hardware"), kA100};
        const QStringList sweep = options + QStringList {QStringLiteral("--sweep"), axis};
        const ProgramCall call = roofline(sweep + QStringList {QStringLiteral("--json")});
        QVERIFY2(call.status == 0, qPrintable(call.described()));
        QCOMPARE(call.json()[QLatin1String("schema")].toString(), QStringLiteral("paretoscope.roofline-sweep/1"));
        const QJsonArray points = call.json()[QLatin1String("points")].toArray();
        QCOMPARE(points.size(), values.size());
        for (qsizetype i = 0; i < points.size(); ++i)
            QCOMPARE(points[i][QLatin1String("value")].toDouble(), values[i]);
        // The first value is the setting, or changes it: the same as asking for it by its option.
        if (const QString name = axis.section(QLatin1Char('='), 0, 0); name != QLatin1String("bandwidth")) {
            const QJsonObject alone =
                roofline(options + QStringList {QStringLiteral("--") + name, QString::number(values[0]),
                                                QStringLiteral("--json")})
                    .json();
            QCOMPARE(points[0][QLatin1String("time_per_output_token_seconds")].toDouble(),
                     alone[QLatin1String("results")][QLatin1String("time_per_output_token_seconds")].toDouble());
        } else {
            QVERIFY(points[1][QLatin1String("time_per_output_token_seconds")].toDouble() <
                    points[0][QLatin1String("time_per_output_token_seconds")].toDouble());
        }
        QCOMPARE(roofline(sweep + QStringList {QStringLiteral("--csv")}).out.count('\n'), 1 + int(values.size()));
        QVERIFY(roofline(sweep).outText().contains(QLatin1String("first token")));
    }

    /// What one value cannot have leaves the others.
    void aRefusedValueSaysWhy()
    {
        const ModelFolder model("Llama-2-7b");
        const QStringList options {model.path(), QStringLiteral("--hardware"), kA100, QStringLiteral("--sweep")};
        const QJsonArray points = roofline(options + QStringList {QStringLiteral("tp=2,3"), QStringLiteral("--json")})
                                      .json()[QLatin1String("points")]
                                      .toArray();
        QVERIFY(points[0][QLatin1String("tokens_per_second")].toDouble() > 0);
        QVERIFY(points[1][QLatin1String("error")].toString().contains(QLatin1String("attention heads")));
        QVERIFY(roofline(options + QStringList {QStringLiteral("tp=3,5")}).status != 0);
    }

    /// A model that does not fit takes what its link allows.
    void whatDoesNotFitComesOverALink()
    {
        const ModelFolder model("Llama-2-70b");
        const QStringList options {
            model.path(),          QStringLiteral("--hardware"), kA100, QStringLiteral("--prompt"),
            QStringLiteral("128"), QStringLiteral("--json")};
        const QJsonObject alone = roofline(options).json()[QLatin1String("results")].toObject();
        QVERIFY(alone[QLatin1String("offload")].isNull());
        const QJsonObject linked =
            roofline(options + QStringList {QStringLiteral("--offload-bandwidth"), QStringLiteral("25")})
                .json()[QLatin1String("results")]
                .toObject();
        const double outside = linked[QLatin1String("offload")][QLatin1String("outside_bytes")].toDouble();
        const double need = linked[QLatin1String("memory")][QLatin1String("total_bytes")].toDouble();
        QCOMPARE(outside, need - 80e9);
        QVERIFY(std::fabs(linked[QLatin1String("offload")][QLatin1String("effective_bytes_per_second")].toDouble() /
                              (need / (outside / 25e9)) -
                          1) < 1e-12);
        QVERIFY(linked[QLatin1String("time_per_output_token_seconds")].toDouble() > outside / 25e9 * 0.9);
        QVERIFY(alone[QLatin1String("time_per_output_token_seconds")].toDouble() < 0.1);
    }

    void energyIsCountedOnRequest()
    {
        const ModelFolder model("Llama-2-7b");
        const QStringList options {model.path(),
                                   QStringLiteral("--hardware"),
                                   kA100,
                                   QStringLiteral("--generate"),
                                   QStringLiteral("1"),
                                   QStringLiteral("--json"),
                                   QStringLiteral("--energy"),
                                   QStringLiteral("counted"),
                                   QStringLiteral("--picojoules-per-flop"),
                                   QStringLiteral("2"),
                                   QStringLiteral("--picojoules-per-bit"),
                                   QStringLiteral("5"),
                                   QStringLiteral("--idle-watts"),
                                   QStringLiteral("90")};
        const QJsonObject results = roofline(options).json()[QLatin1String("results")].toObject();
        const QJsonValue prefill = results[QLatin1String("prefill")];
        const double wanted = 2e-12 * prefill[QLatin1String("flops")].toDouble() +
                              40e-12 * prefill[QLatin1String("bytes")].toDouble() +
                              90 * prefill[QLatin1String("seconds")].toDouble();
        QVERIFY(std::fabs(results[QLatin1String("joules")].toDouble() / wanted - 1) < 1e-12);
    }

    void showsWhatAProfilerCounted()
    {
        const QByteArray table = "\"ID\",\"Kernel Name\",\"Metric Name\",\"Metric Unit\",\"Metric Value\"\n"
                                 "\"0\",\"gemm\",\"gpu__time_duration.sum\",\"us\",\"10\"\n"
                                 "\"0\",\"gemm\",\"dram__bytes.sum\",\"Mbyte\",\"10\"\n"
                                 "\"0\",\"gemm\",\"sm__inst_executed_pipe_tensor.sum\",\"inst\",\"1000000\"\n";
        ProgramSetting setting;
        setting.input = table;
        const QStringList counters {QStringLiteral("roofline"), QStringLiteral("--counters"), QStringLiteral("-")};
        const QStringList onDevice = counters + QStringList {QStringLiteral("--hardware"), kA100};
        const ProgramCall call = callProgram(onDevice + QStringList {QStringLiteral("--json")}, setting);
        QVERIFY2(call.status == 0, qPrintable(call.described()));
        const QJsonValue range = call.json()[QLatin1String("ranges")].toArray()[0];
        QCOMPARE(range[QLatin1String("tensor_flops")].toDouble(), 512e6);
        QCOMPARE(range[QLatin1String("levels")][0][QLatin1String("arithmetic_intensity")].toDouble(), 51.2);
        // 51.2 FLOP/byte are bound by the memory, of whose 2039 GB/s 1 TB/s was reached.
        QVERIFY(std::fabs(range[QLatin1String("share_of_roof")].toDouble() / (1e12 / 2039e9) - 1) < 1e-12);
        const ProgramCall text = callProgram(onDevice, setting);
        QVERIFY2(text.outText().contains(QLatin1String("--tensor-flops")), qPrintable(text.described()));
        const ProgramCall plain = callProgram(counters + QStringList {QStringLiteral("--json")}, setting);
        QVERIFY(plain.json()[QLatin1String("ranges")].toArray()[0][QLatin1String("share_of_roof")].isNull());
    }

    void refusesInOneSentence_data()
    {
        QTest::addColumn<QStringList>("options");
        QTest::addColumn<QString>("message");
        const auto row = [](const char* tag, const QStringList& options, const char* message) {
            QTest::addRow("%s", tag) << options << QString::fromLatin1(message);
        };
        const QString hardware = QStringLiteral("--hardware");
        row("no device", {}, "--hardware is missing");
        row("unknown device", {hardware, QStringLiteral("NVIDIA A100 SXM 8GB")},
            "did you mean \"NVIDIA A100 SXM 80GB\"");
        row("no fp32 rate", {hardware, QStringLiteral("nvidia_A100")}, "nvidia_A100 states no fp32 rate");
        row("no INT8 peak",
            {hardware, QStringLiteral("intel_13900k"), QStringLiteral("--mode"), QStringLiteral("lv-2409"),
             QStringLiteral("--weight-bits"), QStringLiteral("8"), QStringLiteral("--activation-bits"),
             QStringLiteral("8")},
            "hardware has no INT8 peak");
        row("parallel", {hardware, kA100, QStringLiteral("--tp"), QStringLiteral("3")},
            "does not divide the 32 attention heads");
        row("compatible parallel",
            {hardware, QStringLiteral("nvidia_A100"), QStringLiteral("--mode"), QStringLiteral("lv-2409"),
             QStringLiteral("--tp"), QStringLiteral("3")},
            "tp_size does not divide hidden_size");
        row("batch", {hardware, kA100, QStringLiteral("--batch"), QStringLiteral("0")}, "--batch");
        row("bits", {hardware, kA100, QStringLiteral("--weight-bits"), QStringLiteral("nan")},
            "\"nan\" is not a number of bits");
        row("format", {hardware, kA100, QStringLiteral("--weight-format"), QStringLiteral("int4-g12")},
            "did you mean \"int4-g128\"");
        row("fusion", {hardware, kA100, QStringLiteral("--fuse"), QStringLiteral("qvk")}, "did you mean \"qkv\"");
        row("sparsity", {hardware, kA100, QStringLiteral("--sparsity"), QStringLiteral("5:4")},
            "\"5:4\" is no sparsity");
        row("all zeros", {hardware, kA100, QStringLiteral("--sparsity"), QStringLiteral("1")}, "\"1\" is no sparsity");
        row("nothing kept", {hardware, kA100, QStringLiteral("--kv-keep"), QStringLiteral("0")}, "\"0\" is no share");
        row("no share", {hardware, kA100, QStringLiteral("--kv-keep"), QStringLiteral("nan")},
            "\"nan\" is not a number");
        row("rank", {hardware, kA100, QStringLiteral("--rank"), QStringLiteral("-3")}, "--rank");
        row("trial of a model", {hardware, kA100, QStringLiteral("--trial"), QStringLiteral("3fa2")},
            "are for the trials of a project");
        row("efficiency", {hardware, kA100, QStringLiteral("--efficiency"), QStringLiteral("idle")},
            "known are: ideal, realistic, graphs");
        row("efficiencies", {hardware, kA100, QStringLiteral("--efficiency"), QStringLiteral("matrix=0.7,memry=0.9")},
            "did you mean \"memory\"");
        row("no share of the memory", {hardware, kA100, QStringLiteral("--efficiency"), QStringLiteral("memory=1.5")},
            "the efficiency of memory is 1.5");
        row("imbalance", {hardware, kA100, QStringLiteral("--expert-imbalance"), QStringLiteral("0.5")},
            "\"0.5\" is no imbalance");
        row("energy", {hardware, kA100, QStringLiteral("--idle-watts"), QStringLiteral("-1")},
            "\"-1\" is out of range");
        row("axis", {hardware, kA100, QStringLiteral("--sweep"), QStringLiteral("bach=1")}, "did you mean \"batch\"");
        row("no values", {hardware, kA100, QStringLiteral("--sweep"), QStringLiteral("batch")}, "has no values");
        row("no value", {hardware, kA100, QStringLiteral("--sweep"), QStringLiteral("batch=1,,2")}, "\"\" is no value");
        row("half a sequence", {hardware, kA100, QStringLiteral("--sweep"), QStringLiteral("batch=1.5")},
            "\"1.5\" is no value of --sweep batch");
        row("downwards", {hardware, kA100, QStringLiteral("--sweep"), QStringLiteral("batch=8..1")}, "goes down");
        row("sweep of another mode",
            {hardware, kA100, QStringLiteral("--sweep"), QStringLiteral("batch=1"), QStringLiteral("--mode"),
             QStringLiteral("lv-2409")},
            "--sweep predicts one model");
        row("counters of a model", {QStringLiteral("--counters"), QStringLiteral("ncu.csv")}, "in place of a model");
        row("chat", {hardware, kA100, QStringLiteral("--stage"), QStringLiteral("chat")}, "--stage chat");
    }
    void refusesInOneSentence()
    {
        QFETCH(QStringList, options);
        QFETCH(QString, message);
        const ModelFolder model("Llama-2-7b");
        const ProgramCall call = roofline(QStringList {model.path()} + options);
        QVERIFY2(call.status != 0 && call.out.isEmpty(), qPrintable(call.described()));
        QVERIFY2(call.errText().contains(message), qPrintable(call.described()));
    }

    void namesWhatAModelLacks()
    {
        const ModelFolder model("Llama-2-7b", {{QStringLiteral("model_type"), QStringLiteral("mamba")}});
        const ProgramCall accurate = roofline({model.path(), QStringLiteral("--hardware"), kA100});
        QVERIFY2(accurate.errText().contains(QLatin1String("the model family \"mamba\" is not known")),
                 qPrintable(accurate.described()));
        const QStringList compatible {model.path(), QStringLiteral("--hardware"), QStringLiteral("nvidia_A100"),
                                      QStringLiteral("--mode"), QStringLiteral("lv-2409")};
        QVERIFY(roofline(compatible).errText().contains(QLatin1String("--family")));
        QCOMPARE(roofline(compatible + QStringList {QStringLiteral("--family"), QStringLiteral("Llama")}).status, 0);
    }
};

QTEST_GUILESS_MAIN(TstRooflineVerbs)
#include "tst_roofline_verbs.moc"
