// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/result.h"
#include "core/engine/plugin/compressed_tensor.h"
#include "core/engine/plugin/host_services.h"

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace paretoscope::engine {

/// A checkpoint that holds the same network as the model at hand with other values, in whatever format.
class OtherCheckpoint
{
public:
    virtual ~OtherCheckpoint() = default;

    /// Every tensor the forward pass reads, under the names of units and of StageTask::tensor.
    virtual const std::vector<std::string>& tensors() const = 0;
    /// A tensor as it lies in the files: read and dequantised with every use, its size the bytes it takes there.
    virtual std::shared_ptr<const CompressedTensor> tensor(std::string_view name) const = 0;
    /// The same, read now: it needs the files no more, and can be kept and shared. Errors: reading errors; Numerical
    /// (values that are not finite).
    virtual core::Result<std::shared_ptr<const CompressedTensor>> copy(std::string_view name) const = 0;
};

/// Opens other checkpoints.
class Checkpoints : public Service
{
public:
    static constexpr std::string_view kId = "checkpoints";
    static constexpr int kVersion = 1;

    /// Errors: those of opening a model; InvalidArgument (another network: names the first tensor that differs).
    virtual core::Result<std::shared_ptr<const OtherCheckpoint>> open(const std::filesystem::path& model) = 0;
};

} // namespace paretoscope::engine
