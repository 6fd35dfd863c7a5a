// SPDX-License-Identifier: Apache-2.0
// slurm-script through the built program; tests/jobs/slurm/tst_array_script.cpp looks at the script itself.
#include "tests/app/program_call.h"

#include <QJsonArray>
#include <QProcess>
#include <QTemporaryDir>
#include <QtTest>

class TstSlurmScriptVerb : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void initTestCase()
    {
        QFile file(m_folder.filePath(QStringLiteral("sweep.yaml")));
        QVERIFY(file.open(QIODevice::WriteOnly));
        file.write("paretoscope: 1\nname: bits & groups\nworkload:\n  model: " PARETOSCOPE_RESOURCES
                   "/models/tiny-llama\n  evaluate:\n    - perplexity: {corpus: " PARETOSCOPE_RESOURCES
                   "/demo/corpora/wiki.test.tokens, length: 64, windows: 2}\n"
                   "pipelines:\n  - []\n  - [rtn: {bits: [2, 3, 4, 5, 6, 7, 8], group_size: [32, 64]}]\n");
    }

    void scriptIsOnStdoutAndValid()
    {
        const ProgramCall call = script({QStringLiteral("--gpus"), QStringLiteral("1"), QStringLiteral("--time"),
                                         QStringLiteral("4:00:00"), QStringLiteral("--array"), QStringLiteral("10%4")});
        QVERIFY2(call.status == 0 && call.err.isEmpty(), qPrintable(call.described()));
        for (const char* part : {"#!/bin/bash\n", "#SBATCH --job-name=bits___groups\n", "#SBATCH --array=0-9%4\n",
                                 "#SBATCH --gpus=1\n", "#SBATCH --time=4:00:00\n",
                                 "# Made by: paretoscope slurm-script "
                                 "sweep.yaml --gpus 1 --time 4:00:00 --array 10%4\n",
                                 "15 trials in 10 elements"})
            QVERIFY2(call.out.contains(part),
                     qPrintable(QLatin1String(part) + QStringLiteral(" is missing in ") + call.outText()));
        QVERIFY2(call.outText().contains(QStringLiteral("program=") + programPath()), qPrintable(call.described()));
        QProcess bash;
        bash.start(QStringLiteral("bash"), {QStringLiteral("-n")});
        bash.write(call.out);
        bash.closeWriteChannel();
        QVERIFY(bash.waitForFinished());
        QVERIFY2(bash.exitCode() == 0, bash.readAllStandardError().constData());
    }

    void elementsAreChosen_data()
    {
        QTest::addColumn<QStringList>("options");
        QTest::addColumn<int>("trials");
        QTest::addColumn<int>("elements");
        QTest::addColumn<int>("arrays");
        const auto row = [](const char* tag, const QStringList& options, int trials, int elements, int arrays) {
            QTest::addRow("%s", tag) << options << trials << elements << arrays;
        };
        row("batched by default", {}, 15, 2, 1);
        row("fewer in one", {QStringLiteral("--trials-per-element=4")}, 15, 4, 1);
        row("as asked for", {QStringLiteral("--array=5")}, 15, 5, 1);
        row("never more than trials", {QStringLiteral("--array=200%16")}, 15, 15, 1);
        row("split", {QStringLiteral("--array=12"), QStringLiteral("--max-array-size=5")}, 15, 12, 3);
        row("overridden sweep",
            {QStringLiteral("--array=9"), QStringLiteral("--"), QStringLiteral("--set"),
             QStringLiteral("stage.rtn.bits=3"), QStringLiteral("--set=seed=0,1")},
            6, 6, 1);
    }
    void elementsAreChosen()
    {
        QFETCH(QStringList, options);
        QFETCH(int, trials);
        QFETCH(int, elements);
        QFETCH(int, arrays);
        const ProgramCall call = script(QStringList {QStringLiteral("--json")} + options);
        const QJsonObject json = call.json();
        QVERIFY2(call.status == 0, qPrintable(call.described()));
        QCOMPARE(json[QLatin1String("schema")].toString(), QStringLiteral("paretoscope.slurm-script/1"));
        QCOMPARE(json[QLatin1String("trials")].toInt(), trials);
        QCOMPARE(json[QLatin1String("elements")].toInt(), elements);
        QCOMPARE(json[QLatin1String("submit")].toArray().size(), arrays);
        QVERIFY(json[QLatin1String("script")].toString().startsWith(QLatin1String("#!/bin/bash\n")));
    }

    void runOptionsReachTheElements()
    {
        const ProgramCall call = script({QStringLiteral("--"), QStringLiteral("--only"), QStringLiteral("bits=3 x"),
                                         QStringLiteral("--retry=failed")});
        QVERIFY2(call.outText().contains(QLatin1String("options=(--only 'bits=3 x' --retry=failed)\n")),
                 qPrintable(call.described()));
    }

    void refusals_data()
    {
        QTest::addColumn<QStringList>("options");
        QTest::addColumn<int>("status");
        QTest::addColumn<QStringList>("parts");
        const auto row = [](const char* tag, const QStringList& options, int status, const QStringList& parts) {
            QTest::addRow("%s", tag) << options << status << parts;
        };
        row("no number of elements", {QStringLiteral("--array=0-9")}, 2,
            {QStringLiteral("--array"), QStringLiteral("0-9"), QStringLiteral("200%16")});
        row("no elements at once", {QStringLiteral("--array=9%0")}, 2, {QStringLiteral("9%0")});
        row("no time", {QStringLiteral("--time=soon")}, 2, {QStringLiteral("--time"), QStringLiteral("soon")});
        row("two words for the header", {QStringLiteral("--partition=gpu --exclusive")}, 2,
            {QStringLiteral("--partition"), QStringLiteral("one word")});
        row("misspelt run option", {QStringLiteral("--"), QStringLiteral("--retyr=failed")}, 2,
            {QStringLiteral("did you mean \"--retry\"")});
        row("wrong run option", {QStringLiteral("--"), QStringLiteral("--device=gpu7")}, 2, {QStringLiteral("gpu7")});
        row("project of an element", {QStringLiteral("--"), QStringLiteral("--project=p.pscope")}, 2,
            {QStringLiteral("--project"), QStringLiteral("shard")});
        row("wrong override", {QStringLiteral("--"), QStringLiteral("--set=stage.rtn.bitz=3")}, 4,
            {QStringLiteral("bitz")});
    }
    void refusals()
    {
        QFETCH(QStringList, options);
        QFETCH(int, status);
        QFETCH(QStringList, parts);
        const ProgramCall call = script(options);
        QVERIFY2(call.status == status && call.out.isEmpty() && call.err.count('\n') == 1,
                 qPrintable(call.described()));
        for (const QString& part : parts)
            QVERIFY2(call.errText().contains(part), qPrintable(call.described()));
    }

    void stdinIsNoSweepForNodes()
    {
        const ProgramCall call = callProgram({QStringLiteral("slurm-script"), QStringLiteral("-")});
        QVERIFY2(call.status == 2 && call.errText().contains(QLatin1String("stdin")), qPrintable(call.described()));
    }

private:
    ProgramCall script(const QStringList& options) const
    {
        ProgramSetting setting;
        setting.folder = m_folder.path();
        return callProgram(QStringList {QStringLiteral("slurm-script"), QStringLiteral("sweep.yaml")} + options,
                           setting);
    }

    QTemporaryDir m_folder;
};

QTEST_GUILESS_MAIN(TstSlurmScriptVerb)
#include "tst_slurm_script_verb.moc"
