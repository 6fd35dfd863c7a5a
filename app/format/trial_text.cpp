// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/format/trial_text.h"

#include "app/format/number.h"
#include "app/format/table.h"
#include "app/format/text.h"

#include <algorithm>

namespace paretoscope::app {

namespace {

constexpr std::size_t kNameColumn = 16;
constexpr std::size_t kLayersShown = 8;

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

std::string pipelineText(const core::TrialRecord& trial)
{
    std::string text = labelled("pipeline", trial.label);
    int number = 0;
    if (trial.pipeline.is_array()) {
        for (const core::Json& stage : trial.pipeline) {
            if (stage.is_object())
                text += labelled("  stage " + std::to_string(++number), stageText(stage));
        }
    }
    return text;
}

std::string metricsText(const core::TrialRecord& trial, const Stream& stream)
{
    if (trial.metrics.empty())
        return {};
    TextTable table({{"metric"}, {"value", true}, {"n", true}, {"protocol", false, true}});
    for (const core::MetricRecord& metric : trial.metrics) {
        std::string value = withError(metric.value, metric.standardError);
        if (metric.unit == "B" && metric.value)
            value = grouped(static_cast<std::int64_t>(*metric.value)) + " B";
        else if (!metric.unit.empty())
            value += " " + metric.unit;
        table.addRow({metric.name, value, metric.n > 0 ? grouped(metric.n) : "-", metric.protocol});
    }
    return "\n" + table.text(stream);
}

/// The layers with the largest values of each layer metric; errors are what one looks for.
std::string layersText(const core::TrialRecord& trial, const Stream& stream)
{
    std::vector<const core::LayerMetricRecord*> worst;
    for (const core::LayerMetricRecord& metric : trial.layerMetrics) {
        if (metric.value)
            worst.push_back(&metric);
    }
    if (worst.empty())
        return {};
    std::stable_sort(worst.begin(), worst.end(), [](const auto* a, const auto* b) { return *a->value > *b->value; });
    const std::size_t shown = std::min(kLayersShown, worst.size());
    TextTable table({{"module", false, true}, {"layer metric"}, {"value", true}});
    for (std::size_t i = 0; i < shown; ++i)
        table.addRow({worst[i]->module, worst[i]->name, significant(worst[i]->value)});
    std::string text = "\n" + table.text(stream);
    if (shown < worst.size())
        text += "(the largest " + std::to_string(shown) + " of " + std::to_string(worst.size()) + "; --json has all)\n";
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

std::string labelled(std::string_view name, std::string_view value)
{
    std::string line = padRight(name, kNameColumn) + (displayWidth(name) >= kNameColumn ? " " : "") + printable(value);
    line.erase(line.find_last_not_of(' ') + 1);
    return line + "\n";
}

std::string trialText(const core::TrialRecord& trial, const Stream& stream)
{
    std::string text = labelled("id", trial.id.hex());
    text += pipelineText(trial);
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
    return text + metricsText(trial, stream) + layersText(trial, stream) + provenanceText(trial);
}

} // namespace paretoscope::app
