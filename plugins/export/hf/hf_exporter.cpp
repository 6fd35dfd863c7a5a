// SPDX-License-Identifier: Apache-2.0
#include "core/engine/export/model_folder.h"
#include "core/engine/plugin/plugin_api.h"

#include <optional>

namespace {

using namespace paretoscope;
using core::ElementType;

/// A Hugging Face folder with plain weights.
class HfExporter : public engine::Exporter
{
public:
    explicit HfExporter(const std::string& dtype)
        : m_type(dtype == "float32"    ? std::optional(ElementType::F32)
                 : dtype == "float16"  ? std::optional(ElementType::F16)
                 : dtype == "bfloat16" ? std::optional(ElementType::BF16)
                                       : std::nullopt)
    {}

    core::Status validate(const engine::ExportedModel&) const override { return core::success(); }

    core::Status write(const engine::ExportedModel& model, const std::filesystem::path& folder) const override
    {
        return engine::writePlainModel(model, folder, m_type);
    }

private:
    std::optional<ElementType> m_type; ///< nothing: as in the source
};

core::Result<std::unique_ptr<engine::Exporter>> makeHf(const core::Json& parameters)
{
    return std::unique_ptr<engine::Exporter>(std::make_unique<HfExporter>(parameters.at("dtype").get<std::string>()));
}

} // namespace

PSC_EXPORT_PLUGIN({.manifestSha256 = PARETOSCOPE_MANIFEST_SHA256, .makeExporter = &makeHf})
