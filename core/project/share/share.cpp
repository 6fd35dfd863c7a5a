// SPDX-License-Identifier: Apache-2.0
#include "core/project/share/share.h"

#include "core/project/artifact/artifact_check.h"
#include "core/project/artifact/artifact_content.h"
#include "core/project/database.h"
#include "core/project/merge/merged_table.h"
#include "core/project/project_store.h"
#include "core/project/share/redactor.h"
#include "core/project/stored_json.h"

#include "core/base/sha256.h"

#include <algorithm>
#include <array>
#include <climits>
#include <functional>

#include <pwd.h>
#include <unistd.h>

namespace paretoscope::core {

namespace {

/// A text column of some table.
struct TextColumn
{
    std::string table;
    std::string column;
};

/// Every column that may hold a text a person or a machine wrote; digests and times are left as they are.
std::vector<TextColumn> textColumns()
{
    static constexpr std::array<std::string_view, 6> kNever {"sha256",      "hash",         "tokenizer_sha256",
                                                             "started_utc", "finished_utc", "trial_hash"};
    std::vector<TextColumn> columns {{"project", "title"}, {"project", "settings"}};
    for (const MergedTable& table : mergedTables()) {
        for (const MergedColumn& column : table.columns) {
            const bool isText = column.derived.empty() && column.references.empty() && !column.name.ends_with("_utc") &&
                                std::find(kNever.begin(), kNever.end(), column.name) == kNever.end();
            if (isText)
                columns.push_back({std::string(table.name), std::string(column.name)});
        }
    }
    return columns;
}

/// Calls `visit` with every text of a column.
Status forEachText(Database& database, const TextColumn& column, const std::function<void(std::string_view)>& visit)
{
    PSC_ASSIGN(Statement query, database.prepare("SELECT DISTINCT " + column.column + " FROM " + column.table +
                                                 " WHERE typeof(" + column.column + ") = 'text'"));
    return query.forEachRow([&](const Statement& row) {
        visit(row.rawText(0));
        return success();
    });
}

struct Names
{
    std::set<std::string> hosts;
    std::set<std::string> users;
};

void addOwnNames(Names& names)
{
    std::array<char, HOST_NAME_MAX + 1> host {};
    if (::gethostname(host.data(), host.size() - 1) == 0)
        names.hosts.insert(host.data());
    if (const passwd* user = ::getpwuid(::geteuid()))
        names.users.insert(user->pw_name);
}

/// The names that the project holds: hosts in the provenance of runs, users in paths.
Result<Names> namesIn(Database& database)
{
    Names names;
    addOwnNames(names);
    for (const TextColumn& column : textColumns())
        PSC_TRY(
            forEachText(database, column, [&](std::string_view text) { Redactor::collectUsers(text, names.users); }));
    PSC_TRY(forEachText(database, {"attempt", "provenance"}, [&](std::string_view text) {
        const Json provenance = jsonFromStored(text);
        const auto host = provenance.is_object() ? provenance.find("host") : provenance.end();
        if (host != provenance.end() && host->is_string())
            names.hosts.insert(host->get<std::string>());
    }));
    const std::set<std::string> whole = names.hosts;
    for (const std::string& host : whole) // node17.cluster.example.org: the first part is the name people know
        names.hosts.insert(host.substr(0, host.find('.')));
    return names;
}

std::string redacted(const Redactor& redactor, std::string_view text)
{
    if (text.empty() || (text.front() != '{' && text.front() != '['))
        return redactor.text(text);
    const Json json = Json::parse(text, nullptr, false);
    if (json.is_discarded())
        return redactor.text(text);
    Json changed = redactor.json(json);
    if (json.is_object() && json.contains("identity") && changed["identity"] != json["identity"])
        changed.erase("identity"); // what an id is the hash of cannot be told without its paths
    return storedJson(changed).value_or("");
}

Result<std::int64_t> redactColumn(Database& database, const TextColumn& column, const Redactor& redactor)
{
    std::vector<std::pair<std::string, std::string>> changes;
    PSC_TRY(forEachText(database, column, [&](std::string_view text) {
        std::string changed = redacted(redactor, text);
        if (changed != text)
            changes.emplace_back(text, std::move(changed));
    }));
    std::int64_t cells = 0;
    PSC_ASSIGN(Statement update, database.prepare("UPDATE " + column.table + " SET " + column.column + " = ?2 WHERE " +
                                                  column.column + " = ?1"));
    for (const auto& [before, after] : changes) {
        PSC_TRY(update.with(before, after).run());
        cells += database.changes();
    }
    return cells;
}

/// A pipeline is known by the digest of its stages, which may have lost a path.
Status renamePipelines(Database& database)
{
    std::vector<std::pair<std::int64_t, Sha256Digest>> digests;
    {
        PSC_ASSIGN(Statement query, database.prepare("SELECT id, stages FROM pipeline"));
        PSC_TRY(query.forEachRow([&](const Statement& row) {
            digests.emplace_back(row.integer(0), sha256(canonicalJson(jsonFromStored(row.rawText(1)))));
            return success();
        }));
    }
    PSC_ASSIGN(Statement update, database.prepare("UPDATE pipeline SET sha256 = ?2 WHERE id = ?1 AND sha256 <> ?2"));
    for (const auto& [id, digest] : digests)
        PSC_TRY(update.with(id, std::span<const std::uint8_t>(digest.bytes)).run());
    return success();
}

Status embedArtifacts(Database& database, const std::filesystem::path& folder, ShareReport& report)
{
    struct Kept
    {
        std::int64_t id;
        std::string sha256;
        std::int64_t bytes;
    };
    std::vector<Kept> kept;
    {
        PSC_ASSIGN(Statement query, database.prepare("SELECT id, sha256, bytes FROM artifact WHERE state = 'kept'"));
        PSC_TRY(query.forEachRow([&](const Statement& row) {
            kept.push_back({row.integer(0), row.text(1), row.integer(2)});
            return success();
        }));
    }
    PSC_ASSIGN(Statement embed, database.prepare("UPDATE artifact SET state = 'embedded' WHERE id = ?"));
    for (const Kept& artifact : kept) {
        if (const std::string wrong =
                wrongArtifact(database, artifact.id, artifact.sha256, artifact.bytes, "kept", folder);
            !wrong.empty())
            return Error {ErrorCode::Corrupt, "artifact " + artifact.sha256 + " cannot be handed on: " + wrong,
                          "`paretoscope verify` names what is wrong; share without artifacts meanwhile"};
        PSC_TRY(storeChunks(database, artifact.id, folder / artifact.sha256));
        PSC_TRY(embed.with(artifact.id).run());
        ++report.artifactsEmbedded;
    }
    return success();
}

Status leaveOutArtifacts(Database& database, ShareReport& report)
{
    PSC_ASSIGN(report.artifactsLeftOut, database.integer("SELECT count(*) FROM artifact WHERE state <> 'dropped'"));
    return database.execute("DELETE FROM artifact_chunk; UPDATE artifact SET state = 'dropped';");
}

Status redact(Database& database, const std::filesystem::path& artifacts, bool withArtifacts, ShareReport& report)
{
    PSC_ASSIGN(const Names names, namesIn(database));
    const Redactor redactor(names.hosts, names.users);
    {
        PSC_ASSIGN(Transaction transaction, Transaction::begin(database, Transaction::Kind::Write));
        for (const TextColumn& column : textColumns()) {
            PSC_ASSIGN(const std::int64_t cells, redactColumn(database, column, redactor));
            report.cells += cells;
        }
        PSC_TRY(renamePipelines(database));
        if (withArtifacts) {
            PSC_TRY(embedArtifacts(database, artifacts, report));
        } else {
            PSC_TRY(leaveOutArtifacts(database, report));
        }
        PSC_TRY(transaction.commit());
    }
    report.names = redactor.names();
    return database.vacuum();
}

} // namespace

Result<ShareReport> shareProject(const std::filesystem::path& project, const std::filesystem::path& copy,
                                 bool withArtifacts)
{
    PSC_ASSIGN(const ProjectStore store, ProjectStore::open(project, OpenMode::ReadOnly));
    // Under a name of its own until it is whole: what is half redacted must not look like the copy.
    const std::filesystem::path draft = copy.string() + ".draft" + std::to_string(::getpid());
    struct Remove
    {
        std::filesystem::path file;
        ~Remove() { ::unlink(file.c_str()); }
    } const remove {draft};
    PSC_TRY(store.copyTo(draft));
    ShareReport report;
    {
        PSC_ASSIGN(Database database, Database::open(draft, Database::Access::ReadWrite, copy));
        PSC_TRY(redact(database, artifactFolderOf(project), withArtifacts, report));
    }
    PSC_ASSIGN(const ProjectStore redactedStore, ProjectStore::open(draft, OpenMode::ReadOnly));
    PSC_TRY(redactedStore.copyTo(copy));
    std::error_code ignored;
    report.bytes = static_cast<std::int64_t>(std::filesystem::file_size(copy, ignored));
    return report;
}

} // namespace paretoscope::core
