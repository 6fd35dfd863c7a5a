// SPDX-License-Identifier: Apache-2.0
// Sweeps on several simulated cards: files that the scripted worker takes for cards (fake_worker.cpp).
#include "jobs/memory_preflight.h"
#include "jobs/sweep_planning.h"
#include "jobs/sweep_runner.h"
#include "tests/jobs/processes.h"
#include "tests/jobs/sweep_fixture.h"

#include <QTemporaryDir>
#include <QtTest>

#include <algorithm>
#include <fstream>
#include <map>
#include <memory>
#include <set>

using namespace paretoscope;
using core::Json;
using core::TrialRecord;
using core::TrialStatus;
using jobs::SweepRunner;

namespace {

constexpr int kWait = 40'000;

/// Memory that a worker of these sweeps takes of a card, all counted.
std::int64_t needOfAWorker(const core::Sweep& sweep)
{
    const auto preflight = jobs::MemoryPreflight::create(sweep.workload, tests::quickOptions()).value();
    const core::Bytes much {std::int64_t(1) << 50};
    core::Bytes most;
    for (const core::Pipeline& pipeline : sweep.pipelines)
        most = std::max(most, preflight.estimateWithin(pipeline, much).peak);
    return (most + jobs::kProcessBytesOnCard).value;
}

} // namespace

class TstCards : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void init()
    {
        m_folder = std::make_unique<QTemporaryDir>();
        qputenv("PARETOSCOPE_FAKE_CARDS", m_folder->path().toUtf8());
    }
    void cleanup()
    {
        qunsetenv("PARETOSCOPE_FAKE_CARDS");
        qunsetenv("CUDA_VISIBLE_DEVICES");
        QTRY_VERIFY(tests::processesOf(QString::fromLatin1(PARETOSCOPE_FAKE_WORKER)).isEmpty());
    }

    void workersArePlacedByWhatTheyTake_data()
    {
        QTest::addColumn<QList<double>>("cards"); // in what a worker takes
        QTest::addColumn<QString>("device");
        QTest::addColumn<int>("jobs");
        QTest::addColumn<QString>("places"); // a number for each worker: that of its card
        QTest::addColumn<int>("remarks");
        QTest::addRow("one on each") << QList<double> {1.5, 1.5} << "cuda:0,cuda:1" << 0 << "01" << 0;
        QTest::addRow("two on the large one") << QList<double> {1.5, 2.5} << "cuda:0,cuda:1" << 3 << "011" << 0;
        QTest::addRow("a card too small for any") << QList<double> {2.5, 0.5} << "cuda:0,cuda:1" << 2 << "00" << 1;
        QTest::addRow("room for two of four") << QList<double> {1.5, 1.5} << "cuda:0,cuda:1" << 4 << "01" << 1;
        QTest::addRow("only the second one") << QList<double> {1.5, 1.5} << "cuda:1" << 1 << "1" << 0;
    }
    void workersArePlacedByWhatTheyTake()
    {
        QFETCH(QList<double>, cards);
        QFETCH(QString, device);
        QFETCH(int, jobs);
        QFETCH(QString, places);
        QFETCH(int, remarks);
        const core::Sweep sweep = tests::plainSweep(8, 150);
        plugIn(cards, needOfAWorker(sweep));
        run(sweep, device, jobs);
        QCOMPARE(m_summary.done, 9);
        QString found;
        for (const QString& place : std::as_const(m_places))
            found += place;
        std::sort(found.begin(), found.end());
        QCOMPARE(found, places);
        QCOMPARE(int(m_remarks.size()), remarks);
    }

    void nothingRunsWhereNothingFits()
    {
        const core::Sweep sweep = tests::plainSweep(2);
        plugIn({0.5, 0.9}, needOfAWorker(sweep));
        run(sweep, QStringLiteral("cuda:0,cuda:1"), 2);
        QVERIFY(m_refusal.has_value());
        QCOMPARE(m_refusal->code, core::ErrorCode::OutOfMemory);
        QVERIFY2(m_refusal->message.find("cuda:0 has") != std::string::npos, m_refusal->message.c_str());
    }

    void onlyVisibleCardsCount()
    {
        const core::Sweep sweep = tests::plainSweep(4, 150);
        plugIn({1.5, 1.5, 1.5}, needOfAWorker(sweep));
        qputenv("CUDA_VISIBLE_DEVICES", "2,0");
        run(sweep, QStringLiteral("cuda:0,cuda:1"), 2);
        QCOMPARE(m_summary.done, 5);
        QCOMPARE(std::set<QString>(m_places.begin(), m_places.end()),
                 std::set<QString>({QStringLiteral("2"), QStringLiteral("0")}));
        for (const TrialRecord& trial : m_store) {
            QCOMPARE(trial.metrics.front().device, std::string("cuda:0")); // alike on equal cards
            QVERIFY(trial.provenance.at("worker").at("device") != Json());
        }
    }

    /// A card falls off the bus in the middle of a trial.
    void trialsOfAVanishedCardGoElsewhere()
    {
        core::Sweep sweep = tests::sweepOf({Json {{"do", "unplug"}}, nullptr, Json {{"ms", 100}}, Json {{"ms", 100}},
                                            Json {{"ms", 100}}, Json {{"ms", 100}}});
        plugIn({1.5, 1.5}, needOfAWorker(sweep));
        // The one that is left must survive the second attempt.
        sweep.pipelines[0].stages[0].parameters["once"] = m_folder->filePath(QStringLiteral("marker")).toStdString();
        run(sweep, QStringLiteral("cuda:0,cuda:1"), 2);
        QCOMPARE(m_summary.done, 6);
        QCOMPARE(m_summary.failed, 0);
        QVERIFY(!m_summary.error);
        const auto told = std::count_if(m_losses.begin(), m_losses.end(), [](const QString& loss) {
            return loss.contains(QLatin1String("the card that this worker is to use is not there (any more); no "
                                               "further worker is started in its place on cuda:"));
        });
        QCOMPARE(told, 1);
        const auto moved =
            std::find_if(m_store.begin(), m_store.end(), [](const TrialRecord& trial) { return trial.attempts == 2; });
        QVERIFY(moved != m_store.end());
        QCOMPARE(moved->provenance.at("losses").size(), std::size_t(1));
    }

    void allCardsVanishingEndsTheSweep()
    {
        core::Sweep sweep = tests::sweepOf({Json {{"do", "unplug"}}, Json {{"ms", 10}}, Json {{"ms", 10}}});
        plugIn({1.5}, needOfAWorker(sweep));
        run(sweep, QStringLiteral("cuda:0"), 1);
        QVERIFY(m_summary.error.has_value());
        QVERIFY2(m_summary.error->message.starts_with("no worker can be started"), m_summary.error->message.c_str());
        QCOMPARE(m_summary.failed, 0); // no trial is to blame
    }

    void outOfMemoryIsTriedOnceMoreWithLess_data()
    {
        QTest::addColumn<double>("takes"); // in the memory of the card
        QTest::addColumn<bool>("done");
        QTest::addRow("fits the second time") << 1.5 << true;
        QTest::addRow("never fits") << 3.0 << false;
    }
    void outOfMemoryIsTriedOnceMoreWithLess()
    {
        QFETCH(double, takes);
        QFETCH(bool, done);
        core::Sweep sweep = tests::sweepOf({Json {{"do", "allocate"}}, nullptr, Json {{"ms", 20}}});
        const std::int64_t need = needOfAWorker(sweep);
        sweep.pipelines[0].stages[0].parameters["bytes"] = static_cast<std::int64_t>(takes * 1.5 * double(need));
        plugIn({1.5}, need);
        run(sweep, QStringLiteral("cuda:0"), 1);
        QCOMPARE(m_summary.done, done ? 3 : 2);
        QCOMPARE(m_summary.failed, done ? 0 : 1); // and no other trial with it
        const auto trial = std::find_if(m_store.begin(), m_store.end(),
                                        [](const TrialRecord& record) { return record.attempts == 2; });
        QVERIFY(trial != m_store.end());
        QCOMPARE(trial->status, done ? TrialStatus::Done : TrialStatus::Failed);
        QCOMPARE(trial->provenance.at("losses").at(0).at("kind"), Json("OutOfMemory"));
        QVERIFY(m_processes.size() >= 2); // the second attempt had a fresh process
        if (!done)
            QVERIFY2(trial->error->message.find("layer 3") != std::string::npos, trial->error->message.c_str());
    }

    void memoryOfEveryCardIsTold()
    {
        core::Sweep sweep = tests::sweepOf({Json {{"do", "allocate"}, {"bytes", 4000}, {"ms", 400}},
                                            Json {{"do", "allocate"}, {"bytes", 4001}, {"ms", 400}}});
        plugIn({1.5, 1.5}, needOfAWorker(sweep));
        run(sweep, QStringLiteral("cuda:0,cuda:1"), 2);
        QCOMPARE(m_summary.done, 2);
        QCOMPARE(m_deviceBytes.keys(), QStringList({QStringLiteral("cuda:0"), QStringLiteral("cuda:1")}));
        QCOMPARE(m_deviceBytes.first() + m_deviceBytes.last(), qint64(8001));
    }

    void threadsDoNotDependOnThePlacement()
    {
        const core::Sweep sweep = tests::plainSweep(3, 30);
        plugIn({1.5}, needOfAWorker(sweep));
        run(sweep, QStringLiteral("cuda:0"), 2, 0);
        QCOMPARE(int(m_places.size()), 1); // of two
        jobs::SweepOptions options;
        options.jobs = 2;
        for (const TrialRecord& trial : m_store)
            QCOMPARE(trial.metrics.front().threads, jobs::workerCounts(options).threads);
        QVERIFY(2 * jobs::workerCounts(options).threads <= std::max(2, jobs::availableCores()));
    }

private:
    void plugIn(const QList<double>& cards, std::int64_t unit) const
    {
        for (qsizetype card = 0; card < cards.size(); ++card)
            std::ofstream(m_folder->filePath(QString::number(card)).toStdString())
                << static_cast<std::int64_t>(cards[card] * double(unit));
    }

    /// Runs the sweep to its end and keeps what it told; m_places: cards by worker.
    void run(const core::Sweep& sweep, const QString& device, int jobs, int threads = 1)
    {
        m_places.clear();
        m_processes.clear();
        m_losses.clear();
        m_remarks.clear();
        m_deviceBytes.clear();
        m_refusal.reset();
        auto store = core::ProjectStore::open(m_folder->filePath(QStringLiteral("p.pscope")).toStdString(),
                                              core::OpenMode::Create);
        jobs::SweepOptions options = tests::quickOptions(jobs);
        options.device = device.toStdString();
        options.threads = threads;
        SweepRunner runner(sweep, std::move(store).value(), options);
        int finishes = 0;
        connect(&runner, &SweepRunner::workerLost, this, [this](int, const QString& reason) { m_losses << reason; });
        connect(&runner, &SweepRunner::remarked, this, [this](const QString& remark) { m_remarks << remark; });
        connect(&runner, &SweepRunner::workerChanged, this, [this](const jobs::WorkerStatus& status) {
            qint64& most = m_deviceBytes[QString::fromStdString(status.device)];
            most = std::max<qint64>(most, status.deviceBytes.value_or(0));
        });
        connect(&runner, &SweepRunner::finished, this, [&](const jobs::SweepSummary& summary) {
            m_summary = summary;
            ++finishes;
        });
        connect(&runner, &SweepRunner::trialStarted, this, [this](const core::PlannedTrial&, int worker) {
            for (const qint64 pid : tests::processesOf(QString::fromLatin1(PARETOSCOPE_FAKE_WORKER))) {
                m_processes.insert(pid);
                QFile environment(QStringLiteral("/proc/%1/environ").arg(pid));
                if (!environment.open(QIODevice::ReadOnly))
                    continue;
                for (const QByteArray& variable : environment.readAll().split('\0')) {
                    if (variable.startsWith("CUDA_VISIBLE_DEVICES="))
                        m_cards[pid] = QString::fromUtf8(variable.mid(variable.indexOf('=') + 1));
                }
            }
            Q_UNUSED(worker)
        });
        if (const auto status = runner.prepare(); !status.ok()) {
            m_refusal = status.error();
            return;
        }
        runner.start();
        QVERIFY(QTest::qWaitFor([&] { return finishes == 1; }, kWait));
        m_store = runner.store().trials().value();
        for (const TrialRecord& trial : m_store) {
            if (!trial.provenance.is_object())
                continue; // it never began
            if (const Json worker = trial.provenance.value("worker", Json::object()); worker.contains("pid"))
                m_places[worker.at("number").get<int>()] = m_cards.value(worker.at("pid").get<qint64>());
        }
    }

    std::unique_ptr<QTemporaryDir> m_folder;
    QMap<int, QString> m_places;
    QMap<qint64, QString> m_cards;       ///< by process
    QMap<QString, qint64> m_deviceBytes; ///< the most that was told, by device
    std::set<qint64> m_processes;
    QStringList m_losses;
    QStringList m_remarks;
    std::optional<core::Error> m_refusal;
    jobs::SweepSummary m_summary;
    std::vector<TrialRecord> m_store;
};

QTEST_GUILESS_MAIN(TstCards)
#include "tst_cards.moc"
