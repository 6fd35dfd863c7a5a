// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "roofline/trial/trial_predictor.h"
#include "views/snapshot/project_snapshot.h"

#include <QPromise>
#include <QString>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace paretoscope::views {

/// What predictions are made from beside a project: the devices, and the folder of the family files.
struct WhatIfSource
{
    roofline::HardwareTable devices;
    std::filesystem::path families;
};
using WhatIfSourcePtr = std::shared_ptr<const WhatIfSource>;

/// What the trials of a snapshot would take on a device.
struct WhatIfAxes
{
    SnapshotPtr snapshot;
    std::string id; ///< roofline::WhatIf::id(): the protocol of the predicted axes
    std::vector<std::optional<roofline::TrialPrediction>> predictions; ///< by row of the snapshot
    int missing = 0;                                                   ///< finished trials without one
    QString reason;                                                    ///< of the first of them

    /// Nothing where the trial has no such prediction; also for a newer snapshot.
    std::optional<double> value(const core::TrialId& trial, std::string_view quantity) const;
};
using WhatIfAxesPtr = std::shared_ptr<const WhatIfAxes>;

/// For a thread of its own: some 100 microseconds per trial. Delivers nothing when it is cancelled.
void predictAxes(QPromise<WhatIfAxesPtr>& promise, const SnapshotPtr& snapshot, const WhatIfSourcePtr& source,
                 const roofline::WhatIf& whatIf);

} // namespace paretoscope::views
