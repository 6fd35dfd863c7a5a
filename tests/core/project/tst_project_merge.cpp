// SPDX-License-Identifier: Apache-2.0
#include "sample_records.h"
#include "verify_ok.h"

#include "core/project/database.h"
#include "core/project/merge/merge.h"
#include "core/project/merge/shard_file.h"
#include "core/project/project_store.h"
#include "core/project/store_environment.h"
#include "core/project/table_shape.h"

#include <QFile>
#include <QRandomGenerator>
#include <QTemporaryDir>
#include <QtTest>

#include <fstream>
#include <map>
#include <set>

using namespace paretoscope::core;

namespace {

using Path = std::filesystem::path;

/// Rows of the tables that the store has no calls for yet, a few of those that any project may have.
const std::vector<std::string> kFurtherRows {
    "INSERT INTO note (trial_id, text, created_utc, changed_utc) SELECT min(id), 'keep', '2025-01-01T00:00:00.000Z', "
    "'2025-01-01T00:00:00.000Z' FROM trial",
    "INSERT INTO note (trial_id, text, created_utc, changed_utc) SELECT min(id), 'keep, really', "
    "'2025-01-01T00:00:00.000Z', '2025-01-02T00:00:00.000Z' FROM trial",
    "INSERT INTO note (text, created_utc, changed_utc) VALUES ('of the project', '2025-01-03T00:00:00.000Z', "
    "'2025-01-03T00:00:00.000Z')",
    "UPDATE trial SET deleted_utc = '2025-02-01T00:00:00.000Z' WHERE id = (SELECT max(id) FROM trial)",
    "UPDATE trial SET deleted_utc = '2025-03-01T00:00:00.000Z' WHERE id = (SELECT max(id) FROM trial)",
    "INSERT INTO artifact (sha256, kind, bytes, state, recorded_utc) VALUES ('aa', 'packed', 3, 'kept', "
    "'2025-01-01T00:00:00.000Z')",
    "INSERT INTO artifact (sha256, kind, bytes, state, recorded_utc) VALUES ('aa', 'packed', 3, 'dropped', "
    "'2025-01-05T00:00:00.000Z')",
    "INSERT INTO published_point (method, model, metric, value, source, recorded_utc) VALUES ('GPTQ', 'Llama-2-7B', "
    "'perplexity', 5.6, 'table 3', '2025-01-01T00:00:00.000Z')",
    "INSERT INTO view_state VALUES ('Explore', 'pareto', '{\"x\":1}', '2025-01-01T00:00:00.000Z')",
    "INSERT INTO view_state VALUES ('Explore', 'pareto', '{\"x\":2}', '2025-01-02T00:00:00.000Z')",
    "INSERT INTO data_set (name, path, sha256) VALUES ('images', '/a', 'cc')",
    "INSERT INTO activation_profile (workload_id, kind, protocol, layers, tokens, maxima, recorded_utc) "
    "SELECT min(id), 'experts', 'p', 2, 10, x'0102', '2025-01-01T00:00:00.000Z' FROM workload",
    "INSERT INTO roofline_point (trial_id, hardware, mode, phase, operation, operations, memory_bytes, measured, "
    "recorded_utc) SELECT max(id), 'H200', 'accurate', 'decode', 'q_proj', 1e9, 1e6, 0, '2025-01-01T00:00:00.000Z' "
    "FROM trial",
};

/// A project of its own with trials that other seeds have too, told a little differently.
Status writeRandomProject(const Path& file, quint32 seed)
{
    QRandomGenerator random(seed);
    const auto some = [&](int n) { return int(random.bounded(n)); };
    {
        PSC_ASSIGN(ProjectStore store, ProjectStore::open(file, OpenMode::Create));
        store.setDurability(Durability::ProcessKill);
        PSC_TRY(store.recordWorkload(sampleWorkload()));
        std::vector<TrialId> ids;
        for (int i = some(3); i < 4 + some(4); ++i) {
            TrialRecord trial = sampleTrial(i);
            trial.startedUtc = "2025-01-0" + std::to_string(1 + some(2)) + "T00:00:00.000Z";
            trial.finishedUtc = "2025-01-03T00:00:00.000Z";
            if (some(3) == 0)
                trial.status = TrialStatus::Failed;
            if (some(3) == 0 && !trial.metrics.empty())
                trial.metrics.front().value = 20.0 + some(2); // now and then another value than elsewhere
            trial.tags = {"tag" + std::to_string(some(3))};
            trial.provenance["log_tail"] = Json::array({"line " + std::to_string(some(2))});
            PSC_TRY(some(4) == 0 ? store.recordTrials({trial}) : store.finishTrial(trial));
            ids.push_back(trial.id);
        }
        PSC_TRY(store.recordSweep("sweep", "source " + std::to_string(some(2)), ids));
        PSC_TRY(
            store.recordEvent({"2025-01-0" + std::to_string(1 + some(5)) + "T00:00:00.000Z", "info", "test", "", "x"}));
    }
    PSC_ASSIGN(Database database, Database::open(file, Database::Access::ReadWrite));
    std::vector<std::string> statements = kFurtherRows;
    for (const std::string& statement : statements) {
        if (some(2) == 0)
            (void)database.execute(statement); // some exclude each other
    }
    // When a row was written first differs from run to run; these projects are to be the same every time.
    for (const char* table : {"trial", "workload", "sweep"})
        PSC_TRY(database.execute("UPDATE " + std::string(table) + " SET recorded_utc = '2025-01-0" +
                                 std::to_string(1 + some(5)) + "T00:00:00.000Z'"));
    return success();
}

std::string digestOf(const Path& file)
{
    const auto content = readContent(file, StoreEnvironment {});
    return content.ok() ? content.value().digest() : content.error().sentence();
}

QByteArray bytesOf(const Path& path)
{
    QFile file(QString::fromStdString(path.string()));
    return file.open(QIODevice::ReadOnly) ? file.readAll() : QByteArray();
}

} // namespace

class TstProjectMerge : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    /// A column that is new in the schema must not be forgotten in a merge.
    void everyColumnOfTheSchemaIsMerged()
    {
        const auto shapes = tableShapes(migrations());
        VERIFY_OK(shapes);
        std::set<std::string> tables;
        for (const TableShape& shape : shapes.value()) {
            if (shape.name == "project" || shape.name == "artifact_chunk") // about the file; copied by itself
                continue;
            tables.insert(shape.name);
            const MergedTable& merged = mergedTable(shape.name);
            std::map<std::string, std::string> stored; // column: table it points to
            for (const MergedColumn& column : merged.columns) {
                if (column.derived.empty())
                    stored[std::string(column.name)] = column.references;
            }
            std::map<std::string, std::string> expected;
            for (const std::string& column : shape.columns) {
                if (column != merged.position && !(merged.hasRowId && column == "id"))
                    expected[column] = "";
            }
            for (const ParentReference& parent : shape.parents)
                expected[shape.columns[parent.column]] = parent.table;
            QVERIFY2(stored == expected, shape.name.c_str());
        }
        QCOMPARE(tables.size(), mergedTables().size());
    }

    void init() { m_folder = std::make_unique<QTemporaryDir>(); }

    void isAUnion_data()
    {
        QTest::addColumn<quint32>("seed");
        for (quint32 seed = 1; seed <= 10; ++seed)
            QTest::addRow("seed %u", seed) << 100 * seed;
    }
    void isAUnion()
    {
        QFETCH(quint32, seed);
        const Path a = path("a.pscope");
        const Path b = path("b.pscope");
        const Path c = path("c.pscope");
        VERIFY_OK(writeRandomProject(a, seed));
        VERIFY_OK(writeRandomProject(b, seed + 1));
        VERIFY_OK(writeRandomProject(c, seed + 2));

        merge({a}, "copy.pscope");
        QCOMPARE(digestOf(path("copy.pscope")), digestOf(a)); // neutral
        merge({a, b}, "ab.pscope");
        merge({b, a}, "ba.pscope");
        QCOMPARE(digestOf(path("ab.pscope")), digestOf(path("ba.pscope"))); // commutative
        merge({b, c}, "bc.pscope");
        merge({path("ab.pscope"), c}, "ab_c.pscope");
        merge({a, path("bc.pscope")}, "a_bc.pscope");
        merge({c, b, a, b}, "all.pscope");
        QCOMPARE(digestOf(path("ab_c.pscope")), digestOf(path("a_bc.pscope"))); // associative
        QCOMPARE(digestOf(path("all.pscope")), digestOf(path("a_bc.pscope")));

        const QByteArray before = bytesOf(path("all.pscope")); // idempotent, to the byte
        const auto again = mergeProjects({a, path("bc.pscope"), path("all.pscope")}, path("all.pscope"), false);
        VERIFY_OK(again);
        QCOMPARE(again.value().rowsWritten, 0);
        QCOMPARE(bytesOf(path("all.pscope")), before);
        QVERIFY(soundAndReadable(path("all.pscope")));
    }

    void unionHasEveryTrialAndMeasurement()
    {
        VERIFY_OK(writeProject("a.pscope", {1, 2}));
        VERIFY_OK(writeProject("b.pscope", {2, 3}));
        const MergeReport report = merge({path("a.pscope"), path("b.pscope")}, "c.pscope");
        QCOMPARE(report.trials, 3);
        QCOMPARE(report.trialsAdded, 3);
        QVERIFY(report.conflicts.empty());
        const auto store = ProjectStore::open(path("c.pscope"), OpenMode::ReadOnly);
        VERIFY_OK(store);
        for (const int number : {1, 2, 3}) {
            const auto trial = store.value().trial(sampleId(number));
            VERIFY_OK(trial);
            QVERIFY(sameTrial(trial.value(), sampleTrial(number)));
        }
    }

    void dryRunWritesNothing()
    {
        VERIFY_OK(writeProject("a.pscope", {1, 2}));
        const auto report = mergeProjects({path("a.pscope")}, path("c.pscope"), true);
        VERIFY_OK(report);
        QCOMPARE(report.value().trialsAdded, 2);
        QVERIFY(!std::filesystem::exists(path("c.pscope")));
    }

    void contradictionsAreKeptAndNamed()
    {
        VERIFY_OK(writeProject("a.pscope", {1}));
        TrialRecord other = sampleTrial(1);
        other.startedUtc = "2031-01-01T00:00:00.000Z";
        other.finishedUtc = "2031-01-01T00:00:01.000Z";
        other.provenance = {{"host", "elsewhere"}};
        const double shown = *other.metrics.front().value;
        other.metrics.front().value = shown + 1;
        VERIFY_OK(writeProject("b.pscope", {}, {other}));
        for (const auto& order : {std::vector<Path> {path("a.pscope"), path("b.pscope")},
                                  std::vector<Path> {path("b.pscope"), path("a.pscope")}}) {
            std::filesystem::remove(path("c.pscope"));
            const MergeReport report = merge(order, "c.pscope");
            QCOMPARE(report.conflicts.size(), std::size_t(1));
            const MeasurementConflict& conflict = report.conflicts.front();
            QCOMPARE(conflict.metric, other.metrics.front().name);
            QCOMPARE(conflict.values.size(), std::size_t(2));
            QCOMPARE(*conflict.values[0].value, shown); // the earlier run's
            QCOMPARE(*conflict.values[1].value, shown + 1);
            QCOMPARE(conflict.values[1].provenance["host"].get<std::string>(), std::string("elsewhere"));
            const auto store = ProjectStore::open(path("c.pscope"), OpenMode::ReadOnly);
            VERIFY_OK(store);
            QCOMPARE(*store.value().trials().value().front().metrics.front().value, shown);
        }
    }

    void equalMeasurementsOfTwoRunsConfirmEachOther()
    {
        VERIFY_OK(writeProject("a.pscope", {1}));
        TrialRecord other = sampleTrial(1);
        other.startedUtc = "2031-01-01T00:00:00.000Z";
        other.finishedUtc = "2031-01-01T00:00:01.000Z";
        VERIFY_OK(writeProject("b.pscope", {}, {other}));
        const MergeReport report = merge({path("a.pscope"), path("b.pscope")}, "c.pscope");
        QVERIFY(report.conflicts.empty());
        const auto store = ProjectStore::open(path("c.pscope"), OpenMode::ReadOnly);
        VERIFY_OK(store);
        QCOMPARE(store.value().trial(sampleId(1)).value().metrics.size(), other.metrics.size());
    }

    void embeddedArtifactsTravel()
    {
        VERIFY_OK(writeProject("a.pscope", {1}));
        {
            auto database = Database::open(path("a.pscope"), Database::Access::ReadWrite);
            VERIFY_OK(database);
            VERIFY_OK(database.value().execute(
                "INSERT INTO artifact (id, sha256, kind, bytes, state, recorded_utc) VALUES (7, 'aa', 'packed', 4, "
                "'embedded', '2025-01-01T00:00:00.000Z'); INSERT INTO artifact_chunk VALUES (7, 0, x'0102'); "
                "INSERT INTO artifact_chunk VALUES (7, 1, x'0304');"));
        }
        merge({path("a.pscope")}, "c.pscope");
        auto database = Database::open(path("c.pscope"), Database::Access::ReadOnly);
        VERIFY_OK(database);
        QCOMPARE(database.value()
                     .text("SELECT group_concat(hex(content), '') FROM (SELECT content FROM artifact_chunk ORDER BY "
                           "position)")
                     .value(),
                 std::string("01020304"));
    }

    void unreadableSourceLeavesTheTargetAlone_data()
    {
        QTest::addColumn<QByteArray>("bytes");
        QTest::addColumn<QString>("name");
        QTest::addRow("missing") << QByteArray() << QStringLiteral("none.pscope");
        QTest::addRow("no project") << QByteArray("hello") << QStringLiteral("b.pscope");
        QTest::addRow("no shard") << QByteArray("hello") << QStringLiteral("b.psl");
        QTest::addRow("newer shard") << QByteArray("PSCPSHARD2\n") << QStringLiteral("b.psl");
    }
    void unreadableSourceLeavesTheTargetAlone()
    {
        QFETCH(QByteArray, bytes);
        QFETCH(QString, name);
        VERIFY_OK(writeProject("a.pscope", {1}));
        if (!bytes.isEmpty())
            writeFile(name.toStdString(), bytes);
        const auto merged = mergeProjects({path("a.pscope"), path(name.toStdString())}, path("c.pscope"), false);
        QVERIFY(!merged.ok());
        QVERIFY2(merged.error().message.find(name.toStdString()) != std::string::npos, merged.error().message.c_str());
        QVERIFY(!std::filesystem::exists(path("c.pscope")));
    }

    void targetInUseIsBusy()
    {
        VERIFY_OK(writeProject("a.pscope", {1}));
        VERIFY_OK(writeProject("c.pscope", {2}));
        const auto writer = ProjectStore::open(path("c.pscope"), OpenMode::ReadWrite);
        VERIFY_OK(writer);
        const auto merged = mergeProjects({path("a.pscope")}, path("c.pscope"), false);
        QVERIFY(!merged.ok());
        QCOMPARE(merged.error().code, ErrorCode::Busy);
    }

    void sourceMayBeWrittenMeanwhile()
    {
        auto writer = ProjectStore::open(path("a.pscope"), OpenMode::Create);
        VERIFY_OK(writer);
        VERIFY_OK(writer.value().finishTrial(sampleTrial(1)));
        QCOMPARE(merge({path("a.pscope")}, "c.pscope").trials, 1);
        VERIFY_OK(writer.value().finishTrial(sampleTrial(2)));
        const MergeReport report = merge({path("a.pscope")}, "c.pscope");
        QCOMPARE(report.trials, 2);
        QCOMPARE(report.trialsAdded, 1);
    }

    void shardSaysWhatAProjectWouldSay()
    {
        {
            auto shard = ShardWriter::open(path("1.psl"));
            VERIFY_OK(shard);
            VERIFY_OK(shard.value().append(sampleWorkload()));
            VERIFY_OK(shard.value().append(SweepRecord {"sweep", "source", {}, {sampleId(1), sampleId(2)}}));
            VERIFY_OK(shard.value().append(sampleTrial(1)));
        }
        {
            auto shard = ShardWriter::open(path("1.psl")); // requeued
            VERIFY_OK(shard);
            VERIFY_OK(shard.value().append(sampleTrial(2)));
            VERIFY_OK(shard.value().append(EventRecord {"2025-01-01T00:00:00.000Z", "info", "test", "", "x"}));
        }
        const MergeReport report = merge({path("1.psl")}, "c.pscope");
        QCOMPARE(report.trials, 2);
        QCOMPARE(merge({path("1.psl")}, "c.pscope").rowsWritten, 0);
        const auto store = ProjectStore::open(path("c.pscope"), OpenMode::ReadOnly);
        VERIFY_OK(store);
        for (const int number : {1, 2})
            QVERIFY(sameTrial(store.value().trial(sampleId(number)).value(), sampleTrial(number)));
        QCOMPARE(store.value().sweeps().value().front().trials.size(), std::size_t(2));
        QCOMPARE(store.value().workloads().value().front().modelSha256, sampleWorkload().modelSha256);
        QCOMPARE(store.value().events().value().back().text, std::string("x"));
    }

    void tornEndCostsAtMostTheRecordInHand()
    {
        {
            auto shard = ShardWriter::open(path("1.psl"));
            VERIFY_OK(shard);
            VERIFY_OK(shard.value().append(sampleTrial(1)));
        }
        const QByteArray first = bytesOf(path("1.psl"));
        {
            auto shard = ShardWriter::open(path("1.psl"));
            VERIFY_OK(shard);
            VERIFY_OK(shard.value().append(sampleTrial(2)));
        }
        const QByteArray both = bytesOf(path("1.psl"));
        for (qsizetype length = 0; length <= both.size(); length += length < first.size() ? 101 : 37) {
            writeFile("torn.psl", both.left(length));
            const auto shard = readShard(path("torn.psl"));
            VERIFY_OK(shard);
            const qsizetype expected = length == both.size() ? 2 : length >= first.size() ? 1 : 0;
            QVERIFY2(
                qsizetype(shard.value().content.rows("trial").size()) == expected,
                qPrintable(QStringLiteral("%1 of %2 and %3 bytes").arg(length).arg(first.size()).arg(both.size())));
            auto writer = ShardWriter::open(path("torn.psl")); // the next run cuts the rest off
            VERIFY_OK(writer);
            VERIFY_OK(writer.value().append(sampleTrial(3)));
            const auto mended = readShard(path("torn.psl"));
            VERIFY_OK(mended);
            QCOMPARE(mended.value().tornBytes, 0);
            QCOMPARE(qsizetype(mended.value().content.rows("trial").size()), expected + 1);
        }
        QByteArray zeros = first + QByteArray(64, '\0'); // space that was allocated and not written
        writeFile("zeros.psl", zeros);
        const auto shard = readShard(path("zeros.psl"));
        QVERIFY(!shard.ok() || shard.value().content.rows("trial").size() == 1);
    }

    void damageInsideAShardIsNamed()
    {
        {
            auto shard = ShardWriter::open(path("1.psl"));
            VERIFY_OK(shard);
            VERIFY_OK(shard.value().append(sampleTrial(1)));
            VERIFY_OK(shard.value().append(sampleTrial(2)));
        }
        QByteArray bytes = bytesOf(path("1.psl"));
        bytes[bytes.size() / 2] = char(bytes[bytes.size() / 2] ^ 1);
        writeFile("1.psl", bytes);
        const auto shard = readShard(path("1.psl"));
        QVERIFY(!shard.ok());
        QVERIFY2(shard.error().message.find("is damaged") != std::string::npos, shard.error().message.c_str());
    }

    void onlyOneProcessAppends()
    {
        const auto first = ShardWriter::open(path("1.psl"));
        VERIFY_OK(first);
        const auto second = ShardWriter::open(path("1.psl"));
        QVERIFY(!second.ok());
        QCOMPARE(second.error().code, ErrorCode::Busy);
    }

    void folderOfShardsIsMergedWhole()
    {
        std::filesystem::create_directory(path("results"));
        for (const int number : {1, 2, 3}) {
            auto shard = ShardWriter::open(path("results/7_" + std::to_string(number) + ".psl"));
            VERIFY_OK(shard);
            VERIFY_OK(shard.value().append(sampleTrial(number)));
        }
        QCOMPARE(merge({path("results")}, "c.pscope").trials, 3);
    }

private:
    Path path(const std::string& name) const { return Path(m_folder->path().toStdString()) / name; }

    void writeFile(const std::string& name, const QByteArray& bytes) const
    {
        std::ofstream(path(name), std::ios::binary).write(bytes.constData(), bytes.size());
    }

    Status writeProject(const std::string& name, const std::vector<int>& numbers,
                        const std::vector<TrialRecord>& more = {}) const
    {
        PSC_ASSIGN(ProjectStore store, ProjectStore::open(path(name), OpenMode::Create));
        for (const int number : numbers)
            PSC_TRY(store.finishTrial(sampleTrial(number)));
        for (const TrialRecord& trial : more)
            PSC_TRY(store.finishTrial(trial));
        return success();
    }

    MergeReport merge(const std::vector<Path>& sources, const std::string& target) const
    {
        const auto report = mergeProjects(sources, path(target), false);
        if (!report.ok())
            qWarning("%s", report.error().sentence().c_str());
        return report.ok() ? report.value() : MergeReport();
    }

    static bool soundAndReadable(const Path& file)
    {
        auto database = Database::open(file, Database::Access::ReadOnly);
        if (!database.ok() || database.value().text("PRAGMA integrity_check").value() != "ok" ||
            database.value().integer("SELECT count(*) FROM pragma_foreign_key_check").value() != 0 ||
            database.value().integer("SELECT count(*) FROM trial_metric WHERE replicate < 0").value() != 0 ||
            database.value().integer("SELECT count(*) FROM attempt WHERE number < 1").value() != 0)
            return false;
        const auto store = ProjectStore::open(file, OpenMode::ReadOnly);
        return store.ok() && store.value().trials().ok();
    }

    std::unique_ptr<QTemporaryDir> m_folder;
};

QTEST_GUILESS_MAIN(TstProjectMerge)
#include "tst_project_merge.moc"
