// SPDX-License-Identifier: Apache-2.0
#include "core/engine/build_info.h"

#include "core/engine/aten.h"
#include "core/memory/physical_memory.h"
#include "core/plugin/manifest.h"
#include "core/sweep/sweep.h"

#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <torch/headeronly/version.h>

#include <fstream>
#include <thread>

namespace paretoscope::engine {

namespace {

std::string processorName()
{
    std::ifstream info("/proc/cpuinfo");
    for (std::string line; std::getline(info, line);) {
        if (line.starts_with("model name"))
            return line.substr(std::min(line.size(), line.find(':') + 2));
    }
    return "unknown";
}

} // namespace

std::string buildName()
{
    return PARETOSCOPE_VERSION "+libtorch-" TORCH_VERSION;
}

core::Json describeBuild()
{
    const core::Json cpu {{"id", "cpu"},
                          {"name", processorName()},
                          {"cores", std::thread::hardware_concurrency()},
                          {"memory_bytes", core::physicalMemory().value},
                          {"capability", at::get_cpu_capability()}};
    return {{"version", PARETOSCOPE_VERSION},
            {"build", buildName()},
            {"libtorch", TORCH_VERSION},
            {"numerics_version", core::kEngineNumericsVersion},
            {"plugin_api_version", core::kPluginApiVersion},
            {"devices", core::Json::array({cpu})}};
}

} // namespace paretoscope::engine
