// SPDX-License-Identifier: Apache-2.0
// What list, front, export-table and roofline say of the speed of trials, through the built program.
#include "core/base/mapped_file.h"
#include "core/project/device_record.h"
#include "core/project/project_store.h"
#include "tests/app/program_call.h"
#include "tests/roofline/sample_trials.h"

#include <QJsonArray>
#include <QTemporaryDir>
#include <QtTest>

#include <cmath>

using namespace paretoscope;
using namespace paretoscope::roofline::test;

namespace {

const QString kA100 = QStringLiteral("NVIDIA A100 SXM 80GB");
/// One decode step with 1024 visible tokens.
const QString kLoad = kA100 + QStringLiteral("/batch-1/prompt-1023/generate-2");

// As in tests/roofline/tst_trial_prediction.cpp: the linears of Llama-2-7b, and all other bytes of such a step.
constexpr double kLinearWeights = 32.0 * (4.0 * 4096 * 4096 + 3.0 * 4096 * 11008);
constexpr double kOtherBytes = 13'764'080'648.0 - 2 * kLinearWeights;

double tpot(double bitsPerWeight)
{
    return (kOtherBytes + kLinearWeights * bitsPerWeight / 8) / 2039e9;
}

bool isClose(double a, double b)
{
    return std::fabs(a - b) <= 1e-12 * std::fabs(b);
}

core::TrialRecord measured(core::TrialRecord trial, double perplexity)
{
    core::MetricRecord quality;
    quality.name = "perplexity";
    quality.value = perplexity;
    quality.protocol = "perplexity.window/sample";
    trial.metrics.push_back(std::move(quality));
    return trial;
}

core::Status writeProject(const QString& file)
{
    PSC_ASSIGN(const std::string models, core::readTextFile(PARETOSCOPE_TEST_DATA "/roofline/models.json"));
    const core::Json config = core::Json::parse(models).at("Llama-2-7b").at("config");
    PSC_ASSIGN(core::ProjectStore store, core::ProjectStore::open(file.toStdString(), core::OpenMode::Create));
    PSC_TRY(store.recordWorkload(workloadOf("llama", config)));
    const StoredForm plain = [](std::int64_t out, std::int64_t in) {
        return core::StoredTensor {.bits = {16 * out * in}};
    };
    const auto trial = [&config](const char* label, const StoredForm& form, double perplexity) {
        return measured(trialOf(label, "llama", storedModelOf(config, form)), perplexity);
    };
    PSC_TRY(store.finishTrial(trial("baseline", plain, 5.5)));
    PSC_TRY(store.finishTrial(trial("rtn(bits=4)", roundedTo(4, 64), 6)));
    PSC_TRY(store.finishTrial(trial("wanda(sparsity=0.5)", scattered, 7)));
    core::TrialRecord old = trial("rtn(bits=3)", roundedTo(3, 64), 9);
    old.metrics.front().details = nullptr; // of a version that did not record how tensors are stored
    return store.finishTrial(old);
}

/// Cards of 1000 GB/s, of 1 GB/s under the name of a bundled one, and one that nobody can read.
core::Status keepDevices(const QString& file)
{
    PSC_ASSIGN(core::ProjectStore store, core::ProjectStore::open(file.toStdString(), core::OpenMode::ReadWrite));
    const auto cells = [](const char* name, const char* bandwidth) {
        return core::Json {{"name", name},
                           {"bandwidth_GBps", bandwidth},
                           {"memory_GB", "80"},
                           {"fp32_TFLOPS", "19.5"},
                           {"fp16_TFLOPS", "312"}};
    };
    PSC_TRY(store.recordDevice({.name = "Their card", .cells = cells("Their card", "1000")}));
    PSC_TRY(store.recordDevice({.name = "NVIDIA L4", .cells = cells("NVIDIA L4", "1")}));
    return store.recordDevice({.name = "odd", .cells = cells("odd", "NaN")});
}

QString firstField(const QByteArray& line)
{
    return QString::fromUtf8(line.split(',').front());
}

} // namespace

class TstTrialPredictionVerbs : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void initTestCase()
    {
        const core::Status written = writeProject(project());
        QVERIFY2(written.ok(), written.ok() ? "" : written.error().sentence().c_str());
    }

    void rooflineOfAProjectIsATableOfItsTrials()
    {
        const QStringList arguments {QStringLiteral("roofline"),   project(),
                                     QStringLiteral("--hardware"), kA100,
                                     QStringLiteral("--prompt"),   QStringLiteral("1023"),
                                     QStringLiteral("--generate"), QStringLiteral("2")};
        const ProgramCall call = callProgram(arguments + QStringList {QStringLiteral("--json")});
        QVERIFY2(call.status == 0, qPrintable(call.described()));
        const QJsonArray trials = call.json()[QLatin1String("trials")].toArray();
        QCOMPARE(trials.size(), 4);
        const auto seconds = [&trials](int i) {
            return trials[i][QLatin1String("results")][QLatin1String("time_per_output_token_seconds")].toDouble();
        };
        QVERIFY(isClose(seconds(0), tpot(16)));
        QVERIFY(isClose(seconds(1), tpot(4 + 20.0 / 64)));
        QVERIFY(isClose(seconds(2), tpot(9)));
        QCOMPARE(trials[1][QLatin1String("inputs_sha256")].toString().size(), 64);
        QVERIFY(trials[2][QLatin1String("remarks")][0].toString().contains(QLatin1String("follow no pattern")));
        QVERIFY(trials[3][QLatin1String("error")][QLatin1String("message")].toString().contains(
            QLatin1String("how the tensors of rtn(bits=3) are stored is not in the project")));
        const ProgramCall table = callProgram(arguments);
        QCOMPARE(table.out.count('\n'), 4); // a head and three trials
        QVERIFY2(table.outText().contains(QLatin1String("6.750 ms")), qPrintable(table.described()));
        QVERIFY2(table.errText().contains(QLatin1String("224 matrices follow no pattern")),
                 qPrintable(table.described()));
    }

    void oneTrialIsShownInFull()
    {
        const ProgramCall call = callProgram({QStringLiteral("roofline"), project(), QStringLiteral("--trial"),
                                              QStringLiteral("wanda(sparsity=0.5)"), QStringLiteral("--hardware"),
                                              kA100, QStringLiteral("--json")});
        QVERIFY2(call.status == 0, qPrintable(call.described()));
        const QJsonObject json = call.json();
        QCOMPARE(json[QLatin1String("trial")].toString().size(), 64);
        QVERIFY(json[QLatin1String("remarks")][0].toString().contains(QLatin1String("follow no pattern")));
        const QJsonObject results = json[QLatin1String("results")].toObject();
        QCOMPARE(results[QLatin1String("memory")][QLatin1String("weight_bytes")].toDouble(),
                 2 * (6738415616.0 - kLinearWeights) + kLinearWeights * 9 / 8);
        QVERIFY(!results[QLatin1String("decode")][QLatin1String("sections")].toArray().isEmpty());
    }

    void columnsArePredictedWhenTheyAreAskedFor_data()
    {
        QTest::addColumn<QString>("column");
        QTest::addRow("plain") << QStringLiteral("predicted_tpot@") + kLoad;
        QTest::addRow("quoted") << QStringLiteral("predicted_tpot@\"%1\"").arg(kLoad);
    }
    void columnsArePredictedWhenTheyAreAskedFor()
    {
        QFETCH(QString, column);
        for (const QString& verb : {QStringLiteral("list"), QStringLiteral("export-table")}) {
            const ProgramCall call =
                callProgram({verb, project(), QStringLiteral("--columns"), QStringLiteral("pipeline,") + column,
                             QStringLiteral("--format"), QStringLiteral("csv")});
            QVERIFY2(call.status == 0, qPrintable(call.described()));
            const QList<QByteArray> lines = call.out.trimmed().split('\n');
            QVERIFY2(lines.front().trimmed().endsWith("[s]"), lines.front().constData());
            QVERIFY(isClose(lines[2].trimmed().split(',').back().toDouble(), tpot(4 + 20.0 / 64)));
            QVERIFY2(lines[4].trimmed().endsWith(','), lines[4].constData()); // no number where nothing is known
            QVERIFY2(call.errText().contains(QLatin1String("1 trial without a prediction for NVIDIA A100")),
                     qPrintable(call.described()));
        }
    }

    void filtersAndOrdersKnowPredictions()
    {
        const QString filter =
            QStringLiteral("predicted_tpot@\"%1\" < 0.9 * baseline.predicted_tpot@\"%1\"").arg(kLoad);
        const ProgramCall call =
            callProgram({QStringLiteral("list"), project(), QStringLiteral("--where"), filter, QStringLiteral("--sort"),
                         QStringLiteral("-predicted_memory@") + kA100, QStringLiteral("--columns"),
                         QStringLiteral("pipeline"), QStringLiteral("--format"), QStringLiteral("csv")});
        QVERIFY2(call.status == 0, qPrintable(call.described()));
        const QList<QByteArray> lines = call.out.trimmed().split('\n');
        QCOMPARE(lines.size(), 3);
        QCOMPARE(firstField(lines[1].trimmed()), QStringLiteral("wanda(sparsity=0.5)")); // takes more memory
        QCOMPARE(firstField(lines[2].trimmed()), QStringLiteral("rtn(bits=4)"));
    }

    void frontsHavePredictedAxes()
    {
        const ProgramCall call =
            callProgram({QStringLiteral("front"), project(), QStringLiteral("--x"),
                         QStringLiteral("predicted_tokens_per_second@") + kA100, QStringLiteral("--y"),
                         QStringLiteral("perplexity"), QStringLiteral("--json")});
        QVERIFY2(call.status == 0, qPrintable(call.described()));
        const QJsonArray points = call.json()[QLatin1String("points")].toArray();
        QCOMPARE(points.size(), 2); // more tokens per second are better: wanda is slower and worse than rtn
        QCOMPARE(points[0][QLatin1String("pipeline")].toString(), QStringLiteral("rtn(bits=4)"));
        QCOMPARE(points[1][QLatin1String("pipeline")].toString(), QStringLiteral("baseline"));
        QCOMPARE(call.json()[QLatin1String("x_protocol")].toString(),
                 kA100 + QStringLiteral("/batch-1/prompt-1024/generate-128/ideal"));
    }

    void devicesOfTheProjectAreKnown_data()
    {
        QTest::addColumn<QStringList>("arguments"); // %1: the project
        QTest::addColumn<QString>("expected");
        const auto row = [](const char* tag, const QStringList& arguments, const char* expected) {
            QTest::addRow("%s", tag) << arguments << QString::fromLatin1(expected);
        };
        const QString project = QStringLiteral("%1");
        const QString column = QStringLiteral("predicted_tpot@\"Their card/batch-1/prompt-1023/generate-2\"");
        row("list",
            {QStringLiteral("list"), project, QStringLiteral("--columns"), QStringLiteral("pipeline,") + column},
            "13.76 ms");
        row("filter", {QStringLiteral("list"), project, QStringLiteral("--where"), column + QStringLiteral(" > 13e-3")},
            "baseline");
        row("export-table",
            {QStringLiteral("export-table"), project, QStringLiteral("--columns"),
             QStringLiteral("pipeline,") + column},
            "0.01376");
        row("front",
            {QStringLiteral("front"), project, QStringLiteral("--x"), QStringLiteral("predicted_memory@Their card")},
            "rtn(bits=4)");
        row("trials",
            {QStringLiteral("roofline"), project, QStringLiteral("--hardware"), QStringLiteral("their CARD"),
             QStringLiteral("--prompt"), QStringLiteral("1023"), QStringLiteral("--generate"), QStringLiteral("2")},
            "13.76 ms");
        row("a model",
            {QStringLiteral("roofline"), QStringLiteral(PARETOSCOPE_RESOURCES "/models/tiny-llama"),
             QStringLiteral("--hardware"), QStringLiteral("Their card"), QStringLiteral("--project"), project},
            "Their card");
        row("list of devices", {QStringLiteral("hardware"), QStringLiteral("--project"), project}, "Their card");
        row("one device",
            {QStringLiteral("hardware"), QStringLiteral("show"), QStringLiteral("Their card"),
             QStringLiteral("--project"), project},
            "1000 GB/s");
        row("one whose name is taken",
            {QStringLiteral("hardware"), QStringLiteral("show"), QStringLiteral("NVIDIA L4 (project)"),
             QStringLiteral("--project"), project},
            "1.000 GB/s");
        row("what is bundled keeps its name",
            {QStringLiteral("hardware"), QStringLiteral("show"), QStringLiteral("NVIDIA L4"),
             QStringLiteral("--project"), project},
            "300.0 GB/s");
        row("one that cannot be read", {QStringLiteral("hardware"), QStringLiteral("--project"), project},
            "device odd of the project");
    }
    void devicesOfTheProjectAreKnown()
    {
        QFETCH(QStringList, arguments);
        QFETCH(QString, expected);
        const QString file = m_folder.filePath(QStringLiteral("devices.pscope"));
        if (!QFile::exists(file))
            QVERIFY(writeProject(file).ok() && keepDevices(file).ok());
        for (QString& argument : arguments)
            argument.replace(QStringLiteral("%1"), file);
        const ProgramCall call = callProgram(arguments);
        QVERIFY2(call.status == 0, qPrintable(call.described()));
        QVERIFY2((call.outText() + call.errText()).contains(expected), qPrintable(call.described()));
    }

    void predictionsAreRecordedOnce()
    {
        const QString copy = m_folder.filePath(QStringLiteral("recorded.pscope"));
        QVERIFY(writeProject(copy).ok());
        const QStringList arguments {QStringLiteral("roofline"), copy, QStringLiteral("--hardware"), kA100,
                                     QStringLiteral("--record")};
        const ProgramCall first = callProgram(arguments);
        QVERIFY2(first.status == 0 && first.errText().contains(QLatin1String("6 predictions recorded")),
                 qPrintable(first.described()));
        const ProgramCall again = callProgram(arguments);
        QVERIFY2(again.errText().contains(QLatin1String("all predictions were recorded before")),
                 qPrintable(again.described()));
        const ProgramCall table = callProgram(
            {QStringLiteral("export-table"), copy, QStringLiteral("--table"), QStringLiteral("predictions")});
        QVERIFY2(table.status == 0, qPrintable(table.described()));
        QCOMPARE(table.out.trimmed().split('\n').size(), 7);
        QVERIFY2(table.outText().contains(QLatin1String("NVIDIA A100 SXM 80GB,accurate,decode")),
                 qPrintable(table.described()));
        QCOMPARE(callProgram({QStringLiteral("verify"), copy}).status, 0);
    }

    void refusesInOneSentence_data()
    {
        QTest::addColumn<QStringList>("arguments");
        QTest::addColumn<QString>("message");
        const auto row = [](const char* tag, const QStringList& arguments, const char* message) {
            QTest::addRow("%s", tag) << arguments << QString::fromLatin1(message);
        };
        const QString columns = QStringLiteral("--columns");
        const QString list = QStringLiteral("list");
        const QString roofline = QStringLiteral("roofline");
        row("no device", {list, columns, QStringLiteral("predicted_tpot")}, "does not say for which device");
        row("unknown device", {list, columns, QStringLiteral("predicted_tpot@NVIDIA L44")},
            "no device is called \"NVIDIA L44\"");
        row("another spelling", {list, columns, QStringLiteral("predicted_tpot@nvidia l4")}, "is spelled otherwise");
        row("unknown quantity", {list, columns, QStringLiteral("predicted_tpott@NVIDIA L4")},
            "did you mean \"predicted_tpot\"");
        row("no rate", {list, columns, QStringLiteral("predicted_tpot@nvidia_A100")}, "states no fp32 rate");
        row("weights are known",
            {roofline, QStringLiteral("--hardware"), kA100, QStringLiteral("--weight-bits"), QStringLiteral("4")},
            "how weights are stored is known from the trials");
        row("LLM-Viewer",
            {roofline, QStringLiteral("--hardware"), kA100, QStringLiteral("--mode"), QStringLiteral("lv-2409")},
            "LLM-Viewer's modes know no trials");
        row("unknown trial",
            {roofline, QStringLiteral("--hardware"), kA100, QStringLiteral("--trial"), QStringLiteral("nothing")},
            "nothing");
    }
    void refusesInOneSentence()
    {
        QFETCH(QStringList, arguments);
        QFETCH(QString, message);
        arguments.insert(1, project());
        const ProgramCall call = callProgram(arguments);
        QVERIFY2(call.status != 0 && call.out.isEmpty(), qPrintable(call.described()));
        QVERIFY2(call.errText().contains(message), qPrintable(call.described()));
    }

private:
    QString project() const { return m_folder.filePath(QStringLiteral("sample.pscope")); }

    QTemporaryDir m_folder;
};

QTEST_GUILESS_MAIN(TstTrialPredictionVerbs)
#include "tst_trial_prediction_verbs.moc"
