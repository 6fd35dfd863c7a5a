// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/verbs/sweep_estimate.h"

namespace paretoscope::app {

namespace {

class EstimateVerb : public Verb
{
public:
    void declare(OptionTable& options) override { m_arguments.declare(options); }
    Outcome run(Session& session) override { return printEstimate(m_arguments, session); }

private:
    SweepArguments m_arguments;
};

} // namespace

VerbEntry estimateVerb()
{
    return {.name = "estimate",
            .summary = "tell what a sweep would run, without running it",
            .usage = "SWEEP --project FILE [options]",
            .description = "Lists the trials of a sweep, which of them the project holds already, and what the rest "
                           "would take, judged by the trials that ran before. Writes nothing. The same as run "
                           "--dry-run.",
            .make = makeVerb<EstimateVerb>};
}

} // namespace paretoscope::app
