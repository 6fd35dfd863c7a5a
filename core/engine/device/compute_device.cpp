// SPDX-License-Identifier: Apache-2.0
#include "core/engine/device/compute_device.h"

#include "core/engine/device/cuda_driver.h"
#include "core/engine/foreign_exception.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <c10/core/DeviceType.h>

#include <charconv>
#include <cstdlib>
#include <limits>

#include <dlfcn.h>

namespace paretoscope::engine {

namespace {

constexpr std::string_view kCuda = "cuda:";

core::Error noCard(std::string_view name, const std::vector<CudaCard>& cards)
{
    std::string known;
    for (const CudaCard& card : cards)
        known += (known.empty() ? "" : ", ") + card.name;
    return {core::ErrorCode::NotFound,
            std::string(name) + ": the NVIDIA driver shows " +
                (cards.empty() ? "no card" : std::to_string(cards.size()) + " card(s): " + known),
            "cards count from cuda:0; CUDA_VISIBLE_DEVICES may hide some; --device cpu always works"};
}

/// Equal inputs give equal bits. Operators that cannot, if there are any, say so in the log. TF32 is asked for
/// explicitly (Tf32Scope).
void computeDeterministically()
{
    at::Context& context = at::globalContext();
    context.setDeterministicAlgorithms(true, /*warn_only=*/true);
    context.setDeterministicFillUninitializedMemory(false);
    context.setDeterministicCuDNN(true);
    context.setBenchmarkCuDNN(false);
    context.setAllowTF32CuBLAS(false);
    context.setAllowTF32CuDNN(false);
}

} // namespace

std::optional<at::Device> parseDevice(std::string_view name)
{
    if (name == "cpu")
        return at::Device(at::kCPU);
    if (!name.starts_with(kCuda))
        return std::nullopt;
    const std::string_view digits = name.substr(kCuda.size());
    unsigned index = 0;
    const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), index);
    if (digits.empty() || problem != std::errc() || end != digits.data() + digits.size() ||
        index > unsigned(std::numeric_limits<at::DeviceIndex>::max()))
        return std::nullopt;
    return at::Device(at::kCUDA, static_cast<at::DeviceIndex>(index));
}

std::filesystem::path libtorchFolder()
{
    Dl_info place {};
    if (::dladdr(reinterpret_cast<const void*>(&at::get_num_threads), &place) == 0 || !place.dli_fname)
        return {};
    std::error_code ignored;
    return std::filesystem::absolute(place.dli_fname, ignored).parent_path();
}

core::Status loadCudaLibraries(const std::filesystem::path& folder)
{
    const std::filesystem::path library = folder / "libtorch_cuda.so";
    std::error_code ignored;
    if (!std::filesystem::exists(library, ignored))
        return core::Error {core::ErrorCode::Unsupported,
                            "there is no libtorch_cuda.so beside libtorch_cpu.so in " + folder.string(),
                            "use a libtorch that was built with CUDA, or --device cpu"};
    // Global: libtorch looks for what it registers, and our own kernels for the CUDA run time.
    if (!::dlopen(library.c_str(), RTLD_NOW | RTLD_GLOBAL))
        return core::Error {core::ErrorCode::Unsupported,
                            "libtorch_cuda.so cannot be loaded: " + std::string(::dlerror()),
                            "packaging/fetch-libtorch.py fetches its nvidia-* packages where there is a card; or "
                            "use --device cpu"};
    return core::success();
}

core::Result<at::Device> openDevice(std::string_view name)
{
    const at::Device registered(c10::DeviceType::PrivateUse1, 0);
    if (c10::is_privateuse1_backend_registered() && name == registered.str())
        return registered;
    const std::optional<at::Device> device = parseDevice(name);
    if (!device)
        return core::Error {core::ErrorCode::InvalidArgument, "unknown device \"" + std::string(name) + '"',
                            "cpu, or a CUDA device such as cuda:0"};
    if (device->is_cpu())
        return *device;
    const auto cards = cudaCards();
    if (!cards.ok())
        return cards.error().withContext(name);
    if (static_cast<std::size_t>(device->index()) >= cards.value().size())
        return noCard(name, cards.value());
    ::setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", 0); // without it cuBLAS may add up in changing order
    const core::Status loaded = loadCudaLibraries(libtorchFolder());
    if (!loaded.ok())
        return loaded.error().withContext(name);
    return guarded("starting " + std::string(name), [&]() -> core::Result<at::Device> {
        if (!at::globalContext().hasCUDA() || device->index() >= at::detail::getCUDAHooks().deviceCount())
            return core::Error {
                core::ErrorCode::Unsupported,
                std::string(name) + ": libtorch_cuda.so is loaded but does not see the card",
                "its CUDA version may be newer than the driver; update the driver, or use --device cpu"};
        at::globalContext().lazyInitDevice(at::kCUDA);
        computeDeterministically();
        return *device;
    });
}

} // namespace paretoscope::engine
