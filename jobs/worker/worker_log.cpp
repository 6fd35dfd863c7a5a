// SPDX-License-Identifier: Apache-2.0
#include "jobs/worker/worker_log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <utility>

namespace paretoscope::jobs {

void startLog(const std::string& level)
{
    auto log = spdlog::stderr_logger_mt("worker");
    log->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ level=%l %v", spdlog::pattern_time_type::utc);
    log->set_level(spdlog::level::from_str(level));
    spdlog::set_default_logger(std::move(log));
}

} // namespace paretoscope::jobs
