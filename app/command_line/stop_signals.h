// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <functional>
#include <memory>

namespace paretoscope::app {

/// SIGINT, SIGTERM, SIGUSR1 and SIGUSR2 as calls in the event loop; SIGHUP and SIGPIPE are ignored. At most one object
/// lives at a time; its end brings the former behaviour back.
class StopSignals
{
public:
    /// Until listen(), a signal ends the process with status 75: nothing has been started yet.
    StopSignals();
    ~StopSignals();

    /// From now on `received(signal)` is called for each. Should the loop not come round to the second SIGINT or
    /// SIGTERM, the third one ends the process with 128 + signal. Needs a QCoreApplication.
    void listen(std::function<void(int signal)> received);

private:
    struct Private;
    std::unique_ptr<Private> d;
};

} // namespace paretoscope::app
