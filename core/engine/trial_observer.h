// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace paretoscope::engine {

/// Told how far a trial is; asked whether to go on. Called from the thread that runs the trial, at least once per
/// layer.
class TrialObserver
{
public:
    virtual ~TrialObserver() = default;
    virtual void progressed(std::string_view phase, int done, int total) = 0;
    virtual bool isCancelled() const = 0;

    /// Asked now and then while another process makes what this trial needs: waiting for it is not hanging.
    bool goesOnWaiting()
    {
        progressed("wait", 0, 1);
        return !isCancelled();
    }
};

} // namespace paretoscope::engine
