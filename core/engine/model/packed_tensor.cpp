// SPDX-License-Identifier: Apache-2.0
#include "core/engine/model/packed_tensor.h"

#include "core/base/assert.h"
#include "core/engine/device/transfer.h"

#include <array>
#include <cstring>
#include <optional>
#include <span>
#include <stdexcept>

namespace paretoscope::engine {

namespace {

constexpr std::array<std::pair<std::string_view, at::ScalarType>, 6> kTypes {{{"float32", at::kFloat},
                                                                              {"float16", at::kHalf},
                                                                              {"bfloat16", at::kBFloat16},
                                                                              {"int32", at::kInt},
                                                                              {"int64", at::kLong},
                                                                              {"uint8", at::kByte}}};

std::string_view nameOf(at::ScalarType type)
{
    for (const auto& [name, candidate] : kTypes) {
        if (candidate == type)
            return name;
    }
    PSC_ASSERT(false, "a packed part has one of the element types of stored models");
}

std::optional<at::ScalarType> typeOf(std::string_view wanted)
{
    for (const auto& [name, type] : kTypes) {
        if (name == wanted)
            return type;
    }
    return std::nullopt;
}

core::Error corrupt()
{
    return {core::ErrorCode::Corrupt, "a packed tensor is damaged",
            "remove the cache folder and run the same command again"};
}

} // namespace

std::string pack(const CompressedTensor& tensor)
{
    core::Json parts = core::Json::array();
    std::string raw;
    for (const auto& [name, part] : tensor.serialise()) {
        const at::Tensor dense = toHost(part);
        parts.push_back({{"name", name}, {"type", nameOf(dense.scalar_type())}, {"shape", dense.sizes().vec()}});
        raw.append(static_cast<const char*>(dense.const_data_ptr()), dense.nbytes());
    }
    const std::string header =
        core::Json {{"layout", tensor.layout()}, {"description", tensor.description()}, {"parts", parts}}.dump();
    const std::uint64_t length = header.size();
    std::string packed(reinterpret_cast<const char*>(&length), sizeof length);
    packed.reserve(packed.size() + header.size() + raw.size());
    return packed.append(header).append(raw);
}

ReadTensor unpack(std::string_view packed, const TensorLayouts& layouts)
{
    std::uint64_t length = 0;
    if (packed.size() < sizeof length)
        return corrupt();
    std::memcpy(&length, packed.data(), sizeof length);
    packed.remove_prefix(sizeof length);
    if (length > packed.size())
        return corrupt();
    PSC_ASSIGN(const core::Json header, core::parseJson(packed.substr(0, length), "packed tensor"));
    packed.remove_prefix(length);
    TensorParts parts;
    for (const core::Json& part : header.value("parts", core::Json::array())) {
        const auto type = typeOf(part.value("type", ""));
        if (!type)
            return corrupt();
        at::Tensor value = at::empty(part.value("shape", std::vector<std::int64_t>()), *type);
        if (packed.size() < value.nbytes())
            return corrupt();
        std::memcpy(value.mutable_data_ptr(), packed.data(), value.nbytes());
        packed.remove_prefix(value.nbytes());
        parts.emplace_back(part.value("name", ""), std::move(value));
    }
    return layouts.read(header.value("layout", ""), header.value("description", core::Json::object()), parts);
}

ReadTensor SpilledTensor::spill(const CompressedTensor& tensor, std::shared_ptr<core::ScratchFile> file,
                                std::shared_ptr<const TensorLayouts> layouts)
{
    const std::string packed = pack(tensor);
    const std::shared_ptr<SpilledTensor> spilled(new SpilledTensor);
    PSC_ASSIGN(spilled->m_offset, file->reserve(static_cast<std::int64_t>(packed.size())));
    PSC_TRY(file->write(spilled->m_offset, std::as_bytes(std::span(packed))));
    spilled->m_file = std::move(file);
    spilled->m_layouts = std::move(layouts);
    spilled->m_bytes = packed.size();
    spilled->m_layout = tensor.layout();
    spilled->m_description = tensor.description();
    spilled->m_parts = tensor.storedParts();
    for (StoredPart& part : spilled->m_parts)
        part.storage = &part;
    return std::shared_ptr<const CompressedTensor>(spilled);
}

std::vector<StoredPart> SpilledTensor::storedParts() const
{
    return m_parts;
}

std::shared_ptr<const CompressedTensor> SpilledTensor::read() const
{
    std::string packed(m_bytes, '\0');
    const core::Status done = m_file->read(m_offset, std::as_writable_bytes(std::span(packed)));
    if (!done.ok())
        throw std::runtime_error(done.error().message);
    ReadTensor tensor = unpack(packed, *m_layouts);
    if (!tensor.ok())
        throw std::runtime_error(tensor.error().message);
    return std::move(tensor).value();
}

} // namespace paretoscope::engine
