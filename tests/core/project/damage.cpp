// SPDX-License-Identifier: Apache-2.0
#include "damage.h"

#include "sample_records.h"
#include "second_process.h"

#include "core/base/sha256.h"
#include "core/project/project_store.h"

#include <sqlite3.h>

#include <QFile>
#include <QtTest>

namespace paretoscope::core {

namespace {

using Path = std::filesystem::path;

constexpr qsizetype kPage = 4096;

QString nameOf(const Path& file)
{
    return QString::fromStdString(file.string());
}

QByteArray contentOfFile(const Path& file)
{
    QFile in(nameOf(file));
    if (!in.open(QIODevice::ReadOnly))
        qFatal("cannot read %s", file.c_str());
    return in.readAll();
}

/// What a query gives in its only row and column.
std::string ask(const Path& file, const std::string& sql)
{
    sqlite3* database = nullptr;
    sqlite3_stmt* statement = nullptr;
    std::string answer;
    if (sqlite3_open(file.c_str(), &database) == SQLITE_OK &&
        sqlite3_prepare_v2(database, sql.c_str(), -1, &statement, nullptr) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW)
        answer = reinterpret_cast<const char*>(sqlite3_column_text(statement, 0));
    sqlite3_finalize(statement);
    sqlite3_close(database);
    return answer;
}

void change(const Path& file, qsizetype offset, const QByteArray& bytes)
{
    writeFile(file, contentOfFile(file).replace(offset, bytes.size(), bytes));
}

/// Zeroes the page in which `text` stands.
void zeroPageWith(const Path& file, const QByteArray& text)
{
    const qsizetype at = contentOfFile(file).indexOf(text);
    if (at < 0)
        qFatal("the text is not in the file");
    change(file, at / kPage * kPage, QByteArray(kPage, 0));
}

qsizetype rootOf(const Path& file, const std::string& object)
{
    return QByteArray::fromStdString(ask(file, "SELECT rootpage FROM sqlite_schema WHERE name = '" + object + "'"))
        .toLongLong();
}

/// Makes the index a page without entries.
void emptyIndex(const Path& file, const std::string& index)
{
    QByteArray page(kPage, 0);
    page.replace(0, 8, QByteArray("\x0a\0\0\0\0\x10\0\0", 8));
    change(file, (rootOf(file, index) - 1) * kPage, page);
}

/// Runs `sql` while the table is defined in another way: `without` stands in the place of `constraint`.
void alterWithout(const Path& file, const std::string& table, const std::string& constraint, const std::string& without,
                  const std::string& sql)
{
    const auto define = [&](const std::string& from, const std::string& to) {
        alter(file, "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, '" + from + "', '" + to +
                        "') WHERE name = '" + table + "'");
    };
    define(constraint, without);
    alter(file, sql);
    define(without, constraint);
}

Path beside(const Path& file, const char* suffix)
{
    return file.string() + suffix;
}

/// The WAL that a killed writer of another project left.
void putForeignLog(const Path& file)
{
    const Path other = file.parent_path() / "other.pscope";
    {
        SecondProcess writer({QStringLiteral("answer"), nameOf(other)});
        writer.line();
        for (int number = 0; number < 30; ++number) {
            writer.write(QString::number(number));
            writer.line();
        }
        writer.kill();
    }
    std::filesystem::rename(beside(other, "-wal"), beside(file, "-wal"));
    for (const char* suffix : {"", "-shm", ".lock"})
        std::filesystem::remove(beside(other, suffix));
}

Path artifactsOf(const Path& file)
{
    return beside(file, ".artifacts");
}

const QByteArray& keptContent()
{
    static const QByteArray content(5000, 'k');
    return content;
}

Path keptFile(const Path& file)
{
    return artifactsOf(file) / sha256(keptContent().toStdString()).hex();
}

void addArtifacts(const Path& file)
{
    const std::string kept = sha256(keptContent().toStdString()).hex();
    const std::string embedded = sha256(std::string(300, 'a') + std::string(200, 'b')).hex();
    alter(file, "INSERT INTO artifact (id, sha256, kind, bytes, state, recorded_utc) VALUES "
                "(1, '" +
                    kept +
                    "', 'compressed_model', 5000, 'kept', '2024-05-17T03:12:09.045Z'), "
                    "(2, '" +
                    embedded +
                    "', 'log', 500, 'embedded', '2024-05-17T03:12:09.045Z');"
                    "INSERT INTO artifact_chunk VALUES (2, 0, CAST(replace(hex(zeroblob(150)), '0', 'a') AS BLOB)), "
                    "(2, 1, CAST(replace(hex(zeroblob(100)), '0', 'b') AS BLOB));"
                    "INSERT INTO trial_artifact VALUES (1, 'model', 1), (2, 'log', 2)");
    std::filesystem::create_directory(artifactsOf(file));
    writeFile(keptFile(file), keptContent());
}

TrialRecord identifiedTrial(int number)
{
    TrialRecord trial = sampleTrial(number);
    const Json identity {
        {"engine", "7"}, {"model", sampleWorkload().modelSha256}, {"pipeline", trial.pipeline}, {"seed", trial.seed}};
    trial.id.digest = sha256(canonicalJson(identity));
    trial.provenance["identity"] = identity;
    trial.provenance["log"] = "log of trial " + std::to_string(number) + std::string(1500, '.');
    return trial;
}

std::vector<Damage> damagesOfTheFile()
{
    return {
        {"flipped magic", "header", "byte 0", 40, [](const Path& file) { change(file, 3, "X"); }},
        {"flipped page size", "header", "byte 16", 40, [](const Path& file) { change(file, 16, "\x07"); }},
        {"other application id", "header", "byte 68", 40, [](const Path& file) { change(file, 68, "ABCD"); }},
        {"other encoding", "header", "byte 56", 40, [](const Path& file) { change(file, 59, "\2"); }},
        {"version that never existed", "header", "byte 60", 40,
         [](const Path& file) { change(file, 60, QByteArray(4, 0)); }},
        {"truncated", "truncated", "p.pscope", 20,
         [](const Path& file) {
             const QByteArray content = contentOfFile(file);
             writeFile(file, content.left(content.size() - 2 * kPage));
         }},
        {"longer than it says", "header", "byte 28", 40,
         [](const Path& file) { writeFile(file, contentOfFile(file) + QByteArray(kPage, 'x')); }},
        {"zeroed page in the middle", "page", "page", 40,
         [](const Path& file) { zeroPageWith(file, "log of trial 20"); }},
        {"root of a table zeroed", "page", "page", 0,
         [](const Path& file) { change(file, (rootOf(file, "tag") - 1) * kPage, QByteArray(kPage, 0)); }},
        {"list of tables destroyed", "schema", "p.pscope", 40, destroyListOfTables},
        {"index without entries", "index", "trial_by_label", 40,
         [](const Path& file) { emptyIndex(file, "trial_by_label"); }},
        {"log of another project", "side_file", "p.pscope-wal", 40, putForeignLog},
        {"log of noise", "side_file", "p.pscope-wal", 40,
         [](const Path& file) { writeFile(beside(file, "-wal"), QByteArray(10'000, 'n')); }},
        {"torn journal", "side_file", "p.pscope-journal", 40,
         [](const Path& file) { writeFile(beside(file, "-journal"), QByteArray(3000, 'j')); }},
        {"extra trigger", "schema", "trigger \"evil\"", 40,
         [](const Path& file) {
             alter(file, "CREATE TRIGGER evil AFTER INSERT ON trial BEGIN DELETE FROM trial; END");
         }},
        {"extra view", "schema", "view \"evil\"", 40,
         [](const Path& file) { alter(file, "CREATE VIEW evil AS SELECT * FROM trial"); }},
        {"extra table", "schema", "table \"evil\"", 40, [](const Path& file) { alter(file, "CREATE TABLE evil (x)"); }},
        {"virtual table", "schema", "table \"evil\"", 40,
         [](const Path& file) { alter(file, "CREATE VIRTUAL TABLE evil USING fts5(x)"); }},
        {"changed table", "schema", "table \"note\"", 40,
         [](const Path& file) { alter(file, "ALTER TABLE note ADD COLUMN evil TEXT"); }},
        {"missing table", "schema", "table \"view_state\"", 40,
         [](const Path& file) { alter(file, "DROP TABLE view_state"); }},
        {"missing index", "schema", "index \"tag_by_name\"", 40,
         [](const Path& file) { alter(file, "DROP INDEX tag_by_name"); }},
    };
}

std::vector<Damage> damagesOfRows()
{
    const auto sql = [](const char* name, const char* kind, const char* where, int saved, const char* statement) {
        return Damage {name, kind, where, saved, [statement](const Path& file) { alter(file, statement); }};
    };
    return {
        sql("wrong reference", "foreign_key", "attempt 3", 40, "UPDATE attempt SET trial_id = 9999 WHERE id = 3"),
        sql("missing parent", "foreign_key", "trial 5", 39, "DELETE FROM pipeline WHERE id = 5"),
        sql("changed pipeline", "pipeline_hash", "pipeline 3", 40,
            "UPDATE pipeline SET stages = replace(stages, '\"bits\":3', '\"bits\":4') WHERE id = 3"),
        sql("changed stage", "stage", "pipeline 3", 40,
            "UPDATE stage SET plugin = 'quantization/rtn' WHERE pipeline_id = 3"),
        sql("changed trial id", "trial_id", "trial 3", 40, "UPDATE trial SET hash = zeroblob(32) WHERE id = 3"),
        sql("changed seed", "trial_id", "trial 3", 40, "UPDATE trial SET seed = 1 WHERE id = 3"),
        sql("trial of another pipeline", "trial_id", "trial 3", 40, "UPDATE trial SET pipeline_id = 4 WHERE id = 3"),
        sql("broken JSON", "json", "attempt 3, provenance", 40,
            "UPDATE attempt SET provenance = '{\"command\": ' WHERE id = 3"),
        sql("unknown status", "enum", "trial 3, status", 40,
            "PRAGMA ignore_check_constraints = ON; UPDATE trial SET status = 'weird' WHERE id = 3"),
        sql("time that is none", "time", "attempt 3, started_utc", 40,
            "UPDATE attempt SET started_utc = 'yesterday' WHERE id = 3"),
        sql("ended before it started", "attempt", "attempt 3", 40,
            "UPDATE attempt SET started_utc = '2030-01-01T00:00:00.000Z' WHERE id = 3"),
        sql("bytes that are no UTF-8", "encoding", "trial 3, label", 40,
            "UPDATE trial SET label = CAST(x'c328ff' AS TEXT) WHERE id = 3"),
        sql("infinite value", "number", "trial_metric 3, value", 40,
            "UPDATE trial_metric SET value = 9e999 WHERE id = 3"),
        sql("negative count", "number", "trial_metric 3, n", 40, "UPDATE trial_metric SET n = -1 WHERE id = 3"),
        sql("error without a value", "contradiction", "trial_metric 3", 40,
            "UPDATE trial_metric SET value = NULL, standard_error = 1 WHERE id = 3"),
        sql("first value missing", "replicate", "trial_metric 3", 40,
            "UPDATE trial_metric SET replicate = 5 WHERE id = 3"),
        sql("measured by another trial's run", "contradiction", "trial_metric 3", 40,
            "UPDATE trial_metric SET attempt_id = 9 WHERE id = 3"),
        sql("runs miscounted", "attempt", "trial 3", 40, "UPDATE trial SET attempts = 0 WHERE id = 3"),
        sql("done without a run", "attempt", "trial 3", 40, "DELETE FROM attempt WHERE id = 3"),
        sql("blob of another size", "blob", "activation_profile 1", 40,
            "UPDATE activation_profile SET maxima = zeroblob(5)"),
        sql("no row about the file", "project", "project", 40, "DELETE FROM project"),
        {"doubled trial", "duplicate", "trial", 40,
         [](const Path& file) {
             emptyIndex(file, "sqlite_autoindex_trial_1");
             alter(file, "INSERT INTO trial (hash, pipeline_id, label, seed, status, attempts, recorded_utc) "
                         "SELECT hash, pipeline_id, label, seed, status, attempts, recorded_utc FROM trial "
                         "WHERE id = 3");
         }},
        {"NULL where none may be", "null", "trial.label", 40,
         [](const Path& file) {
             alterWithout(file, "trial", "label TEXT NOT NULL", "label TEXT /*null*/",
                          "UPDATE trial SET label = NULL WHERE id = 3");
         }},
        {"text where a number belongs", "type", "trial.seed", 40,
         [](const Path& file) {
             alterWithout(file, "trial", "seed INTEGER NOT NULL", "seed ANY /*!*/ NOT NULL",
                          "UPDATE trial SET seed = 'many' WHERE id = 3");
         }},
    };
}

std::vector<Damage> damagesOfArtifacts()
{
    return {
        {"artifact missing", "artifact", "artifact 1", 40,
         [](const Path& file) { std::filesystem::remove(keptFile(file)); }},
        {"artifact changed", "artifact", "artifact 1", 40,
         [](const Path& file) { change(keptFile(file), 100, "changed"); }},
        {"artifact shortened", "artifact", "artifact 1", 40,
         [](const Path& file) { writeFile(keptFile(file), keptContent().left(100)); }},
        {"artifact of nobody", "artifact", "p.pscope.artifacts/stray", 40,
         [](const Path& file) { writeFile(artifactsOf(file) / "stray", "?"); }},
        {"part of an embedded artifact missing", "artifact", "artifact 2", 40,
         [](const Path& file) { alter(file, "DELETE FROM artifact_chunk WHERE position = 0"); }},
        {"hash that is a path", "artifact", "artifact 1", 40,
         [](const Path& file) { alter(file, "UPDATE artifact SET sha256 = '../../etc/passwd' WHERE id = 1"); }},
    };
}

} // namespace

void writeFile(const Path& file, const QByteArray& content)
{
    QFile out(nameOf(file));
    if (!out.open(QIODevice::WriteOnly) || out.write(content) != content.size())
        qFatal("cannot write %s", file.c_str());
}

void alter(const Path& file, const std::string& sql)
{
    sqlite3* database = nullptr;
    char* message = nullptr;
    if (sqlite3_open(file.c_str(), &database) != SQLITE_OK ||
        sqlite3_exec(database, sql.c_str(), nullptr, nullptr, &message) != SQLITE_OK)
        qFatal("%s: %s", sql.c_str(), message ? message : "cannot open");
    sqlite3_close(database);
}

void destroyListOfTables(const Path& file)
{
    change(file, 100, QByteArray(kPage - 100, '\xff'));
}

void makeSoundProject(const Path& file)
{
    auto store = ProjectStore::open(file, OpenMode::Create);
    VERIFY_OK(store);
    VERIFY_OK(store.value().recordWorkload(sampleWorkload()));
    std::vector<TrialId> ids;
    for (int number = 0; number < kSoundTrials; ++number)
        ids.push_back(identifiedTrial(number).id);
    VERIFY_OK(store.value().recordSweep("demo", "paretoscope: 1", ids));
    for (int number = 0; number < kSoundTrials; ++number)
        VERIFY_OK(store.value().finishTrial(identifiedTrial(number)));
    VERIFY_OK(store.value().recordEvent({{}, "info", "sweep_finished", {}, "the sweep has ended"}));
    {
        const ProjectStore closed = std::move(store).value();
    }
    alter(file, "INSERT INTO note (trial_id, text, created_utc, changed_utc) VALUES "
                "(1, 'good', '2024-05-17T03:12:09.045Z', '2024-05-17T03:12:09.045Z');"
                "INSERT INTO activation_profile (workload_id, kind, protocol, layers, experts, tokens, maxima, "
                "routed_tokens, recorded_utc) VALUES (1, 'experts', 'x', 2, 4, 100, zeroblob(32), zeroblob(64), "
                "'2024-05-17T03:12:09.045Z')");
    addArtifacts(file);
}

const std::vector<Damage>& damages()
{
    static const std::vector<Damage> all = [] {
        std::vector<Damage> list = damagesOfTheFile();
        for (const auto& more : {damagesOfRows(), damagesOfArtifacts()})
            list.insert(list.end(), more.begin(), more.end());
        return list;
    }();
    return all;
}

} // namespace paretoscope::core
