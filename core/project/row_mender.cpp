// SPDX-License-Identifier: Apache-2.0
#include "core/project/row_mender.h"

#include "core/project/artifact/artifact_check.h"
#include "core/project/cell_check.h"
#include "core/project/stored_json.h"
#include "core/project/utf8.h"

#include <algorithm>
#include <array>

namespace paretoscope::core {

namespace {

constexpr std::size_t kNameBytes = 40;

/// What stands for a value of a column that must not be NULL when its own is wrong.
struct Substitute
{
    std::string_view column;
    std::string_view text;
};
constexpr std::array kSubstitutes {
    Substitute {"trial.status", "interrupted"}, // it is run again
    Substitute {"trial.label", "(label lost)"},
    Substitute {"attempt.outcome", "interrupted"},
    Substitute {"event.level", "info"},
    Substitute {"artifact.state", "dropped"},
    Substitute {"model.sha256", ""},
    Substitute {"model.tokenizer_sha256", ""},
};
constexpr std::array<std::string_view, 3> kZeroed {"attempt.seconds", "trial_metric.n", "trial_metric.confirmations"};

std::optional<Value> substitute(const std::string& column)
{
    for (const Substitute& known : kSubstitutes) {
        if (column == known.column)
            return Value(std::string(known.text));
    }
    if (column.ends_with("_utc"))
        return Value(std::string());
    if (column == "attempt.seconds")
        return Value(0.0);
    if (std::find(kZeroed.begin(), kZeroed.end(), column) != kZeroed.end())
        return Value(std::int64_t(0));
    return std::nullopt;
}

std::optional<CellComplaint> wrongValue(const std::string& column, const Value& value)
{
    if (const auto* text = std::get_if<std::string>(&value))
        return wrongText(column, *text);
    if (const auto* integer = std::get_if<std::int64_t>(&value))
        return wrongNumber(column, static_cast<double>(*integer));
    if (const auto* real = std::get_if<double>(&value))
        return wrongNumber(column, *real);
    if (const auto* blob = std::get_if<Blob>(&value))
        return wrongBlob(column, blob->size());
    return std::nullopt;
}

/// SQLite would convert what fits into a column of another type, and so make sense of nonsense.
bool hasType(const Value& value, std::string_view type)
{
    switch (value.index()) {
    case 0:
        return true;
    case 1:
        return type == "INTEGER" || type == "REAL";
    case 2:
        return type == "REAL";
    case 3:
        return type == "TEXT";
    default:
        return type == "BLOB";
    }
}

std::string textOf(const Value& value)
{
    if (const auto* text = std::get_if<std::string>(&value))
        return validUtf8(*text).substr(0, kNameBytes);
    if (const auto* integer = std::get_if<std::int64_t>(&value))
        return std::to_string(*integer);
    return "?";
}

Blob blobOf(const Sha256Digest& digest)
{
    return {digest.bytes.begin(), digest.bytes.end()};
}

Blob hashOf(const Json& value)
{
    return blobOf(sha256(canonicalJson(value)));
}

/// A pipeline as its rows in `stage` tell; those do not say whether a stage needs calibration.
Json withCalibration(Json stages)
{
    for (Json& stage : stages)
        stage["needs_calibration"] = true;
    return stages;
}

} // namespace

/// Access by name.
struct RowMender::Cells
{
    const TableShape& table;
    Row& row;

    Value& operator[](std::string_view column) const
    {
        const auto found = std::find(table.columns.begin(), table.columns.end(), column);
        return row[static_cast<std::size_t>(found - table.columns.begin())];
    }
    std::int64_t integer(std::string_view column) const
    {
        const auto* value = std::get_if<std::int64_t>(&(*this)[column]);
        return value ? *value : 0;
    }
    std::string text(std::string_view column) const
    {
        const auto* value = std::get_if<std::string>(&(*this)[column]);
        return value ? *value : std::string();
    }
    Blob blob(std::string_view column) const
    {
        const auto* value = std::get_if<Blob>(&(*this)[column]);
        return value ? *value : Blob();
    }
    std::optional<double> real(std::string_view column) const
    {
        const auto* value = std::get_if<double>(&(*this)[column]);
        return value ? std::optional(*value) : std::nullopt;
    }
};

RowMender::RowMender(Database& source, std::filesystem::path artifacts)
    : m_source(source)
    , m_artifacts(std::move(artifacts))
{
    // Read as far as they can be: they only help to set other rows right.
    if (Result<Statement> runs = source.prepare("SELECT trial_id, provenance FROM attempt NOT INDEXED"); runs.ok())
        (void)runs.value().forEachRow([this](const Statement& row) {
            const Json provenance = jsonFromStored(row.rawText(1));
            if (provenance.is_object() && provenance.contains("identity"))
                m_identities[row.integer(0)] = provenance["identity"];
            return success();
        });
    if (Result<Statement> stages =
            source.prepare("SELECT pipeline_id, plugin, version, parameters FROM stage ORDER BY pipeline_id, position");
        stages.ok())
        (void)stages.value().forEachRow([this](const Statement& row) {
            m_stageRows[row.integer(0)].push_back(
                {{"plugin", row.text(1)}, {"version", row.text(2)}, {"parameters", jsonFromStored(row.rawText(3))}});
            return success();
        });
}

RowMender::Verdict RowMender::mend(const TableShape& table, Row& row)
{
    Verdict verdict;
    const Cells cells {table, row};
    if (table.name == "pipeline") // before its JSON is judged by itself
        mendPipeline(cells, verdict);
    else if (table.name == "trial")
        restoreSeed(cells, verdict);
    if (verdict.lost.empty())
        mendCells(table, row, verdict);
    if (verdict.lost.empty())
        mendParents(table, row, verdict);
    if (!verdict.lost.empty())
        return verdict;
    if (table.name == "trial")
        mendTrial(cells, verdict);
    else if (table.name == "attempt")
        mendAttempt(cells, verdict);
    else if (table.name == "trial_metric")
        mendMeasurement(cells, verdict);
    else if (table.name == "activation_profile")
        mendProfile(cells, verdict);
    else if (table.name == "artifact")
        mendArtifact(cells, verdict);
    return verdict;
}

void RowMender::mendCells(const TableShape& table, Row& row, Verdict& verdict) const
{
    for (std::size_t i = 0; i < row.size(); ++i) {
        const std::string column = table.name + "." + table.columns[i];
        std::optional<CellComplaint> complaint = hasType(row[i], table.types[i])
                                                     ? wrongValue(column, row[i])
                                                     : CellComplaint {"type", "it is of another type"};
        if (complaint && complaint->kind == std::string_view("encoding")) {
            row[i] = validUtf8(std::get<std::string>(row[i]));
            verdict.changed = true;
            complaint = wrongValue(column, row[i]);
        }
        const bool missing = std::holds_alternative<std::monostate>(row[i]) && !table.nullable[i];
        if (!complaint && !missing)
            continue;
        const std::optional<Value> instead = table.nullable[i] ? std::optional(Value()) : substitute(column);
        if (!instead) {
            verdict.lost = table.columns[i] + (complaint ? " is wrong: " + complaint->what : " is missing");
            return;
        }
        row[i] = *instead;
        verdict.changed = true;
    }
}

void RowMender::mendParents(const TableShape& table, Row& row, Verdict& verdict) const
{
    for (const ParentReference& parent : table.parents) {
        Value& value = row[parent.column];
        if (std::holds_alternative<std::monostate>(value))
            continue;
        const auto known = m_ids.find(parent.table);
        const auto* id = std::get_if<std::int64_t>(&value);
        if (id && known != m_ids.end() && known->second.contains(*id))
            continue;
        if (!parent.optional) {
            verdict.lost = "the " + parent.table + " it belongs to is not there";
            return;
        }
        value = {};
        verdict.changed = true;
    }
}

// Besides the JSON, the rows of its stages and the identities of its trials tell what a pipeline was: whichever has
// the hash is right.
void RowMender::mendPipeline(Cells cells, Verdict& verdict) const
{
    const Blob hash = cells.blob("sha256");
    std::vector<Json> candidates {jsonFromStored(cells.text("stages"))};
    if (const auto rows = m_stageRows.find(cells.integer("id")); rows != m_stageRows.end()) {
        candidates.push_back(rows->second);
        candidates.push_back(withCalibration(rows->second));
    }
    for (const auto& [trial, identity] : m_identities) {
        if (identity.is_object() && identity.contains("pipeline"))
            candidates.push_back(identity["pipeline"]);
    }
    const auto right = std::find_if(candidates.begin(), candidates.end(),
                                    [&hash](const Json& stages) { return hashOf(stages) == hash; });
    if (right == candidates.begin())
        return;
    if (right == candidates.end()) {
        verdict.lost = "nothing in the file has its hash";
        return;
    }
    cells["stages"] = right->dump(-1, ' ', false, Json::error_handler_t::replace);
    verdict.changed = true;
}

/// The id vouches for the seed in the provenance.
void RowMender::restoreSeed(Cells cells, Verdict& verdict) const
{
    const auto told = m_identities.find(cells.integer("id"));
    if (std::holds_alternative<std::int64_t>(cells["seed"]) || told == m_identities.end() ||
        cells.blob("hash") != hashOf(told->second))
        return;
    const Json seed = told->second.is_object() ? told->second.value("seed", Json()) : Json();
    if (!seed.is_number_integer())
        return;
    cells["seed"] = static_cast<std::int64_t>(seed.get<std::uint64_t>());
    verdict.changed = true;
}

// The id, the pipeline with the seed, and the identity in the provenance vouch for each other: two of three are right.
void RowMender::mendTrial(Cells cells, Verdict& verdict) const
{
    const auto told = m_identities.find(cells.integer("id"));
    if (told == m_identities.end() || !told->second.is_object())
        return;
    const Json& identity = told->second;
    const Json stages = identity.value("pipeline", Json());
    const auto seed = static_cast<std::uint64_t>(cells.integer("seed"));
    const bool sameSeed = !identity.contains("seed") || identity["seed"] == Json(seed);
    const bool samePipeline = m_pipelines.at(cells.integer("pipeline_id")) == stages;
    const Blob hash = hashOf(identity);
    if (cells.blob("hash") == hash) {
        if (sameSeed && samePipeline)
            return;
        const auto right = std::find_if(m_pipelines.begin(), m_pipelines.end(),
                                        [&stages](const auto& known) { return known.second == stages; });
        if (right == m_pipelines.end() || !(sameSeed || identity["seed"].is_number_integer())) {
            verdict.lost = "the pipeline that its id was made of is not there";
            return;
        }
        cells["pipeline_id"] = right->first;
        if (!sameSeed)
            cells["seed"] = static_cast<std::int64_t>(identity["seed"].get<std::uint64_t>());
        verdict.changed = true;
    } else if (sameSeed && samePipeline) {
        cells["hash"] = hash;
        verdict.changed = true;
    } else {
        verdict.lost = "its id, its pipeline and its provenance say three different things";
    }
}

void RowMender::mendAttempt(Cells cells, Verdict& verdict) const
{
    const std::string finished = cells.text("finished_utc");
    if (finished.empty() || finished >= cells.text("started_utc"))
        return;
    cells["finished_utc"] = std::string();
    verdict.changed = true;
}

void RowMender::mendMeasurement(Cells cells, Verdict& verdict)
{
    const std::int64_t trial = cells.integer("trial_id");
    if (const auto owner = m_trialOfAttempt.find(cells.integer("attempt_id"));
        owner != m_trialOfAttempt.end() && owner->second != trial) {
        cells["attempt_id"] = {};
        verdict.changed = true;
    }
    if (!cells.real("value") && cells.real("standard_error")) {
        cells["standard_error"] = {};
        verdict.changed = true;
    }
    const std::int64_t place = m_replicates[{trial, cells.integer("metric_id")}]++;
    verdict.changed = verdict.changed || cells.integer("replicate") != place;
    cells["replicate"] = place;
}

void RowMender::mendProfile(Cells cells, Verdict& verdict) const
{
    const std::int64_t layers = cells.integer("layers");
    const std::int64_t experts = cells.integer("experts");
    const auto check = [&](std::string_view column, std::int64_t bytes) {
        if (std::holds_alternative<Blob>(cells[column]) &&
            static_cast<std::int64_t>(cells.blob(column).size()) != bytes) {
            cells[column] = {};
            verdict.changed = true;
        }
    };
    check("maxima", 4 * layers * std::max<std::int64_t>(experts, 1));
    check("routed_tokens", 8 * layers * experts);
}

void RowMender::mendArtifact(Cells cells, Verdict& verdict) const
{
    if (wrongArtifact(m_source, cells.integer("id"), cells.text("sha256"), cells.integer("bytes"), cells.text("state"),
                      m_artifacts)
            .empty())
        return;
    cells["state"] = std::string("dropped");
    verdict.changed = true;
}

void RowMender::entered(const TableShape& table, const Row& row)
{
    const auto* id = std::get_if<std::int64_t>(&row.front());
    if (!id || table.keys != 1)
        return;
    m_ids[table.name].insert(*id);
    Row copy = row;
    const Cells cells {table, copy};
    if (table.name == "pipeline")
        m_pipelines[*id] = jsonFromStored(cells.text("stages"));
    else if (table.name == "attempt")
        m_trialOfAttempt[*id] = cells.integer("trial_id");
}

std::string RowMender::nameOf(const TableShape& table, const Row& row)
{
    if (table.keys == 1)
        return table.name + " " + textOf(row.front());
    std::string keys;
    for (std::size_t i = 0; i < table.keys; ++i)
        keys += (i == 0 ? "" : ", ") + table.columns[i] + " " + textOf(row[i]);
    return table.name + " (" + keys + ")";
}

void RowMender::stagesOfPipelines(const std::function<void(Row)>& take) const
{
    for (const auto& [id, stages] : m_pipelines) {
        std::int64_t position = 0;
        for (const Json& stage : stages) {
            const auto text = [&stage](const char* key) {
                const Json value = stage.is_object() ? stage.value(key, Json("")) : Json("");
                return value.is_string() ? value.get<std::string>() : std::string();
            };
            const Json parameters = stage.is_object() ? stage.value("parameters", Json::object()) : Json::object();
            take({id, position++, text("plugin"), text("version"),
                  parameters.dump(-1, ' ', false, Json::error_handler_t::replace)});
        }
    }
}

} // namespace paretoscope::core
