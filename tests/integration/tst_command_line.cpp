// SPDX-License-Identifier: Apache-2.0
// The verbs that need a worker, with the real one: what a user types after the installation.
#include "tests/app/program_call.h"

#include <QJsonArray>
#include <QProcess>
#include <QTemporaryDir>
#include <QtTest>

#include <csignal>

namespace {

const QString kModel = QStringLiteral(PARETOSCOPE_RESOURCES "/models/tiny-llama");
const QString kCorpus = QStringLiteral(PARETOSCOPE_RESOURCES "/demo/corpora/wiki.test.tokens");

constexpr auto kSweep = R"(paretoscope: 1
name: small
workload:
  kind: causal-lm
  model: %1/models/tiny-llama
  calibration: {corpus: %1/demo/corpora/train_excerpt.raw.txt, samples: 8, length: 128}
  evaluate:
    - perplexity: {corpus: %1/demo/corpora/wiki.test.tokens, length: 128, windows: 8}
    - kl_divergence: {corpus: %1/demo/corpora/wiki.test.tokens, length: 128, windows: 2}
    - task: {file: %2/tasks/piqa.jsonl, limit: 4}
pipelines:
  - []
  - [rtn: {bits: [2, 8], group_size: 32}]
  - [gptq: {bits: 2, group_size: 32}]
objectives: [perplexity, stored_bytes]
)";

double perplexityOf(const QJsonValue& trial)
{
    return trial[QLatin1String("metrics")][QLatin1String("perplexity")].toDouble();
}

} // namespace

class TstCommandLine : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void initTestCase()
    {
        QFile file(path("small.yaml"));
        QVERIFY(file.open(QIODevice::WriteOnly));
        file.write(QString::fromLatin1(kSweep)
                       .arg(QStringLiteral(PARETOSCOPE_RESOURCES), QStringLiteral(PARETOSCOPE_TEST_DATA))
                       .toUtf8());
    }

    void doctorIsContent()
    {
        const ProgramCall call = callProgram({QStringLiteral("doctor"), QStringLiteral("--json")}, surroundings());
        QVERIFY2(call.status == 0, qPrintable(call.described()));
        QVERIFY(call.json()[QLatin1String("ok")].toBool());
    }

    void sweepMeasuresWhatItSays()
    {
        const ProgramCall call = sweep("one.pscope", {QStringLiteral("--jobs=1"), QStringLiteral("--threads=1")});
        QVERIFY2(call.status == 0, qPrintable(call.described()));
        m_trials = call.json()[QLatin1String("trials")].toArray();
        QCOMPARE(m_trials.size(), 4); // baseline, rtn 2, rtn 8, gptq 2
        const double baseline = perplexityOf(m_trials[0]);
        QVERIFY(baseline > 10 && baseline < 500);
        QVERIFY2(qAbs(perplexityOf(m_trials[2]) / baseline - 1) < 0.01, "8 bit hardly differs");
        QVERIFY2(perplexityOf(m_trials[1]) > 1.5 * baseline, "2 bit without care is bad");
        QVERIFY2(perplexityOf(m_trials[3]) < perplexityOf(m_trials[1]), "GPTQ beats rounding");
        for (const QJsonValue& trial : m_trials) {
            const QJsonValue metrics = trial[QLatin1String("metrics")];
            const double bytes = metrics[QLatin1String("stored_bytes")].toDouble();
            QVERIFY(bytes > 0 && bytes <= 2623744);
            QVERIFY(qAbs(metrics[QLatin1String("bits_per_parameter")].toDouble() - 8 * bytes / 1311872) < 1e-9);
            QVERIFY(metrics[QLatin1String("peak_memory_bytes")].toDouble() > 0);
        }
    }

    /// Equal threads per worker: the same numbers, bit for bit, whatever the number of workers.
    void numberOfWorkersChangesNoBit()
    {
        const ProgramCall call = sweep("two.pscope", {QStringLiteral("--jobs=2"), QStringLiteral("--threads=1")});
        QVERIFY2(call.status == 0, qPrintable(call.described()));
        const QJsonArray trials = call.json()[QLatin1String("trials")].toArray();
        QCOMPARE(trials.size(), m_trials.size());
        for (int i = 0; i < trials.size(); ++i) {
            QCOMPARE(trials[i][QLatin1String("id")].toString(), m_trials[i][QLatin1String("id")].toString());
            for (const char* metric : {"perplexity", "kl_divergence", "top1_agreement", "acc", "acc_norm",
                                       "stored_bytes", "bits_per_parameter"})
                QVERIFY2(trials[i][QLatin1String("metrics")][QLatin1String(metric)] ==
                             m_trials[i][QLatin1String("metrics")][QLatin1String(metric)],
                         metric);
        }
    }

    /// Metrics that compare do so with the sweep's own model, and stand on axes and in tables as others do.
    void divergenceIsMeasuredAndDrawn()
    {
        QList<double> divergence;
        for (const QJsonValue& trial : m_trials)
            divergence << trial[QLatin1String("metrics")][QLatin1String("kl_divergence")].toDouble(-1);
        QCOMPARE(divergence[0], 0.0);
        QCOMPARE(m_trials[0][QLatin1String("metrics")][QLatin1String("top1_agreement")].toDouble(), 1.0);
        QVERIFY2(divergence[2] > 0 && divergence[2] < 0.01, "8 bit hardly differs");
        QVERIFY2(divergence[1] > divergence[3] && divergence[3] > 10 * divergence[2], "GPTQ beats rounding");

        const ProgramCall front =
            callProgram({QStringLiteral("front"), path("one.pscope"), QStringLiteral("--x=stored_bytes"),
                         QStringLiteral("--y=kl_divergence"), QStringLiteral("--json")},
                        surroundings());
        QVERIFY2(front.status == 0, qPrintable(front.described()));
        QVERIFY(front.json()[QLatin1String("y_protocol")].toString().contains(QLatin1String("/baseline-")));
        QVERIFY(front.json()[QLatin1String("points")].toArray().size() >= 2);
        const ProgramCall list = callProgram(
            {QStringLiteral("list"), path("one.pscope"), QStringLiteral("--columns=pipeline,kl_divergence,acc_norm")},
            surroundings());
        QVERIFY2(list.status == 0, qPrintable(list.described()));

        const ProgramCall show = callProgram({QStringLiteral("show"), path("one.pscope"),
                                              m_trials[1][QLatin1String("id")].toString(), QStringLiteral("--json")},
                                             surroundings());
        const QJsonValue against = show.json()[QLatin1String("against_baseline")];
        const double ratio = perplexityOf(m_trials[1]) / perplexityOf(m_trials[0]);
        QVERIFY(qAbs(against[QLatin1String("perplexity")][QLatin1String("ratio")].toDouble() / ratio - 1) < 1e-9);
        QCOMPARE(against[QLatin1String("kl_divergence")][QLatin1String("change")].toDouble(), divergence[1]);
        QCOMPARE(against[QLatin1String("acc")][QLatin1String("n")].toInt(), 4);
    }

    /// A metric that a sweep gets later is measured from what was kept; where that was dropped, the trial is computed
    /// again. The numbers are those of a sweep that had the metric from the beginning.
    void addedMetricIsMeasuredFromTheKeptModel()
    {
        QFile whole(path("small.yaml"));
        QVERIFY(whole.open(QIODevice::ReadOnly));
        QByteArray fewer;
        for (const QByteArray& line : whole.readAll().split('\n')) {
            if (!line.contains("kl_divergence") && !line.contains("task:"))
                fewer += line + '\n';
        }
        QFile file(path("fewer.yaml"));
        QVERIFY(file.open(QIODevice::WriteOnly) && file.write(fewer) > 0);
        file.close();
        const QStringList few {QStringLiteral("run"), path("fewer.yaml"),         QStringLiteral("--project"),
                               path("kept.pscope"),   QStringLiteral("--jobs=1"), QStringLiteral("--threads=1")};
        const ProgramCall first = callProgram(few, surroundings());
        QVERIFY2(first.status == 0, qPrintable(first.described()));
        const ProgramCall drop =
            callProgram({QStringLiteral("artifacts"), path("kept.pscope"), QStringLiteral("--where"),
                         QStringLiteral("plugin = gptq"), QStringLiteral("--drop")},
                        surroundings());
        QVERIFY2(drop.status == 0, qPrintable(drop.described()));

        const ProgramCall estimate =
            callProgram({QStringLiteral("estimate"), path("small.yaml"), QStringLiteral("--project"),
                         path("kept.pscope"), QStringLiteral("--json")},
                        surroundings());
        const QJsonArray planned = estimate.json()[QLatin1String("trials")].toArray();
        QCOMPARE(planned[1][QLatin1String("model")].toString(), QStringLiteral("kept"));
        QVERIFY(planned[3][QLatin1String("measures_only")].toBool());
        QVERIFY(planned[3][QLatin1String("model")].isNull());

        const ProgramCall second = sweep("kept.pscope", {QStringLiteral("--jobs=1"), QStringLiteral("--threads=1")});
        QVERIFY2(second.status == 0, qPrintable(second.described()));
        const QJsonArray trials = second.json()[QLatin1String("trials")].toArray();
        for (int i = 0; i < trials.size(); ++i) {
            const QString id = trials[i][QLatin1String("id")].toString();
            QCOMPARE(id, m_trials[i][QLatin1String("id")].toString());
            for (const char* metric : {"perplexity", "kl_divergence", "acc", "stored_bytes"})
                QVERIFY2(trials[i][QLatin1String("metrics")][QLatin1String(metric)] ==
                             m_trials[i][QLatin1String("metrics")][QLatin1String(metric)],
                         metric);
            const ProgramCall show = callProgram(
                {QStringLiteral("show"), path("kept.pscope"), id, QStringLiteral("--json")}, surroundings());
            const bool fromKept =
                show.json()[QLatin1String("provenance")].toObject().contains(QLatin1String("measured_from"));
            QCOMPARE(fromKept, i == 1 || i == 2);
        }
    }

    void evaluateAgreesWithTheBaseline()
    {
        const ProgramCall call =
            evaluate({QStringLiteral("--perplexity"), QStringLiteral("corpus=%1,length=128,windows=8").arg(kCorpus),
                      QStringLiteral("--threads=1"), QStringLiteral("--json")});
        QVERIFY2(call.status == 0, qPrintable(call.described()));
        const QJsonObject json = call.json();
        QCOMPARE(json[QLatin1String("schema")].toString(), QStringLiteral("paretoscope.evaluate/1"));
        const QJsonValue metric = json[QLatin1String("metrics")][0];
        QCOMPARE(metric[QLatin1String("name")].toString(), QStringLiteral("perplexity"));
        QCOMPARE(metric[QLatin1String("value")].toDouble(), perplexityOf(m_trials[0]));
        QCOMPARE(metric[QLatin1String("n")].toInt(), 8);
        QCOMPARE(metric[QLatin1String("windows")].toArray().size(), 8);
        QVERIFY(metric[QLatin1String("standard_error")].toDouble() > 0);
        QVERIFY(metric[QLatin1String("protocol")].toString().contains(QLatin1String("/128/first0+8/")));
        for (const char* key : {"model_sha256", "tokenizer_sha256", "device", "dtype"})
            QVERIFY2(json[QLatin1String(key)].isString(), key);
        for (const char* key :
             {"threads", "load_seconds", "evaluate_seconds", "tokens_per_second", "peak_memory_bytes"})
            QVERIFY2(json[QLatin1String(key)].isDouble(), key);
        const ProgramCall text =
            evaluate({QStringLiteral("--perplexity"), QStringLiteral("corpus=%1,length=128,windows=8").arg(kCorpus)});
        QVERIFY2(text.status == 0 && text.outText().contains(QLatin1String("perplexity.window/wiki.test.tokens")),
                 qPrintable(text.described()));
    }

    void evaluateMeasuresEveryMetric()
    {
        const QString windows = QStringLiteral("corpus=%1,length=64,windows=2").arg(kCorpus);
        const ProgramCall call = evaluate(
            {QStringLiteral("--bits-per-byte"), windows, QStringLiteral("--kl-divergence"),
             windows + QStringLiteral(",baseline=") + kModel, QStringLiteral("--task"),
             QStringLiteral(PARETOSCOPE_TEST_DATA "/tasks/piqa.jsonl,limit=3"), QStringLiteral("--greedy-match"),
             QStringLiteral("corpus=%1,prompts=2,length=8,tokens=4,baseline=%2").arg(kCorpus, kModel),
             QStringLiteral("--threads=1"), QStringLiteral("--json")});
        QVERIFY2(call.status == 0, qPrintable(call.described()));
        const QJsonArray metrics = call.json()[QLatin1String("metrics")].toArray();
        QStringList names;
        for (const QJsonValue metric : metrics) {
            names << metric[QLatin1String("name")].toString();
            QVERIFY2(metric[QLatin1String("value")].isDouble(), qPrintable(names.last()));
            QVERIFY2(metric[QLatin1String("standard_error")].isDouble(), qPrintable(names.last()));
            QVERIFY2(metric[QLatin1String("protocol")].toString().contains(QLatin1Char('#')), qPrintable(names.last()));
        }
        QCOMPARE(names, QStringList({QStringLiteral("bits_per_byte"), QStringLiteral("kl_divergence"),
                                     QStringLiteral("top1_agreement"), QStringLiteral("acc"),
                                     QStringLiteral("acc_norm"), QStringLiteral("greedy_match")}));
        QCOMPARE(metrics[1][QLatin1String("value")].toDouble(), 0.0);
        QCOMPARE(metrics[2][QLatin1String("value")].toDouble(), 1.0);
        QCOMPARE(metrics[5][QLatin1String("value")].toDouble(), 4.0);
        const QJsonArray items = metrics[3][QLatin1String("items")].toArray();
        QCOMPARE(items.size(), 3);
        QCOMPARE(items[0][QLatin1String("log_likelihoods")].toArray().size(), 2);
        for (const char* key : {"id", "chosen", "chosen_norm", "gold"})
            QVERIFY2(!items[0][QLatin1String(key)].isUndefined(), key);
    }

    void logitsAreWritten()
    {
        QFile tokens(path("tokens.json"));
        QVERIFY(tokens.open(QIODevice::WriteOnly));
        tokens.write("{\"sequences\": [[1, 2, 3], [4, 5]]}");
        tokens.close();
        const ProgramCall call = evaluate(
            {QStringLiteral("--logits"), tokens.fileName(), QStringLiteral("--out"), path("logits.safetensors")});
        QVERIFY2(call.status == 0 && call.out.isEmpty(), qPrintable(call.described()));
        QFile out(path("logits.safetensors"));
        QVERIFY(out.open(QIODevice::ReadOnly));
        const QByteArray content = out.readAll();
        QVERIFY(content.contains("\"logits_0\"") && content.contains("\"logits_1\""));
        QVERIFY(content.size() > (3 + 2) * 4096 * 4);
    }

    void evaluateRefuses_data()
    {
        QTest::addColumn<QString>("model");
        QTest::addColumn<QStringList>("options");
        QTest::addColumn<QString>("code");
        QTest::addColumn<QString>("part");
        const QString perplexity = QStringLiteral("--perplexity");
        QTest::addRow("missing model") << QStringLiteral("/nonexistent/model")
                                       << QStringList {perplexity, QStringLiteral("corpus=") + kCorpus}
                                       << QStringLiteral("NotFound") << QStringLiteral("/nonexistent/model");
        QTest::addRow("missing corpus") << kModel
                                        << QStringList {perplexity, QStringLiteral("corpus=/nonexistent/text")}
                                        << QStringLiteral("NotFound") << QStringLiteral("/nonexistent/text");
        QTest::addRow("too few tokens")
            << kModel << QStringList {perplexity, QStringLiteral("corpus=%1,length=512,windows=100000").arg(kCorpus)}
            << QStringLiteral("InvalidArgument") << QStringLiteral("100000");
        QTest::addRow("unsupported family") << unknownFamily()
                                            << QStringList {QStringLiteral("--logits"), QStringLiteral("tokens.json"),
                                                            QStringLiteral("--out"), QStringLiteral("out.safetensors")}
                                            << QStringLiteral("Unsupported") << QStringLiteral("mamba");
        QTest::addRow("missing task") << kModel << QStringList {QStringLiteral("--task"), QStringLiteral("t.jsonl")}
                                      << QStringLiteral("NotFound") << QStringLiteral("t.jsonl");
        QTest::addRow("missing baseline")
            << kModel
            << QStringList {QStringLiteral("--kl-divergence"),
                            QStringLiteral("corpus=%1,windows=1,baseline=/nonexistent/model").arg(kCorpus)}
            << QStringLiteral("NotFound") << QStringLiteral("/nonexistent/model");
    }
    void evaluateRefuses()
    {
        QFETCH(QString, model);
        QFETCH(QStringList, options);
        QFETCH(QString, code);
        QFETCH(QString, part);
        const ProgramCall call = callProgram(
            QStringList {QStringLiteral("evaluate"), model, QStringLiteral("--json")} + options, surroundings());
        QVERIFY2(call.status == 4, qPrintable(call.described()));
        QCOMPARE(call.json()[QLatin1String("code")].toString(), code);
        QVERIFY2(call.json()[QLatin1String("message")].toString().contains(part), qPrintable(call.described()));
    }

    void evaluationStopsOnASignal()
    {
        const ProgramSetting setting = surroundings();
        QProcess process;
        process.setProcessEnvironment(programEnvironment(setting));
        process.start(programPath(), {QStringLiteral("evaluate"), kModel, QStringLiteral("--perplexity"),
                                      QStringLiteral("corpus=") + kCorpus, QStringLiteral("--progress=json")});
        QByteArray progress;
        QTRY_VERIFY_WITH_TIMEOUT(progress.append(process.readAllStandardError()).contains("\"evaluate\""), 60'000);
        ::kill(static_cast<pid_t>(process.processId()), SIGINT);
        QVERIFY(process.waitForFinished(60'000));
        QCOMPARE(process.exitCode(), 75);
    }

private:
    /// A model folder whose family nobody knows.
    QString unknownFamily() const
    {
        const QDir folder(path("mamba"));
        folder.mkpath(QStringLiteral("."));
        QFile::copy(QStringLiteral(PARETOSCOPE_TEST_DATA "/parity/models/gpt2/model.safetensors"),
                    folder.filePath(QStringLiteral("model.safetensors")));
        QFile config(folder.filePath(QStringLiteral("config.json")));
        if (config.open(QIODevice::WriteOnly))
            config.write(R"({"model_type": "mamba"})");
        return folder.path();
    }

    QString path(const char* name) const { return m_folder.filePath(QLatin1String(name)); }

    ProgramSetting surroundings() const
    {
        ProgramSetting setting;
        setting.folder = m_folder.path();
        setting.environment << QStringLiteral("PARETOSCOPE_CACHE=") + path("cache");
        setting.milliseconds = 240'000;
        return setting;
    }
    ProgramCall sweep(const char* project, const QStringList& options) const
    {
        return callProgram(QStringList {QStringLiteral("--batch"), QStringLiteral("small.yaml"),
                                        QStringLiteral("--project"), QLatin1String(project), QStringLiteral("--json")} +
                               options,
                           surroundings());
    }
    ProgramCall evaluate(const QStringList& options) const
    {
        return callProgram(QStringList {QStringLiteral("evaluate"), kModel} + options, surroundings());
    }

    QTemporaryDir m_folder;
    QJsonArray m_trials; ///< of the first sweep
};

QTEST_GUILESS_MAIN(TstCommandLine)
#include "tst_command_line.moc"
