// SPDX-License-Identifier: Apache-2.0
#include "core/project/cell_check.h"

#include "core/project/timestamp.h"
#include "core/project/utf8.h"

#include "core/base/json.h"
#include "core/base/sha256.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>

namespace paretoscope::core {

namespace {

enum class Shape
{
    Any,
    Object,
    Array
};

struct JsonColumn
{
    std::string_view column; ///< "table.column"
    Shape shape;
};
constexpr std::array kJsonColumns {
    JsonColumn {"project.settings", Shape::Any},          JsonColumn {"model.description", Shape::Any},
    JsonColumn {"data_set.description", Shape::Any},      JsonColumn {"workload.description", Shape::Any},
    JsonColumn {"workload_data_set.options", Shape::Any}, JsonColumn {"pipeline.stages", Shape::Array},
    JsonColumn {"stage.parameters", Shape::Object},       JsonColumn {"sweep.search_state", Shape::Any},
    JsonColumn {"attempt.provenance", Shape::Any},        JsonColumn {"trial_metric.details", Shape::Any},
    JsonColumn {"artifact.description", Shape::Any},      JsonColumn {"activation_profile.summary", Shape::Any},
    JsonColumn {"marker_result.conditions", Shape::Any},  JsonColumn {"roofline_point.settings", Shape::Any},
    JsonColumn {"view_state.state", Shape::Any},          JsonColumn {"published_point.conditions", Shape::Any},
};

struct EnumColumn
{
    std::string_view column;
    std::string_view values; ///< each between spaces
};
constexpr std::array kEnumColumns {
    EnumColumn {"trial.status", " queued running done failed interrupted "},
    EnumColumn {"attempt.outcome", " queued running done failed interrupted "},
    EnumColumn {"workload_data_set.role", " calibration evaluation "},
    EnumColumn {"artifact.state", " kept embedded dropped "},
    EnumColumn {"event.level", " info warn error "},
};

constexpr std::array<std::string_view, 16> kCounts {
    "project.revision", "model.parameters",        "model.stored_bytes", "data_set.bytes",
    "data_set.items",   "trial.attempts",          "attempt.number",     "attempt.seconds",
    "metric.threads",   "trial_metric.replicate",  "trial_metric.n",     "trial_metric.confirmations",
    "artifact.bytes",   "artifact_chunk.position", "stage.position",     "trial_metric.standard_error",
};

bool isOneOf(std::string_view name, std::span<const std::string_view> names)
{
    return std::find(names.begin(), names.end(), name) != names.end();
}

std::optional<CellComplaint> wrongJson(std::string_view text, Shape shape)
{
    const Result<Json> parsed = parseJson(text, "it");
    if (!parsed.ok())
        return CellComplaint {"json", "its JSON does not parse: " + parsed.error().message};
    if ((shape == Shape::Object && !parsed.value().is_object()) ||
        (shape == Shape::Array && !parsed.value().is_array()))
        return CellComplaint {"json", std::string("its JSON is no ") + (shape == Shape::Array ? "array" : "object")};
    return std::nullopt;
}

/// "" stands for unknown in the times of attempts.
bool isTime(std::string_view text)
{
    return text.empty() || isUtcTimestamp(text);
}

} // namespace

std::optional<CellComplaint> wrongText(const std::string& column, std::string_view text)
{
    if (validUtf8(text) != text)
        return CellComplaint {"encoding", "it is no UTF-8"};
    if (column.ends_with("_utc") && !isTime(text))
        return CellComplaint {"time", "\"" + std::string(text.substr(0, 40)) + "\" is no time in UTC"};
    for (const EnumColumn& known : kEnumColumns) {
        if (column == known.column && known.values.find(" " + std::string(text) + " ") == std::string_view::npos)
            return CellComplaint {"enum", "\"" + std::string(text.substr(0, 40)) + "\" is none of" +
                                              std::string(known.values.substr(0, known.values.size() - 1))};
    }
    if (column.ends_with("sha256") && !text.empty() && !Sha256Digest::fromHex(text).ok())
        return CellComplaint {"hash", "it is no SHA-256 in hexadecimal"};
    for (const JsonColumn& known : kJsonColumns) {
        if (column == known.column)
            return wrongJson(text, known.shape);
    }
    return std::nullopt;
}

std::optional<CellComplaint> wrongNumber(const std::string& column, double value)
{
    if (!std::isfinite(value))
        return CellComplaint {"number", "it is not finite"};
    if (value < 0 && isOneOf(column, kCounts))
        return CellComplaint {"number", "it is negative"};
    return std::nullopt;
}

std::optional<CellComplaint> wrongBlob(const std::string& column, std::size_t bytes)
{
    const bool isHash = column == "trial.hash" || column == "sweep_trial.trial_hash" || column == "pipeline.sha256";
    if (isHash && bytes != sizeof(Sha256Digest::bytes))
        return CellComplaint {"hash", "it has " + std::to_string(bytes) + " bytes instead of 32"};
    return std::nullopt;
}

} // namespace paretoscope::core
