// SPDX-License-Identifier: Apache-2.0
#include "sample_records.h"
#include "second_process.h"

#include "core/project/project_store.h"
#include "core/project/verify.h"

#include <QElapsedTimer>
#include <QRandomGenerator>
#include <QTemporaryDir>
#include <QtTest>

using namespace paretoscope::core;

namespace {

int numberIn(const QString& line)
{
    return line.section(QLatin1Char(' '), 1, 1).toInt();
}

/// Busy waiting, because the moment of a kill should fall anywhere, not on a timer's tick.
void spinFor(qint64 microseconds)
{
    QElapsedTimer timer;
    timer.start();
    while (timer.nsecsElapsed() < microseconds * 1000) {
    }
}

} // namespace

class TstProjectCrash : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void killedWriterLosesNothingItReported()
    {
        const int kills =
            qEnvironmentVariableIsSet("PARETOSCOPE_KILLS") ? qEnvironmentVariableIntValue("PARETOSCOPE_KILLS") : 40;
        constexpr int kKillsOfOneFile = 40;
        QTemporaryDir folder(folderInMemory());
        QRandomGenerator random(20240517);
        int next = 0;
        qsizetype all = 0;
        QList<int> reported;
        for (int kill = 0; kill < kills; ++kill) {
            const int number = kill / kKillsOfOneFile;
            const auto file =
                std::filesystem::path(folder.path().toStdString()) / ("p" + std::to_string(number) + ".pscope");
            const QString name = QString::fromStdString(file.string());
            if (kill % kKillsOfOneFile == 0) { // a file that grows for ever takes for ever to read
                next = 0;
                all += reported.size();
                reported.clear();
            }
            SecondProcess writer({QStringLiteral("write"), name, QString::number(next)});
            const int lines = random.bounded(1, 30);
            for (int i = 0; i < lines; ++i)
                reported << numberIn(writer.lineStarting(QStringLiteral("done")));
            spinFor(random.bounded(3000));
            writer.kill();
            for (const QString& line : writer.remainingLines()) {
                QVERIFY2(line.startsWith(QLatin1String("done")), qPrintable(line));
                reported << numberIn(line);
            }
            next = reported.last() + 1;
            verifyAllThere(file, reported, kill % 2 == 0);
            verifyIntegrity(file);
            if (QTest::currentTestFailed())
                return;
        }
        qInfo("%d kills, %d trials reported, none lost", kills, int(all + reported.size()));
    }

    void killedCreationLeavesNoProjectOrAValidOne()
    {
        QTemporaryDir folder(folderInMemory());
        const std::filesystem::path place = folder.path().toStdString();
        QRandomGenerator random(7);
        const qint64 startTime = microsecondsToReady(place);
        int made = 0;
        for (int round = 0; round < 40; ++round) {
            const std::filesystem::path file = place / ("p" + std::to_string(round) + ".pscope");
            const QString name = QString::fromStdString(file.string());
            {
                SecondProcess writer({QStringLiteral("hold"), name});
                spinFor(random.bounded(startTime));
                writer.kill();
            }
            if (std::filesystem::exists(file)) {
                ++made;
                VERIFY_OK(ProjectStore::open(file, OpenMode::ReadOnly));
            }
            {
                const auto store = ProjectStore::open(file, OpenMode::Create);
                VERIFY_OK(store);
            }
            const auto content = contentOf(place);
            for (const auto& [entry, digest] : content)
                QVERIFY2(entry.ends_with(".pscope"), entry.c_str());
            verifyIntegrity(file);
        }
        qInfo("%d of 40 kills came after the file was there", made);
    }

    void runningTrialsOfAKilledWriterBecomeInterrupted()
    {
        QTemporaryDir folder(folderInMemory());
        const auto file = std::filesystem::path(folder.path().toStdString()) / "p.pscope";
        {
            SecondProcess writer({QStringLiteral("answer"), QString::fromStdString(file.string())});
            QCOMPARE(writer.line(), QStringLiteral("ready"));
            writer.write(QStringLiteral("1"));
            QCOMPARE(writer.line(), QStringLiteral("done 1"));
            writer.kill();
        }
        auto store = ProjectStore::open(file, OpenMode::ReadWrite);
        VERIFY_OK(store);
        TrialRecord running = sampleTrial(2);
        running.status = TrialStatus::Running;
        VERIFY_OK(store.value().recordTrials({running}));
        const auto interrupted = store.value().interruptRunningTrials();
        VERIFY_OK(interrupted);
        QCOMPARE(interrupted.value(), 1);
        QCOMPARE(store.value().trial(sampleId(1)).value().status, TrialStatus::Done);
        QCOMPARE(store.value().trial(sampleId(2)).value().status, TrialStatus::Interrupted);
        QCOMPARE(store.value().events().value().back().kind, std::string("trials_interrupted"));
        QCOMPARE(store.value().interruptRunningTrials().value(), 0);
    }

private:
    static qint64 microsecondsToReady(const std::filesystem::path& place)
    {
        QElapsedTimer timer;
        timer.start();
        SecondProcess writer({QStringLiteral("hold"), QString::fromStdString((place / "first.pscope").string())});
        writer.line();
        const qint64 microseconds = timer.nsecsElapsed() / 1000;
        writer.finish();
        return microseconds;
    }

    static void verifyAllThere(const std::filesystem::path& file, const QList<int>& reported, bool readOnly)
    {
        // Every second time with a writer in between, which recovers the file; else the remains pile up.
        const auto store = ProjectStore::open(file, readOnly ? OpenMode::ReadOnly : OpenMode::ReadWrite);
        VERIFY_OK(store);
        const auto trials = store.value().trials();
        VERIFY_OK(trials);
        std::map<TrialId, const TrialRecord*> byId;
        for (const TrialRecord& trial : trials.value())
            byId[trial.id] = &trial;
        for (const int number : reported) {
            const auto found = byId.find(sampleId(number));
            QVERIFY2(found != byId.end(), qPrintable(QStringLiteral("trial %1 is lost").arg(number)));
            TrialRecord expected = sampleTrial(number);
            expected.layerMetrics.clear();
            expected.attempts = found->second->attempts; // killed between commit and report: it was run once more
            QVERIFY2(sameTrial(*found->second, expected), qPrintable(QStringLiteral("trial %1").arg(number)));
        }
        const auto complete = store.value().trial(sampleId(reported.last()));
        VERIFY_OK(complete);
        QCOMPARE(complete.value().layerMetrics.size(), sampleTrial(0).layerMetrics.size());
    }

    /// Every page, row, reference and hash.
    static void verifyIntegrity(const std::filesystem::path& file)
    {
        const auto report = verifyProject(file);
        VERIFY_OK(report);
        for (const Finding& finding : report.value().findings)
            QFAIL((finding.where + ": " + finding.message).c_str());
    }
};

QTEST_GUILESS_MAIN(TstProjectCrash)
#include "tst_project_crash.moc"
