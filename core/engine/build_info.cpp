// SPDX-License-Identifier: Apache-2.0
#include "core/engine/build_info.h"

#include "core/engine/aten.h"
#include "core/engine/device/compute_device.h"
#include "core/engine/device/cuda_driver.h"
#include "core/engine/kernels/card_kernels.h"
#include "core/memory/physical_memory.h"
#include "core/plugin/manifest.h"
#include "core/sweep/sweep.h"

#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <torch/headeronly/version.h>

#include <filesystem>
#include <fstream>
#include <string>
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

/// What keeps cards from being used, or used well; empty: nothing.
std::string remarkOnCards()
{
    std::error_code ignored;
    if (!std::filesystem::exists(libtorchFolder() / "libtorch_cuda.so", ignored))
        return "not usable: libtorch has no libtorch_cuda.so";
    return CardKernels::installed().ok() ? "" : CardKernels::installed().error().message;
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
    core::Json devices = core::Json::array({cpu});
    const auto cards = cudaCards();
    for (std::size_t i = 0; cards.ok() && i < cards.value().size(); ++i) {
        devices.push_back({{"id", "cuda:" + std::to_string(i)},
                           {"name", cards.value()[i].name},
                           {"memory_bytes", cards.value()[i].memory.value},
                           {"driver", nvidiaDriverVersion()},
                           {"remark", remarkOnCards()}});
    }
    return {{"version", PARETOSCOPE_VERSION},
            {"build", buildName()},
            {"libtorch", TORCH_VERSION},
            {"numerics_version", core::kEngineNumericsVersion},
            {"plugin_api_version", core::kPluginApiVersion},
            {"devices", std::move(devices)},
            {"no_cards", cards.ok() ? core::Json() : core::Json(cards.error().message)}};
}

core::Json describeDevice(const std::string& id)
{
    const core::Json build = describeBuild();
    for (const core::Json& device : build.at("devices")) {
        if (device.at("id") == id)
            return device;
    }
    return {};
}

} // namespace paretoscope::engine
