// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/json.h"
#include "core/base/result.h"
#include "core/checkpoint/element_type.h"
#include "core/engine/aten.h"
#include "core/engine/plugin/compressed_tensor.h"
#include "core/engine/plugin/unit.h"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace paretoscope::engine {

/// A compressed model on its way out, tensor by tensor as a Hugging Face folder of its family stores them.
class ExportedModel
{
public:
    struct Tensor
    {
        std::string name;
        std::vector<std::int64_t> shape;                 ///< outermost first, row-major
        core::ElementType type = core::ElementType::F32; ///< in the source
    };

    virtual ~ExportedModel() = default;
    virtual const ModelView& view() const = 0;
    virtual const core::Json& config() const = 0;            ///< config.json of the source
    virtual const std::filesystem::path& source() const = 0; ///< the uncompressed model: a folder or a .gguf file
    virtual const std::vector<Tensor>& tensors() const = 0;
    /// float32 in the shape of `tensors()`. Errors: reading errors.
    virtual core::Result<at::Tensor> values(std::string_view tensor) const = 0;
    /// The packed form of the weight [out, in]; null where a tensor is uncompressed, turned, or holds several weights.
    virtual std::shared_ptr<const CompressedTensor> form(std::string_view tensor) const = 0;
    /// Tokenizer and chat files beside the source, to be copied along; none of a GGUF file.
    virtual const std::vector<std::filesystem::path>& companions() const = 0;
};

/// Writes a compressed model in a format that other software loads.
class Exporter
{
public:
    virtual ~Exporter() = default;
    /// Before anything is written. Errors: Unsupported with layer, reason and remedy.
    virtual core::Status validate(const ExportedModel& model) const = 0;
    /// Into an empty folder. Errors: Io (disk full), reading errors.
    virtual core::Status write(const ExportedModel& model, const std::filesystem::path& folder) const = 0;
    /// What readers open of that folder.
    virtual std::filesystem::path model(const std::filesystem::path& folder) const { return folder; }
};

} // namespace paretoscope::engine
