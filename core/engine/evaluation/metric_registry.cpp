// SPDX-License-Identifier: Apache-2.0
#include "core/engine/evaluation/metric_registry.h"

#include "core/engine/evaluation/bits_per_byte.h"
#include "core/engine/evaluation/greedy_match.h"
#include "core/engine/evaluation/kl_divergence.h"
#include "core/engine/evaluation/perplexity.h"
#include "core/engine/evaluation/task_accuracy.h"
#include "core/evaluation/metric_kind.h"

#include <array>

namespace paretoscope::engine {

namespace {

struct Entry
{
    const char* name;
    /// `options` are complete (core::MetricKind).
    core::Result<std::unique_ptr<Metric>> (*make)(const core::Json& options, const MetricContext& context);
};

/// To add a metric: a line here, and one in core/evaluation/metric_kind.cpp.
constexpr std::array kMakers {
    Entry {"perplexity", &makePerplexity},
    Entry {"bits_per_byte", &makeBitsPerByte},
    Entry {"kl_divergence", &makeKlDivergence},
    Entry {"task", &makeTaskAccuracy},
    Entry {"greedy_match", &makeGreedyMatch},
};

} // namespace

core::Result<std::unique_ptr<Metric>> makeMetric(const core::MetricSpec& spec, const MetricContext& context)
{
    PSC_ASSIGN(const core::MetricKind* kind, core::findMetricKind(spec.name));
    PSC_ASSIGN(const core::Json options, kind->complete(spec.options));
    for (const Entry& entry : kMakers) {
        if (spec.name == entry.name)
            return entry.make(options, context);
    }
    return core::Error {core::ErrorCode::Unsupported, "this worker does not measure " + spec.name,
                        "program and worker are of different versions: reinstall"};
}

} // namespace paretoscope::engine
