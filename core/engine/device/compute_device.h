// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/result.h"
#include "core/engine/aten.h"

#include <filesystem>
#include <optional>
#include <string_view>

namespace paretoscope::engine {

/// "cpu" or "cuda:N", N without sign; nothing for anything else.
std::optional<at::Device> parseDevice(std::string_view name);

/// The device of this name, ready for tensors; also that of a backend which the program itself registered with libtorch
/// as PrivateUse1 (the simulated card of the tests). A card needs driver, libtorch_cuda and the libraries of that,
/// which are loaded when the first one is opened; that must come before the first operator. Errors: InvalidArgument (a
/// name that means nothing), NotFound (no such card), Unsupported (what of the above is missing).
core::Result<at::Device> openDevice(std::string_view name);

/// Loads libtorch_cuda.so of this folder for good. Errors: Unsupported.
core::Status loadCudaLibraries(const std::filesystem::path& folder);

/// Where libtorch_cpu.so, in use by this process, lies.
std::filesystem::path libtorchFolder();

} // namespace paretoscope::engine
