// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace paretoscope::app {

/// What is being done right now.
struct ActiveItem
{
    std::string label; ///< of the pipeline; empty when there is only one thing to do
    std::string phase; ///< "load", "compress", "evaluate"
    int done = 0;
    int total = 0;

    /// Rough share of a whole trial that is behind it, 0 to 1; only for the remaining time.
    double fraction() const;
    std::string text() const; ///< "gptq(bits=3): evaluate 12/32"
};

/// How far a sweep or an evaluation is.
struct ProgressState
{
    int total = 0;   ///< trials; 0 = one thing that has no parts
    int done = 0;    ///< ended in any way or there before
    int skipped = 0; ///< of `done`: there before
    int failed = 0;  ///< of `done`
    std::vector<ActiveItem> active;
    double elapsedSeconds = 0;

    double fraction() const; ///< 0 to 1
    /// From the pace so far; empty until something can be said.
    std::optional<double> remainingSeconds() const;
};

/// One line of at most `width` columns: bar, count, what is active, times.
std::string barLine(const ProgressState& state, int width);
/// The same in words, for a log: "3/12 trials (25 %), 1 failed, 12 s elapsed, about 36 s left".
std::string plainLine(const ProgressState& state);

} // namespace paretoscope::app
