// SPDX-License-Identifier: Apache-2.0
#include "plugins/quantization/spqr/spqr_tensor.h"

#include "core/engine/layout/bit_stream.h"

#include <utility>

namespace paretoscope::spqr {

namespace {

using engine::hasShape;
using engine::partNamed;
using engine::TensorParts;
using engine::wordsFor;

constexpr int kIndexBits = 16;                               ///< of a column and of a group
constexpr std::int64_t kMostEntries = std::int64_t(1) << 33; ///< beyond it a description is taken as damaged

/// Sizes that a description gives.
struct Sizes
{
    std::int64_t rows = 0;
    std::int64_t columns = 0;
};

at::Tensor readStream(const at::Tensor& words, at::IntArrayRef sizes, int bits)
{
    const std::int64_t count = c10::multiply_integers(sizes);
    if (!hasShape(words, at::kInt, {wordsFor(count, bits)}))
        return {};
    return engine::unpackStream(words, count, bits).view(sizes);
}

at::Tensor readHalves(const at::Tensor& stored, at::IntArrayRef sizes)
{
    if (!hasShape(stored, at::kHalf, sizes) || !stored.isfinite().all().item<bool>())
        return {};
    return stored.to(at::kFloat);
}

/// Names of the parts of scales or zeros.
struct Names
{
    const char* plain;
    const char* codes;
    const char* steps;
    const char* offsets;
};
constexpr Names kScales {"scales", "scale_codes", "scale_steps", "scale_offsets"};
constexpr Names kZeros {"zeros", "zero_codes", "zero_steps", "zero_offsets"};

void append(TensorParts& parts, const GroupNumbers& numbers, const Names& names, int bits)
{
    if (numbers.plain.defined()) {
        parts.emplace_back(names.plain, numbers.plain.to(at::kHalf));
        return;
    }
    parts.emplace_back(names.codes, engine::packStream(numbers.codes, bits));
    parts.emplace_back(names.steps, numbers.steps.to(at::kHalf));
    parts.emplace_back(names.offsets, numbers.offsets.to(at::kHalf));
}

/// @return false when a part is missing or does not fit
bool read(GroupNumbers& numbers, const TensorParts& parts, const Names& names, int bits, const Format& format,
          const Sizes& sizes)
{
    const std::int64_t groups = format.groups(sizes.columns);
    if (bits == Format::kHalf) {
        numbers.plain = readHalves(partNamed(parts, names.plain), {groups, sizes.rows});
        return numbers.plain.defined();
    }
    const at::Tensor codes = readStream(partNamed(parts, names.codes), {groups, sizes.rows}, bits);
    numbers.steps = readHalves(partNamed(parts, names.steps), {groups, format.runs(sizes.rows)});
    numbers.offsets = readHalves(partNamed(parts, names.offsets), {groups, format.runs(sizes.rows)});
    if (codes.defined())
        numbers.codes = codes.to(at::kByte);
    return codes.defined() && numbers.steps.defined() && numbers.offsets.defined();
}

bool readZeros(GroupNumbers& zeros, const TensorParts& parts, const Format& format, const Sizes& sizes)
{
    if (!format.storesZeros())
        return true;
    if (!format.rule.roundZero)
        return read(zeros, parts, kZeros, format.zeroBits, format, sizes);
    const at::Tensor codes =
        readStream(partNamed(parts, kZeros.codes), {format.groups(sizes.columns), sizes.rows}, format.rule.bits);
    if (codes.defined())
        zeros.plain = codes.to(at::kFloat);
    return codes.defined();
}

bool readOutliers(Outliers& outliers, const TensorParts& parts, const Sizes& sizes)
{
    outliers.values = partNamed(parts, "outlier_values");
    if (!outliers.values.defined())
        return true;
    outliers.rowPointers = partNamed(parts, "outlier_row_pointers");
    if (!hasShape(outliers.rowPointers, at::kInt, {sizes.rows + 1}) || outliers.values.dim() != 1)
        return false;
    const std::int64_t count = outliers.values.size(0);
    const at::Tensor perRow = outliers.rowPointers.diff();
    const at::Tensor columns = readStream(partNamed(parts, "outlier_columns"), {count}, kIndexBits);
    if (!readHalves(outliers.values, {count}).defined() || !columns.defined() ||
        outliers.rowPointers[0].item<std::int32_t>() != 0 ||
        outliers.rowPointers[sizes.rows].item<std::int32_t>() != count || perRow.lt(0).any().item<bool>() ||
        columns.ge(sizes.columns).any().item<bool>())
        return false;
    outliers.columns = columns;
    return true;
}

bool isSensible(const Format& format, const Sizes& sizes)
{
    const auto isLevel = [](int bits) { return bits == Format::kHalf || (bits >= 1 && bits <= 8); };
    return format.rule.bits >= 1 && format.rule.bits <= 8 && format.groupSize > 0 && format.scaleGroupSize > 0 &&
           isLevel(format.scaleBits) && isLevel(format.zeroBits) && sizes.rows > 0 && sizes.columns > 0 &&
           sizes.rows <= kMostEntries / sizes.columns;
}

} // namespace

SpqrTensor::SpqrTensor(Parts parts, const Format& format, const at::Tensor& mask)
    : SpqrTensor(std::move(parts), format,
                 mask.defined() ? std::optional(engine::PackedMask(mask)) : std::optional<engine::PackedMask>())
{}

SpqrTensor::SpqrTensor(Parts parts, const Format& format, std::optional<engine::PackedMask> mask)
    : m_parts(std::move(parts))
    , m_format(format)
    , m_mask(std::move(mask))
{}

at::Tensor SpqrTensor::dequantize() const
{
    const std::int64_t columns = m_parts.codes.size(1);
    const at::Tensor group = m_parts.columnGroups.defined()
                                 ? m_parts.columnGroups
                                 : at::arange(columns, at::kInt).floor_divide(m_format.groupSize);
    const auto byColumn = [&](const at::Tensor& perGroup) { return perGroup.t().index_select(1, group); };
    at::Tensor weight = m_parts.codes.to(at::kFloat);
    if (m_format.storesZeros())
        weight.sub_(byColumn(m_parts.zeros.values(m_format.scaleGroupSize)));
    else
        weight.sub_(double(m_format.rule.zeroFor(0, 1)));
    weight.mul_(byColumn(m_parts.scales.values(m_format.scaleGroupSize, kSmallestScale)));
    if (m_mask)
        weight.mul_(m_mask->mask());
    const Outliers& outliers = m_parts.outliers;
    if (outliers.values.defined()) {
        const at::Tensor rows = at::repeat_interleave(outliers.rowPointers.diff().to(at::kLong));
        weight.view(-1).index_add_(0, rows * columns + outliers.columns, outliers.values.to(at::kFloat));
    }
    return weight;
}

std::vector<engine::StoredPart> SpqrTensor::storedParts() const
{
    const std::int64_t rows = m_parts.codes.size(0);
    const std::int64_t columns = m_parts.codes.size(1);
    const std::int64_t numbers = m_format.groups(columns) * rows;
    const std::int64_t grids = m_format.groups(columns) * m_format.runs(rows);
    std::vector<engine::StoredPart> parts;
    const auto stream = [&](const char* name, std::int64_t count, int bits) {
        parts.push_back({name, {wordsFor(count, bits) * 32}, nullptr});
    };
    const auto statistic = [&](const GroupNumbers& stored, const Names& names, int bits) {
        if (stored.plain.defined()) {
            parts.push_back({names.plain, {numbers * 16}, nullptr});
            return;
        }
        stream(names.codes, numbers, bits);
        parts.push_back({names.steps, {grids * 16}, nullptr});
        parts.push_back({names.offsets, {grids * 16}, nullptr});
    };
    stream("codes", m_mask ? m_mask->kept() : rows * columns, m_format.rule.bits);
    statistic(m_parts.scales, kScales, m_format.scaleBits);
    if (m_format.storesZeros() && m_format.rule.roundZero)
        stream(kZeros.codes, numbers, m_format.rule.bits);
    else if (m_format.storesZeros())
        statistic(m_parts.zeros, kZeros, m_format.zeroBits);
    if (m_parts.columnGroups.defined())
        stream("column_groups", columns, kIndexBits);
    if (m_parts.outliers.values.defined()) {
        const std::int64_t count = m_parts.outliers.values.size(0);
        parts.push_back({"outlier_values", {count * 16}, nullptr});
        stream("outlier_columns", count, kIndexBits);
        parts.push_back({"outlier_row_pointers", {(rows + 1) * 32}, nullptr});
    }
    if (m_mask) {
        for (engine::StoredPart& part : m_mask->storedParts())
            parts.push_back(std::move(part));
    }
    return parts;
}

TensorParts SpqrTensor::serialise() const
{
    TensorParts parts;
    parts.emplace_back("codes",
                       engine::packStream(m_mask ? m_mask->keptOf(m_parts.codes) : m_parts.codes, m_format.rule.bits));
    append(parts, m_parts.scales, kScales, m_format.scaleBits);
    if (m_format.storesZeros() && m_format.rule.roundZero)
        parts.emplace_back(kZeros.codes, engine::packStream(m_parts.zeros.plain.to(at::kByte), m_format.rule.bits));
    else if (m_format.storesZeros())
        append(parts, m_parts.zeros, kZeros, m_format.zeroBits);
    if (m_parts.columnGroups.defined())
        parts.emplace_back("column_groups", engine::packStream(m_parts.columnGroups, kIndexBits));
    if (m_parts.outliers.values.defined()) {
        parts.emplace_back("outlier_values", m_parts.outliers.values);
        parts.emplace_back("outlier_columns", engine::packStream(m_parts.outliers.columns, kIndexBits));
        parts.emplace_back("outlier_row_pointers", m_parts.outliers.rowPointers);
    }
    if (m_mask) {
        for (auto& part : m_mask->serialise())
            parts.push_back(std::move(part));
    }
    return parts;
}

core::Json SpqrTensor::description() const
{
    core::Json description {{"rows", m_parts.codes.size(0)},
                            {"columns", m_parts.codes.size(1)},
                            {"bits", m_format.rule.bits},
                            {"symmetric", m_format.rule.symmetric},
                            {"round_zero", m_format.rule.roundZero},
                            {"group_size", m_format.groupSize},
                            {"scale_bits", m_format.scaleBits},
                            {"zero_bits", m_format.zeroBits},
                            {"scale_group_size", m_format.scaleGroupSize}};
    if (m_mask)
        description["mask"] = m_mask->description();
    return description;
}

engine::ReadTensor SpqrTensor::fromParts(const core::Json& description, const TensorParts& parts,
                                         const engine::TensorLayouts&)
{
    Format format;
    format.rule.bits = description.value("bits", 0);
    format.rule.symmetric = description.value("symmetric", false);
    format.rule.roundZero = description.value("round_zero", false);
    format.groupSize = description.value("group_size", std::int64_t(0));
    format.scaleBits = description.value("scale_bits", 0);
    format.zeroBits = description.value("zero_bits", 0);
    format.scaleGroupSize = description.value("scale_group_size", std::int64_t(0));
    const Sizes sizes {description.value("rows", std::int64_t(0)), description.value("columns", std::int64_t(0))};
    if (!isSensible(format, sizes))
        return engine::damagedParts(kLayout);
    std::optional<engine::PackedMask> mask;
    if (description.contains("mask")) {
        PSC_ASSIGN(mask, engine::PackedMask::fromParts(description.at("mask"), sizes.rows, sizes.columns, parts));
    }
    Parts read;
    const std::int64_t stored = mask ? mask->kept() : sizes.rows * sizes.columns;
    at::Tensor codes = readStream(partNamed(parts, "codes"), {stored}, format.rule.bits);
    if (codes.defined()) {
        codes = codes.to(at::kByte);
        read.codes = mask ? mask->spread(codes) : codes.view({sizes.rows, sizes.columns});
    }
    const at::Tensor columnGroups = partNamed(parts, "column_groups");
    if (columnGroups.defined())
        read.columnGroups = readStream(columnGroups, {sizes.columns}, kIndexBits);
    const bool groupsFit =
        !columnGroups.defined() ||
        (read.columnGroups.defined() && read.columnGroups.lt(format.groups(sizes.columns)).all().item<bool>());
    if (!read.codes.defined() || !groupsFit ||
        !spqr::read(read.scales, parts, kScales, format.scaleBits, format, sizes) ||
        !readZeros(read.zeros, parts, format, sizes) || !readOutliers(read.outliers, parts, sizes))
        return engine::damagedParts(kLayout);
    return std::shared_ptr<const engine::CompressedTensor>(new SpqrTensor(std::move(read), format, std::move(mask)));
}

} // namespace paretoscope::spqr
