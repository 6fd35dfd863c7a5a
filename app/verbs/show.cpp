// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/format/trial_json.h"
#include "app/format/trial_text.h"
#include "app/verbs/project_argument.h"
#include "core/evaluation/paired_measurement.h"

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
        const auto all = project.value().trials();
        if (!all.ok())
            return {all.error(), ErrorSource::Project};
        const core::TrialRecord* baseline = core::baselineOf(trial.value(), all.value());
        if (session.common.json) {
            core::Json document = trialDetailJson(trial.value(), baseline);
            document["schema"] = "paretoscope.show/1";
            session.console.document(document);
        } else {
            session.console.write(trialText(trial.value(), session.console.outStream(), baseline));
        }
        return ExitStatus::Done;
    }

private:
    ProjectArgument m_project;
    std::string m_trial;
};

} // namespace

VerbEntry showVerb()
{
    return {.name = "show",
            .summary = "show all that is known of one trial",
            .usage = "PROJECT TRIAL",
            .description = "Shows a trial: pipeline, metrics with their protocols and how they compare with the "
                           "baseline, layers, provenance, and the error if "
                           "it failed.\n"
                           "  paretoscope show demo.pscope 3fa2c1\n"
                           "  paretoscope show demo.pscope 'gptq(bits=3,group_size=64)'",
            .make = makeVerb<ShowVerb>};
}

} // namespace paretoscope::app
