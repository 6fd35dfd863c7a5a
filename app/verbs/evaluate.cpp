// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/format/number.h"
#include "app/format/table.h"
#include "app/verbs/evaluation_session.h"
#include "app/verbs/metric_option.h"
#include "app/verbs/progress_option.h"
#include "app/verbs/worker_options.h"
#include "core/checkpoint/checkpoint.h"
#include "core/evaluation/metric_kind.h"

#include <algorithm>
#include <filesystem>

namespace paretoscope::app {

namespace {

/// The option that asks for a metric: --kl-divergence for kl_divergence.
std::string optionOf(const core::MetricKind& kind)
{
    std::string option = "--" + std::string(kind.name);
    std::replace(option.begin(), option.end(), '_', '-');
    return option;
}

class EvaluateVerb : public Verb
{
public:
    void declare(OptionTable& options) override
    {
        OptionSpec& model = options.text("MODEL", "", m_model,
                                         "A Hugging Face folder, a .gguf file, or a name in the folders of "
                                         "PARETOSCOPE_MODELS or the local Hugging Face cache.");
        model.kind = ValueKind::Model;
        model.required = true;
        for (const core::MetricKind& kind : core::metricKinds()) {
            const auto store = [this, &kind](const std::string& text) { return addMetric(kind, text); };
            options.custom(optionOf(kind), std::string(kind.values), std::string(kind.doc), store).repeatable = true;
        }
        options
            .text("--logits", "TOKENS.json", m_tokens,
                  "Run {\"sequences\": [[ids], ...]} and write the logits of every token to the file of --out.")
            .kind = ValueKind::File;
        options.text("--out", "FILE", m_out, "The safetensors file for --logits.").kind = ValueKind::File;
        options.flag("--hidden-states", m_hiddenStates, "With --logits: also the hidden states after every block.");
        options.flag("--router", m_router, "With --logits: also the experts each router chose.");
        m_worker.declare(options);
        m_progress.declare(options);
    }

    Outcome run(Session& session) override
    {
        if (m_metrics.empty() && m_tokens.empty())
            return Outcome::usage("there is nothing to evaluate",
                                  "give --perplexity corpus=FILE, another metric, or --logits TOKENS.json --out FILE");
        if (m_tokens.empty() != m_out.empty())
            return Outcome::usage("--logits and --out belong together", "give both");
        if (m_tokens.empty() && (m_hiddenStates || m_router))
            return Outcome::usage("--hidden-states and --router belong to --logits", "give --logits and --out");
        PSC_ASSIGN(const std::filesystem::path model, core::resolveModel(m_model));
        const auto settings = m_worker.settings();
        if (!settings.ok())
            return {settings.error(), ErrorSource::Installation};
        PSC_ASSIGN(const core::Json request, requestFor(model));
        EvaluationSession evaluation(settings.value(), m_progress.mode(), session);
        const core::Result<core::Json> document = evaluation.run("evaluate", request);
        if (evaluation.killedBy())
            return Outcome::killedBy(*evaluation.killedBy());
        if (!document.ok())
            return {document.error(), ErrorSource::Work};
        show(document.value(), session);
        return ExitStatus::Done;
    }

private:
    core::Status addMetric(const core::MetricKind& kind, const std::string& text)
    {
        const std::string_view bare = kind.file == "file" ? kind.file : std::string_view();
        PSC_ASSIGN(const core::Json given, readMetricOptions(text, bare, {std::string(kind.file)}));
        PSC_ASSIGN(core::Json options, kind.complete(given)); // says so now instead of after loading the model
        if (kind.compares && !options.contains("baseline"))
            return core::Error {core::ErrorCode::InvalidArgument, "there is no baseline to compare with",
                                "add baseline=MODEL, a Hugging Face folder or a .gguf file"};
        m_metrics.push_back({{"name", kind.name}, {"options", std::move(options)}});
        return core::success();
    }

    core::Result<core::Json> requestFor(const std::filesystem::path& model) const
    {
        std::error_code ignored;
        core::Json request {{"model", std::filesystem::absolute(model, ignored).string()}, {"metrics", m_metrics}};
        for (core::Json& metric : request["metrics"]) {
            core::Json& options = metric["options"];
            if (!options.contains("baseline") || !options["baseline"].is_string())
                continue;
            PSC_ASSIGN(const auto baseline, core::resolveModel(options["baseline"].get<std::string>()));
            options["baseline"] = std::filesystem::absolute(baseline, ignored).string();
        }
        if (!m_tokens.empty())
            request["logits"] = {{"tokens", std::filesystem::absolute(m_tokens, ignored).string()},
                                 {"out", std::filesystem::absolute(m_out, ignored).string()},
                                 {"hidden_states", m_hiddenStates},
                                 {"router", m_router}};
        return request;
    }

    void show(core::Json document, Session& session) const
    {
        Console& console = session.console;
        if (session.common.json) {
            document["schema"] = "paretoscope.evaluate/1";
            console.document(document);
            return;
        }
        TextTable table({{"metric"}, {"value", true}, {"n", true}, {"protocol", false, true}});
        for (const core::Json& metric : document.value("metrics", core::Json::array()))
            table.addRow({metric.value("name", ""),
                          withError(numberIn(metric, "value"), numberIn(metric, "standard_error")),
                          grouped(metric.value("n", std::int64_t(0))), metric.value("protocol", "")});
        if (!table.empty())
            console.write(table.text(console.outStream()));
        if (!m_out.empty())
            console.note("the logits are in " + m_out);
        console.note(conditions(document));
    }

    static std::optional<double> numberIn(const core::Json& object, const char* key)
    {
        const auto found = object.find(key);
        return found != object.end() && found->is_number() ? std::optional(found->get<double>()) : std::nullopt;
    }

    static std::string conditions(const core::Json& document)
    {
        std::string text = document.value("device", "?") + ", " + document.value("dtype", "?") + ", " +
                           counted(document.value("threads", std::int64_t(0)), "thread") + "; loaded in " +
                           duration(numberIn(document, "load_seconds").value_or(0)) + ", evaluated in " +
                           duration(numberIn(document, "evaluate_seconds").value_or(0));
        if (const auto speed = numberIn(document, "tokens_per_second"); speed && *speed > 0)
            text += " (" + significant(speed) + " tokens/s)";
        if (const auto peak = numberIn(document, "peak_memory_bytes"))
            text += ", at most " + binaryBytes(static_cast<std::int64_t>(*peak)) + " of memory";
        return text;
    }

    std::string m_model;
    core::Json m_metrics = core::Json::array();
    std::string m_tokens;
    std::string m_out;
    bool m_hiddenStates = false;
    bool m_router = false;
    WorkerOptions m_worker;
    ProgressOption m_progress;
};

} // namespace

VerbEntry evaluateVerb()
{
    return {.name = "evaluate",
            .summary = "measure one model, without a project",
            .usage = "MODEL --perplexity corpus=FILE[,...] [options]",
            .description =
                "Measures a model as it is on disk and prints each metric with its standard error and "
                "protocol.\n"
                "  paretoscope evaluate models/tiny-llama --perplexity corpus=wiki.txt,length=512,windows=32\n"
                "  paretoscope evaluate model.gguf --logits tokens.json --out logits.safetensors",
            .make = makeVerb<EvaluateVerb>};
}

} // namespace paretoscope::app
