// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/command_line/console.h"
#include "app/progress/progress_state.h"

#include <memory>
#include <string>

namespace paretoscope::app {

/// Shows progress on stderr. `update` may be called as often as one likes; it shows what its kind is due to show.
class ProgressReporter
{
public:
    virtual ~ProgressReporter() = default;
    virtual void update(const ProgressState& state) = 0;
    virtual void finish(const ProgressState& state) = 0; ///< the last word; takes the line away
};

/// `mode` is auto, bar, plain, json or none. auto: a redrawn line on a terminal, otherwise one line per 10 % or 60 s,
/// and nothing with --quiet. A bar where stderr cannot redraw is plain.
std::unique_ptr<ProgressReporter> makeProgressReporter(const std::string& mode, Console& console);

} // namespace paretoscope::app
