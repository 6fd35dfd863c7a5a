// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/verbs/worker_options.h"

#include "app/format/number.h"

namespace paretoscope::app {

void WorkerOptions::declare(OptionTable& options)
{
    m_settings.threads = 0;
    OptionSpec& threads = options.integer("--threads", "N", m_settings.threads, {0, 4096},
                                          "Threads; 0 = all cores. Equal threads give bit-identical results.");
    threads.setting = "threads";
    threads.defaultText = "0";
    OptionSpec& device = options.text("--device", "DEVICE", m_device, "auto, cpu, or for example cuda:0.");
    device.setting = "device";
    device.defaultText = "auto";
    OptionSpec& arithmetic = options.choice("--arithmetic", m_settings.arithmetic, {"float32", "tf32", "bfloat16"},
                                            "In which numbers blocks are computed: float32, tf32 (NVIDIA cards), or "
                                            "bfloat16 (slow on most CPUs).");
    arithmetic.setting = "arithmetic";
    arithmetic.defaultText = "float32";
    options
        .custom("--memory-budget", "SIZE", "Memory to stay within, for example 4GiB.",
                [this](const std::string& text) -> core::Status {
                    PSC_ASSIGN(m_settings.memoryBudget, readBytes(text));
                    return core::success();
                })
        .setting = "memory-budget";
    OptionSpec& cache = options.text("--cache", "DIR", m_cache, "Folder of the artifact cache.");
    cache.kind = ValueKind::Folder;
    cache.setting = "cache";
    options
        .custom("--cache-limit", "SIZE", "Most that the artifact cache may hold, for example 20GiB.",
                [this](const std::string& text) -> core::Status {
                    PSC_ASSIGN(m_settings.cacheLimit, readBytes(text));
                    return core::success();
                })
        .setting = "cache-limit";
}

core::Result<jobs::WorkerSettings> WorkerOptions::settings() const
{
    jobs::WorkerSettings settings = m_settings;
    PSC_ASSIGN(settings.program, jobs::workerProgram({}));
    settings.device = m_device;
    settings.cache = m_cache;
    PSC_TRY(jobs::parseDevices(m_device));
    return settings;
}

} // namespace paretoscope::app
