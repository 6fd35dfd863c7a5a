// SPDX-License-Identifier: Apache-2.0
#include "core/base/json_fields.h"
#include "core/base/near_miss.h"
#include "core/checkpoint/checkpoint.h"
#include "core/checkpoint/untrusted_text.h"
#include "core/evaluation/metric_kind.h"
#include "core/sweep/marked_fields.h"
#include "core/sweep/sweep_parts.h"

#include <algorithm>
#include <cstdlib>
#include <system_error>

namespace paretoscope::core {

namespace {

namespace fs = std::filesystem;

const std::vector<std::string> kWorkloadKinds {"causal-lm", "vlm",        "image-classifier",
                                               "ctr",       "text-codec", "dynamical-system"};

/// Paths travel as JSON, which is UTF-8; folder names of Linux may be any bytes.
Status checkUtf8(const SweepContext& context, const MarkedValue& value, const fs::path& path, const std::string& what)
{
    if (isPlainText(path.string()))
        return success();
    return context.source.error(value.place, what + ": " + inQuotes(path.string()) + " is not UTF-8",
                                "rename that file or folder");
}

bool isThere(const fs::path& path)
{
    std::error_code failure;
    return fs::exists(path, failure);
}

/// A message of an option reader as it reads in a sweep file: "workload.calibration: samples must ...".
Error inSweepFile(Error error, const std::string& what)
{
    error.message = withoutReader(error.message);
    if (error.hint.empty())
        error.hint = "correct that value";
    return error.withContext(what);
}

/// Options that name a file, from a Map, as `complete` gives them. It knows the keys; here its message gets its place.
Result<Json> readFileOptions(const SweepContext& context, const MarkedValue& map, const std::string& what,
                             std::string_view fileKey, Result<Json> (*complete)(const Json& options))
{
    const std::string key(fileKey);
    if (!map.isMap())
        return context.source.error(map.place, what + " holds " + map.shown() + ", not keys",
                                    "write {" + key + ": PATH, ...}");
    Json options = map.toJson();
    if (const MarkedValue* file = map.find(key)) {
        PSC_ASSIGN(const fs::path path, readFilePath(context, *file, what + "." + key));
        options[key] = path.string();
    }
    Result<Json> completed = complete(options);
    if (completed.ok())
        return completed;
    const Error problem = inSweepFile(completed.error(), what);
    // The key that alone gives the same message is the one it is about.
    for (std::size_t i = 0; options.contains(key) && i < map.keys.size(); ++i) {
        Json alone {{key, options[key]}};
        alone[map.keys[i]] = options[map.keys[i]];
        const Result<Json> single = complete(alone);
        if (!single.ok() && single.error() == completed.error())
            return context.source.error(placeOfEntry(map, i), problem);
    }
    return context.source.error(map.place, problem);
}

Result<Json> completeCalibration(const Json& options)
{
    PSC_ASSIGN(const CalibrationSpec spec, CalibrationSpec::fromJson(options));
    return spec.toJson();
}

Result<MetricSpec> readMetric(const SweepContext& context, const std::string& name, Place place,
                              const MarkedValue& options, const std::string& what)
{
    const Result<const MetricKind*> kind = findMetricKind(name);
    if (!kind.ok())
        return context.source.error(place, kind.error().withContext(what));
    if (const MarkedValue* baseline = options.isMap() ? options.find("baseline") : nullptr;
        baseline && kind.value()->compares)
        return context.source.error(baseline->place, what + "." + name + ": a sweep compares with its own model",
                                    "leave baseline out");
    PSC_ASSIGN(Json completed,
               readFileOptions(context, options, what + "." + name, kind.value()->file, kind.value()->complete));
    return MetricSpec {name, std::move(completed)};
}

/// The metrics of one entry of `evaluate`: {perplexity: {...}}.
Status readMetrics(const SweepContext& context, const MarkedValue& entry, const std::string& what,
                   std::vector<MetricSpec>& metrics)
{
    if (!entry.isMap() || entry.items.empty())
        return context.source.error(entry.place, what + " is " + entry.shown() + ", not a metric with its options",
                                    "write perplexity: {corpus: PATH}");
    for (std::size_t i = 0; i < entry.items.size(); ++i) {
        PSC_ASSIGN(MetricSpec metric, readMetric(context, entry.keys[i], entry.keyPlaces[i], entry.items[i], what));
        const bool isTwice = std::any_of(metrics.begin(), metrics.end(), [&](const MetricSpec& other) {
            return other.name == metric.name && other.options == metric.options;
        });
        if (isTwice)
            return context.source.error(entry.keyPlaces[i], what + ": " + metric.name + " stands there twice",
                                        "remove one of the two");
        metrics.push_back(std::move(metric));
    }
    return success();
}

Result<std::vector<MetricSpec>> readEvaluate(const SweepContext& context, const MarkedValue& value)
{
    std::vector<MetricSpec> metrics;
    if (value.isMap()) {
        PSC_TRY(readMetrics(context, value, "workload.evaluate", metrics));
        return metrics;
    }
    if (!value.isSequence() || value.items.empty())
        return context.source.error(value.place, "workload.evaluate is " + value.shown() + ", not a list of metrics",
                                    "write - perplexity: {corpus: PATH}");
    for (std::size_t i = 0; i < value.items.size(); ++i) {
        const std::string what = "workload.evaluate[" + std::to_string(i) + "]";
        PSC_TRY(readMetrics(context, value.items[i], what, metrics));
    }
    return metrics;
}

Result<std::string> readKind(const SweepContext& context, const MarkedValue* value)
{
    if (!value)
        return std::string("causal-lm");
    PSC_ASSIGN(std::string kind, textOf(context.source, *value, "workload.kind"));
    if (kind == "causal-lm")
        return kind;
    const bool isPlanned = std::find(kWorkloadKinds.begin(), kWorkloadKinds.end(), kind) != kWorkloadKinds.end();
    if (isPlanned)
        return context.source.error(value->place, "workload.kind " + kind + " is not available yet",
                                    "this version knows causal-lm", ErrorCode::Unsupported);
    return context.source.error(value->place, "workload.kind: unknown kind " + shownValue(kind),
                                suggestion(kind, kWorkloadKinds));
}

} // namespace

fs::path anchoredPath(const SourceText& source, const fs::path& folder, const MarkedValue& value)
{
    const char* home = std::getenv("HOME");
    if (home && value.text.rfind("~/", 0) == 0)
        return fs::path(home) / value.text.substr(2);
    std::error_code failure;
    const Place place = value.place;
    const fs::path anchor = place.override >= 0 ? fs::current_path(failure)
                            : place.file > 0    ? source.included[std::size_t(place.file - 1)]->folder
                                                : folder;
    return (anchor / value.text).lexically_normal();
}

Result<fs::path> readFilePath(const SweepContext& context, const MarkedValue& value, const std::string& what)
{
    PSC_TRY(textOf(context.source, value, what));
    fs::path path = anchoredPath(context.source, context.folder, value);
    PSC_TRY(checkUtf8(context, value, path, what));
    std::error_code failure;
    if (!isThere(path))
        return context.source.error(value.place, what + ": " + path.string() + " does not exist",
                                    "check the path; relative ones count from the folder of the sweep file",
                                    ErrorCode::NotFound);
    if (!fs::is_regular_file(path, failure))
        return context.source.error(value.place, what + ": " + path.string() + " is not a file",
                                    "give the path of a file");
    return path;
}

Result<fs::path> readModelPath(const SweepContext& context, const MarkedValue& value, const std::string& what)
{
    PSC_ASSIGN(const std::string text, textOf(context.source, value, what));
    const fs::path path = anchoredPath(context.source, context.folder, value);
    PSC_TRY(checkUtf8(context, value, path, what));
    Result<fs::path> found = resolveModel(path.string());
    const bool mayBeName = text.front() != '.' && text.front() != '/' && text.front() != '~';
    if (mayBeName && !isThere(path)) {
        Result<fs::path> named = resolveModel(text);
        if (named.ok() || !isThere(path.parent_path())) // else the names beside the path are the better hint
            found = std::move(named);
    }
    std::error_code noCurrentFolder;
    if (found.ok())
        return fs::absolute(found.value(), noCurrentFolder).lexically_normal();
    const Error& problem = found.error();
    const bool isMissing = problem.code == ErrorCode::NotFound;
    return context.source.error(value.place,
                                what + ": " + (isMissing ? path.string() + " does not exist" : problem.message),
                                problem.hint, problem.code);
}

Result<WorkloadSpec> readWorkload(const SweepContext& context, const MarkedValue& value)
{
    PSC_ASSIGN(MarkedFields fields, MarkedFields::of(context.source, value, "workload"));
    WorkloadSpec workload;
    PSC_ASSIGN(workload.kind, readKind(context, fields.find("kind")));
    const MarkedValue* const model = fields.find("model");
    const MarkedValue* const calibration = fields.find("calibration");
    const MarkedValue* const evaluate = fields.find("evaluate");
    PSC_TRY(fields.refuseUnknown()); // before "model is missing": it may be a misspelt "model"
    PSC_TRY(fields.required("model", "add model: PATH, a Hugging Face folder or a .gguf file"));
    PSC_ASSIGN(workload.model, readModelPath(context, *model, "workload.model"));
    if (calibration && !calibration->isNull()) {
        PSC_ASSIGN(const Json options,
                   readFileOptions(context, *calibration, "workload.calibration", "corpus", &completeCalibration));
        PSC_ASSIGN(workload.calibration, CalibrationSpec::fromJson(options));
    }
    PSC_TRY(fields.required("evaluate", "add evaluate: [perplexity: {corpus: PATH}]"));
    PSC_ASSIGN(workload.evaluate, readEvaluate(context, *evaluate));
    return workload;
}

} // namespace paretoscope::core
