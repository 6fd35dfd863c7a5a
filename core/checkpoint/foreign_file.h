// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/error.h"

#include <cstddef>
#include <optional>
#include <span>
#include <string>

namespace paretoscope::core {

/// What a file is that was taken for weights and is none: a git-LFS pointer, a web page, a PyTorch pickle, a ZIP or
/// NumPy archive, HDF5. Nothing when it does not look like any of these. `source` names it in the message.
std::optional<Error> foreignFile(std::span<const std::byte> bytes, const std::string& source);

/// The refusal of PyTorch pickle checkpoints (.bin, .pt, .pth, .ckpt). Their index is a program that loading runs.
Error pickleRefused(const std::string& source);

} // namespace paretoscope::core
