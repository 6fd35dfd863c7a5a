// SPDX-License-Identifier: Apache-2.0
#include "core/checkpoint/quantized_checkpoint.h"

#include "core/checkpoint/packed/compressed_tensors_weight.h"
#include "core/checkpoint/packed/gptq_weight.h"
#include "core/checkpoint/packed/mxfp4_stack.h"
#include "core/checkpoint/packed/packed_weight.h"
#include "core/checkpoint/untrusted_text.h"

#include <algorithm>
#include <cctype>
#include <iterator>
#include <map>
#include <set>
#include <utility>

namespace paretoscope::core {

namespace {

class QuantizedCheckpoint final : public Checkpoint
{
public:
    QuantizedCheckpoint(std::unique_ptr<Checkpoint> base, std::vector<PackedWeight> weights,
                        std::vector<std::string> warnings);

    std::string_view format() const override { return m_base->format(); }
    const std::vector<TensorInfo>& tensors() const override { return m_tensors; }
    const Json& config() const override { return m_config; }
    const std::vector<std::filesystem::path>& files() const override { return m_base->files(); }
    const std::vector<std::string>& warnings() const override { return m_warnings; }

    Status readFloat32(std::string_view name, std::span<float> out) const override;
    Result<std::span<const std::byte>> rawBytes(std::string_view name) const override;
    void releasePages(std::string_view name) const override;

protected:
    Status sliceOf(const TensorInfo& tensor, std::int64_t index, std::span<float> out) const override;

private:
    std::unique_ptr<Checkpoint> m_base;
    Json m_config;
    std::vector<std::string> m_warnings;
    std::vector<TensorInfo> m_tensors;
    std::map<std::string, PackedWeight, std::less<>> m_weights;
};

QuantizedCheckpoint::QuantizedCheckpoint(std::unique_ptr<Checkpoint> base, std::vector<PackedWeight> weights,
                                         std::vector<std::string> warnings)
    : m_base(std::move(base))
    , m_config(m_base->config())
    , m_warnings(m_base->warnings())
{
    m_config.erase("quantization_config");
    m_config.erase("compression_config");
    m_warnings.insert(m_warnings.end(), warnings.begin(), warnings.end());
    std::set<std::string> parts;
    for (PackedWeight& weight : weights) {
        parts.insert(weight.parts.begin(), weight.parts.end());
        m_tensors.push_back(weight.info);
        const std::string name = weight.info.name;
        m_weights.emplace(name, std::move(weight));
    }
    for (const TensorInfo& tensor : m_base->tensors()) {
        if (!parts.contains(tensor.name) && !m_weights.contains(tensor.name))
            m_tensors.push_back(tensor);
    }
    std::ranges::sort(m_tensors, {}, &TensorInfo::name);
}

Status QuantizedCheckpoint::readFloat32(std::string_view name, std::span<float> out) const
{
    const auto packed = m_weights.find(name);
    if (packed == m_weights.end())
        return m_base->readFloat32(name, out);
    const std::int64_t elements = packed->second.info.elements();
    if (out.size() != static_cast<std::uint64_t>(elements))
        return Error {ErrorCode::InvalidArgument,
                      "tensor " + inQuotes(name) + " has " + std::to_string(elements) +
                          " elements, but there is room for " + std::to_string(out.size()),
                      "give room for exactly its elements"};
    return packed->second.read(out);
}

Status QuantizedCheckpoint::sliceOf(const TensorInfo& tensor, std::int64_t index, std::span<float> out) const
{
    const auto packed = m_weights.find(tensor.name);
    if (packed == m_weights.end())
        return m_base->readSlice(tensor.name, index, out);
    if (!packed->second.readMatrix)
        return Checkpoint::sliceOf(tensor, index, out);
    return packed->second.readMatrix(index, out);
}

Result<std::span<const std::byte>> QuantizedCheckpoint::rawBytes(std::string_view name) const
{
    const auto packed = m_weights.find(name);
    if (packed == m_weights.end())
        return m_base->rawBytes(name);
    std::string parts;
    for (const std::string& part : packed->second.parts)
        parts += (parts.empty() ? "" : ", ") + part;
    return Error {ErrorCode::Unsupported, "tensor " + inQuotes(name) + " is stored in several parts",
                  "read its parts: " + parts};
}

void QuantizedCheckpoint::releasePages(std::string_view name) const
{
    const auto packed = m_weights.find(name);
    if (packed == m_weights.end())
        return m_base->releasePages(name);
    for (const std::string& part : packed->second.parts)
        m_base->releasePages(part);
}

/// The modules that have a tensor "<module>.<suffix>".
std::vector<PackedModule> modulesWith(const Checkpoint& base, std::string_view suffix)
{
    std::vector<PackedModule> modules;
    const std::string ending = "." + std::string(suffix);
    for (const TensorInfo& tensor : base.tensors()) {
        if (tensor.name.ends_with(ending))
            modules.emplace_back(base, tensor.name.substr(0, tensor.name.size() - ending.size()));
    }
    return modules;
}

struct Dequantized
{
    std::vector<PackedWeight> weights;
    std::vector<std::string> warnings;
};

/// Opens every module by `open`.
template <typename Open>
Status addAll(const std::vector<PackedModule>& modules, Dequantized& result, Open open)
{
    for (const PackedModule& module : modules) {
        PSC_ASSIGN(PackedWeight weight, open(module));
        result.weights.push_back(std::move(weight));
    }
    return success();
}

Result<Dequantized> openGptq(const Checkpoint& base, const Json& config)
{
    Dequantized result;
    PSC_ASSIGN(const GptqSettings settings, gptqSettings(config));
    PSC_TRY(addAll(modulesWith(base, "qweight"), result,
                   [&](const PackedModule& module) { return gptqWeight(module, settings); }));
    return result;
}

std::string lowerText(const Json& config, const char* key, const char* fallback)
{
    const auto found = config.find(key);
    std::string text = found != config.end() && found->is_string() ? found->get<std::string>() : fallback;
    std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text;
}

Result<Dequantized> openAwq(const Checkpoint& base, const Json& config)
{
    Dequantized result;
    const std::string version = lowerText(config, "version", "gemm");
    if (version != "gemm")
        return Error {ErrorCode::Unsupported,
                      "quantization_config: the AWQ layout " + inQuotes(version) + " is not supported",
                      "save the model in the layout \"gemm\""};
    PSC_ASSIGN(const GptqSettings common, gptqSettings(config)); // the same keys
    if (common.bits != 4)
        return Error {ErrorCode::Unsupported,
                      "quantization_config: AWQ with " + std::to_string(common.bits) + " bits is not supported",
                      "the layout \"gemm\" holds 4 bits"};
    PSC_TRY(addAll(modulesWith(base, "qweight"), result,
                   [&](const PackedModule& module) { return awqWeight(module, common.groupSize); }));
    return result;
}

Result<Dequantized> openCompressedTensors(const Checkpoint& base, const Json& config)
{
    Dequantized result;
    PSC_ASSIGN(const CompressedTensorsSettings settings, compressedTensorsSettings(config));
    std::vector<PackedModule> modules = modulesWith(base, "weight_packed");
    for (PackedModule& module : modulesWith(base, "weight_scale")) {
        if (module.find("weight"))
            modules.push_back(std::move(module));
    }
    PSC_TRY(
        addAll(modules, result, [&](const PackedModule& module) { return compressedTensorsWeight(module, settings); }));
    if (settings.quantisesActivations)
        result.warnings.emplace_back("this model quantises activations too; only its weights are reproduced");
    if (const auto cache = config.find("kv_cache_scheme"); cache != config.end() && !cache->is_null())
        result.warnings.emplace_back("this model quantises its KV cache; that is not reproduced");
    return result;
}

bool isFloat8(ElementType type)
{
    return type >= ElementType::F8E4M3 && type <= ElementType::F8E5M2Fnuz;
}

Result<Dequantized> openBlockFp8(const Checkpoint& base, const Json& config)
{
    Dequantized result;
    const auto block = config.find("weight_block_size");
    const auto isSize = [](const Json& value) { return value.is_number_unsigned() && value > 0 && value <= 1'000'000; };
    if (block == config.end() || !block->is_array() || block->size() != 2 || !std::ranges::all_of(*block, isSize))
        return Error {ErrorCode::Unsupported, "quantization_config: fp8 without a weight_block_size of two sizes",
                      "fp8 models with block scales, compressed-tensors, GPTQ, AWQ and MXFP4 are supported"};
    const auto outputs = (*block)[0].get<std::int64_t>();
    const auto inputs = (*block)[1].get<std::int64_t>();
    std::vector<PackedModule> modules = modulesWith(base, "weight_scale_inv");
    std::erase_if(modules, [](const PackedModule& module) { return !module.find("weight"); });
    for (const PackedModule& module : modulesWith(base, "weight")) {
        if (isFloat8(module.find("weight")->info.type) && !module.find("weight_scale_inv"))
            return module.fail("its part \"weight_scale_inv\" is missing"); // without it the codes would be the weights
    }
    PSC_TRY(addAll(modules, result, [&](const PackedModule& module) {
        return blockScaledWeight(module, "weight_scale_inv", outputs, inputs);
    }));
    if (lowerText(config, "activation_scheme", "") == "dynamic")
        result.warnings.emplace_back("this model quantises activations too; only its weights are reproduced");
    return result;
}

Result<Dequantized> openMxfp4(const Checkpoint& base, const Json& config)
{
    Dequantized result;
    PSC_ASSIGN(const Mxfp4Settings settings, mxfp4Settings(config));
    PSC_TRY(addAll(mxfp4Stacks(base), result, [&](const PackedModule& module) -> Result<PackedWeight> {
        if (base.find(module.name()))
            return module.fail("it is stored both in MXFP4 and plain");
        return mxfp4Stack(module, settings);
    }));
    return result;
}

Result<Dequantized> openByMethod(const Checkpoint& base, const Json& config)
{
    std::string method = lowerText(config, "quant_method", "");
    if (method == "gptq")
        return openGptq(base, config);
    if (method == "awq")
        return openAwq(base, config);
    if (method == "compressed-tensors")
        return openCompressedTensors(base, config);
    if (method == "fp8")
        return openBlockFp8(base, config);
    if (method == "mxfp4")
        return openMxfp4(base, config);
    if (method.empty())
        method = config.value("load_in_4bit", Json()) == true || config.value("load_in_8bit", Json()) == true
                     ? "bitsandbytes"
                     : "unnamed";
    return Error {
        ErrorCode::Unsupported, "quantization_config: the method " + inQuotes(method) + " is not supported",
        "supported are compressed-tensors, gptq, awq, mxfp4 and fp8 with block scales; use the unquantised model"};
}

/// Packed layers without a configuration cannot be told apart, and plain ones would be missing.
Status requireUnpacked(const Checkpoint& base)
{
    std::vector<PackedModule> packed = modulesWith(base, "qweight");
    std::ranges::move(modulesWith(base, "weight_packed"), std::back_inserter(packed));
    std::ranges::copy_if(mxfp4Stacks(base), std::back_inserter(packed), [](const PackedModule& module) {
        return module.require("blocks", ElementType::U8, 4).ok() && module.require("scales", ElementType::U8, 3).ok();
    });
    if (packed.empty())
        return success();
    return Error {ErrorCode::Corrupt,
                  "layer " + inQuotes(packed.front().name()) +
                      " is stored quantised, but config.json has no quantization_config",
                  "download config.json (and quantize_config.json) again"};
}

} // namespace

Result<std::unique_ptr<Checkpoint>> withDequantizedWeights(std::unique_ptr<Checkpoint> base)
{
    const std::string folder = base->files().front().parent_path().string();
    const Json& config = base->config();
    auto found = config.find("quantization_config");
    if (found == config.end() || found->is_null())
        found = config.find("compression_config"); // the spelling of early releases of compressed-tensors
    if (found == config.end() || found->is_null()) {
        if (const Status plain = requireUnpacked(*base); !plain.ok())
            return plain.error().withContext(folder);
        return base;
    }
    if (!found->is_object())
        return Error {ErrorCode::Corrupt, folder + ": quantization_config is no object", "download config.json again"};
    auto opened = openByMethod(*base, *found);
    if (!opened.ok())
        return opened.error().withContext(folder);
    return std::unique_ptr<Checkpoint>(std::make_unique<QuantizedCheckpoint>(
        std::move(base), std::move(opened.value().weights), std::move(opened.value().warnings)));
}

} // namespace paretoscope::core
