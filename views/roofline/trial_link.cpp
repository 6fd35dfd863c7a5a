// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/roofline/trial_link.h"

#include "core/base/installation.h"
#include "views/format/text.h"

namespace paretoscope::views {

TrialLink::TrialLink(const SelectionModel& selection, RooflineSession& session, QObject* parent)
    : QObject(parent)
    , m_selection(selection)
    , m_session(session)
{}

void TrialLink::setSnapshot(const SnapshotPtr& snapshot)
{
    m_snapshot = snapshot;
    m_predictor.reset();
    if (snapshot)
        m_predictor.emplace(snapshot->workloads, core::Installation::locate().architectures());
    update();
}

void TrialLink::setFollowing(bool follows)
{
    if (follows == m_isFollowing)
        return;
    m_isFollowing = follows;
    update();
}

void TrialLink::update()
{
    const std::optional<core::TrialId> wanted = m_selection.current();
    const core::TrialRecord* trial = m_isFollowing && m_snapshot && wanted ? m_snapshot->find(*wanted) : nullptr;
    m_problem.reset();
    if (!trial) {
        m_session.showTrial({});
    } else if (!m_session.trial() || m_session.trial()->id != trial->id) { // a finished trial stays as it is
        core::Result<ShownTrial> shown = read(*trial);
        if (!shown.ok())
            m_problem = shown.error();
        m_session.showTrial(shown.ok() ? std::optional(std::move(shown).value()) : std::nullopt);
    }
    Q_EMIT updated();
}

core::Result<ShownTrial> TrialLink::read(const core::TrialRecord& trial)
{
    PSC_ASSIGN(roofline::CompressedModel stored, m_predictor->modelOf(trial));
    PSC_ASSIGN(const core::Json config, m_predictor->configOf(trial));
    PSC_ASSIGN(RooflineModel model, rooflineModelOf(trial.workload, config));
    return ShownTrial {trial.id, toQString(trial.label), std::make_shared<const RooflineModel>(std::move(model)),
                       std::make_shared<const roofline::CompressedModel>(std::move(stored))};
}

} // namespace paretoscope::views
