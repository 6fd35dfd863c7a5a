// SPDX-License-Identifier: Apache-2.0
#include "roofline/measured/machine_profile.h"

#include "core/base/json_fields.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace paretoscope::roofline {

namespace {

using core::Json;
using core::JsonFields;
using core::Repeated;

/// Only values that may be divided by.
core::Status requirePositive(const JsonFields& fields, const char* name, double value)
{
    return value > 0 && std::isfinite(value) ? core::success() : core::Status(fields.error(name, "must be above zero"));
}

core::Result<Repeated> repeatedIn(JsonFields& fields, const char* name, const std::string& where)
{
    const Json value = fields.anything(name);
    return core::repeatedFromJson(value, where + ": " + name);
}

Json rateJson(const MeasuredRate& rate)
{
    return {{"name", rate.name},
            {"threads", rate.threads},
            {"work", rate.work},
            {"unit", rate.unit},
            {"size", rate.size},
            {"seconds", core::toJson(rate.seconds)},
            {"again_seconds", rate.again},
            {"per_second", rate.rate()},
            {"best_per_second", rate.bestRate()},
            {"noisy", rate.seconds.isNoisy()}};
}

/// What the engine tells of a rate in one round.
core::Result<MeasuredRate> rateFrom(const Json& json, const std::string& where)
{
    PSC_ASSIGN(JsonFields fields, JsonFields::of(json, where));
    MeasuredRate rate;
    PSC_ASSIGN(rate.name, fields.required<std::string>("name"));
    PSC_ASSIGN(rate.threads, fields.required<int>("threads"));
    PSC_ASSIGN(rate.work, fields.required<double>("work"));
    PSC_TRY(requirePositive(fields, "work", rate.work));
    PSC_ASSIGN(rate.unit, fields.required<std::string>("unit"));
    PSC_ASSIGN(rate.size, fields.optional<double>("size", 0));
    PSC_ASSIGN(rate.seconds, repeatedIn(fields, "seconds", where));
    PSC_ASSIGN(rate.again, fields.optional<double>("again_seconds", rate.seconds.median));
    PSC_TRY(requirePositive(fields, "again_seconds", rate.again));
    return rate;
}

Json productJson(const MeasuredProduct& product)
{
    return {{"threads", product.threads},
            {"calls", product.calls},
            {"cold", product.isCold},
            {"rows", product.rows},
            {"out", product.out},
            {"in", product.in},
            {"seconds", core::toJson(product.seconds)}};
}

core::Result<MeasuredProduct> productFrom(const Json& json, const std::string& where)
{
    PSC_ASSIGN(JsonFields fields, JsonFields::of(json, where));
    MeasuredProduct product;
    PSC_ASSIGN(product.threads, fields.required<int>("threads"));
    PSC_ASSIGN(product.calls, fields.required<int>("calls"));
    PSC_ASSIGN(product.isCold, fields.required<bool>("cold"));
    PSC_ASSIGN(product.rows, fields.required<double>("rows"));
    PSC_ASSIGN(product.out, fields.required<double>("out"));
    PSC_ASSIGN(product.in, fields.required<double>("in"));
    PSC_TRY(requirePositive(fields, "rows, out, in", std::min({product.rows, product.out, product.in})));
    PSC_ASSIGN(product.seconds, repeatedIn(fields, "seconds", where));
    return product;
}

Json blocksJson(const MeasuredStep& step)
{
    Json blocks = Json::array();
    for (const std::vector<MeasuredPart>& block : step.blocks) {
        Json parts = Json::array();
        for (const MeasuredPart& part : block)
            parts.push_back(Json::array({part.first, part.second}));
        blocks.push_back(std::move(parts));
    }
    return blocks;
}

core::Result<std::vector<std::vector<MeasuredPart>>> blocksFrom(const Json& json, const std::string& where)
{
    const core::Error damaged {core::ErrorCode::Corrupt, where + ": blocks: are not lists of [part, seconds]", ""};
    std::vector<std::vector<MeasuredPart>> blocks;
    if (!json.is_array())
        return damaged;
    for (const Json& block : json) {
        std::vector<MeasuredPart>& parts = blocks.emplace_back();
        if (!block.is_array())
            return damaged;
        for (const Json& part : block) {
            if (!part.is_array() || part.size() != 2 || !part[0].is_string() || !part[1].is_number())
                return damaged;
            parts.emplace_back(part[0].get<std::string>(), part[1].get<double>());
        }
    }
    return blocks;
}

Json stepJson(const MeasuredStep& step)
{
    return {{"phase", step.isPrefill ? "prefill" : "decode"},
            {"batch", step.batch},
            {"tokens", step.tokens},
            {"at_once", step.atOnce},
            {"seconds", core::toJson(step.seconds)},
            {"watched_seconds", core::toJson(step.watchedSeconds)},
            {"repeat_change", step.repeatChange},
            {"entry_seconds", step.entrySeconds},
            {"head_seconds", step.headSeconds},
            {"blocks", blocksJson(step)}};
}

core::Result<MeasuredStep> stepFrom(const Json& json, const std::string& where)
{
    PSC_ASSIGN(JsonFields fields, JsonFields::of(json, where));
    MeasuredStep step;
    PSC_ASSIGN(const std::string phase, fields.required<std::string>("phase"));
    step.isPrefill = phase == "prefill";
    PSC_ASSIGN(step.batch, fields.required<double>("batch"));
    PSC_ASSIGN(step.tokens, fields.required<double>("tokens"));
    PSC_ASSIGN(step.atOnce, fields.required<double>("at_once"));
    PSC_TRY(requirePositive(fields, "batch, tokens, at_once", std::min({step.batch, step.tokens, step.atOnce})));
    PSC_ASSIGN(step.seconds, repeatedIn(fields, "seconds", where));
    PSC_ASSIGN(step.watchedSeconds, repeatedIn(fields, "watched_seconds", where));
    PSC_ASSIGN(step.repeatChange, fields.required<double>("repeat_change"));
    PSC_ASSIGN(step.entrySeconds, fields.required<double>("entry_seconds"));
    PSC_ASSIGN(step.headSeconds, fields.required<double>("head_seconds"));
    const Json blocks = fields.anything("blocks");
    PSC_ASSIGN(step.blocks, blocksFrom(blocks, where));
    return step;
}

Json modelJson(const MeasuredModel& model)
{
    Json steps = Json::array();
    for (const MeasuredStep& step : model.steps)
        steps.push_back(stepJson(step));
    return {{"name", model.name},
            {"sha256", model.sha256},
            {"config", model.config},
            {"execution",
             {{"weight_bits", model.execution.weightBits},
              {"activation_bits", model.execution.activationBits},
              {"kv_bits", model.execution.kvBits},
              {"attention", model.execution.isEager ? "eager" : "flash"}}},
            {"steps", std::move(steps)}};
}

core::Result<MeasuredModel> modelFrom(const Json& json)
{
    PSC_ASSIGN(JsonFields fields, JsonFields::of(json, "model"));
    MeasuredModel model;
    PSC_ASSIGN(model.name, fields.required<std::string>("name"));
    PSC_ASSIGN(model.sha256, fields.required<std::string>("sha256"));
    model.config = fields.anything("config");
    const Json execution = fields.anything("execution");
    PSC_ASSIGN(JsonFields how, JsonFields::of(execution, "model: execution"));
    PSC_ASSIGN(model.execution.weightBits, how.required<double>("weight_bits"));
    PSC_ASSIGN(model.execution.activationBits, how.required<double>("activation_bits"));
    PSC_ASSIGN(model.execution.kvBits, how.required<double>("kv_bits"));
    PSC_ASSIGN(const std::string attention, how.required<std::string>("attention"));
    model.execution.isEager = attention == "eager";
    const Json steps = fields.anything("steps");
    if (!steps.is_array() || steps.empty())
        return fields.error("steps", "is no list of steps");
    for (const Json& step : steps) {
        PSC_ASSIGN(MeasuredStep read, stepFrom(step, "model: step " + std::to_string(model.steps.size())));
        model.steps.push_back(std::move(read));
    }
    return model;
}

/// What measurement and kept profile have in common.
core::Result<MachineProfile> commonFrom(JsonFields& fields)
{
    MachineProfile profile;
    profile.device = fields.anything("device");
    PSC_ASSIGN(JsonFields device, JsonFields::of(profile.device, "device"));
    PSC_ASSIGN(profile.deviceName, device.required<std::string>("name"));
    PSC_ASSIGN(const std::string id, device.required<std::string>("id"));
    profile.kind = id == "cpu" ? "cpu" : "gpu";
    PSC_ASSIGN(profile.memoryBytes, device.optional<double>("memory_bytes", 0));
    PSC_ASSIGN(profile.threads, fields.required<int>("threads"));
    PSC_TRY(requirePositive(fields, "threads", profile.threads));
    PSC_ASSIGN(profile.isQuick, fields.required<bool>("quick"));
    PSC_ASSIGN(profile.build, fields.required<std::string>("build"));
    const Json caches = fields.anything("caches");
    PSC_ASSIGN(JsonFields sizes, JsonFields::of(caches, "caches"));
    PSC_ASSIGN(profile.coreCacheBytes, sizes.required<double>("core_bytes"));
    PSC_ASSIGN(profile.lastCacheBytes, sizes.required<double>("last_bytes"));
    profile.conditions = fields.anything("conditions");
    const Json products = fields.anything("products");
    if (!products.is_array())
        return fields.error("products", "is no list");
    for (const Json& product : products) {
        PSC_ASSIGN(MeasuredProduct read, productFrom(product, "product " + std::to_string(profile.products.size())));
        profile.products.push_back(std::move(read));
    }
    const Json model = fields.anything("model");
    if (!model.is_null()) {
        PSC_ASSIGN(profile.model, modelFrom(model));
    }
    return profile;
}

core::Result<std::vector<MeasuredRate>> ratesFrom(const Json& json)
{
    std::vector<MeasuredRate> rates;
    if (!json.is_array())
        return core::Error {core::ErrorCode::Corrupt, "rates: is no list", ""};
    for (const Json& entry : json) {
        PSC_ASSIGN(MeasuredRate rate, rateFrom(entry, "rate " + std::to_string(rates.size())));
        rates.push_back(std::move(rate));
    }
    return rates;
}

/// Without these nothing can be predicted.
core::Status requireRates(const MachineProfile& profile)
{
    if (profile.bandwidth(profile.threads) > 0 && profile.float32Rate(profile.threads) > 0)
        return core::success();
    return core::Error {core::ErrorCode::Corrupt, "the profile holds no bandwidth, or no float32 rate",
                        "measure again"};
}

std::optional<double> largest(std::initializer_list<std::optional<double>> values)
{
    std::optional<double> result;
    for (const std::optional<double>& value : values) {
        if (value)
            result = std::max(result.value_or(*value), *value);
    }
    return result;
}

} // namespace

double MeasuredRate::change() const
{
    return std::fabs(again / seconds.median - 1);
}

std::string MeasuredStep::title() const
{
    const auto whole = [](double value) { return core::canonicalJson(Json(value)); };
    return std::string(isPrefill ? "prefill" : "decode") + ", batch " + whole(batch) + ", " + whole(tokens) + " tokens";
}

std::optional<double> MachineProfile::rate(std::string_view rateName, double threadsAtOnce) const
{
    std::optional<double> one;
    std::optional<double> all;
    for (const MeasuredRate& measured : rates) {
        if (measured.name != rateName)
            continue;
        if (measured.threads == 1)
            one = measured.rate();
        if (measured.threads == threads)
            all = measured.rate();
    }
    if (!one || !all || threads == 1)
        return all ? all : one;
    return *one + (*all - *one) * (std::min(threadsAtOnce, double(threads)) - 1) / (threads - 1);
}

double MachineProfile::bandwidth(double threadsAtOnce) const
{
    return largest(
               {rate("dram_read", threadsAtOnce), rate("dram_copy", threadsAtOnce), rate("dram_triad", threadsAtOnce)})
        .value_or(0);
}

double MachineProfile::float32Rate(double threadsAtOnce) const
{
    return largest({rate("matrix_float32", threadsAtOnce), rate("vector_multiply_add", threadsAtOnce)}).value_or(0);
}

std::vector<IntensityPoint> MachineProfile::intensities() const
{
    std::vector<IntensityPoint> points;
    for (const MeasuredRate& measured : rates) {
        if (measured.name.starts_with("read_multiply_add_") && measured.size > 0)
            points.push_back({measured.work / measured.size, measured.rate()});
    }
    std::sort(points.begin(), points.end(),
              [](const IntensityPoint& a, const IntensityPoint& b) { return a.intensity < b.intensity; });
    return points;
}

std::optional<double> MachineProfile::knee() const
{
    const std::vector<IntensityPoint> points = intensities();
    if (points.empty())
        return std::nullopt;
    double height = 0;
    for (const IntensityPoint& point : points)
        height = std::max(height, point.flopsPerSecond);
    return height * points.front().intensity / points.front().flopsPerSecond;
}

HardwareSpec MachineProfile::hardware() const
{
    HardwareSpec spec;
    spec.name = name;
    spec.kind = kind;
    spec.bandwidthBytesPerSecond = bandwidth(threads);
    spec.peak(NumberType::Fp32) = float32Rate(threads);
    spec.peak(NumberType::Fp64) = rate("matrix_float64", threads);
    spec.peak(NumberType::Bf16) = rate("matrix_bfloat16", threads);
    spec.peak(NumberType::Fp16) = rate("matrix_float16", threads);
    spec.peak(NumberType::Int8) = rate("matrix_int8", threads);
    if (memoryBytes > 0)
        spec.memoryBytes = memoryBytes;
    if (lastCacheBytes > 0) {
        spec.l2Bytes = lastCacheBytes;
        spec.onchipBufferBytes = lastCacheBytes;
        spec.l2BandwidthBytesPerSecond = rate("last_cache_read", threads);
    }
    spec.l1BandwidthBytesPerSecond = rate("core_cache_read", threads); // of the caches that no other core reads
    if (kind == "cpu")
        spec.processors = threads;
    spec.source = "measured " + measuredUtc + " on " + deviceName + ", " + std::to_string(threads) +
                  (threads == 1 ? " thread, " : " threads, ") + build + (isQuick ? ", quick" : "");
    return spec;
}

core::Result<MachineProfile> MachineProfile::fromMeasurement(const Json& document, std::string name,
                                                             std::string measuredUtc)
{
    PSC_ASSIGN(JsonFields fields, JsonFields::of(document, "measurement"));
    PSC_ASSIGN(MachineProfile profile, commonFrom(fields));
    profile.name = std::move(name);
    profile.measuredUtc = std::move(measuredUtc);
    const Json rounds = fields.anything("rounds");
    if (!rounds.is_array() || rounds.size() != 2)
        return fields.error("rounds", "are not two");
    PSC_ASSIGN(profile.rates, ratesFrom(rounds[0]));
    PSC_ASSIGN(const std::vector<MeasuredRate> second, ratesFrom(rounds[1]));
    for (MeasuredRate& rate : profile.rates) {
        for (const MeasuredRate& other : second) {
            // The best size of a product may differ between rounds: compare what one unit of work takes.
            if (other.name == rate.name && other.threads == rate.threads)
                rate.again = other.seconds.median / other.work * rate.work;
        }
    }
    PSC_TRY(requireRates(profile));
    return profile;
}

Json MachineProfile::json() const
{
    Json rateList = Json::array();
    for (const MeasuredRate& rate : rates)
        rateList.push_back(rateJson(rate));
    Json productList = Json::array();
    for (const MeasuredProduct& product : products)
        productList.push_back(productJson(product));
    return {{"schema", std::string(kSchema)},
            {"name", name},
            {"device", device},
            {"threads", threads},
            {"quick", isQuick},
            {"build", build},
            {"measured_utc", measuredUtc},
            {"caches", {{"core_bytes", coreCacheBytes}, {"last_bytes", lastCacheBytes}}},
            {"conditions", conditions},
            {"rates", std::move(rateList)},
            {"products", std::move(productList)},
            {"model", model ? modelJson(*model) : Json()},
            {"calibration", calibration ? calibration->json() : Json()}};
}

core::Result<MachineProfile> MachineProfile::fromJson(const Json& json, const std::string& where)
{
    PSC_ASSIGN(JsonFields fields, JsonFields::of(json, where));
    PSC_ASSIGN(const std::string schema, fields.required<std::string>("schema"));
    if (schema != kSchema)
        return core::Error {core::ErrorCode::Unsupported,
                            where + " has the schema " + schema + ", not " + std::string(kSchema),
                            "measure this machine with this version"};
    PSC_ASSIGN(MachineProfile profile, commonFrom(fields));
    PSC_ASSIGN(profile.name, fields.required<std::string>("name"));
    PSC_TRY(checkProfileName(profile.name));
    PSC_ASSIGN(profile.measuredUtc, fields.required<std::string>("measured_utc"));
    const Json rates = fields.anything("rates");
    PSC_ASSIGN(profile.rates, ratesFrom(rates));
    PSC_TRY(requireRates(profile));
    const Json calibration = fields.anything("calibration");
    if (!calibration.is_null()) {
        PSC_ASSIGN(profile.calibration, Calibration::fromJson(calibration, "calibration"));
    }
    return profile;
}

core::Status checkProfileName(const std::string& name)
{
    const bool isPlain =
        !name.empty() && name.size() <= 64 && name.front() != '.' && std::all_of(name.begin(), name.end(), [](char c) {
            return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
                   c == '-';
        });
    if (isPlain)
        return core::success();
    return core::Error {core::ErrorCode::InvalidArgument, "\"" + name + "\" is no name for a machine profile",
                        "use at most 64 letters, digits, dots, underscores and dashes"};
}

} // namespace paretoscope::roofline
