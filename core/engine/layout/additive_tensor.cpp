// SPDX-License-Identifier: Apache-2.0
#include "core/engine/layout/additive_tensor.h"

#include "core/engine/layout/bit_stream.h"

#include <memory>

namespace paretoscope::engine {

namespace {

constexpr std::int64_t kMostEntries = std::int64_t(1) << 33; ///< beyond it a description is taken as damaged

at::Tensor asStored(const at::Tensor& values)
{
    return values.to(at::kHalf).to(at::kFloat);
}

bool isHalf(const at::Tensor& part, at::IntArrayRef sizes)
{
    return hasShape(part, at::kHalf, sizes) && part.isfinite().all().item<bool>();
}

} // namespace

AdditiveTensor::AdditiveTensor(const AdditiveCodes& codes, int bits)
    : m_codes {codes.codes, asStored(codes.codebooks), asStored(codes.scales)}
    , m_bits(bits)
{}

std::vector<StoredPart> AdditiveTensor::storedParts() const
{
    return {{"codes", {wordsFor(m_codes.codes.numel(), m_bits) * 32}, nullptr},
            {"codebooks", {m_codes.codebooks.numel() * 16}, nullptr},
            {"scales", {m_codes.scales.numel() * 16}, nullptr}};
}

TensorParts AdditiveTensor::serialise() const
{
    return {{"codes", packStream(m_codes.codes.to(at::kInt), m_bits)},
            {"codebooks", m_codes.codebooks.to(at::kHalf)},
            {"scales", m_codes.scales.to(at::kHalf)}};
}

core::Json AdditiveTensor::description() const
{
    return {{"rows", m_codes.codes.size(0)},
            {"groups", m_codes.codes.size(1)},
            {"group_size", m_codes.groupSize()},
            {"codebooks", m_codes.count()},
            {"bits", m_bits}};
}

ReadTensor AdditiveTensor::fromParts(const core::Json& description, const TensorParts& parts, const TensorLayouts&)
{
    const auto number = [&](const char* name) { return description.value(name, std::int64_t(0)); };
    const std::int64_t rows = number("rows");
    const std::int64_t groups = number("groups");
    const std::int64_t size = number("group_size");
    const std::int64_t count = number("codebooks");
    const std::int64_t bits = number("bits");
    const auto isSensible = [](std::int64_t value, std::int64_t most) { return value > 0 && value <= most; };
    if (!isSensible(bits, 16) || !isSensible(count, 64) || !isSensible(size, 1024) ||
        !isSensible(rows, kMostEntries / 64) || !isSensible(groups, kMostEntries / 64 / rows))
        return damagedParts(kLayout);
    const at::Tensor codes = partNamed(parts, "codes");
    const at::Tensor codebooks = partNamed(parts, "codebooks");
    const at::Tensor scales = partNamed(parts, "scales");
    if (!hasShape(codes, at::kInt, {wordsFor(rows * groups * count, static_cast<int>(bits))}) ||
        !isHalf(codebooks, {count, std::int64_t(1) << bits, size}) || !isHalf(scales, {rows}))
        return damagedParts(kLayout);
    const at::Tensor unpacked = unpackStream(codes, rows * groups * count, static_cast<int>(bits));
    return std::shared_ptr<const CompressedTensor>(
        std::make_shared<AdditiveTensor>(AdditiveCodes {unpacked.to(at::kLong).view({rows, groups, count}),
                                                        codebooks.to(at::kFloat), scales.to(at::kFloat)},
                                         static_cast<int>(bits)));
}

} // namespace paretoscope::engine
