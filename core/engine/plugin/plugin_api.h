// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/json.h"
#include "core/base/result.h"
#include "core/engine/layout/tensor_layouts.h"
#include "core/engine/plugin/allocator.h"
#include "core/engine/plugin/analysis.h"
#include "core/engine/plugin/exporter.h"
#include "core/engine/plugin/metric.h"
#include "core/engine/plugin/search.h"
#include "core/engine/plugin/stage.h"
#include "core/engine/plugin/workload.h"
#include "core/plugin/manifest.h"

#include <torch/headeronly/version.h>

#include <memory>
#include <span>

namespace paretoscope::engine {

template <typename T>
using Factory = core::Result<std::unique_ptr<T>> (*)(const core::Json& parameters);

/// What a plugin library exports. Only fields are added at the end, together with kPluginApiVersion.
struct PluginDescriptor
{
    int apiVersion = core::kPluginApiVersion;
    const char* libtorchVersion = TORCH_VERSION;
    const char* manifestSha256 = nullptr; ///< of the manifest.json it was built with
    /// Exactly one is set: the one of the manifest's `kind`. Parameters are complete and checked.
    Factory<Stage> makeStage = nullptr;
    Factory<Allocator> makeAllocator = nullptr;
    Factory<Workload> makeWorkload = nullptr;
    Factory<Metric> makeMetric = nullptr;
    Factory<Analysis> makeAnalysis = nullptr;
    Factory<Exporter> makeExporter = nullptr;
    Factory<Search> makeSearch = nullptr;
    std::span<const StatisticFactory> statistics {}; ///< accumulators of its own
    std::span<const TensorLayout> layouts {};        ///< readers of its own forms of a weight
};

/// The one symbol the host looks for.
inline constexpr const char* kPluginSymbol = "paretoscope_plugin";

} // namespace paretoscope::engine

/// Exports `descriptor` (an expression) from the library: PSC_EXPORT_PLUGIN({.manifestSha256 = ..., .makeStage = make})
#define PSC_EXPORT_PLUGIN(...)                                                                                         \
    extern "C" __attribute__((visibility("default"))) const ::paretoscope::engine::PluginDescriptor*                   \
    paretoscope_plugin()                                                                                               \
    {                                                                                                                  \
        static const ::paretoscope::engine::PluginDescriptor descriptor __VA_ARGS__;                                   \
        return &descriptor;                                                                                            \
    }
