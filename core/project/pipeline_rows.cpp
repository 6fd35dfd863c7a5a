// SPDX-License-Identifier: Apache-2.0
#include "core/project/pipeline_rows.h"

#include "core/project/stored_json.h"

#include "core/base/sha256.h"

namespace paretoscope::core {

namespace {

constexpr std::string_view kFind = "SELECT id FROM pipeline WHERE sha256 = ?";
constexpr std::string_view kInsert = "INSERT INTO pipeline (sha256, stages) VALUES (?, ?) RETURNING id";
constexpr std::string_view kInsertStage =
    "INSERT INTO stage (pipeline_id, position, plugin, version, parameters) VALUES (?, ?, ?, ?, ?)";

std::string field(const Json& stage, const char* key)
{
    const auto found = stage.find(key);
    return found != stage.end() && found->is_string() ? found->get<std::string>() : std::string();
}

Status checkStages(const Json& stages)
{
    bool valid = stages.is_array();
    for (const Json& stage : stages)
        valid = valid && stage.is_object() && !field(stage, "plugin").empty();
    if (valid)
        return success();
    return Error {ErrorCode::InvalidArgument,
                  "a pipeline is an array of stages with a plugin each, not " +
                      storedJson(stages).value_or("null").substr(0, 200),
                  "record the pipeline as the sweep file gives it"};
}

} // namespace

Result<std::int64_t> pipelineIdOf(Database& database, const Json& stages)
{
    const std::string text = storedJson(stages).value_or("[]");
    const Json clean = jsonFromStored(text);
    PSC_TRY(checkStages(clean));
    const Sha256Digest identity = sha256(canonicalJson(clean));
    PSC_ASSIGN(Statement find, database.prepare(kFind));
    PSC_ASSIGN(const std::optional<std::int64_t> known, find.with(identity.bytes).optionalInteger());
    if (known)
        return *known;
    PSC_ASSIGN(Statement insert, database.prepare(kInsert));
    PSC_ASSIGN(const std::int64_t id, insert.with(identity.bytes, text).integer());
    PSC_ASSIGN(Statement insertStage, database.prepare(kInsertStage));
    int position = 0;
    for (const Json& stage : clean) {
        const Json parameters = stage.value("parameters", Json::object());
        PSC_TRY(insertStage
                    .with(id, position++, field(stage, "plugin"), field(stage, "version"),
                          storedJson(parameters).value_or("{}"))
                    .run());
    }
    return id;
}

} // namespace paretoscope::core
