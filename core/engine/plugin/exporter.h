// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/result.h"
#include "core/engine/plugin/compressed_tensor.h"
#include "core/engine/plugin/unit.h"

#include <filesystem>
#include <functional>
#include <memory>
#include <string_view>

namespace paretoscope::engine {

/// Writes a compressed model in a format that other software loads.
class Exporter
{
public:
    virtual ~Exporter() = default;
    /// Null when the tensor is uncompressed.
    using Lookup = std::function<std::shared_ptr<const CompressedTensor>(std::string_view tensor)>;
    /// Before anything is written. Errors: Unsupported with the reason (bits, groups, changed graph).
    virtual core::Status validate(const ModelView& model, const Lookup& compressed) const = 0;
    virtual core::Status write(const ModelView& model, const Lookup& compressed,
                               const std::filesystem::path& folder) const = 0;
};

} // namespace paretoscope::engine
