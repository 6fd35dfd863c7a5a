// SPDX-License-Identifier: Apache-2.0
#include "core/engine/evaluation/metric_registry.h"

#include "core/base/near_miss.h"
#include "core/engine/evaluation/perplexity.h"

#include <algorithm>
#include <array>

namespace paretoscope::engine {

namespace {

core::Result<std::unique_ptr<Metric>> makePerplexity(const core::Json& options, WarmModel& model)
{
    PSC_ASSIGN(core::WindowProtocol protocol, core::WindowProtocol::fromJson(options));
    PSC_ASSIGN(core::TokenSequences windows, model.windows(protocol));
    return std::unique_ptr<Metric>(std::make_unique<Perplexity>(std::move(protocol), std::move(windows)));
}

struct Entry
{
    const char* name;
    core::Result<std::unique_ptr<Metric>> (*make)(const core::Json& options, WarmModel& model);
};

constexpr std::array kMetrics {Entry {"perplexity", &makePerplexity}};

} // namespace

core::Result<std::unique_ptr<Metric>> makeMetric(const core::MetricSpec& spec, WarmModel& model)
{
    std::vector<std::string> names;
    for (const Entry& entry : kMetrics) {
        if (spec.name == entry.name)
            return entry.make(spec.options, model);
        names.emplace_back(entry.name);
    }
    return core::Error {core::ErrorCode::Unsupported, "the metric \"" + spec.name + "\" is not known",
                        core::suggestion(spec.name, names)};
}

} // namespace paretoscope::engine
