// SPDX-License-Identifier: Apache-2.0
#include "core/engine/quantization/group_affine_tensor.h"

#include "core/engine/device/transfer.h"
#include "core/engine/layout/bit_stream.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <utility>

namespace paretoscope::engine {

namespace {

const char* scaleTypeName(ScaleType type)
{
    return type == ScaleType::Float16 ? "float16" : type == ScaleType::BFloat16 ? "bfloat16" : "float32";
}

bool isMatrix(const at::Tensor& part, at::ScalarType type, std::int64_t rows, std::int64_t columns)
{
    return part.defined() && part.dim() == 2 && part.scalar_type() == type && part.size(0) == rows &&
           part.size(1) == columns;
}

bool areGroups(const at::Tensor& part, std::int64_t columns, std::int64_t groups)
{
    return part.dim() == 1 && part.scalar_type() == at::kInt && part.size(0) == columns &&
           part.ge(0).logical_and(part.lt(groups)).all().item<bool>();
}

} // namespace

GroupAffineTensor::GroupAffineTensor(at::Tensor codes, AffineGrids grids, AffineOptions options,
                                     at::Tensor columnGroups, const at::Tensor& mask)
    : m_codes(mask.defined() ? codes.masked_fill(mask.logical_not(), 0) : std::move(codes))
    , m_grids(std::move(grids))
    , m_options(options)
    , m_columnGroups(std::move(columnGroups))
{
    if (mask.defined())
        m_mask.emplace(mask);
}

at::Tensor GroupAffineTensor::dequantize() const
{
    at::Tensor weight = dequantizeCodes(m_codes, m_grids, m_options.groupSizeFor(m_codes.size(1)), m_columnGroups);
    return m_mask ? weight.masked_fill_(m_mask->mask().logical_not(), 0) : weight;
}

std::vector<StoredPart> GroupAffineTensor::storedParts() const
{
    const std::int64_t rows = m_codes.size(0);
    const std::int64_t columns = m_codes.size(1);
    const std::int64_t groups = m_grids.scales.size(1);
    std::vector<StoredPart> parts;
    if (m_mask)
        parts = m_mask->storedParts();
    const std::int64_t codeWords =
        m_mask ? wordsFor(m_mask->kept(), m_options.bits) : rows * wordsFor(columns, m_options.bits);
    parts.push_back({"codes", {codeWords * 32}, m_codes.storage().data()});
    const auto scaleBits = static_cast<std::int64_t>(at::elementSize(storageType(m_options.scaleType))) * 8;
    parts.push_back({"scales", {rows * groups * scaleBits}, m_grids.scales.storage().data()});
    if (!m_options.symmetric)
        parts.push_back(
            {"zero_points", {groups * wordsFor(rows, m_options.bits) * 32}, m_grids.zeros.storage().data()});
    if (m_columnGroups.defined())
        parts.push_back({"column_groups", {columns * 32}, m_columnGroups.storage().data()});
    return parts;
}

std::vector<std::pair<std::string, at::Tensor>> GroupAffineTensor::serialise() const
{
    TensorParts parts;
    if (m_mask)
        parts = m_mask->serialise();
    parts.emplace_back("codes", m_mask ? packStream(m_mask->keptOf(m_codes), m_options.bits)
                                       : packRows(m_codes, m_options.bits));
    parts.emplace_back("scales", m_grids.scales.to(storageType(m_options.scaleType)));
    if (!m_options.symmetric)
        parts.emplace_back("zero_points", packRows(m_grids.zeros.t().to(at::kByte).contiguous(), m_options.bits));
    if (m_columnGroups.defined())
        parts.emplace_back("column_groups", m_columnGroups);
    return parts;
}

core::Json GroupAffineTensor::description() const
{
    core::Json description {{"columns", m_codes.size(1)},
                            {"bits", m_options.bits},
                            {"group_size", m_options.groupSize},
                            {"symmetric", m_options.symmetric},
                            {"scale_dtype", scaleTypeName(m_options.scaleType)}};
    if (m_mask)
        description["mask"] = m_mask->description();
    return description;
}

ReadTensor GroupAffineTensor::fromParts(const core::Json& description, const TensorParts& parts, const TensorLayouts&)
{
    const AffineOptions options = AffineOptions::fromParameters(description);
    const auto columns = description.value("columns", std::int64_t(0));
    const at::Tensor packed = partNamed(parts, "codes");
    const at::Tensor scales = partNamed(parts, "scales");
    const at::Tensor zeros = partNamed(parts, "zero_points");
    const at::Tensor columnGroups = partNamed(parts, "column_groups");
    const bool describes = options.bits >= 1 && options.bits <= 8 && columns > 0 &&
                           (options.groupSize == -1 || options.groupSize > 0) && zeros.defined() != options.symmetric;
    const std::int64_t rows = scales.defined() && scales.dim() == 2 ? scales.size(0) : 0;
    std::optional<PackedMask> mask;
    if (describes && description.contains("mask")) {
        PSC_ASSIGN(mask, PackedMask::fromParts(description.at("mask"), rows, columns, parts));
    }
    const bool fits = describes &&
                      (mask ? hasShape(packed, at::kInt, {wordsFor(mask->kept(), options.bits)})
                            : isMatrix(packed, at::kInt, rows, wordsFor(columns, options.bits))) &&
                      isMatrix(scales, storageType(options.scaleType), rows, options.groups(columns)) &&
                      (!zeros.defined() || isMatrix(zeros, at::kInt, scales.size(1), wordsFor(rows, options.bits))) &&
                      (!columnGroups.defined() || areGroups(columnGroups, columns, scales.size(1)));
    if (!fits)
        return damagedParts(kLayout);
    AffineGrids grids;
    grids.scales = scales.to(at::kFloat);
    grids.zeros = zeros.defined() ? unpackRows(zeros, rows, options.bits).t().to(at::kFloat).contiguous()
                                  : at::full_like(grids.scales, double(1 << (options.bits - 1)));
    at::Tensor codes = mask ? mask->spread(unpackStream(packed, mask->kept(), options.bits).to(at::kByte))
                            : unpackRows(packed, columns, options.bits);
    return std::shared_ptr<const CompressedTensor>(std::make_shared<GroupAffineTensor>(
        std::move(codes), std::move(grids), options, columnGroups, mask ? mask->mask() : at::Tensor()));
}

at::Tensor unpackRows(const at::Tensor& packed, std::int64_t count, int bits)
{
    const std::int64_t rows = packed.size(0);
    const std::int64_t words = packed.size(1);
    at::Tensor codes = at::empty({rows, count}, at::kByte);
    const auto* in = reinterpret_cast<const std::uint32_t*>(packed.const_data_ptr<std::int32_t>());
    std::uint8_t* out = codes.mutable_data_ptr<std::uint8_t>();
    const std::uint32_t mask = (1U << bits) - 1;
    at::parallel_for(0, rows, 16, [&](std::int64_t first, std::int64_t last) {
        for (std::int64_t row = first; row < last; ++row) {
            const std::uint32_t* line = in + row * words;
            for (std::int64_t i = 0; i < count; ++i) {
                const std::int64_t bit = i * bits;
                std::uint64_t word = line[bit / 32];
                if (bit % 32 + bits > 32)
                    word |= std::uint64_t(line[bit / 32 + 1]) << 32;
                out[row * count + i] = static_cast<std::uint8_t>((word >> (bit % 32)) & mask);
            }
        }
    });
    return codes;
}

at::Tensor packRows(const at::Tensor& codes, int bits)
{
    const std::int64_t rows = codes.size(0);
    const std::int64_t count = codes.size(1);
    const std::int64_t words = wordsFor(count, bits);
    at::Tensor packed = at::zeros({rows, words}, at::kInt);
    const at::Tensor onHost = toHost(codes);
    const std::uint8_t* in = onHost.const_data_ptr<std::uint8_t>();
    auto* out = reinterpret_cast<std::uint32_t*>(packed.mutable_data_ptr<std::int32_t>());
    for (std::int64_t row = 0; row < rows; ++row) {
        for (std::int64_t i = 0; i < count; ++i) {
            const std::int64_t bit = i * bits;
            const std::uint64_t code = std::uint64_t(in[row * count + i]) << (bit % 32);
            std::uint32_t* word = out + row * words + bit / 32;
            word[0] |= static_cast<std::uint32_t>(code);
            if (bit % 32 + bits > 32)
                word[1] |= static_cast<std::uint32_t>(code >> 32);
        }
    }
    return packed;
}

core::Result<std::shared_ptr<const GroupAffineTensor>>
roundToNearest(const at::Tensor& weight, const AffineOptions& options, const at::Tensor& mask)
{
    PSC_ASSIGN(AffineGrids grids, fitGrids(weight, options));
    at::Tensor codes = quantizeToCodes(weight, grids, options);
    return std::make_shared<const GroupAffineTensor>(std::move(codes), std::move(grids), options, at::Tensor(), mask);
}

} // namespace paretoscope::engine
