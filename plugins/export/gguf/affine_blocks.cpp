// SPDX-License-Identifier: Apache-2.0
#include "affine_blocks.h"

#include "core/base/assert.h"
#include "core/checkpoint/small_floats.h"
#include "core/engine/device/transfer.h"

#include <cstring>

namespace paretoscope::gguf {

namespace {

using core::ElementType;

core::Error cannotCut(const std::string& why)
{
    return {core::ErrorCode::Unsupported, why + ", which no block type of GGUF holds",
            "export with --set type=float16, or to another format"};
}

bool isHalf(const at::Tensor& values)
{
    return at::equal(values.to(at::kHalf).to(at::kFloat), values);
}

/// One block of the file, written from its front.
class BlockBytes
{
public:
    explicit BlockBytes(std::byte* out)
        : m_out(out)
    {}
    void half(float value)
    {
        const std::uint16_t bits = core::floatToHalf(value);
        std::memcpy(m_out, &bits, sizeof bits);
        m_out += sizeof bits;
    }
    void byte(int value) { *m_out++ = static_cast<std::byte>(value); }
    /// Codes 0..15: the first half of the block in the low nibbles, the second in the high ones.
    void nibbles(const std::int16_t* offsets, int added)
    {
        constexpr int kHalf = AffineBlocks::kBlock / 2;
        for (int i = 0; i < kHalf; ++i)
            byte((offsets[i] + added) | ((offsets[i + kHalf] + added) << 4));
    }

private:
    std::byte* m_out;
};

void encodeBlock(ElementType type, const std::int16_t* offsets, float scale, float zero, std::byte* out)
{
    BlockBytes block(out);
    block.half(scale);
    if (type == ElementType::Q4_0) {
        block.nibbles(offsets, 8);
    } else if (type == ElementType::Q4_1) {
        block.half(-scale * zero);
        block.nibbles(offsets, static_cast<int>(zero));
    } else {
        for (int i = 0; i < AffineBlocks::kBlock; ++i)
            block.byte(offsets[i]);
    }
}

} // namespace

core::Result<AffineBlocks> AffineBlocks::of(const engine::GroupAffineTensor& weight)
{
    const std::int64_t columns = weight.codes().size(1);
    const std::int64_t size = weight.options().groupSizeFor(columns);
    if (weight.columnGroups().defined())
        return cannotCut("its groups are formed in another order (activation_order: dynamic)");
    if (columns % kBlock != 0)
        return cannotCut("its rows of " + std::to_string(columns) + " weights are no multiple of 32");
    if (size % kBlock != 0 && size < columns)
        return cannotCut("its groups of " + std::to_string(size) + " weights are no multiple of 32");
    const at::Tensor scales = engine::toHost(weight.grids().scales);
    if (!isHalf(scales))
        return cannotCut("its scales are no float16 numbers");

    const at::Tensor group = at::arange(0, columns, kBlock, at::kLong).floor_divide(size);
    const at::Tensor zeros = engine::toHost(weight.grids().zeros);
    AffineBlocks blocks;
    blocks.m_bits = weight.options().bits;
    blocks.m_scales = scales.index_select(1, group).contiguous();
    blocks.m_zeros = zeros.index_select(1, group).contiguous();
    const at::Tensor zeroOfColumn = blocks.m_zeros.to(at::kShort).repeat_interleave(kBlock, 1);
    blocks.m_offsets = engine::toHost(weight.codes()).to(at::kShort).sub_(zeroOfColumn);
    if (const at::Tensor mask = weight.mask(); mask.defined())
        blocks.m_offsets.masked_fill_(engine::toHost(mask).logical_not(), 0);
    return blocks;
}

bool AffineBlocks::fit(ElementType type, bool roundsMinimum) const
{
    const auto lowest = m_offsets.min().item<std::int64_t>();
    const auto highest = m_offsets.max().item<std::int64_t>();
    if (type == ElementType::Q4_0)
        return lowest >= -8 && highest <= 7;
    if (type == ElementType::Q8_0)
        return lowest >= -128 && highest <= 127;
    return type == ElementType::Q4_1 && m_bits <= 4 && (roundsMinimum || isHalf(m_scales * m_zeros));
}

std::vector<std::byte> AffineBlocks::encode(ElementType type, const at::Tensor& rowOrder) const
{
    PSC_ASSERT(fit(type, true), "callers ask fit() first");
    const std::int64_t rows = m_offsets.size(0);
    const std::int64_t blocks = m_scales.size(1);
    const auto blockBytes = static_cast<std::int64_t>(core::layoutOf(type).blockBytes);
    std::vector<std::byte> bytes(static_cast<std::size_t>(rows * blocks * blockBytes));
    const std::int16_t* offsets = m_offsets.const_data_ptr<std::int16_t>();
    const float* scales = m_scales.const_data_ptr<float>();
    const float* zeros = m_zeros.const_data_ptr<float>();
    const std::int64_t* order = rowOrder.defined() ? rowOrder.const_data_ptr<std::int64_t>() : nullptr;
    for (std::int64_t place = 0; place < rows; ++place) {
        const std::int64_t first = (order ? order[place] : place) * blocks;
        for (std::int64_t i = 0; i < blocks; ++i)
            encodeBlock(type, offsets + (first + i) * kBlock, scales[first + i], zeros[first + i],
                        bytes.data() + (place * blocks + i) * blockBytes);
    }
    return bytes;
}

} // namespace paretoscope::gguf
