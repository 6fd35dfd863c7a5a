// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/verbs/verb.h"
#include "jobs/worker_settings.h"

#include <string>

namespace paretoscope::app {

/// The options of verbs that use one worker: threads, device, arithmetic, memory, cache.
class WorkerOptions
{
public:
    void declare(OptionTable& options);
    /// Errors: NotFound (no worker program); InvalidArgument (a device that cannot be).
    core::Result<jobs::WorkerSettings> settings() const;

private:
    jobs::WorkerSettings m_settings;
    std::string m_device = "auto";
    std::string m_cache;
};

} // namespace paretoscope::app
