// SPDX-License-Identifier: Apache-2.0
#include "core/project/records.h"

#include "core/base/assert.h"

#include <array>
#include <utility>

namespace paretoscope::core {

namespace {
constexpr std::array<std::pair<TrialStatus, std::string_view>, 5> kStatusNames {{
    {TrialStatus::Queued, "queued"},
    {TrialStatus::Running, "running"},
    {TrialStatus::Done, "done"},
    {TrialStatus::Failed, "failed"},
    {TrialStatus::Interrupted, "interrupted"},
}};
} // namespace

std::string_view trialStatusName(TrialStatus status)
{
    for (const auto& [value, name] : kStatusNames) {
        if (value == status)
            return name;
    }
    PSC_ASSERT(false, "a status without a name");
    return {};
}

std::optional<TrialStatus> trialStatusFromName(std::string_view name)
{
    for (const auto& [value, known] : kStatusNames) {
        if (known == name)
            return value;
    }
    return std::nullopt;
}

bool isMeasuredIn(const MetricRecord& metric, std::string_view arithmetic)
{
    return metric.dtype == arithmetic || (metric.dtype.empty() && arithmetic == "float32");
}

const MetricRecord* TrialRecord::metric(std::string_view name, std::string_view protocol) const
{
    for (const MetricRecord& candidate : metrics) {
        if (candidate.name == name && (protocol.empty() || candidate.protocol == protocol))
            return &candidate;
    }
    return nullptr;
}

} // namespace paretoscope::core
