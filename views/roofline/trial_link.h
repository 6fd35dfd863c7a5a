// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "roofline/trial/trial_predictor.h"
#include "views/roofline/roofline_session.h"
#include "views/selection/selection_model.h"

namespace paretoscope::views {

/// Lets the roofline show the selected trial: its model, with every weight as the trial stores it.
class TrialLink : public QObject
{
    Q_OBJECT

public:
    TrialLink(const SelectionModel& selection, RooflineSession& session, QObject* parent = nullptr);

    void setSnapshot(const SnapshotPtr& snapshot); ///< null: no project
    bool isFollowing() const { return m_isFollowing; }
    void setFollowing(bool follows); ///< else the model that was opened is shown
    /// Shows the trial that is selected now; without one the model that was opened.
    void update();
    /// Why the selected trial cannot be shown; nothing when it is, or none is selected.
    const std::optional<core::Error>& problem() const { return m_problem; }

Q_SIGNALS:
    void updated();

private:
    core::Result<ShownTrial> read(const core::TrialRecord& trial);

    const SelectionModel& m_selection;
    RooflineSession& m_session;
    SnapshotPtr m_snapshot;
    std::optional<roofline::TrialPredictor> m_predictor; ///< of the snapshot
    bool m_isFollowing = true;
    std::optional<core::Error> m_problem;
};

} // namespace paretoscope::views
