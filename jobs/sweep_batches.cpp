// SPDX-License-Identifier: Apache-2.0
#include "jobs/sweep_runner_private.h"

namespace paretoscope::jobs {

/// Whether the driver may be asked for further trials once those at hand are measured.
bool SweepRunner::Private::mayExtend() const
{
    return mayStart && prepared.search && (options.maxTrials == 0 || started < options.maxTrials);
}

/// Goes on with the next batch of an adaptive sweep, if there is one.
/// @return false when the sweep has ended because the project can neither be read nor written
bool SweepRunner::Private::extend()
{
    const auto recorded = store.trials();
    if (!recorded.ok()) {
        giveUp(recorded.error());
        return false;
    }
    if (!extendSweep(prepared, identity, options, recorded.value())) {
        prepared.search.reset(); // over, or a trial was interrupted: the next run goes on
        return true;
    }
    const std::vector<int> open = prepared.open();
    for (const int trial : open)
        courses.erase(trial); // one that goes further has all its attempts again
    fillQueue(open);
    summary.left = static_cast<int>(open.size()) - queue.size();
    recount();
    if (!save(recordPlan()))
        return false;
    note("info", "batch_started",
         "sweep \"" + sweep.name + "\": " + std::to_string(queue.size()) +
             " further trials chosen by the results so far");
    Q_EMIT q->planExtended(prepared.plan, queue.size());
    return true;
}

} // namespace paretoscope::jobs
