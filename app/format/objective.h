// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/project/records.h"
#include "core/statistics/front.h"

#include <span>
#include <string>
#include <vector>

namespace paretoscope::app {

/// A metric under one protocol: what may stand on one axis.
struct Objective
{
    std::string name;
    std::string protocol;
    std::string unit;
    bool minimise = true;

    std::optional<double> valueIn(const core::TrialRecord& trial) const;
    /// The value turned so that less is better.
    double cost(double value) const { return minimise ? value : -value; }
};

/// The objective that `text` means: "perplexity", or "perplexity@PART" where PART occurs in the protocol id.
/// Errors: InvalidArgument when no trial has it (with the near name), or when it was measured under several protocols,
/// which must not share an axis (lists them).
core::Result<Objective> resolveObjective(std::span<const core::TrialRecord> trials, const std::string& text);

/// The non-dominated among the finished trials that have both values.
struct TrialFront
{
    struct Point
    {
        std::size_t trial = 0; ///< index into the trials
        double x = 0;
        double y = 0;
    };

    std::vector<Point> points; ///< by rising cost of x
    std::size_t dominated = 0;
    double hypervolume = 0;
    core::ObjectivePoint reference;  ///< in the metrics' own signs
    std::optional<std::size_t> knee; ///< index into `points`
};

TrialFront frontOfTrials(std::span<const core::TrialRecord> trials, const Objective& x, const Objective& y);

} // namespace paretoscope::app
