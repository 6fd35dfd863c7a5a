// SPDX-License-Identifier: Apache-2.0
#include "core/base/json_fields.h"
#include "core/base/near_miss.h"
#include "core/checkpoint/checkpoint.h"
#include "core/checkpoint/untrusted_text.h"
#include "core/sweep/marked_fields.h"
#include "core/sweep/sweep_parts.h"

#include <algorithm>
#include <cstdlib>
#include <system_error>

namespace paretoscope::core {

namespace {

namespace fs = std::filesystem;

/// Metrics that are measured on windows of a corpus.
const std::vector<std::string> kWindowMetrics {"perplexity", "kl_divergence", "bits_per_byte"};
const std::vector<std::string> kWorkloadKinds {"causal-lm", "vlm",        "image-classifier",
                                               "ctr",       "text-codec", "dynamical-system"};

/// What the user's text means as a path: "~/" is the home folder, a relative path counts from the file's folder or,
/// in a --set argument, from the current one.
fs::path anchored(const SweepContext& context, const MarkedValue& value)
{
    const char* home = std::getenv("HOME");
    if (home && value.text.rfind("~/", 0) == 0)
        return fs::path(home) / value.text.substr(2);
    std::error_code failure;
    const fs::path folder = value.place.override >= 0 ? fs::current_path(failure) : context.folder;
    return (folder / value.text).lexically_normal();
}

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

/// A path beside the sweep file, or a Hub-style name ("owner/name") inside the folders of PARETOSCOPE_MODELS.
Result<fs::path> modelPath(const SweepContext& context, const MarkedValue& value)
{
    PSC_ASSIGN(const std::string text, textOf(context.source, value, "workload.model"));
    const fs::path path = anchored(context, value);
    PSC_TRY(checkUtf8(context, value, path, "workload.model"));
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
                                "workload.model: " + (isMissing ? path.string() + " does not exist" : problem.message),
                                problem.hint, problem.code);
}

Result<fs::path> corpusPath(const SweepContext& context, const MarkedValue& value, const std::string& what)
{
    PSC_TRY(textOf(context.source, value, what));
    fs::path path = anchored(context, value);
    PSC_TRY(checkUtf8(context, value, path, what));
    std::error_code failure;
    if (!isThere(path))
        return context.source.error(value.place, what + ": " + path.string() + " does not exist",
                                    "check the path; relative ones count from the folder of the sweep file",
                                    ErrorCode::NotFound);
    if (!fs::is_regular_file(path, failure))
        return context.source.error(value.place, what + ": " + path.string() + " is not a file",
                                    "give the path of a text file");
    return path;
}

/// A message of WindowProtocol or CalibrationSpec as it reads in a sweep file: "workload.calibration: samples must
/// ...".
Error inSweepFile(Error error, const std::string& what)
{
    for (const std::string_view prefix : {"window options: ", "calibration options: "}) {
        if (error.message.rfind(prefix, 0) == 0)
            error.message.erase(0, prefix.size());
    }
    if (error.hint.empty())
        error.hint = "correct that value";
    return error.withContext(what);
}

/// WindowProtocol or CalibrationSpec from a Map. Their own reader knows the keys; here its message gets its place.
template <typename Spec>
Result<Spec> readCorpusSpec(const SweepContext& context, const MarkedValue& map, const std::string& what)
{
    if (!map.isMap())
        return context.source.error(map.place, what + " holds " + map.shown() + ", not keys",
                                    "write {corpus: PATH, ...}");
    Json options = map.toJson();
    if (const MarkedValue* corpus = map.find("corpus")) {
        PSC_ASSIGN(const fs::path path, corpusPath(context, *corpus, what + ".corpus"));
        options["corpus"] = path.string();
    }
    Result<Spec> spec = Spec::fromJson(options);
    if (spec.ok())
        return spec;
    const Error problem = inSweepFile(spec.error(), what);
    // The key that alone gives the same message is the one it is about.
    for (std::size_t i = 0; options.contains("corpus") && i < map.keys.size(); ++i) {
        Json alone {{"corpus", options["corpus"]}};
        alone[map.keys[i]] = options[map.keys[i]];
        const Result<Spec> single = Spec::fromJson(alone);
        if (!single.ok() && single.error() == spec.error())
            return context.source.error(placeOfEntry(map, i), problem);
    }
    return context.source.error(map.place, problem);
}

Result<MetricSpec> readMetric(const SweepContext& context, const std::string& name, Place place,
                              const MarkedValue& options, const std::string& what)
{
    if (std::find(kWindowMetrics.begin(), kWindowMetrics.end(), name) == kWindowMetrics.end())
        return context.source.error(place, what + ": unknown metric " + shownValue(name),
                                    suggestion(name, kWindowMetrics));
    PSC_ASSIGN(const WindowProtocol protocol, readCorpusSpec<WindowProtocol>(context, options, what + "." + name));
    return MetricSpec {name, protocol.toJson()};
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
    PSC_ASSIGN(workload.model, modelPath(context, *model));
    if (calibration && !calibration->isNull()) {
        PSC_ASSIGN(workload.calibration,
                   readCorpusSpec<CalibrationSpec>(context, *calibration, "workload.calibration"));
    }
    PSC_TRY(fields.required("evaluate", "add evaluate: [perplexity: {corpus: PATH}]"));
    PSC_ASSIGN(workload.evaluate, readEvaluate(context, *evaluate));
    return workload;
}

} // namespace paretoscope::core
