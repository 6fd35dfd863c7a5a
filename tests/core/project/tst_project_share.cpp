// SPDX-License-Identifier: Apache-2.0
#include "sample_records.h"
#include "verify_ok.h"

#include "core/project/database.h"
#include "core/project/project_store.h"
#include "core/project/share/redactor.h"
#include "core/project/share/share.h"
#include "core/project/verify.h"

#include <QFile>
#include <QTemporaryDir>
#include <QtTest>

#include <fstream>

using namespace paretoscope::core;

namespace {

using Path = std::filesystem::path;

/// What must not be found in a shared file, in no page of it.
const std::vector<const char*> kSecrets {"/home/ada",    "/scratch/ada",    "adalovelace",
                                         "node17",       "cluster.example", "hf_abcdef",
                                         "sk-proj-0123", "hunter22",        "last words of the log"};

TrialRecord tellingTrial()
{
    TrialRecord trial = sampleTrial(1);
    trial.label = "import(checkpoint=/home/adalovelace/models/other)";
    trial.pipeline = Json::array(
        {{{"plugin", "import"}, {"version", "1"}, {"parameters", {{"checkpoint", "/home/adalovelace/models/other"}}}}});
    trial.provenance = {
        {"command", "paretoscope --batch /home/adalovelace/sweep.yaml --project '/scratch/ada lovelace/p.pscope'"},
        {"host", "node17.cluster.example.org"},
        {"log_tail", {"last words of the log"}},
        {"losses", {{{"message", "killed on node17"}, {"log_tail", {"last words of the log"}}}}},
        {"worker", {{"number", 1}, {"pid", 4711}}},
        {"environment", "HF_TOKEN=hf_abcdefghijklmnopqrstuvwx"}};
    trial.error = Error {ErrorCode::Io, "cannot read /home/adalovelace/data/wiki.tokens on node17",
                         "export OPENAI_API_KEY=sk-proj-0123456789abcdef0123"};
    return trial;
}

Status writeProject(const Path& file)
{
    PSC_ASSIGN(ProjectStore store, ProjectStore::open(file, OpenMode::Create));
    WorkloadRecord workload = sampleWorkload();
    workload.modelPath = "/home/adalovelace/models/tiny-llama";
    workload.description = {{"calibration", {{"corpus", "/scratch/ada/train.txt"}}}};
    PSC_TRY(store.recordWorkload(workload));
    PSC_TRY(store.finishTrial(tellingTrial()));
    PSC_TRY(store.finishTrial(sampleTrial(2)));
    PSC_TRY(store.recordSweep(
        "sweep", "workload:\n  model: /home/adalovelace/models/tiny-llama\n# password: hunter22\n", {sampleId(1)}));
    return store.recordEvent({"2025-01-01T00:00:00.000Z", "warn", "test", "", "node17: no /home/adalovelace/x"});
}

QByteArray bytesOf(const Path& path)
{
    QFile file(QString::fromStdString(path.string()));
    return file.open(QIODevice::ReadOnly) ? file.readAll() : QByteArray();
}

} // namespace

class TstProjectShare : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void init() { m_folder = std::make_unique<QTemporaryDir>(); }

    void texts_data()
    {
        QTest::addColumn<QString>("text");
        QTest::addColumn<QString>("expected");
        const auto row = [](const char* text, const char* expected) {
            QTest::addRow("%s", text) << QString::fromUtf8(text) << QString::fromUtf8(expected);
        };
        row("/home/ada/models/tiny-llama", "tiny-llama");
        row("model: \"/home/ada/models/tiny-llama/\"", "model: \"tiny-llama\"");
        row("--project=/scratch/x/p.pscope --jobs 2", "--project=p.pscope --jobs 2");
        row("perplexity.window/wiki.test.tokens#d790b833/512", "perplexity.window/wiki.test.tokens#d790b833/512");
        row("quantization/gptq", "quantization/gptq");
        row("https://example.org/a/b", "https://example.org/a/b");
        row("a / b", "a / b");
        row("ran on node17, by ada", "ran on host, by user");
        row("node170 and Canada", "node170 and Canada");
        row("root", "root");
        row("token=abc123, next", "token=removed, next");
        row("\"api_key\": \"abc\"", "\"api_key\": \"removed\"");
        row("tokens: 512", "tokens: 512");
        row("tokenizer: x", "tokenizer: x");
        row("Authorization: Bearer abc.def-ghi", "Authorization: Bearer removed");
        row("key hf_abcdefghijklmnopqrst end", "key removed end");
        row("half_life", "half_life");
        row("sk-learn", "sk-learn");
    }
    void texts()
    {
        QFETCH(QString, text);
        QFETCH(QString, expected);
        const Redactor redactor({"node17", "localhost"}, {"ada", "root"});
        QCOMPARE(QString::fromStdString(redactor.text(text.toStdString())), expected);
    }

    void documentsLoseMachineKeys()
    {
        const Redactor redactor({"node17"}, {"ada"});
        const Json redacted = redactor.json({{"host", "node17"},
                                             {"worker", {{"pid", 3}, {"number", 1}}},
                                             {"log_tail", {"x"}},
                                             {"losses", {{{"log_tail", {"x"}}, {"kind", "killed"}}}},
                                             {"bits", 3}});
        QVERIFY(redacted == (Json {{"worker", {{"number", 1}}}, {"losses", {{{"kind", "killed"}}}}, {"bits", 3}}));
    }

    void sharedFileHoldsNoSecretInAnyPage()
    {
        VERIFY_OK(writeProject(path("p.pscope")));
        {
            auto database = Database::open(path("p.pscope"), Database::Access::ReadWrite);
            VERIFY_OK(database); // deleted rows leave their text in the file
            VERIFY_OK(
                database.value().execute("INSERT INTO event (time_utc, level, kind, trial, text) VALUES ('', '', '', "
                                         "'', '/home/adalovelace/deleted'); DELETE FROM event WHERE level = ''"));
        }
        const QByteArray before = bytesOf(path("p.pscope"));
        QVERIFY(before.contains("/home/adalovelace/models"));
        const auto report = shareProject(path("p.pscope"), path("q.pscope"), false);
        VERIFY_OK(report);
        QCOMPARE(bytesOf(path("p.pscope")), before);
        const QByteArray shared = bytesOf(path("q.pscope"));
        for (const char* secret : kSecrets)
            QVERIFY2(!shared.contains(secret), secret);
        QVERIFY(report.value().cells > 0);
        const auto& names = report.value().names;
        QVERIFY(std::find(names.begin(), names.end(), "adalovelace") != names.end());
        QStringList files = QDir(m_folder->path()).entryList(QDir::Files);
        QCOMPARE(files.join(QLatin1Char(' ')), QStringLiteral("p.pscope q.pscope"));
    }

    void whatWasMeasuredIsKept()
    {
        VERIFY_OK(writeProject(path("p.pscope")));
        VERIFY_OK(shareProject(path("p.pscope"), path("q.pscope"), false));
        const auto store = ProjectStore::open(path("q.pscope"), OpenMode::ReadOnly);
        VERIFY_OK(store);
        const auto trial = store.value().trial(sampleId(2));
        VERIFY_OK(trial);
        QCOMPARE(trial.value().metrics.size(), sampleTrial(2).metrics.size());
        for (std::size_t i = 0; i < trial.value().metrics.size(); ++i)
            QVERIFY(sameMetric(trial.value().metrics[i], sampleTrial(2).metrics[i]));
        QCOMPARE(store.value().trial(sampleId(1)).value().label, std::string("import(checkpoint=other)"));
        const auto verified = verifyProject(path("q.pscope"));
        VERIFY_OK(verified);
    }

    void artifactsTravelWhenAsked_data()
    {
        QTest::addColumn<bool>("with");
        QTest::addRow("with artifacts") << true;
        QTest::addRow("without") << false;
    }
    void artifactsTravelWhenAsked()
    {
        QFETCH(bool, with);
        VERIFY_OK(writeProject(path("p.pscope")));
        keepArtifact("weights");
        const auto report = shareProject(path("p.pscope"), path("q.pscope"), with);
        VERIFY_OK(report);
        QCOMPARE(report.value().artifactsEmbedded, with ? 1 : 0);
        QCOMPARE(report.value().artifactsLeftOut, with ? 0 : 1);
        auto database = Database::open(path("q.pscope"), Database::Access::ReadOnly);
        VERIFY_OK(database);
        QCOMPARE(database.value().text("SELECT state FROM artifact").value(),
                 std::string(with ? "embedded" : "dropped"));
        QCOMPARE(database.value()
                     .integer("SELECT count(*) FROM artifact_chunk WHERE content = CAST('weights' AS BLOB)")
                     .value(),
                 with ? 1 : 0);
    }

    void changedArtifactIsNotHandedOn()
    {
        VERIFY_OK(writeProject(path("p.pscope")));
        keepArtifact("weights");
        std::ofstream(path("p.pscope.artifacts") / sha256("weights").hex()) << "others!";
        const auto report = shareProject(path("p.pscope"), path("q.pscope"), true);
        QVERIFY(!report.ok());
        QCOMPARE(report.error().code, ErrorCode::Corrupt);
        QVERIFY(!std::filesystem::exists(path("q.pscope")));
    }

    void artifactThatNamesAnotherFileIsNotOpened()
    {
        VERIFY_OK(writeProject(path("p.pscope")));
        std::filesystem::create_directory(path("p.pscope.artifacts"));
        {
            auto database = Database::open(path("p.pscope"), Database::Access::ReadWrite);
            VERIFY_OK(database);
            VERIFY_OK(database.value().execute("INSERT INTO artifact (sha256, kind, bytes, state, recorded_utc) VALUES "
                                               "('../p.pscope', 'packed', 1, 'kept', '2025-01-01T00:00:00.000Z')"));
        }
        const auto report = shareProject(path("p.pscope"), path("q.pscope"), true);
        QVERIFY(!report.ok());
        QCOMPARE(report.error().code, ErrorCode::Corrupt);
        QVERIFY2(report.error().message.find("its hash is none") != std::string::npos, report.error().message.c_str());
        QVERIFY(!std::filesystem::exists(path("q.pscope")));
    }

private:
    Path path(const std::string& name) const { return Path(m_folder->path().toStdString()) / name; }

    void keepArtifact(const std::string& content)
    {
        std::filesystem::create_directory(path("p.pscope.artifacts"));
        std::ofstream(path("p.pscope.artifacts") / sha256(content).hex()) << content;
        auto database = Database::open(path("p.pscope"), Database::Access::ReadWrite);
        VERIFY_OK(database);
        VERIFY_OK(database.value().execute("INSERT INTO artifact (sha256, kind, bytes, state, recorded_utc) VALUES ('" +
                                           sha256(content).hex() + "', 'packed', " + std::to_string(content.size()) +
                                           ", 'kept', '2025-01-01T00:00:00.000Z')"));
    }

    std::unique_ptr<QTemporaryDir> m_folder;
};

QTEST_GUILESS_MAIN(TstProjectShare)
#include "tst_project_share.moc"
