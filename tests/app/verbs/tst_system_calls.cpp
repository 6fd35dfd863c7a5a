// SPDX-License-Identifier: Apache-2.0
// Which sockets a sweep opens, as the kernel sees it: none but pairs between its own processes, and no display.
#include "tests/app/program_call.h"

#include <QFileInfo>
#include <QProcess>
#include <QRegularExpression>
#include <QStandardPaths>
#include <QTemporaryDir>
#include <QtTest>

namespace {

constexpr auto kManifest = R"({"id": "fake/stage", "name": "Scripted", "version": "1", "kind": "stage",
  "summary": "Does what the test asks for.",
  "parameters": [{"name": "n", "type": "integer", "default": 0, "minimum": 0, "maximum": 9, "doc": "Another trial."}]})";

constexpr auto kSweep = R"(paretoscope: 1
workload:
  model: %1/models/tiny-llama
  calibration: {corpus: %1/demo/corpora/train_excerpt.raw.txt, samples: 4, length: 64}
  evaluate:
    - perplexity: {corpus: %1/demo/corpora/wiki.test.tokens, length: 64, windows: 2}
pipelines:
  - []
  - [%2]
)";

} // namespace

class TstSystemCalls : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void initTestCase()
    {
        if (QStandardPaths::findExecutable(QStringLiteral("strace")).isEmpty())
            QSKIP("strace is not installed");
        QVERIFY(QDir(m_folder.path()).mkpath(QStringLiteral("plugins/fake/stage")));
        write("plugins/fake/stage/manifest.json", kManifest);
    }

    void batchOpensNoSocketAndNoDisplay_data()
    {
        QTest::addColumn<QString>("worker"); // empty: the installed one
        QTest::addColumn<QString>("stage");
        QTest::addRow("scripted worker") << QStringLiteral(PARETOSCOPE_FAKE_WORKER) << QStringLiteral("stage: {n: 1}");
        if (QFileInfo::exists(QStringLiteral(PARETOSCOPE_BUILD_TREE "/libexec/paretoscope/paretoscope-worker")))
            QTest::addRow("real worker") << QString() << QStringLiteral("gptq: {bits: 3, group_size: 32}");
    }
    void batchOpensNoSocketAndNoDisplay()
    {
        QFETCH(QString, worker);
        QFETCH(QString, stage);
        write("sweep.yaml", QString::fromLatin1(kSweep).arg(QStringLiteral(PARETOSCOPE_RESOURCES), stage).toUtf8());
        ProgramSetting setting;
        setting.environment << QStringLiteral("PARETOSCOPE_CACHE=") + path("cache")
                            << QStringLiteral("PARETOSCOPE_PLUGINS=") + path("plugins")
                            // A desktop session: what would be opened if the program looked for it.
                            << QStringLiteral("DISPLAY=:0") << QStringLiteral("WAYLAND_DISPLAY=wayland-0")
                            << QStringLiteral("DBUS_SESSION_BUS_ADDRESS=unix:path=/tmp/bus");
        if (!worker.isEmpty())
            setting.environment << QStringLiteral("PARETOSCOPE_WORKER=") + worker;
        QProcess strace;
        strace.setProcessEnvironment(programEnvironment(setting));
        strace.setWorkingDirectory(m_folder.path());
        strace.start(QStringLiteral("strace"),
                     {QStringLiteral("-f"), QStringLiteral("-e"), QStringLiteral("trace=%network,openat,execve"),
                      QStringLiteral("-o"), path("trace"), programPath(), QStringLiteral("--batch"),
                      QStringLiteral("sweep.yaml"), QStringLiteral("--project"),
                      path(worker.isEmpty() ? "real.pscope" : "scripted.pscope"), QStringLiteral("--threads=1")});
        QVERIFY(strace.waitForFinished(240'000));
        QVERIFY2(strace.exitCode() == 0, strace.readAllStandardError().constData());
        QFile file(path("trace"));
        QVERIFY(file.open(QIODevice::ReadOnly));
        const QString trace = QString::fromUtf8(file.readAll());
        QVERIFY2(trace.count(QLatin1String("execve(")) >= 2, "the worker was not traced");
        static const QRegularExpression forbidden(
            QStringLiteral("^.*(\\b(socket|connect|bind|listen|accept4?)\\(|X11-unix|wayland-0|platforms/libq).*$"),
            QRegularExpression::MultilineOption);
        QStringList found;
        for (auto match = forbidden.globalMatch(trace); match.hasNext();)
            found << match.next().captured();
        QVERIFY2(found.isEmpty(), qPrintable(found.join(QLatin1Char('\n'))));
    }

private:
    QString path(const char* name) const { return m_folder.filePath(QLatin1String(name)); }
    void write(const char* name, const QByteArray& content) const
    {
        QFile file(path(name));
        QVERIFY(file.open(QIODevice::WriteOnly));
        file.write(content);
    }

    QTemporaryDir m_folder;
};

QTEST_GUILESS_MAIN(TstSystemCalls)
#include "tst_system_calls.moc"
