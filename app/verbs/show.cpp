// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/format/conflict_text.h"
#include "app/format/table_format.h"
#include "app/format/trial_json.h"
#include "app/format/trial_text.h"
#include "app/verbs/project_argument.h"
#include "core/evaluation/baselines.h"
#include "core/evaluation/paired_measurement.h"
#include "core/sweep/reproduce.h"

#include <algorithm>
#include <optional>
#include <set>
#include <tuple>

namespace paretoscope::app {

namespace {

class ShowVerb : public Verb
{
public:
    void declare(OptionTable& options) override
    {
        m_project.declare(options);
        options.text("TRIAL", "", m_trial, "The first digits of its id (at least 4), or its pipeline as listed.")
            .required = true;
        m_format.declare(options);
        options.text("--against", "TRIAL", m_against,
                     "Compare its metrics with this trial instead of the baseline, window by window or item by item, "
                     "with the standard error of the difference.");
        options.flag("--as-sweep", m_asSweep,
                     "Print a sweep file that runs exactly this trial again: the same files and "
                     "plugin versions give the same id.");
    }

    Outcome run(Session& session) override
    {
        const auto project = m_project.open();
        if (!project.ok())
            return {project.error(), ErrorSource::Project};
        const auto found = project.value().findTrial(m_trial);
        if (!found.ok())
            return {found.error(), ErrorSource::Project};
        const auto trial = project.value().trial(found.value().id);
        if (!trial.ok())
            return {trial.error(), ErrorSource::Project};
        if (m_asSweep)
            return printSweep(trial.value(), session);
        const auto all = project.value().trials();
        if (!all.ok())
            return {all.error(), ErrorSource::Project};
        const core::TrialRecord* baseline = baselineOf(trial.value().id, all.value());
        std::optional<core::TrialRecord> other;
        if (!m_against.empty()) {
            auto chosen = otherTrial(trial.value(), project.value());
            if (!chosen.ok())
                return {chosen.error(), ErrorSource::Project};
            other = std::move(chosen).value();
        }
        const core::TrialRecord* shown = other ? &*other : baseline;
        const auto conflicts = conflictsOf(trial.value(), project.value());
        if (!conflicts.ok())
            return {conflicts.error(), ErrorSource::Project};
        if (session.common.json) {
            core::Json document = trialDetailJson(trial.value(), baseline, other ? &*other : nullptr);
            document["conflicts"] = conflictsJson(conflicts.value());
            document["schema"] = "paretoscope.show/1";
            session.console.document(document);
        } else if (m_format.isExact()) {
            session.console.write(core::asCsv(core::textRows(core::metricTable({&trial.value(), 1}))));
        } else if (!m_format.isText()) {
            session.console.write(m_format.write(metricsTable(trial.value(), shown), session.console.outStream()));
        } else {
            session.console.write(trialText(trial.value(), session.console.outStream(), shown));
            session.console.write(conflictsText(conflicts.value()));
        }
        return ExitStatus::Done;
    }

private:
    static Outcome printSweep(const core::TrialRecord& trial, Session& session)
    {
        const auto sweep = core::reproducingSweep(trial);
        if (!sweep.ok())
            return {sweep.error(), ErrorSource::Project};
        session.console.write(core::writeSweep(sweep.value()));
        return ExitStatus::Done;
    }

    /// The trial of --against. Errors: NotFound; InvalidArgument (no metric of the two can be paired).
    core::Result<core::TrialRecord> otherTrial(const core::TrialRecord& trial, const core::ProjectStore& project) const
    {
        PSC_ASSIGN(const auto found, project.findTrial(m_against));
        PSC_ASSIGN(core::TrialRecord other, project.trial(found.id));
        const bool pairs = std::any_of(trial.metrics.begin(), trial.metrics.end(), [&](const auto& metric) {
            return core::compareWith(other, metric).has_value();
        });
        if (!pairs)
            return core::Error {core::ErrorCode::InvalidArgument,
                                trial.label + " and " + other.label +
                                    " have no metric that was measured under one protocol on the same text or items",
                                "measure both in one sweep, or with the same evaluate section"};
        return other;
    }

    /// What to compare the trial with; null when there is no baseline, or it is the trial itself.
    static const core::TrialRecord* baselineOf(const core::TrialId& id, const std::vector<core::TrialRecord>& trials)
    {
        const auto own = std::find_if(trials.begin(), trials.end(), [&](const auto& trial) { return trial.id == id; });
        const auto baselines = core::baselinesOf(trials);
        const auto baseline = own == trials.end() ? std::nullopt : baselines[std::size_t(own - trials.begin())];
        return baseline && trials[*baseline].id != id ? &trials[*baseline] : nullptr;
    }

    /// Read only where the trial has two values of one kind: that needs the whole project.
    static core::Result<std::vector<core::MeasurementConflict>> conflictsOf(const core::TrialRecord& trial,
                                                                            const core::ProjectStore& project)
    {
        std::set<std::tuple<std::string, std::string, std::string, std::string, int, std::string>> kinds;
        for (const core::MetricRecord& metric : trial.metrics) {
            if (!kinds.emplace(metric.name, metric.protocol, metric.device, metric.dtype, metric.threads, metric.build)
                     .second)
                return core::conflictsOf(trial.id, project.path());
        }
        return std::vector<core::MeasurementConflict>();
    }

    ProjectArgument m_project;
    std::string m_trial;
    std::string m_against;
    TableFormat m_format;
    bool m_asSweep = false;
};

} // namespace

VerbEntry showVerb()
{
    return {.name = "show",
            .summary = "show all that is known of one trial",
            .usage = "PROJECT TRIAL",
            .description = "Shows a trial: pipeline, metrics with their protocols and how they compare with the "
                           "baseline, layers, provenance, and the error if "
                           "it failed. With --format its metrics alone, as a table.\n"
                           "  paretoscope show demo.pscope 3fa2c1\n"
                           "  paretoscope show demo.pscope 'gptq(bits=3,group_size=64)'\n"
                           "  paretoscope show demo.pscope 3fa2c1 --against 'rtn(bits=3,group_size=64)'\n"
                           "  paretoscope show demo.pscope 3fa2c1 --as-sweep > again.yaml",
            .make = makeVerb<ShowVerb>};
}

} // namespace paretoscope::app
