// SPDX-License-Identifier: Apache-2.0
#include "jobs/worker_settings.h"

#include "core/base/installation.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <system_error>
#include <thread>

#include <unistd.h>

namespace paretoscope::jobs {

namespace {

namespace fs = std::filesystem;
using core::Error;
using core::ErrorCode;

/// Cores that the control group of a container grants: "max 100000" or "200000 100000".
int controlGroupCores()
{
    std::ifstream file("/sys/fs/cgroup/cpu.max");
    double quota = 0;
    double period = 0;
    if (!(file >> quota >> period) || period <= 0)
        return 0;
    return std::max(1, static_cast<int>(quota / period + 0.5));
}

int slurmCores()
{
    const char* value = std::getenv("SLURM_CPUS_PER_TASK");
    return value ? std::max(0, std::atoi(value)) : 0;
}

} // namespace

int availableCores()
{
    int cores = static_cast<int>(std::thread::hardware_concurrency()); // counts the affinity in
    for (const int limit : {controlGroupCores(), slurmCores()}) {
        if (limit > 0)
            cores = std::min(cores, limit);
    }
    return std::max(cores, 1);
}

core::Result<fs::path> workerProgram(const fs::path& wanted)
{
    const auto installed = core::Installation::locate();
    const fs::path program = wanted.empty() ? installed.worker().value_or(fs::path()) : wanted;
    if (program.empty())
        return Error {ErrorCode::NotFound,
                      "the program paretoscope-worker is missing: it is neither beside this program nor in " +
                          (installed.prefix / "libexec/paretoscope").string(),
                      "install the worker package, or let PARETOSCOPE_WORKER name the program"};
    std::error_code ignored;
    if (!fs::is_regular_file(program, ignored))
        return Error {ErrorCode::NotFound, "the worker program " + program.string() + " does not exist",
                      "correct PARETOSCOPE_WORKER, or reinstall"};
    if (::access(program.c_str(), X_OK) != 0)
        return Error {ErrorCode::Io, "the worker program " + program.string() + " is not executable",
                      "chmod +x, or reinstall"};
    return program;
}

bool isCard(std::string_view device)
{
    constexpr std::string_view kPrefix = "cuda:";
    return device.starts_with(kPrefix) && device.size() > kPrefix.size() &&
           device.find_first_not_of("0123456789", kPrefix.size()) == std::string_view::npos;
}

std::string deviceInWorker(const std::string& device)
{
    return isCard(device) ? "cuda:0" : device;
}

std::optional<std::string> visibleCardFor(const std::string& device, const std::optional<std::string>& visible)
{
    if (!isCard(device))
        return std::nullopt;
    const std::string number = device.substr(device.find(':') + 1);
    if (!visible)
        return number;
    std::istringstream cards(*visible);
    std::string card;
    for (int left = std::atoi(number.c_str()); std::getline(cards, card, ','); --left) {
        if (left == 0)
            return card;
    }
    return std::nullopt;
}

Configuration configurationFor(const WorkerSettings& settings)
{
    const auto installed = core::Installation::locate();
    Configuration configuration;
    configuration.threads = settings.threads;
    configuration.device = deviceInWorker(settings.device);
    configuration.arithmetic = settings.arithmetic;
    configuration.cache = settings.cache.empty() ? core::userCacheFolder() / "artifacts" : settings.cache;
    configuration.cacheLimit = settings.cacheLimit;
    configuration.plugins = installed.pluginFolders();
    configuration.architectures = installed.architectures();
    configuration.memoryBudget = settings.memoryBudget;
    configuration.allowsCommands = settings.allowsCommands;
    configuration.heartbeatMilliseconds = static_cast<int>(settings.timings.heartbeat.count());
    return configuration;
}

core::Result<std::vector<std::string>> parseDevices(const std::string& devices)
{
    std::vector<std::string> parsed;
    std::istringstream stream(devices.empty() ? "auto" : devices);
    for (std::string device; std::getline(stream, device, ',');) {
        if (device != "auto" && device != "cpu" && !isCard(device))
            return Error {ErrorCode::InvalidArgument, "unknown device \"" + device + "\" in \"" + devices + '"',
                          "auto, cpu, or CUDA devices such as cuda:0,cuda:1"};
        parsed.push_back(device);
    }
    return parsed;
}

} // namespace paretoscope::jobs
