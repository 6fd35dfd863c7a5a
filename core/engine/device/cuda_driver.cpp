// SPDX-License-Identifier: Apache-2.0
#include "core/engine/device/cuda_driver.h"

#include <array>
#include <cstddef>
#include <fstream>
#include <regex>

#include <dlfcn.h>

namespace paretoscope::engine {

namespace {

constexpr int kSuccess = 0;
constexpr int kNoDevice = 100; ///< CUDA_ERROR_NO_DEVICE

/// The entry points of the driver that are used here; its header comes with the toolkit only.
struct Driver
{
    int (*start)(unsigned flags) = nullptr;
    int (*countCards)(int* count) = nullptr;
    int (*nameCard)(char* name, int length, int card) = nullptr;
    int (*memoryOfCard)(std::size_t* bytes, int card) = nullptr;
};

template <typename Function>
bool find(void* library, const char* name, Function*& function)
{
    function = reinterpret_cast<Function*>(::dlsym(library, name));
    return function != nullptr;
}

core::Error unusable(const std::string& why)
{
    return {core::ErrorCode::Unsupported, why, "install or update the NVIDIA driver, or use --device cpu"};
}

} // namespace

core::Result<std::vector<CudaCard>> cudaCards(const std::string& library)
{
    void* const handle = ::dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL); // stays loaded: libtorch_cuda uses it too
    if (!handle)
        return unusable("this machine has no NVIDIA driver (" + std::string(::dlerror()) + ")");
    Driver driver;
    if (!find(handle, "cuInit", driver.start) || !find(handle, "cuDeviceGetCount", driver.countCards) ||
        !find(handle, "cuDeviceGetName", driver.nameCard) || !find(handle, "cuDeviceTotalMem_v2", driver.memoryOfCard))
        return unusable(library + " is not an NVIDIA driver");
    int status = driver.start(0);
    if (status == kNoDevice)
        return std::vector<CudaCard>();
    int count = 0;
    if (status == kSuccess)
        status = driver.countCards(&count);
    if (status != kSuccess)
        return unusable("the NVIDIA driver does not start (CUDA error " + std::to_string(status) + ")");
    std::vector<CudaCard> cards(static_cast<std::size_t>(count));
    for (int card = 0; card < count; ++card) {
        std::array<char, 128> name {};
        std::size_t bytes = 0;
        if (driver.nameCard(name.data(), static_cast<int>(name.size()) - 1, card) != kSuccess ||
            driver.memoryOfCard(&bytes, card) != kSuccess)
            return unusable("the NVIDIA driver does not describe card " + std::to_string(card));
        cards[static_cast<std::size_t>(card)] = {name.data(), {static_cast<std::int64_t>(bytes)}};
    }
    return cards;
}

std::string nvidiaDriverVersion()
{
    std::ifstream file("/proc/driver/nvidia/version");
    std::string line;
    std::getline(file, line);
    return nvidiaDriverVersionIn(line);
}

std::string nvidiaDriverVersionIn(std::string_view text)
{
    static const std::regex version(R"(\b(\d+\.\d+(\.\d+)?)\b)");
    std::match_results<std::string_view::const_iterator> match;
    return std::regex_search(text.begin(), text.end(), match, version) ? match.str(1) : std::string();
}

} // namespace paretoscope::engine
