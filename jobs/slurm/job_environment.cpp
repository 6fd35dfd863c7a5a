// SPDX-License-Identifier: Apache-2.0
#include "jobs/slurm/job_environment.h"

#include <charconv>
#include <cstdlib>
#include <optional>
#include <string_view>

namespace paretoscope::jobs {

namespace {

std::optional<std::int64_t> number(const char* variable)
{
    const char* text = std::getenv(variable);
    if (!text)
        return std::nullopt;
    const std::string_view digits(text);
    std::int64_t value = 0;
    const auto [stop, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return failure == std::errc() && stop == digits.data() + digits.size() ? std::optional(value) : std::nullopt;
}

} // namespace

core::Json slurmProvenance()
{
    const auto job = number("SLURM_JOB_ID");
    if (!job)
        return nullptr;
    core::Json json {{"job", *job}, {"restarts", number("SLURM_RESTART_COUNT").value_or(0)}};
    if (const auto array = number("SLURM_ARRAY_JOB_ID"))
        json["array_job"] = *array;
    if (const auto task = number("SLURM_ARRAY_TASK_ID"))
        json["array_task"] = *task;
    return json;
}

} // namespace paretoscope::jobs
