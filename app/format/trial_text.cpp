// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/format/trial_text.h"

#include "app/format/number.h"
#include "app/format/text.h"
#include "core/evaluation/baselines.h"
#include "core/evaluation/paired_measurement.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

namespace paretoscope::app {

namespace {

constexpr std::size_t kNameColumn = 16;
constexpr std::size_t kModulesShown = 8;

std::string plain(const core::Json& value)
{
    return value.is_string() ? value.get<std::string>()
                             : value.dump(-1, ' ', false, core::Json::error_handler_t::replace);
}

std::string stageText(const core::Json& stage)
{
    std::string text =
        plain(stage.value("plugin", core::Json("?"))) + " " + plain(stage.value("version", core::Json("")));
    std::string parameters;
    const auto found = stage.find("parameters");
    if (found != stage.end() && found->is_object()) {
        for (const auto& item : found->items())
            parameters += (parameters.empty() ? "" : ", ") + item.key() + "=" + plain(item.value());
    }
    return parameters.empty() ? text : text + ": " + parameters;
}

std::string pipelineText(const core::TrialRecord& trial, const Stream& stream)
{
    std::string text = labelled("pipeline", trial.label);
    int number = 0;
    if (trial.pipeline.is_array()) {
        for (const core::Json& stage : trial.pipeline) {
            if (stage.is_object())
                text += labelled("  stage " + std::to_string(++number), stageText(stage), stream.width);
        }
    }
    return text;
}

/// "×1.204 ± 0.0031" of perplexities, "+0.012 ± 0.0021" of others, with McNemar's p of accuracies.
std::string pairedText(const core::PairedMeasurement& paired)
{
    const std::optional<double>& error = paired.change.standardError;
    if (paired.scale == core::PairedMeasurement::Scale::LogRatio) {
        const double ratio = std::exp(paired.change.value);
        return "×" + withError(ratio, error ? std::optional(ratio * *error) : std::nullopt);
    }
    std::string text = (paired.change.value > 0 ? "+" : "") + withError(paired.change.value, error);
    if (paired.items)
        text += ", p " + significant(paired.items->probability, 2);
    return text;
}

std::string metricsText(const core::TrialRecord& trial, const Stream& stream, const core::TrialRecord* other)
{
    return trial.metrics.empty() ? std::string() : "\n" + metricsTable(trial, other).text(stream);
}

/// The modules with the largest error; that is what one looks for. One column for each layer metric.
std::string layersText(const core::TrialRecord& trial, const Stream& stream)
{
    std::set<std::string> names;
    std::map<std::string, std::map<std::string, double>> modules;
    for (const core::LayerMetricRecord& metric : trial.layerMetrics) {
        if (!metric.value)
            continue;
        names.insert(metric.name);
        modules[metric.module][metric.name] = *metric.value;
    }
    if (modules.empty())
        return {};
    const std::string leading = names.count("relative_output_error") > 0 ? "relative_output_error" : *names.begin();
    std::vector<std::string> worst;
    for (const auto& [module, values] : modules)
        worst.push_back(module);
    const auto valueOf = [&](const std::string& module, const std::string& name) -> std::optional<double> {
        const auto found = modules[module].find(name);
        return found == modules[module].end() ? std::nullopt : std::optional(found->second);
    };
    std::stable_sort(worst.begin(), worst.end(), [&](const std::string& a, const std::string& b) {
        return valueOf(a, leading).value_or(-1) > valueOf(b, leading).value_or(-1);
    });
    std::vector<TextTable::Column> columns {{"module", false, true}};
    for (const std::string& name : names)
        columns.push_back({name, true, false, name != leading});
    TextTable table(columns);
    const std::size_t shown = std::min(kModulesShown, worst.size());
    for (std::size_t i = 0; i < shown; ++i) {
        std::vector<std::string> cells {worst[i]};
        for (const std::string& name : names)
            cells.push_back(significant(valueOf(worst[i], name)));
        table.addRow(std::move(cells));
    }
    std::string text = "\n" + table.text(stream);
    if (shown < worst.size())
        text += "(the " + std::to_string(shown) + " modules with the largest " + leading + " of " +
                std::to_string(worst.size()) + "; --json has all)\n";
    return text;
}

std::string provenanceText(const core::TrialRecord& trial)
{
    if (!trial.provenance.is_object() || trial.provenance.empty())
        return {};
    std::string text = "\nprovenance\n";
    for (const auto& [name, value] : trial.provenance.items()) {
        if (!value.is_null() && name != "log_tail" && name != "log")
            text += labelled("  " + name, plain(value));
    }
    return text;
}

} // namespace

std::string labelled(std::string_view name, std::string_view value, int width)
{
    std::string text;
    const std::string clean = printable(value);
    const auto room = static_cast<std::size_t>(std::max(0, width));
    const bool wraps = room > 2 * kNameColumn;
    for (const std::string& line : wraps ? wrapped(clean, room - kNameColumn) : std::vector {clean}) {
        std::string full = padRight(text.empty() ? name : std::string_view(), kNameColumn);
        full += (displayWidth(full) > kNameColumn ? " " : "") + line;
        full.erase(full.find_last_not_of(' ') + 1);
        text += full + "\n";
    }
    return text;
}

TextTable metricsTable(const core::TrialRecord& trial, const core::TrialRecord* other)
{
    std::vector<TextTable::Column> columns {{"metric"}, {"value", true}, {"n", true}};
    if (other)
        columns.push_back({"against " + (core::isBaseline(*other) ? std::string("baseline") : other->label), true});
    columns.push_back({"protocol"}); // protocols are compared, so never cut
    TextTable table(columns);
    for (const core::MetricRecord& metric : trial.metrics) {
        std::string value = withError(metric.value, metric.standardError);
        if (metric.unit == "B" && metric.value)
            value = grouped(static_cast<std::int64_t>(*metric.value)) + " B";
        else if (!metric.unit.empty())
            value += " " + metric.unit;
        std::vector<std::string> cells {metric.name, value, metric.n > 0 ? grouped(metric.n) : "-"};
        if (other) {
            const auto paired = core::compareWith(*other, metric);
            cells.push_back(paired ? pairedText(*paired) : "-");
        }
        cells.push_back(metric.protocol);
        table.addRow(std::move(cells));
    }
    return table;
}

std::string trialText(const core::TrialRecord& trial, const Stream& stream, const core::TrialRecord* other)
{
    std::string text = labelled("id", trial.id.hex());
    text += pipelineText(trial, stream);
    text += labelled("workload", trial.workload);
    if (!trial.sweep.empty())
        text += labelled("sweep", trial.sweep);
    text += labelled("seed", std::to_string(trial.seed));
    std::string status(core::trialStatusName(trial.status));
    if (trial.seconds > 0)
        status += ", " + duration(trial.seconds);
    if (trial.attempts > 1)
        status += ", " + counted(trial.attempts, "attempt");
    text += labelled("status", status);
    if (!trial.startedUtc.empty())
        text += labelled("started", trial.startedUtc);
    if (!trial.finishedUtc.empty())
        text += labelled("finished", trial.finishedUtc);
    for (const std::string& tag : trial.tags)
        text += labelled("tag", tag);
    if (trial.error) {
        text += labelled("error", trial.error->message);
        if (!trial.error->hint.empty())
            text += labelled("remedy", trial.error->hint);
    }
    return text + metricsText(trial, stream, other) + layersText(trial, stream) + provenanceText(trial);
}

} // namespace paretoscope::app
