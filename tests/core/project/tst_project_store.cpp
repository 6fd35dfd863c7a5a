// SPDX-License-Identifier: Apache-2.0
#include "sample_records.h"
#include "second_process.h"

#include "core/project/database.h"
#include "core/project/project_store.h"

#include <QTemporaryDir>
#include <QtTest>

#include <limits>

using namespace paretoscope::core;

class TstProjectStore : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void init()
    {
        m_folder = std::make_unique<QTemporaryDir>(folderInMemory());
        m_file = std::filesystem::path(m_folder->path().toStdString()) / "dämo project?%#.pscope";
    }

    void finishedTrialReadsBackEqual_data()
    {
        QTest::addColumn<bool>("reopened");
        QTest::addColumn<bool>("readOnly");
        QTest::addRow("from the writer itself") << false << false;
        QTest::addRow("by a reader beside the writer") << false << true;
        QTest::addRow("by the next writer") << true << false;
        QTest::addRow("by a reader of the file at rest") << true << true;
    }
    void finishedTrialReadsBackEqual()
    {
        QFETCH(bool, reopened);
        QFETCH(bool, readOnly);
        std::optional<ProjectStore> writer = create();
        VERIFY_OK(writer->finishTrial(sampleTrial(1)));
        VERIFY_OK(writer->finishTrial(sampleTrial(2)));
        std::optional<ProjectStore> other;
        if (!reopened && !readOnly)
            other = std::move(writer);
        if (reopened)
            writer.reset();
        if (!other)
            other = open(readOnly ? OpenMode::ReadOnly : OpenMode::ReadWrite);
        const auto trial = other->trial(sampleId(2));
        VERIFY_OK(trial);
        QVERIFY(sameTrial(trial.value(), sampleTrial(2)));
        const auto trials = other->trials();
        VERIFY_OK(trials);
        QCOMPARE(trials.value().size(), 2u);
        TrialRecord withoutLayers = sampleTrial(1);
        withoutLayers.layerMetrics.clear();
        QVERIFY(sameTrial(trials.value().front(), withoutLayers));
    }

    void baselineAndEmptyFieldsReadBack()
    {
        std::optional<ProjectStore> store = create();
        TrialRecord bare;
        bare.id = sampleId(1);
        VERIFY_OK(store->recordTrials({bare}));
        const auto read = store->trial(bare.id);
        VERIFY_OK(read);
        bare.pipeline = Json::array(); // null means the empty pipeline
        QVERIFY(sameTrial(read.value(), bare));
    }

    void failureAndInterruptionReadBack()
    {
        std::optional<ProjectStore> store = create();
        TrialRecord failed = sampleTrial(1);
        failed.status = TrialStatus::Failed;
        failed.metrics.clear();
        failed.error = Error {ErrorCode::OutOfMemory, "layer 17: needs 12 GiB", "use a smaller micro-batch"};
        VERIFY_OK(store->finishTrial(failed));
        QVERIFY(sameTrial(store->trial(failed.id).value(), failed));
        TrialRecord done = sampleTrial(1);
        done.attempts = 2;
        done.startedUtc = "2024-05-18T00:00:00.000Z";
        done.finishedUtc = "2024-05-18T00:01:00.000Z";
        VERIFY_OK(store->finishTrial(done));
        QVERIFY(sameTrial(store->trial(done.id).value(), done));
        store.reset();
        auto database = Database::open(m_file, Database::Access::ReadOnly);
        VERIFY_OK(database);
        const auto first = database.value().text("SELECT error_message FROM attempt WHERE number = 1");
        VERIFY_OK(first); // the failed run is history, not overwritten
        QCOMPARE(first.value(), failed.error->message);
    }

    void numbersThatAreNotFiniteReadBackEmpty()
    {
        std::optional<ProjectStore> store = create();
        TrialRecord trial = sampleTrial(1);
        trial.metrics[0].value = std::numeric_limits<double>::quiet_NaN();
        trial.metrics[0].standardError = std::numeric_limits<double>::infinity();
        trial.metrics[1].value = -std::numeric_limits<double>::infinity();
        trial.layerMetrics[0].value = std::numeric_limits<double>::infinity();
        VERIFY_OK(store->finishTrial(trial));
        VERIFY_OK(store->finishTrial(trial)); // and are the same measurement when told again
        const auto read = store->trial(trial.id);
        VERIFY_OK(read);
        QCOMPARE(read.value().metrics.size(), 2u);
        QVERIFY(!read.value().metrics[0].value);
        QVERIFY(!read.value().metrics[0].standardError);
        QVERIFY(!read.value().metrics[1].value);
        QVERIFY(!read.value().layerMetrics[0].value);
    }

    void textStaysTextWhateverIsInIt_data()
    {
        QTest::addColumn<QByteArray>("text");
        QTest::addColumn<QByteArray>("expected");
        QTest::addRow("SQL") << QByteArray("'); DROP TABLE trial; --") << QByteArray("'); DROP TABLE trial; --");
        QTest::addRow("markup") << QByteArray("<b>x</b>") << QByteArray("<b>x</b>");
        QTest::addRow("not ASCII") << QByteArray("Größe 模型") << QByteArray("Größe 模型");
        QTest::addRow("a zero") << QByteArray("a\0b", 3) << QByteArray("a\0b", 3);
        QTest::addRow("cut UTF-8") << QByteArray("log \xe6\xa8") << QByteArray("log \xef\xbf\xbd");
    }
    void textStaysTextWhateverIsInIt()
    {
        QFETCH(QByteArray, text);
        QFETCH(QByteArray, expected);
        std::optional<ProjectStore> store = create();
        TrialRecord trial = sampleTrial(1);
        trial.label = text.toStdString();
        trial.provenance = {{"log", text.toStdString()}};
        trial.tags = {text.toStdString()};
        VERIFY_OK(store->finishTrial(trial));
        const auto read = store->trial(trial.id);
        VERIFY_OK(read);
        QCOMPARE(read.value().label, expected.toStdString());
        QCOMPARE(read.value().provenance["log"].get<std::string>(), expected.toStdString());
        QCOMPARE(read.value().tags.front(), expected.toStdString());
    }

    void sameMeasurementTwiceIsOne()
    {
        std::optional<ProjectStore> store = create();
        VERIFY_OK(store->finishTrial(sampleTrial(1)));
        VERIFY_OK(store->finishTrial(sampleTrial(1)));
        QVERIFY(sameTrial(store->trial(sampleId(1)).value(), sampleTrial(1)));
        TrialRecord repeated = sampleTrial(1); // a second run that measures the same
        repeated.startedUtc = "2024-06-01T00:00:00.000Z";
        repeated.finishedUtc = "2024-06-01T00:00:01.000Z";
        repeated.attempts = 2;
        VERIFY_OK(store->finishTrial(repeated));
        QVERIFY(sameTrial(store->trial(sampleId(1)).value(), repeated));
        QVERIFY(store->events().value().empty());
    }

    void otherConditionsAreAnotherMeasurement_data()
    {
        QTest::addColumn<int>("field");
        QTest::addRow("protocol") << 0;
        QTest::addRow("device") << 1;
        QTest::addRow("dtype") << 2;
        QTest::addRow("threads") << 3;
        QTest::addRow("build") << 4;
        QTest::addRow("name") << 5;
    }
    void otherConditionsAreAnotherMeasurement()
    {
        QFETCH(int, field);
        std::optional<ProjectStore> store = create();
        VERIFY_OK(store->finishTrial(sampleTrial(1)));
        TrialRecord again = sampleTrial(1);
        MetricRecord other = again.metrics[0];
        std::string* const texts[] {&other.protocol, &other.device, &other.dtype, nullptr, &other.build, &other.name};
        if (texts[field])
            *texts[field] += "-other";
        else
            other.threads = 8;
        other.value = 99;
        again.metrics = {other};
        VERIFY_OK(store->finishTrial(again));
        const auto trial = store->trial(sampleId(1));
        VERIFY_OK(trial);
        QCOMPARE(trial.value().metrics.size(), 3u);
        QVERIFY(sameMetric(trial.value().metrics[0], sampleTrial(1).metrics[0]));
        QVERIFY(sameMetric(trial.value().metrics[2], other));
        QCOMPARE(store->trials().value().front().metrics.size(), 3u);
        QVERIFY(store->events().value().empty());
    }

    void contradictionIsKeptBesideTheFirstValueAndReported()
    {
        std::optional<ProjectStore> store = create();
        VERIFY_OK(store->finishTrial(sampleTrial(1)));
        TrialRecord again = sampleTrial(1);
        again.metrics[0].value = 999;
        VERIFY_OK(store->finishTrial(again));
        VERIFY_OK(store->finishTrial(again));
        const auto trial = store->trial(sampleId(1));
        VERIFY_OK(trial);
        QCOMPARE(trial.value().metrics.size(), 3u);
        QCOMPARE(*trial.value().metric("perplexity")->value, *sampleTrial(1).metrics[0].value);
        QCOMPARE(store->trials().value().front().metrics.size(), 2u); // one number per metric in lists
        const auto events = store->events();
        VERIFY_OK(events);
        QCOMPARE(events.value().size(), 1u);
        QCOMPARE(events.value().front().kind, std::string("measurement_conflict"));
        QCOMPARE(events.value().front().trial, sampleId(1).hex());
    }

    void recordTrialsLeavesMetricsAndHistoryAlone()
    {
        std::optional<ProjectStore> store = create();
        VERIFY_OK(store->finishTrial(sampleTrial(1)));
        TrialRecord queued;
        queued.id = sampleId(1);
        queued.label = "renamed";
        queued.sweep = "another";
        queued.pipeline = sampleTrial(1).pipeline;
        VERIFY_OK(store->recordTrials({queued, sampleTrial(2)}));
        const auto trial = store->trial(sampleId(1));
        VERIFY_OK(trial);
        QCOMPARE(trial.value().status, TrialStatus::Queued);
        QCOMPARE(trial.value().label, std::string("renamed"));
        QCOMPARE(trial.value().sweep, std::string("demo")); // the first that asked
        QCOMPARE(trial.value().workload, std::string("tiny-llama"));
        QCOMPARE(trial.value().metrics.size(), 2u);
        QCOMPARE(trial.value().provenance, sampleTrial(1).provenance);
        VERIFY_OK(store->setTrialStatus(sampleId(1), TrialStatus::Done));
        QCOMPARE(store->trial(sampleId(1)).value().status, TrialStatus::Done);
        VERIFY_ERROR(store->setTrialStatus(sampleId(3), TrialStatus::Done), ErrorCode::NotFound);
    }

    void manyTrialsAreFinishedTogetherOrNotAtAll()
    {
        std::optional<ProjectStore> store = create();
        std::vector<TrialRecord> trials {sampleTrial(1), sampleTrial(2), sampleTrial(3)};
        VERIFY_OK(store->finishTrials(trials));
        for (int number = 1; number <= 3; ++number)
            QVERIFY(sameTrial(store->trial(sampleId(number)).value(), sampleTrial(number)));
        trials = {sampleTrial(4), sampleTrial(5)};
        trials[1].pipeline = {{"plugin", "quantization/gptq"}};
        VERIFY_ERROR(store->finishTrials(trials), ErrorCode::InvalidArgument);
        QCOMPARE(store->trials().value().size(), 3u);
    }

    void metricsOfSomeNamesAreReadAlone_data()
    {
        QTest::addColumn<QStringList>("names");
        QTest::addColumn<int>("metrics");
        QTest::addRow("one") << QStringList {QStringLiteral("perplexity")} << 1;
        QTest::addRow("two") << QStringList {QStringLiteral("perplexity"), QStringLiteral("stored_bytes")} << 2;
        QTest::addRow("unknown") << QStringList {QStringLiteral("beauty")} << 0;
    }
    void metricsOfSomeNamesAreReadAlone()
    {
        QFETCH(QStringList, names);
        QFETCH(int, metrics);
        std::optional<ProjectStore> store = create();
        VERIFY_OK(store->finishTrials(std::vector {sampleTrial(1), sampleTrial(2)}));
        std::vector<std::string> wanted;
        for (const QString& name : names)
            wanted.push_back(name.toStdString());
        const auto trials = store->trialsWithMetrics(wanted);
        VERIFY_OK(trials);
        QCOMPARE(trials.value().size(), 2u);
        const TrialRecord expected = sampleTrial(2);
        const TrialRecord& read = trials.value()[1];
        QVERIFY(read.id == expected.id && read.label == expected.label && read.status == expected.status &&
                read.seed == expected.seed && read.workload == expected.workload);
        QCOMPARE(int(read.metrics.size()), metrics);
        for (MetricRecord metric : read.metrics) {
            const MetricRecord& whole = *expected.metric(metric.name);
            metric.details = whole.details; // these three are left out
            metric.standardError = whole.standardError;
            metric.n = whole.n;
            QVERIFY(sameMetric(metric, whole));
        }
    }

    void invalidTrialLeavesNothingOfTheBatch()
    {
        std::optional<ProjectStore> store = create();
        TrialRecord broken = sampleTrial(2);
        broken.pipeline = {{"plugin", "quantization/gptq"}};
        const std::int64_t before = store->dataVersion().value();
        VERIFY_ERROR(store->recordTrials({sampleTrial(1), broken}), ErrorCode::InvalidArgument);
        QVERIFY(store->trials().value().empty());
        QCOMPARE(store->dataVersion().value(), before);
        VERIFY_OK(store->recordTrials({sampleTrial(1)}));
    }

    void workloadKeepsOneRowPerModelFiles()
    {
        std::optional<ProjectStore> store = create();
        VERIFY_OK(store->finishTrial(sampleTrial(1))); // knows only the name
        VERIFY_OK(store->recordWorkload(sampleWorkload()));
        WorkloadRecord moved = sampleWorkload();
        moved.modelPath = "/elsewhere/tiny-llama";
        VERIFY_OK(store->recordWorkload(moved));
        QCOMPARE(store->workloads().value().size(), 1u);
        const WorkloadRecord read = store->workloads().value().front();
        QCOMPARE(read.name, moved.name);
        QCOMPARE(read.kind, moved.kind);
        QCOMPARE(read.modelPath, moved.modelPath);
        QCOMPARE(read.modelSha256, moved.modelSha256);
        QCOMPARE(read.tokenizerSha256, moved.tokenizerSha256);
        QCOMPARE(read.parameters, moved.parameters);
        QCOMPARE(read.storedBytes, moved.storedBytes);
        QCOMPARE(read.description, moved.description);
        WorkloadRecord retrained = sampleWorkload();
        retrained.modelSha256 = std::string(64, 'f');
        VERIFY_OK(store->recordWorkload(retrained));
        QCOMPARE(store->workloads().value().size(), 2u); // the trials of the old files keep the old hash
    }

    void sweepGathersItsTrials()
    {
        std::optional<ProjectStore> store = create();
        VERIFY_OK(store->recordSweep("demo", "paretoscope: 1", {sampleId(1), sampleId(2)}));
        VERIFY_OK(store->recordSweep("demo", "paretoscope: 1", {sampleId(2), sampleId(3)})); // another shard
        VERIFY_OK(store->recordSweep("demo", "paretoscope: 1 # edited", {sampleId(4)}));
        const auto sweeps = store->sweeps();
        VERIFY_OK(sweeps);
        QCOMPARE(sweeps.value().size(), 2u);
        QVERIFY((sweeps.value()[0].trials == std::vector {sampleId(1), sampleId(2), sampleId(3)}));
        QCOMPARE(sweeps.value()[1].source, std::string("paretoscope: 1 # edited"));
        QVERIFY((sweeps.value()[1].trials == std::vector {sampleId(4)}));
    }

    void eventsComeNewestLast()
    {
        std::optional<ProjectStore> store = create();
        for (int i = 0; i < 5; ++i)
            VERIFY_OK(store->recordEvent({"2024-01-01T00:00:00Z", "info", "test", "", std::to_string(i)}));
        const auto events = store->events(3);
        VERIFY_OK(events);
        QCOMPARE(events.value().size(), 3u);
        QCOMPARE(events.value().front().text, std::string("2"));
        QCOMPARE(events.value().back().text, std::string("4"));
        QCOMPARE(events.value().back().timeUtc, std::string("2024-01-01T00:00:00Z"));
    }

    void findTrialByIdOrLabel_data()
    {
        QTest::addColumn<QString>("wanted");
        QTest::addColumn<int>("number"); // -1: not found, -2: refused
        QTest::addRow("whole id") << QString::fromStdString(sampleId(1).hex()) << 1;
        QTest::addRow("prefix") << QString::fromStdString(sampleId(2).hex().substr(0, 9)) << 2;
        QTest::addRow("odd prefix in capitals")
            << QString::fromStdString(sampleId(2).hex().substr(0, 7)).toUpper() << 2;
        QTest::addRow("label") << QStringLiteral("gptq(bits=3,group_size=3)") << 3;
        QTest::addRow("part of a label") << QStringLiteral("gptq(bits=3") << -1;
        QTest::addRow("unknown prefix") << QStringLiteral("00000000000") << -1;
        QTest::addRow("too short") << QString::fromStdString(sampleId(1).hex().substr(0, 3)) << -2;
        QTest::addRow("label of two trials") << QStringLiteral("twice") << -2;
        QTest::addRow("empty") << QString() << -1;
        QTest::addRow("pattern") << QStringLiteral("%") << -1;
    }
    void findTrialByIdOrLabel()
    {
        QFETCH(QString, wanted);
        QFETCH(int, number);
        std::optional<ProjectStore> store = create();
        std::vector<TrialRecord> trials {sampleTrial(1), sampleTrial(2), sampleTrial(3), sampleTrial(4),
                                         sampleTrial(5)};
        trials[3].label = trials[4].label = "twice";
        VERIFY_OK(store->recordTrials(trials));
        const auto found = store->findTrial(wanted.toStdString());
        if (number >= 0) {
            VERIFY_OK(found);
            QCOMPARE(found.value().id.hex(), sampleId(number).hex());
        } else {
            VERIFY_ERROR(found, number == -1 ? ErrorCode::NotFound : ErrorCode::InvalidArgument);
        }
    }

    void ambiguousPrefixListsCandidates()
    {
        std::optional<ProjectStore> store = create();
        TrialRecord first = sampleTrial(1);
        TrialRecord second = sampleTrial(2);
        second.id = first.id;
        second.id.digest.bytes[31] ^= 1;
        VERIFY_OK(store->recordTrials({first, second}));
        const auto found = store->findTrial(first.id.hex().substr(0, 10));
        VERIFY_ERROR(found, ErrorCode::InvalidArgument);
        QVERIFY(found.error().message.find(first.label) != std::string::npos);
        QVERIFY(found.error().message.find(second.label) != std::string::npos);
        VERIFY_OK(store->findTrial(second.id.hex()));
    }

    void misspeltLabelSuggestsTheNearOne()
    {
        std::optional<ProjectStore> store = create();
        VERIFY_OK(store->recordTrials({sampleTrial(1)}));
        const auto found = store->findTrial("gptq(bits=3,groupsize=1)");
        VERIFY_ERROR(found, ErrorCode::NotFound);
        QVERIFY(found.error().hint.find("gptq(bits=3,group_size=1)") != std::string::npos);
    }

    void dataVersionGrowsWithEveryCommitAndOnlyThen()
    {
        std::optional<ProjectStore> store = create();
        const std::optional<ProjectStore> reader = open(OpenMode::ReadOnly);
        std::int64_t last = reader->dataVersion().value();
        const auto grew = [&] {
            const std::int64_t now = reader->dataVersion().value();
            const bool both = store->dataVersion().value() == now;
            return both && now > std::exchange(last, now);
        };
        QVERIFY(!grew());
        VERIFY_OK(store->recordWorkload(sampleWorkload()));
        QVERIFY(grew());
        VERIFY_OK(store->recordSweep("demo", "", {}));
        QVERIFY(grew());
        VERIFY_OK(store->recordTrials({sampleTrial(1)}));
        QVERIFY(grew());
        VERIFY_OK(store->finishTrial(sampleTrial(1)));
        QVERIFY(grew());
        VERIFY_OK(store->setTrialStatus(sampleId(1), TrialStatus::Running));
        QVERIFY(grew());
        VERIFY_OK(store->interruptRunningTrials());
        QVERIFY(grew());
        VERIFY_OK(store->recordEvent({}));
        QVERIFY(grew());
        VERIFY_OK(store->trials());
        VERIFY_OK(store->interruptRunningTrials()); // nothing to do, nothing written
        QVERIFY(!grew());
    }

    void readOnlyStoreRefusesToWrite()
    {
        create();
        std::optional<ProjectStore> reader = open(OpenMode::ReadOnly);
        VERIFY_ERROR(reader->finishTrial(sampleTrial(1)), ErrorCode::InvalidArgument);
        VERIFY_ERROR(reader->interruptRunningTrials(), ErrorCode::InvalidArgument);
    }

    void openNeedsTheFile_data()
    {
        QTest::addColumn<int>("mode");
        QTest::addColumn<QString>("name");
        QTest::addRow("read-only") << int(OpenMode::ReadOnly) << QStringLiteral("missing.pscope");
        QTest::addRow("for writing") << int(OpenMode::ReadWrite) << QStringLiteral("missing.pscope");
        QTest::addRow("to create in a missing folder") << int(OpenMode::Create) << QStringLiteral("no/p.pscope");
    }
    void openNeedsTheFile()
    {
        QFETCH(int, mode);
        QFETCH(QString, name);
        const auto file = m_file.parent_path() / name.toStdString();
        VERIFY_ERROR(ProjectStore::open(file, OpenMode(mode)), ErrorCode::NotFound);
        QVERIFY(contentOf(m_file.parent_path()).empty());
    }

    void createOpensWhatIsThereAndFillsAnEmptyFile()
    {
        {
            std::optional<ProjectStore> store = create();
            VERIFY_OK(store->finishTrial(sampleTrial(1)));
        }
        QCOMPARE(create()->trials().value().size(), 1u);
        std::filesystem::resize_file(m_file, 0);
        QCOMPARE(create()->trials().value().size(), 0u);
        QCOMPARE(contentOf(m_file.parent_path()).size(), 1u);
    }

    void newProjectDoesNotInheritTheWalOfADeletedOne()
    {
        {
            SecondProcess writer({QStringLiteral("answer"), QString::fromStdString(m_file.string())});
            QCOMPARE(writer.line(), QStringLiteral("ready"));
            writer.write(QStringLiteral("1"));
            QCOMPARE(writer.line(), QStringLiteral("done 1"));
            writer.kill();
        }
        std::filesystem::remove(m_file);
        QCOMPARE(create()->trials().value().size(), 0u);
        QCOMPARE(open(OpenMode::ReadOnly)->trials().value().size(), 0u);
    }

    void newProjectClearsWhatAKilledCreationLeft()
    {
        const std::string name = m_file.filename().string();
        for (const std::string& left : {name + ".tmp4711", name + ".tmp-notes", std::string("other.pscope.tmp1")})
            QVERIFY(QFile(QString::fromStdString((m_file.parent_path() / left).string())).open(QIODevice::WriteOnly));
        create();
        const auto content = contentOf(m_file.parent_path());
        QCOMPARE(content.size(), 3u);
        QVERIFY(!content.contains(name + ".tmp4711")); // ours by its name; the others are not
    }

    void relativePathBecomesAbsolute()
    {
        const auto before = std::filesystem::current_path();
        std::filesystem::current_path(m_file.parent_path());
        const auto store = ProjectStore::open("p.pscope", OpenMode::Create);
        std::filesystem::current_path(before);
        VERIFY_OK(store);
        QVERIFY(store.value().path().is_absolute());
        VERIFY_OK(store.value().trials());
    }

    void everyStatusHasAName_data()
    {
        QTest::addColumn<int>("status");
        QTest::addColumn<QString>("name");
        QTest::addRow("queued") << int(TrialStatus::Queued) << QStringLiteral("queued");
        QTest::addRow("running") << int(TrialStatus::Running) << QStringLiteral("running");
        QTest::addRow("done") << int(TrialStatus::Done) << QStringLiteral("done");
        QTest::addRow("failed") << int(TrialStatus::Failed) << QStringLiteral("failed");
        QTest::addRow("interrupted") << int(TrialStatus::Interrupted) << QStringLiteral("interrupted");
    }
    void everyStatusHasAName()
    {
        QFETCH(int, status);
        QFETCH(QString, name);
        QCOMPARE(QString::fromUtf8(trialStatusName(TrialStatus(status)).data()), name);
        QVERIFY(trialStatusFromName(name.toStdString()) == TrialStatus(status));
        QVERIFY(!trialStatusFromName("finished"));
    }

private:
    std::optional<ProjectStore> open(OpenMode mode)
    {
        Result<ProjectStore> store = ProjectStore::open(m_file, mode);
        if (!store.ok())
            qFatal("%s", store.error().sentence().c_str());
        return std::move(store).value();
    }
    std::optional<ProjectStore> create() { return open(OpenMode::Create); }

    std::unique_ptr<QTemporaryDir> m_folder;
    std::filesystem::path m_file;
};

QTEST_GUILESS_MAIN(TstProjectStore)
#include "tst_project_store.moc"
