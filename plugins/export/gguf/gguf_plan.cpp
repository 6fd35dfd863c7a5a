// SPDX-License-Identifier: Apache-2.0
#include "gguf_plan.h"

#include "core/checkpoint/gguf_architecture.h"
#include "core/engine/export/grouped_codes.h"

#include <algorithm>
#include <array>
#include <map>

namespace paretoscope::gguf {

namespace {

using core::ElementType;
using Tensor = engine::ExportedModel::Tensor;
using Content = PlannedTensor::Content;

/// From the smallest to the largest.
constexpr std::array kBlockTypes {ElementType::Q4_0, ElementType::Q4_1, ElementType::Q8_0};

/// general.file_type: what most of the weights are.
constexpr std::array<std::pair<ElementType, std::uint32_t>, 13> kFileTypes {{{ElementType::F32, 0},
                                                                             {ElementType::F16, 1},
                                                                             {ElementType::Q4_0, 2},
                                                                             {ElementType::Q4_1, 3},
                                                                             {ElementType::Q8_0, 7},
                                                                             {ElementType::Q5_0, 8},
                                                                             {ElementType::Q5_1, 9},
                                                                             {ElementType::Q2_K, 10},
                                                                             {ElementType::Q3_K, 12},
                                                                             {ElementType::Q4_K, 15},
                                                                             {ElementType::Q5_K, 17},
                                                                             {ElementType::Q6_K, 18},
                                                                             {ElementType::BF16, 32}}};

bool isPlain(ElementType type)
{
    return type == ElementType::F32 || type == ElementType::F16 || type == ElementType::BF16;
}

std::int64_t elementsOf(const std::vector<std::int64_t>& shape)
{
    std::int64_t elements = 1;
    for (const std::int64_t dimension : shape)
        elements *= dimension;
    return elements;
}

/// Norms, biases and routers, which readers want in full.
bool staysWhole(const PlannedTensor& tensor)
{
    return tensor.declaration.shape.size() < 2 || tensor.declaration.name.find("ffn_gate_inp") != std::string::npos;
}

} // namespace

core::Result<AffineBlocks> blocksOf(const engine::ExportedModel& model, const std::string& tensor)
{
    const auto form = model.form(tensor);
    const auto codes = form ? engine::asGroupAffine(*form) : nullptr;
    if (!codes)
        return core::Error {core::ErrorCode::Unsupported,
                            tensor + ": it is " + (form ? "stored as " + std::string(form->layout()) : "uncompressed") +
                                ", which no block type of GGUF holds",
                            "export with --set type=float16, or to another format"};
    auto blocks = AffineBlocks::of(*codes);
    return blocks.ok() ? std::move(blocks) : core::Result<AffineBlocks>(blocks.error().withContext(tensor));
}

core::Result<GgufPlan> GgufPlan::of(const engine::ExportedModel& model, const GgufSettings& settings)
{
    GgufPlan plan(model, settings);
    PSC_TRY(plan.openSource());
    PSC_TRY(plan.gatherTensors());
    for (PlannedTensor& tensor : plan.m_tensors)
        PSC_TRY(plan.decide(tensor));
    plan.copyUnnamed();
    PSC_TRY(plan.describe());
    return plan;
}

core::Status GgufPlan::openSource()
{
    if (m_model.source().extension() == ".gguf") {
        PSC_ASSIGN(m_source, core::openGgufParts(m_model.source()));
    }
    const std::string modelType = m_model.config().value("model_type", "");
    m_family = core::ggufFamilyOf(modelType);
    if (!m_family)
        return core::Error {core::ErrorCode::Unsupported,
                            "models of type \"" + modelType + "\" have no tensor names in GGUF",
                            "export with --format hf, and convert with llama.cpp's converter"};
    return core::success();
}

core::Status GgufPlan::gatherTensors()
{
    std::map<std::string, std::size_t, std::less<>> indexOf;
    for (const Tensor& tensor : m_model.tensors()) {
        const auto name = core::ggufName(*m_family, tensor.name);
        if (!name)
            return core::Error {core::ErrorCode::Unsupported, tensor.name + " has no name in GGUF",
                                "export with --format hf, and convert with llama.cpp's converter"};
        const auto [known, isNew] = indexOf.emplace(name->name, m_tensors.size());
        if (isNew) {
            PlannedTensor& planned = m_tensors.emplace_back();
            planned.name = *name;
            planned.declaration = {name->name, tensor.type, tensor.shape};
            if (name->isRowVector && tensor.shape.size() == 2)
                planned.declaration.shape.erase(planned.declaration.shape.begin());
        }
        std::vector<std::string>& parts = m_tensors[known->second].parts;
        parts.resize(std::max(parts.size(), static_cast<std::size_t>(name->expert) + 1));
        parts[static_cast<std::size_t>(name->expert)] = tensor.name;
    }
    for (PlannedTensor& planned : m_tensors) {
        if (planned.name.isStacked)
            planned.declaration.shape.insert(planned.declaration.shape.begin(),
                                             static_cast<std::int64_t>(planned.parts.size()));
    }
    return core::success();
}

/// The smallest block type that holds all parts. @return whether there is one; Errors: Unsupported, when not even one
/// part can be cut into blocks
core::Result<bool> GgufPlan::takesBlocks(PlannedTensor& tensor) const
{
    std::array<bool, kBlockTypes.size()> fits;
    fits.fill(true);
    for (const std::string& part : tensor.parts) {
        PSC_ASSIGN(const AffineBlocks blocks, blocksOf(m_model, part));
        for (std::size_t i = 0; i < kBlockTypes.size(); ++i)
            fits[i] = fits[i] && blocks.fit(kBlockTypes[i], m_settings.roundsMinimum);
    }
    const auto found = std::find(fits.begin(), fits.end(), true);
    if (found == fits.end())
        return false;
    tensor.declaration.type = kBlockTypes[static_cast<std::size_t>(found - fits.begin())];
    tensor.content = Content::Blocks;
    return true;
}

core::Status GgufPlan::decide(PlannedTensor& tensor) const
{
    const auto isWhole = [this](const std::string& part) {
        const auto form = m_model.form(part);
        return !form || form->layout() == "dense";
    };
    const bool isUntouched = std::none_of(tensor.parts.begin(), tensor.parts.end(),
                                          [this](const std::string& part) { return m_model.form(part) != nullptr; });
    const core::GgufTensor* stored = isUntouched ? inSource(tensor.declaration.name) : nullptr;
    if (stored) { // of a type that was read, so one that can be written
        tensor.declaration.type = *stored->type.elementType;
        tensor.stored = stored->data;
        tensor.content = Content::Copied;
        return core::success();
    }
    if (staysWhole(tensor)) {
        tensor.declaration.type = ElementType::F32;
        return core::success();
    }
    if (std::all_of(tensor.parts.begin(), tensor.parts.end(), isWhole)) {
        if (!isPlain(tensor.declaration.type))
            tensor.declaration.type = m_settings.type.value_or(ElementType::F32);
        return core::success();
    }
    auto blocks = takesBlocks(tensor);
    if (blocks.ok() && blocks.value())
        return core::success();
    if (m_settings.type) {
        tensor.declaration.type = *m_settings.type;
        return core::success();
    }
    if (!blocks.ok())
        return blocks.error();
    return core::Error {core::ErrorCode::Unsupported,
                        tensor.parts.front() + ": its codes fit none of Q4_0, Q4_1 and Q8_0 exactly",
                        "export with --set type=float16, or quantise symmetrically with groups of 32"};
}

/// Rotary factors and whatever else the source holds beside weights.
void GgufPlan::copyUnnamed()
{
    if (!m_source)
        return;
    for (const core::GgufFile& file : m_source->files) {
        for (const core::GgufTensor& tensor : file.tensors()) {
            if (core::huggingFaceName(*m_family, tensor.name) || !tensor.type.elementType)
                continue;
            PlannedTensor copied;
            copied.declaration = {tensor.name, *tensor.type.elementType, {tensor.dims.rbegin(), tensor.dims.rend()}};
            copied.content = Content::Copied;
            copied.stored = tensor.data;
            m_tensors.push_back(std::move(copied));
        }
    }
}

core::Status GgufPlan::describe()
{
    if (m_source) {
        m_entries = core::GgufEntries::copyOf(m_source->files.front().metadata());
        for (const char* key : {"general.alignment", "split.no", "split.count", "split.tensors.count"})
            m_entries.remove(key);
    } else if (m_settings.weightsOnly) {
        PSC_ASSIGN(m_entries, core::ggufArchitecture(m_model.config()));
    } else {
        return core::Error {core::ErrorCode::Unsupported,
                            m_model.source().string() + " is no GGUF file, so there is no tokenizer to copy from it",
                            "start from a GGUF file of the model, or write one without tokenizer: --set "
                            "weights_only=true"};
    }
    std::map<ElementType, std::int64_t> elements;
    bool hasBlocks = false;
    for (const PlannedTensor& tensor : m_tensors) {
        if (!staysWhole(tensor))
            elements[tensor.declaration.type] += elementsOf(tensor.declaration.shape);
        hasBlocks = hasBlocks || core::layoutOf(tensor.declaration.type).blockElements > 1;
    }
    const auto most = std::max_element(elements.begin(), elements.end(),
                                       [](const auto& a, const auto& b) { return a.second < b.second; });
    const auto fileType = std::find_if(kFileTypes.begin(), kFileTypes.end(), [&](const auto& known) {
        return most != elements.end() && known.first == most->first;
    });
    if (fileType != kFileTypes.end())
        m_entries.setInteger("general.file_type", fileType->second);
    if (hasBlocks)
        m_entries.setInteger("general.quantization_version", 2);
    return core::success();
}

const core::GgufTensor* GgufPlan::inSource(std::string_view name) const
{
    if (!m_source)
        return nullptr;
    for (const core::GgufFile& file : m_source->files) {
        if (const core::GgufTensor* tensor = file.find(name))
            return tensor;
    }
    return nullptr;
}

at::Tensor GgufPlan::rowOrderOf(const PlannedTensor& tensor) const
{
    if (tensor.name.heads == core::GgufHeads::None || !m_family->permutedRotary)
        return {};
    const core::Json& config = m_model.config();
    const auto queries = config.at("num_attention_heads").get<std::int64_t>();
    const std::int64_t heads =
        tensor.name.heads == core::GgufHeads::Query ? queries : config.value("num_key_value_heads", queries);
    const std::int64_t rows = tensor.declaration.shape.front();
    // Two halves of each head become neighbouring pairs: row p * d / 2 + i comes to 2 * i + p.
    return at::arange(rows, at::kLong).view({heads, 2, -1}).transpose(1, 2).reshape(-1);
}

} // namespace paretoscope::gguf
