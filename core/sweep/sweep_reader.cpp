// SPDX-License-Identifier: Apache-2.0
#include "core/base/json_fields.h"
#include "core/base/mapped_file.h"
#include "core/base/near_miss.h"
#include "core/checkpoint/untrusted_text.h"
#include "core/evaluation/metric_kind.h"
#include "core/search/driver_kind.h"
#include "core/sweep/sweep.h"
#include "core/sweep/sweep_parts.h"
#include "core/sweep/sweep_search.h"

#include <algorithm>
#include <cctype>
#include <system_error>

namespace paretoscope::core {

namespace {

constexpr std::int64_t kSweepVersion = 1;

/// What every trial reports beside its metrics.
const std::vector<std::string> kCostMetrics {"stored_bytes", "bits_per_parameter", "peak_memory_bytes"};

Result<Json> readDriver(const SweepContext& context, const MarkedValue* value)
{
    if (!value || value->isNull())
        return Json {{"grid", Json::object()}};
    const bool isMap = value->isMap() && value->keys.size() == 1;
    if (!isMap && (value->kind != MarkedValue::Kind::Scalar || value->text.empty()))
        return context.source.error(value->place, "driver is " + value->shown() + ", not one driver",
                                    "write driver: {grid: {}}");
    const std::string& name = isMap ? value->keys[0] : value->text;
    const Place place = isMap ? placeOfEntry(*value, 0) : value->place;
    const Result<const DriverKind*> kind = findDriverKind(name);
    if (!kind.ok())
        return context.source.error(place, kind.error());
    Json options = driverDefaults(*kind.value());
    const MarkedValue* const given = isMap && !value->items[0].isNull() ? &value->items[0] : nullptr;
    if (given && !given->isMap())
        return MarkedFields::of(context.source, *given, "driver." + name).error();
    for (std::size_t i = 0; given && i < given->keys.size(); ++i) {
        Result<Json> option = driverOption(*kind.value(), given->keys[i], given->items[i].toJson());
        if (!option.ok())
            return context.source.error(placeOfEntry(*given, i), option.error());
        options[given->keys[i]] = std::move(option).value();
    }
    return Json {{name, std::move(options)}};
}

/// What this sweep measures, the numbers of its metrics first.
Result<std::vector<std::string>> measuredNumbers(const WorkloadSpec& workload)
{
    std::vector<std::string> known;
    for (const MetricSpec& metric : workload.evaluate) {
        PSC_ASSIGN(const MetricKind* kind, findMetricKind(metric.name));
        for (const std::string_view record : kind->records) {
            if (std::find(known.begin(), known.end(), record) == known.end())
                known.emplace_back(record);
        }
    }
    known.insert(known.end(), kCostMetrics.begin(), kCostMetrics.end());
    return known;
}

Result<std::vector<std::string>> readObjectives(const SweepContext& context, const MarkedValue* value,
                                                const WorkloadSpec& workload)
{
    PSC_ASSIGN(const std::vector<std::string> known, measuredNumbers(workload));
    if (!value || value->isNull())
        return std::vector<std::string> {known.front(), kCostMetrics.front()};

    std::vector<std::string> objectives;
    const std::vector<MarkedValue> single {*value};
    const std::vector<MarkedValue>& items = value->isSequence() ? value->items : single;
    for (const MarkedValue& item : items) {
        PSC_ASSIGN(const std::string name, textOf(context.source, item, "objectives"));
        if (std::find(known.begin(), known.end(), name) == known.end())
            return context.source.error(item.place,
                                        "objectives: " + shownValue(name) + " is not measured by this sweep",
                                        suggestion(name, known));
        if (std::find(objectives.begin(), objectives.end(), name) != objectives.end())
            return context.source.error(item.place, "objectives: " + name + " stands there twice",
                                        "remove one of the two");
        objectives.push_back(name);
    }
    if (objectives.empty())
        return context.source.error(value->place, "objectives is an empty list",
                                    "write objectives: [" + known.front() + ", stored_bytes]");
    return objectives;
}

/// Constraints may be about anything that is measured.
Status checkConstraints(const SweepContext& context, const MarkedValue* driver, const Sweep& sweep)
{
    PSC_ASSIGN(const std::vector<std::string> known, measuredNumbers(sweep.workload));
    for (const MetricConstraint& constraint : constraintsOf(sweep.driver)) {
        if (std::find(known.begin(), known.end(), constraint.metric) != known.end())
            continue;
        const MarkedValue* const list = driver->items[0].find("constraints");
        return context.source.error(list->place,
                                    "constraints: " + shownValue(constraint.metric) + " is not measured by this sweep",
                                    suggestion(constraint.metric, known));
    }
    return success();
}

/// `seed: 0`, or `seed: [0, 1, 2]` to repeat every pipeline.
Status readSeeds(const SweepContext& context, const MarkedValue* value, Sweep& sweep)
{
    if (!value || value->isNull())
        return success();
    if (!value->isSequence()) {
        PSC_ASSIGN(sweep.seed, unsignedOf(context.source, *value, "seed"));
        return success();
    }
    std::vector<std::uint64_t> seeds;
    for (const MarkedValue& item : value->items) {
        PSC_ASSIGN(const std::uint64_t seed, unsignedOf(context.source, item, "seed"));
        if (std::find(seeds.begin(), seeds.end(), seed) == seeds.end())
            seeds.push_back(seed);
    }
    if (seeds.empty())
        return context.source.error(value->place, "seed is an empty list", "write seed: 0");
    if (seeds.size() > 1 && sweep.isAdaptive())
        return context.source.error(
            value->place, "driver " + std::string(kindOf(sweep.driver).name) + " goes by the results of one seed",
            "give one seed, or run the sweep once for each");
    sweep.seed = seeds.front();
    sweep.repeatSeeds.assign(seeds.begin() + 1, seeds.end());
    return success();
}

/// With every seed.
Status checkCount(const SweepContext& context, const MarkedValue* seed, const Sweep& sweep)
{
    const std::size_t seeds = 1 + sweep.repeatSeeds.size();
    if (seeds > kMaxTrials / std::max<std::size_t>(1, sweep.pipelines.size()))
        return context.source.error(seed->place,
                                    "seed brings the sweep above " + std::to_string(kMaxTrials) + " trials",
                                    "give fewer seeds, or split the sweep");
    return success();
}

Result<Sweep> readRoot(const SweepContext& context, const MarkedValue& root, std::string defaultName)
{
    PSC_ASSIGN(MarkedFields fields, MarkedFields::of(context.source, root, ""));
    PSC_ASSIGN(const MarkedValue* const version,
               fields.required("paretoscope", "begin the file with `paretoscope: 1`"));
    PSC_TRY(checkVersion(context.source, *version)); // before anything else: a newer file may have keys of its own
    const MarkedValue* const name = fields.find("name");
    const MarkedValue* const workload = fields.find("workload");
    const MarkedValue* const pipelines = fields.find("pipelines");
    const MarkedValue* const driver = fields.find("driver");
    const MarkedValue* const objectives = fields.find("objectives");
    const MarkedValue* const seed = fields.find("seed");
    if (const MarkedValue* const includes = fields.find("includes")) // those of the file are resolved by now
        return context.source.error(includes->place, "includes are read before --set is laid over the file",
                                    "write them into the file");
    PSC_TRY(fields.refuseUnknown()); // before "is missing": the unknown key may be the missing one, misspelt
    PSC_TRY(fields.required("workload", "add workload: {model: PATH, evaluate: [...]}"));
    PSC_TRY(fields.required("pipelines", "add pipelines: with - [] for the baseline"));

    Sweep sweep;
    sweep.name = std::move(defaultName);
    if (name && !name->isNull()) {
        PSC_ASSIGN(sweep.name, textOf(context.source, *name, "name"));
    }
    PSC_ASSIGN(sweep.driver, readDriver(context, driver));
    PSC_ASSIGN(sweep.workload, readWorkload(context, *workload));
    PSC_ASSIGN(sweep.objectives, readObjectives(context, objectives, sweep.workload));
    PSC_ASSIGN(sweep.entries, readPipelines(context, *pipelines, sweep.workload, sweep.isGrid()));
    PSC_TRY(readSeeds(context, seed, sweep));
    if (!sweep.isGrid()) {
        PSC_TRY(checkConstraints(context, driver, sweep));
        if (const Status prepared = prepareDriver(sweep); !prepared.ok())
            return context.source.error(driver->place, prepared.error());
    }
    sweep.pipelines = firstPipelines(sweep);
    PSC_TRY(checkCount(context, seed, sweep));
    return sweep;
}

bool isJsonFile(const std::filesystem::path& file)
{
    std::string extension = file.extension().string();
    std::transform(extension.begin(), extension.end(), extension.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return extension == ".json";
}

} // namespace

Status checkVersion(const SourceText& source, const MarkedValue& version)
{
    const Json& number = version.scalar;
    if (!number.is_number_integer() || number.get<std::int64_t>() < 1)
        return source.error(version.place, "paretoscope is " + version.shown() + ", not a version number",
                            "write paretoscope: 1");
    if (number != kSweepVersion)
        return source.error(version.place, "the file is of version " + number.dump() + ", this program reads version 1",
                            "use a newer Paretoscope", ErrorCode::Unsupported);
    return success();
}

Result<MarkedValue> readDocument(const SourceText& source, const std::filesystem::path& file)
{
    return isJsonFile(file) ? readMarkedJson(source) : readYaml(source);
}

Result<Sweep> readSweep(const std::filesystem::path& file, const PluginCatalogue& plugins,
                        const std::vector<std::string>& overrides)
{
    PSC_ASSIGN(const std::string text, readTextFile(file));
    return parseSweep(text, file, plugins, overrides);
}

Result<Sweep> parseSweep(std::string_view text, const std::filesystem::path& file, const PluginCatalogue& plugins,
                         const std::vector<std::string>& overrides)
{
    constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
    if (text.substr(0, kByteOrderMark.size()) == kByteOrderMark)
        text.remove_prefix(kByteOrderMark.size());
    // Names of files may be any bytes; messages and the name of the sweep are UTF-8.
    const std::string fileName = isPlainText(file.string()) ? file.string() : inQuotes(file.string());
    SourceText source {fileName, text, overrides};
    for (const std::string& argument : overrides) {
        if (!isPlainText(argument))
            return Error {ErrorCode::InvalidArgument,
                          "--set " + inQuotes(argument) + ": not UTF-8 text, or a control character in it",
                          "write the argument in UTF-8"};
    }
    std::error_code noCurrentFolder; // then relative paths stay relative, and are found or not
    const std::filesystem::path folder = std::filesystem::absolute(file, noCurrentFolder).parent_path();
    PSC_ASSIGN(MarkedValue root, readDocument(source, file));
    PSC_TRY(resolveIncludes(root, source, folder));
    PSC_TRY(applyOverrides(root, source, plugins));

    const SweepContext context {source, plugins, folder};
    const std::string stem = file.stem().string();
    PSC_ASSIGN(Sweep sweep, readRoot(context, root, isPlainText(stem) ? stem : "sweep"));
    sweep.source = source.included.empty() ? std::string(text) : writeSweep(sweep);
    sweep.overrides = overrides;
    return sweep;
}

} // namespace paretoscope::core
