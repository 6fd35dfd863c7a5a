// SPDX-License-Identifier: Apache-2.0
#include "core/engine/kernels/card_kernels.h"

#include <c10/core/DeviceGuard.h>
#include <c10/core/Stream.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <string>

#include <dlfcn.h>

namespace paretoscope::engine {

namespace {

core::Error unusable(const std::string& why)
{
    return {core::ErrorCode::Unsupported, why, "build Paretoscope with a CUDA toolkit (PARETOSCOPE_CUDA=ON)"};
}

/// Where this code lies.
std::filesystem::path engineFolder()
{
    Dl_info place {};
    if (::dladdr(reinterpret_cast<const void*>(&CardKernels::installed), &place) == 0 || !place.dli_fname)
        return {};
    std::error_code ignored;
    return std::filesystem::absolute(place.dli_fname, ignored).parent_path();
}

template <typename Function>
bool find(void* library, const char* name, Function& function)
{
    function = reinterpret_cast<Function>(::dlsym(library, name));
    return function != nullptr;
}

void* currentStream(at::Device device)
{
    return c10::impl::VirtualGuardImpl(device.type()).getStream(device).native_handle();
}

} // namespace

core::Result<CardKernels> CardKernels::load(const std::filesystem::path& library)
{
    void* const handle = ::dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL); // stays loaded
    if (!handle)
        return unusable("libparetoscope_cuda.so cannot be loaded: " + std::string(::dlerror()));
    CardKernels kernels;
    int (*version)() = nullptr;
    if (!engine::find(handle, "psc_cuda_version", version) || version() != kCudaKernelsVersion ||
        !engine::find(handle, "psc_cuda_error_text", kernels.m_errorText) ||
        !engine::find(handle, "psc_cuda_fit_grids", kernels.m_fitGrids) ||
        !engine::find(handle, "psc_cuda_quantize", kernels.m_quantize) ||
        !engine::find(handle, "psc_cuda_dequantize", kernels.m_dequantize) ||
        !engine::find(handle, "psc_cuda_gptq_block", kernels.m_eliminate))
        return unusable(library.string() + " is of another version");
    return kernels;
}

const core::Result<CardKernels>& CardKernels::installed()
{
    static const core::Result<CardKernels> kernels = load(engineFolder() / "libparetoscope_cuda.so");
    return kernels;
}

const CardKernels* CardKernels::find(at::Device device)
{
    return device.is_cuda() && installed().ok() ? &installed().value() : nullptr;
}

void CardKernels::check(int error) const
{
    TORCH_CHECK(error == 0, "a CUDA kernel does not start: ", m_errorText(error));
}

void CardKernels::fitGrids(const at::Tensor& weight, std::int64_t groupSize, const AffineRule& rule, at::Tensor& scales,
                           at::Tensor& zeros) const
{
    const c10::DeviceGuard guard(weight.device());
    check(m_fitGrids(weight.const_data_ptr<float>(), weight.size(0), weight.size(1), groupSize, &rule,
                     scales.mutable_data_ptr<float>(), zeros.mutable_data_ptr<float>(),
                     currentStream(weight.device())));
}

at::Tensor CardKernels::quantize(const at::Tensor& weight, const at::Tensor& scales, const at::Tensor& zeros,
                                 std::int64_t groupSize, int levels) const
{
    const c10::DeviceGuard guard(weight.device());
    at::Tensor codes = at::empty(weight.sizes(), weight.options().dtype(at::kByte));
    check(m_quantize(weight.const_data_ptr<float>(), scales.const_data_ptr<float>(), zeros.const_data_ptr<float>(),
                     weight.size(0), weight.size(1), groupSize, levels, codes.mutable_data_ptr<std::uint8_t>(),
                     currentStream(weight.device())));
    return codes;
}

at::Tensor CardKernels::dequantize(const at::Tensor& codes, const at::Tensor& scales, const at::Tensor& zeros,
                                   std::int64_t groupSize, const at::Tensor& columnGroups) const
{
    const c10::DeviceGuard guard(codes.device());
    at::Tensor weight = at::empty(codes.sizes(), scales.options());
    check(m_dequantize(
        codes.const_data_ptr<std::uint8_t>(), scales.const_data_ptr<float>(), zeros.const_data_ptr<float>(),
        columnGroups.defined() ? columnGroups.const_data_ptr<std::int32_t>() : nullptr, codes.size(0), codes.size(1),
        groupSize, scales.size(1), weight.mutable_data_ptr<float>(), currentStream(codes.device())));
    return weight;
}

void CardKernels::eliminate(const GptqBlock& block, const at::Tensor& fresh, at::Device device) const
{
    const c10::DeviceGuard guard(device);
    check(m_eliminate(&block, fresh.defined() ? fresh.mutable_data_ptr<float>() : nullptr, currentStream(device)));
}

} // namespace paretoscope::engine
