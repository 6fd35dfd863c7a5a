// SPDX-License-Identifier: Apache-2.0
#include "core/project/identity_check.h"

#include "core/project/stored_json.h"

#include "core/base/json.h"
#include "core/base/sha256.h"

#include <algorithm>
#include <map>

namespace paretoscope::core {

namespace {

constexpr std::string_view kPipelines = "SELECT id, sha256, stages FROM pipeline ORDER BY id";
constexpr std::string_view kStages =
    "SELECT pipeline_id, plugin, version, parameters FROM stage ORDER BY pipeline_id, position";
/// The newest run of each trial that tells how it was made.
constexpr std::string_view kTrials =
    "SELECT t.id, t.hash, t.seed, p.stages, (SELECT provenance FROM attempt a WHERE a.trial_id = t.id AND "
    "provenance NOTNULL ORDER BY number DESC LIMIT 1) FROM trial t JOIN pipeline p ON p.id = t.pipeline_id ORDER BY "
    "t.id";

bool isHashOf(std::span<const std::uint8_t> hash, const Json& value)
{
    const Sha256Digest digest = sha256(canonicalJson(value));
    return std::equal(hash.begin(), hash.end(), digest.bytes.begin(), digest.bytes.end());
}

Finding doubtful(const char* kind, std::string where, std::string message)
{
    return {.kind = kind,
            .where = std::move(where),
            .message = std::move(message),
            .remedy = "do not trust what refers to it; a copy made with --repair-to is without it where nothing in "
                      "the file tells what it was",
            .repairable = true};
}

using StageRows = std::map<std::int64_t, Json>; ///< the stages of each pipeline, as their own rows tell

StageRows readStages(Database& database)
{
    StageRows stages;
    Result<Statement> query = database.prepare(kStages);
    if (query.ok())
        (void)query.value().forEachRow([&stages](const Statement& row) {
            stages[row.integer(0)].push_back(
                {{"plugin", row.text(1)}, {"version", row.text(2)}, {"parameters", jsonFromStored(row.rawText(3))}});
            return success();
        });
    return stages;
}

/// Whether the rows of `stage` say the same as the array; a version may be missing there.
bool sayTheSame(const Json& rows, const Json& stages)
{
    const std::size_t count = rows.is_array() ? rows.size() : 0;
    if (!stages.is_array() || stages.size() != count)
        return false;
    for (std::size_t i = 0; i < count; ++i) {
        const Json& stage = stages[i];
        if (!stage.is_object() || stage.value("plugin", Json()) != rows[i]["plugin"] ||
            stage.value("version", Json("")) != rows[i]["version"] ||
            stage.value("parameters", Json::object()) != rows[i]["parameters"])
            return false;
    }
    return true;
}

void checkPipelines(Database& database, VerifyReport& report)
{
    const StageRows rows = readStages(database);
    Result<Statement> query = database.prepare(kPipelines);
    if (!query.ok())
        return;
    (void)query.value().forEachRow([&](const Statement& row) {
        const std::string place = "pipeline " + row.text(0);
        const Json stages = jsonFromStored(row.rawText(2));
        if (!isHashOf(row.blob(1), stages))
            report.add(doubtful("pipeline_hash", place, "its stages do not have the hash that is stored for them"));
        const auto own = rows.find(row.integer(0));
        if (!sayTheSame(own != rows.end() ? own->second : Json(), stages))
            report.add(doubtful("stage", place, "the rows of its stages say something else than its JSON"));
        return success();
    });
}

/// The seed of an identity as the project stores it.
bool sameSeed(const Json& identity, std::int64_t stored)
{
    const auto seed = identity.find("seed");
    return seed == identity.end() ||
           (seed->is_number_integer() && seed->get<std::uint64_t>() == static_cast<std::uint64_t>(stored));
}

/// What the id of a trial without calibration is made of; null when the provenance does not tell.
Json identityWithoutCalibration(const Json& provenance, const Json& stages, std::int64_t seed)
{
    const auto text = [&provenance](const char* group, const char* key) -> Json {
        const auto found = provenance.find(group);
        return found != provenance.end() && found->is_object() ? found->value(key, Json()) : Json();
    };
    Json identity {
        {"engine", text("versions", "engine_numerics")}, {"model", text("hashes", "model")}, {"pipeline", stages}};
    const bool calibrated = std::any_of(stages.begin(), stages.end(), [](const Json& stage) {
        return stage.is_object() && stage.value("needs_calibration", Json(false)) != Json(false);
    });
    if (identity["engine"].is_null() || identity["model"].is_null() || calibrated)
        return nullptr;
    if (!stages.empty())
        identity["seed"] = static_cast<std::uint64_t>(seed);
    return identity;
}

/// Empty when the id is right; nothing when it cannot be told.
std::optional<std::string> wrongIdentity(const Statement& row)
{
    const std::int64_t seed = row.integer(2);
    const Json stages = jsonFromStored(row.rawText(3));
    const Json provenance = jsonFromStored(row.rawText(4));
    if (!provenance.is_object() || !stages.is_array())
        return std::nullopt;
    const auto told = provenance.find("identity");
    const bool isTold = told != provenance.end() && told->is_object();
    const Json identity = isTold ? *told : identityWithoutCalibration(provenance, stages, seed);
    if (identity.is_null())
        return std::nullopt;
    if (isTold && identity.value("pipeline", Json()) != stages)
        return "its pipeline is not the one that its id was made of";
    if (!sameSeed(identity, seed))
        return "its seed is not the one that its id was made of";
    if (!isHashOf(row.blob(1), identity))
        return "its id is not the hash of what it is made of";
    return std::string();
}

void checkTrialIds(Database& database, VerifyReport& report)
{
    Result<Statement> query = database.prepare(kTrials);
    if (!query.ok())
        return;
    std::int64_t untold = 0;
    (void)query.value().forEachRow([&](const Statement& row) {
        const std::optional<std::string> wrong = wrongIdentity(row);
        if (!wrong)
            ++untold;
        else if (!wrong->empty())
            report.add(doubtful("trial_id", "trial " + row.text(0), *wrong));
        return success();
    });
    if (untold > 0)
        report.notes.push_back("the ids of " + std::to_string(untold) +
                               " trials could not be computed again: their provenance does not hold all that an id is "
                               "made of (trials that did not run yet, that were imported, or whose calibration was "
                               "not recorded with them)");
}

} // namespace

void checkIdentities(Database& database, VerifyReport& report)
{
    checkPipelines(database, report);
    checkTrialIds(database, report);
}

} // namespace paretoscope::core
