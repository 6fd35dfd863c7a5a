// SPDX-License-Identifier: Apache-2.0
#include "plugins/quantization/bitstack/stack_tensor.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace paretoscope::bitstack {

namespace {

constexpr std::int64_t kMostEntries = std::int64_t(1) << 33; ///< beyond it a description is taken as damaged

std::int64_t bytesFor(std::int64_t count)
{
    return (count + 7) / 8;
}

at::Tensor bitWeights(at::Device device)
{
    return at::tensor({128, 64, 32, 16, 8, 4, 2, 1}, at::kByte).to(device);
}

bool areFinite(const std::vector<double>& numbers, std::int64_t count)
{
    return static_cast<std::int64_t>(numbers.size()) == count &&
           std::all_of(numbers.begin(), numbers.end(), [](double number) { return std::isfinite(number); });
}

bool isHalf(const at::Tensor& part, at::IntArrayRef sizes)
{
    return engine::hasShape(part, at::kHalf, sizes) && part.isfinite().all().item<bool>();
}

} // namespace

at::Tensor packSigns(const at::Tensor& isPositive)
{
    const std::int64_t count = isPositive.numel();
    at::Tensor bits = at::zeros({bytesFor(count) * 8}, isPositive.options().dtype(at::kByte));
    bits.narrow(0, 0, count).copy_(isPositive.reshape(-1));
    return bits.view({-1, 8}).mul_(bitWeights(bits.device())).sum(1, false, at::kByte);
}

at::Tensor unpackSigns(const at::Tensor& packed, std::int64_t count)
{
    return packed.unsqueeze(1).bitwise_and(bitWeights(packed.device())).ne(0).view(-1).narrow(0, 0, count);
}

at::Tensor blockOf(const StackParts& parts, std::int64_t index)
{
    const at::Tensor product = at::mm(parts.left[index].to(at::kFloat), parts.right[index].to(at::kFloat));
    const at::Tensor isPositive = unpackSigns(parts.signs[index], product.numel()).view(product.sizes());
    return at::where(isPositive, product, -product);
}

StackTensor::StackTensor(StackParts parts, std::int64_t columns)
    : m_parts(std::move(parts))
    , m_columns(columns)
{}

at::Tensor StackTensor::dequantize() const
{
    at::Tensor weight = blockOf(m_parts, 0);
    for (std::int64_t block = 1; block < blocks(); ++block)
        weight.add_(blockOf(m_parts, block));
    return m_parts.scales.defined() ? weight.div_(m_parts.scales.to(at::kFloat)) : weight;
}

std::vector<engine::StoredPart> StackTensor::storedParts() const
{
    std::vector<engine::StoredPart> parts;
    for (const auto& [name, part] : serialise())
        parts.push_back({name, {static_cast<std::int64_t>(part.nbytes()) * 8}, nullptr});
    return parts;
}

engine::TensorParts StackTensor::serialise() const
{
    engine::TensorParts parts {{"signs", m_parts.signs}, {"left", m_parts.left}, {"right", m_parts.right}};
    if (m_parts.scales.defined())
        parts.emplace_back("scales", m_parts.scales);
    return parts;
}

core::Json StackTensor::description() const
{
    return {{"rows", rows()},           {"columns", m_columns},
            {"blocks", blocks()},       {"rank", m_parts.left.size(2)},
            {"errors", m_parts.errors}, {"importance", m_parts.importance}};
}

engine::ReadTensor StackTensor::fromParts(const core::Json& description, const engine::TensorParts& parts,
                                          const engine::TensorLayouts&)
{
    const auto rows = description.value("rows", std::int64_t(0));
    const auto columns = description.value("columns", std::int64_t(0));
    const auto blocks = description.value("blocks", std::int64_t(0));
    const auto rank = description.value("rank", std::int64_t(0));
    StackParts read {engine::partNamed(parts, "signs"),
                     engine::partNamed(parts, "left"),
                     engine::partNamed(parts, "right"),
                     engine::partNamed(parts, "scales"),
                     description.value("errors", std::vector<double>()),
                     description.value("importance", std::vector<double>())};
    const bool fits = rows > 0 && columns > 0 && rows <= kMostEntries / columns && blocks > 0 && rank > 0 &&
                      rank <= std::min(rows, columns) &&
                      engine::hasShape(read.signs, at::kByte, {blocks, bytesFor(rows * columns)}) &&
                      isHalf(read.left, {blocks, rows, rank}) && isHalf(read.right, {blocks, rank, columns}) &&
                      (!read.scales.defined() || isHalf(read.scales, {columns})) &&
                      areFinite(read.errors, blocks + 1) && areFinite(read.importance, blocks - 1);
    if (!fits)
        return engine::damagedParts(kLayout);
    return std::shared_ptr<const engine::CompressedTensor>(std::make_shared<StackTensor>(std::move(read), columns));
}

core::Result<std::shared_ptr<const StackTensor>> StackTensor::of(const engine::CompressedTensor& form)
{
    if (form.layout() != kLayout)
        return engine::damagedParts(form.layout());
    PSC_ASSIGN(const auto read, fromParts(form.description(), form.serialise(), engine::TensorLayouts()));
    return std::static_pointer_cast<const StackTensor>(read);
}

std::shared_ptr<const StackTensor> StackTensor::prefix(std::int64_t count) const
{
    const auto first = [&](const at::Tensor& stacked) { return stacked.narrow(0, 0, count); };
    StackParts parts {first(m_parts.signs), first(m_parts.left), first(m_parts.right),
                      m_parts.scales,       m_parts.errors,      m_parts.importance};
    parts.errors.resize(static_cast<std::size_t>(count) + 1);
    parts.importance.resize(static_cast<std::size_t>(count) - 1);
    return std::make_shared<const StackTensor>(std::move(parts), m_columns);
}

std::int64_t StackTensor::blockBits() const
{
    return 8 * bytesFor(rows() * m_columns) + 16 * m_parts.left.size(2) * (rows() + m_columns);
}

std::int64_t StackTensor::fixedBits() const
{
    return m_parts.scales.defined() ? 16 * m_columns : 0;
}

} // namespace paretoscope::bitstack
