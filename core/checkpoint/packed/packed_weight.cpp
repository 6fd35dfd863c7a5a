// SPDX-License-Identifier: Apache-2.0
#include "core/checkpoint/packed/packed_weight.h"

#include "core/checkpoint/untrusted_text.h"

#include <cstring>
#include <utility>

namespace paretoscope::core {

PackedModule::PackedModule(const Checkpoint& base, std::string module, std::string separator)
    : m_base(&base)
    , m_module(std::move(module))
    , m_separator(std::move(separator))
{}

Error PackedModule::fail(const std::string& problem) const
{
    return {ErrorCode::Corrupt, "quantised layer " + inQuotes(m_module) + ": " + problem,
            "the files do not belong together or are damaged; fetch the model again"};
}

std::optional<PackedPart> PackedModule::find(std::string_view suffix) const
{
    const TensorInfo* info = m_base->find(m_module + m_separator + std::string(suffix));
    if (!info)
        return std::nullopt;
    auto data = m_base->rawBytes(info->name);
    if (!data.ok())
        return std::nullopt;
    return PackedPart {*info, data.value()};
}

Result<PackedPart> PackedModule::require(std::string_view suffix, ElementType type, std::size_t rank) const
{
    const auto part = find(suffix);
    if (!part)
        return fail("its part " + inQuotes(suffix) + " is missing");
    if (part->info.type != type || part->info.shape.size() != rank)
        return fail(inQuotes(suffix) + " is " + std::string(layoutOf(part->info.type).name) + " " +
                    shapeText(part->info.shape) + " where " + std::string(layoutOf(type).name) + " with " +
                    std::to_string(rank) + " dimensions is expected");
    return *part;
}

Result<PackedPart> PackedModule::requireFloats(std::string_view suffix) const
{
    const auto part = find(suffix);
    if (!part)
        return fail("its part " + inQuotes(suffix) + " is missing");
    if (!isReadableAsFloat32(part->info.type))
        return fail(inQuotes(suffix) + " is of type " + std::string(layoutOf(part->info.type).name) +
                    " where floating-point numbers are expected");
    return *part;
}

Result<std::vector<float>> PackedModule::floats(const PackedPart& part) const
{
    std::vector<float> values(static_cast<std::size_t>(part.info.elements()));
    PSC_TRY(m_base->readFloat32(part.info.name, values));
    return values;
}

PackedWeight PackedModule::weight(std::int64_t out, std::int64_t in, const std::vector<PackedPart>& parts) const
{
    PackedWeight weight;
    weight.info.name = m_module + ".weight";
    weight.info.shape = {out, in};
    weight.info.type = ElementType::Packed;
    for (const PackedPart& part : parts) {
        weight.info.stored += part.info.stored;
        weight.parts.push_back(part.info.name);
    }
    return weight;
}

std::uint32_t wordAt(std::span<const std::byte> data, std::int64_t index)
{
    std::uint32_t word;
    std::memcpy(&word, data.data() + static_cast<std::size_t>(index) * sizeof word, sizeof word);
    return word;
}

std::uint32_t packedCode(std::span<const std::byte> data, std::int64_t first, std::int64_t stride, std::int64_t index,
                         int bits)
{
    const std::int64_t bit = index * bits;
    const int shift = static_cast<int>(bit % 32);
    const std::int64_t place = first + bit / 32 * stride;
    std::uint32_t code = wordAt(data, place) >> shift;
    if (shift + bits > 32)
        code |= wordAt(data, place + stride) << (32 - shift);
    return code & ((1U << bits) - 1);
}

} // namespace paretoscope::core
