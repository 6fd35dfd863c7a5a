// SPDX-License-Identifier: Apache-2.0
#include "core/project/merge/merge.h"

#include "core/project/merge/content_writer.h"
#include "core/project/merge/shard_file.h"
#include "core/project/metric_rows.h"
#include "core/project/project_files.h"
#include "core/project/read_connection.h"
#include "core/project/store_environment.h"
#include "core/project/stored_json.h"
#include "core/project/write_connection.h"

#include <algorithm>
#include <set>
#include <tuple>

namespace paretoscope::core {

namespace {

struct Source
{
    std::filesystem::path file;
    bool isShard = false;
};

std::int64_t count(const ProjectContent& content, std::string_view table)
{
    return static_cast<std::int64_t>(content.rows(table).size());
}

Result<std::vector<Source>> shardsIn(const std::filesystem::path& folder)
{
    std::set<std::filesystem::path> files;
    std::error_code failure;
    std::filesystem::directory_iterator entry(folder, failure);
    for (const std::filesystem::directory_iterator end; !failure && entry != end; entry.increment(failure)) {
        if (entry->path().extension() == ".psl")
            files.insert(entry->path());
    }
    if (failure)
        return Error {ErrorCode::Io, "cannot read the folder " + folder.string() + ": " + failure.message(),
                      "check its permissions"};
    if (files.empty())
        return Error {ErrorCode::InvalidArgument, "the folder " + folder.string() + " holds no shards (*.psl)",
                      "name the folder that the elements of the array wrote to"};
    std::vector<Source> sources;
    for (const std::filesystem::path& file : files)
        sources.push_back({file, true});
    return sources;
}

Result<std::vector<Source>> expanded(const std::vector<std::filesystem::path>& paths, const ProjectFiles& target)
{
    std::vector<Source> sources;
    for (const std::filesystem::path& path : paths) {
        // The target is open for writing: to open and close it once more would drop SQLite's locks.
        if (stampOf(path).isSameFile(stampOf(target.main)))
            continue;
        std::error_code ignored;
        if (std::filesystem::is_directory(path, ignored)) {
            PSC_ASSIGN(const std::vector<Source> shards, shardsIn(path));
            sources.insert(sources.end(), shards.begin(), shards.end());
        } else {
            sources.push_back({path, path.extension() == ".psl" || isShard(path)});
        }
    }
    return sources;
}

/// The union of the sources.
Result<ProjectContent> united(const std::vector<Source>& sources, const StoreEnvironment& environment,
                              MergeReport& report)
{
    ProjectContent all;
    for (const Source& source : sources) {
        MergeReport::Source said {source.file};
        ProjectContent content;
        if (source.isShard) {
            PSC_ASSIGN(ShardContent shard, readShard(source.file));
            said.tornBytes = shard.tornBytes;
            content = std::move(shard.content);
        } else {
            PSC_ASSIGN(content, readContent(source.file, environment));
        }
        said.trials = count(content, "trial");
        all.unite(content);
        report.sources.push_back(std::move(said));
    }
    return all;
}

constexpr std::string_view kChunks =
    "SELECT a.sha256, c.position, c.content FROM artifact_chunk c JOIN artifact a ON a.id = c.artifact_id "
    "ORDER BY a.sha256, c.position";
constexpr std::string_view kWithoutChunks =
    "SELECT id FROM artifact a WHERE sha256 = ? AND NOT EXISTS (SELECT 1 FROM artifact_chunk WHERE artifact_id = a.id)";
constexpr std::string_view kInsertChunk =
    "INSERT INTO artifact_chunk (artifact_id, position, content) VALUES (?, ?, ?)";

/// The contents of embedded artifacts that `target` knows of but does not hold; one chunk in memory at a time.
/// @return the chunks written
Result<std::int64_t> copyChunks(Database& source, Database& target)
{
    std::int64_t written = 0;
    std::string sha256;
    std::optional<std::int64_t> artifact;
    PSC_ASSIGN(Statement chunks, source.prepare(kChunks));
    PSC_TRY(chunks.forEachRow([&](const Statement& chunk) -> Status {
        if (chunk.text(0) != sha256) {
            sha256 = chunk.text(0);
            PSC_ASSIGN(Statement find, target.prepare(kWithoutChunks));
            PSC_ASSIGN(artifact, find.with(sha256).optionalInteger());
        }
        if (!artifact)
            return success();
        ++written;
        PSC_ASSIGN(Statement insert, target.prepare(kInsertChunk));
        return insert.with(*artifact, chunk.integer(1), chunk.blob(2)).run();
    }));
    return written;
}

template <typename T>
T valueOr(const ContentValue& value, T fallback)
{
    const T* found = std::get_if<T>(&value);
    return found ? *found : fallback;
}

std::string hexOf(const ContentValue& hash)
{
    const auto* bytes = std::get_if<std::vector<std::uint8_t>>(&hash);
    Sha256Digest digest;
    if (bytes && bytes->size() == digest.bytes.size())
        std::copy(bytes->begin(), bytes->end(), digest.bytes.begin());
    return digest.hex();
}

MeasuredValue measuredValue(const ProjectContent& content, const ContentRow& measurement)
{
    const MergedTable& table = mergedTable("trial_metric");
    MeasuredValue measured;
    if (const auto* value = std::get_if<double>(&cell(table, measurement, "value")))
        measured.value = *value;
    if (const auto* key = std::get_if<ContentKey>(&cell(table, measurement, "attempt_id"))) {
        const MergedTable& attempts = mergedTable("attempt");
        const ContentRow& attempt = content.rows("attempt").find(*key)->second;
        measured.startedUtc = valueOr<std::string>(cell(attempts, attempt, "started_utc"), {});
        measured.provenance = jsonFromStored(valueOr<std::string>(cell(attempts, attempt, "provenance"), {}));
    }
    return measured;
}

/// Adds to the content of the target and tells what that brought.
void unite(ProjectContent& content, const ProjectContent& additions, MergeReport& report)
{
    const std::int64_t trials = count(content, "trial");
    const std::int64_t measurements = count(content, "trial_metric");
    content.unite(additions);
    report.trials = count(content, "trial");
    report.trialsAdded = report.trials - trials;
    report.measurementsAdded = count(content, "trial_metric") - measurements;
    report.conflicts = conflictsIn(content);
}

} // namespace

std::vector<MeasurementConflict> conflictsIn(const ProjectContent& content)
{
    const MergedTable& table = mergedTable("trial_metric");
    const MergedTable& metrics = mergedTable("metric");
    const MergedTable& trials = mergedTable("trial");
    std::map<std::pair<ContentKey, ContentKey>, std::vector<const ContentRow*>> groups;
    for (const auto& [key, row] : content.rows(table.name))
        groups[{std::get<ContentKey>(cell(table, row, "trial_id")),
                std::get<ContentKey>(cell(table, row, "metric_id"))}]
            .push_back(&row);
    std::vector<MeasurementConflict> conflicts;
    for (const auto& [key, rows] : groups) {
        if (rows.size() < 2)
            continue;
        const ContentRow& metric = content.rows("metric").find(key.second)->second;
        const std::string name = valueOr<std::string>(cell(metrics, metric, "name"), {});
        if (variesFromRunToRun(name, valueOr<std::string>(cell(metrics, metric, "unit"), {})))
            continue;
        std::vector<MeasuredValue> values;
        for (const ContentRow* row : rows)
            values.push_back(measuredValue(content, *row));
        std::sort(values.begin(), values.end(), [](const MeasuredValue& a, const MeasuredValue& b) {
            return std::tie(a.startedUtc, a.value) < std::tie(b.startedUtc, b.value);
        });
        const bool agree = std::all_of(values.begin(), values.end(), [&](const MeasuredValue& other) {
            return measurementsAgree(values.front().value, other.value);
        });
        if (agree)
            continue;
        const ContentRow& trial = content.rows("trial").find(key.first)->second;
        conflicts.push_back({hexOf(cell(trials, trial, "hash")), valueOr<std::string>(cell(trials, trial, "label"), {}),
                             name, valueOr<std::string>(cell(metrics, metric, "protocol"), {}), std::move(values)});
    }
    std::sort(conflicts.begin(), conflicts.end(), [](const MeasurementConflict& a, const MeasurementConflict& b) {
        return std::tie(a.label, a.metric, a.protocol, a.trial) < std::tie(b.label, b.metric, b.protocol, b.trial);
    });
    return conflicts;
}

Result<std::vector<MeasurementConflict>> conflictsOf(const TrialId& trial, const std::filesystem::path& project)
{
    PSC_ASSIGN(const ProjectContent content, readContent(project, StoreEnvironment {}));
    std::vector<MeasurementConflict> conflicts = conflictsIn(content);
    std::erase_if(conflicts, [&](const MeasurementConflict& conflict) { return conflict.trial != trial.hex(); });
    return conflicts;
}

Result<ProjectContent> readContent(const std::filesystem::path& project, const StoreEnvironment& environment)
{
    ReadConnection connection(ProjectFiles::of(project), environment);
    return connection.read([](Database& database) { return ProjectContent::read(database); });
}

Result<MergeReport> mergeProjects(const std::vector<std::filesystem::path>& sources,
                                  const std::filesystem::path& target, bool dryRun)
{
    return mergeProjects(sources, target, dryRun, StoreEnvironment {});
}

Result<MergeReport> mergeProjects(const std::vector<std::filesystem::path>& sources,
                                  const std::filesystem::path& target, bool dryRun, const StoreEnvironment& environment)
{
    const ProjectFiles files = ProjectFiles::of(target);
    PSC_ASSIGN(const std::vector<Source> expandedSources, expanded(sources, files));
    // All are read before the target is touched: a source that cannot be read leaves no new file behind.
    MergeReport report;
    PSC_ASSIGN(const ProjectContent additions, united(expandedSources, environment, report));
    const bool isNew = !stampOf(files.main).exists;
    if (dryRun || !isNew) { // a target that says all of it already is left as it is, to the byte
        ProjectContent content;
        if (!isNew) {
            PSC_ASSIGN(content, readContent(target, environment));
        }
        unite(content, additions, report);
        if (dryRun || !content.hasNews())
            return report;
    }

    PSC_ASSIGN(WriteConnection writer, WriteConnection::open(files, true, environment));
    PSC_ASSIGN(Transaction transaction, writer.begin(WriteConnection::Survives::PowerLoss));
    Database& database = writer.database();
    PSC_ASSIGN(ProjectContent content, ProjectContent::read(database));
    unite(content, additions, report);
    PSC_ASSIGN(report.rowsWritten, writeContent(content, database));
    for (const Source& source : expandedSources) {
        if (source.isShard)
            continue;
        ReadConnection connection(ProjectFiles::of(source.file), environment);
        PSC_ASSIGN(const std::int64_t chunks,
                   connection.read([&](Database& from) { return copyChunks(from, database); }));
        report.rowsWritten += chunks;
    }
    if (report.rowsWritten > 0)
        PSC_TRY(writer.commit(transaction));
    return report;
}

} // namespace paretoscope::core
