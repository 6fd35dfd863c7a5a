// SPDX-License-Identifier: Apache-2.0
#include "core/checkpoint/dequantize.h"

#include "core/base/assert.h"
#include "core/checkpoint/k_quants.h"
#include "core/checkpoint/small_floats.h"
#include "core/checkpoint/untrusted_text.h"

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <string>

namespace paretoscope::core {

namespace {

std::uint8_t byteAt(const std::byte* bytes, int index)
{
    return std::to_integer<std::uint8_t>(bytes[index]);
}

float halfAt(const std::byte* bytes)
{
    std::uint16_t half;
    std::memcpy(&half, bytes, sizeof half);
    return halfToFloat(half);
}

/// Converts element by element. The chunk on the stack gives the compiler aligned data of known length to vectorise.
template <typename Stored, typename Convert>
void convert(const std::byte* stored, std::span<float> out, Convert toFloat)
{
    constexpr std::size_t kChunk = 64;
    std::array<Stored, kChunk> chunk;
    std::size_t i = 0;
    for (; i + kChunk <= out.size(); i += kChunk) {
        std::memcpy(chunk.data(), stored + i * sizeof(Stored), sizeof chunk);
        for (std::size_t j = 0; j < kChunk; ++j)
            out[i + j] = toFloat(chunk[j]);
    }
    for (; i < out.size(); ++i) {
        Stored value;
        std::memcpy(&value, stored + i * sizeof(Stored), sizeof value);
        out[i] = toFloat(value);
    }
}

void lookUp(const std::byte* stored, std::span<float> out, const SmallFloatTable& table)
{
    for (std::size_t i = 0; i < out.size(); ++i)
        out[i] = table[std::to_integer<std::uint8_t>(stored[i])];
}

/// The lower nibble of a byte is the first of its two elements, as in torch's float4_e2m1fn_x2.
void expandFloat4(const std::byte* stored, std::span<float> out)
{
    for (std::size_t i = 0; i < out.size(); ++i) {
        const auto pair = std::to_integer<unsigned>(stored[i / 2]);
        out[i] = kFloat4E2M1[(pair >> (4 * (i % 2))) & 15U];
    }
}

template <int BlockElements, int BlockBytes, typename Decode>
void forBlocks(const std::byte* stored, std::span<float> out, Decode decode)
{
    float* target = out.data();
    const float* const end = target + out.size();
    for (; target != end; target += BlockElements, stored += BlockBytes)
        decode(stored, target);
}

void dequantizeQ40(const std::byte* block, float* out)
{
    const float d = halfAt(block);
    for (int j = 0; j < 16; ++j) {
        const int pair = byteAt(block + 2, j);
        out[j] = d * static_cast<float>((pair & 15) - 8);
        out[j + 16] = d * static_cast<float>((pair >> 4) - 8);
    }
}

void dequantizeQ41(const std::byte* block, float* out)
{
    const float d = halfAt(block);
    const float m = halfAt(block + 2);
    for (int j = 0; j < 16; ++j) {
        const int pair = byteAt(block + 4, j);
        out[j] = d * static_cast<float>(pair & 15) + m;
        out[j + 16] = d * static_cast<float>(pair >> 4) + m;
    }
}

/// The 32 codes of Q5_0 and Q5_1: fifth bits in the first four bytes, nibbles after them.
std::array<int, 32> fiveBitCodes(const std::byte* bytes)
{
    std::uint32_t high;
    std::memcpy(&high, bytes, sizeof high);
    std::array<int, 32> codes;
    for (int j = 0; j < 16; ++j) {
        const int pair = byteAt(bytes + 4, j);
        codes[static_cast<std::size_t>(j)] = (pair & 15) | static_cast<int>(((high >> j) & 1U) << 4);
        codes[static_cast<std::size_t>(j + 16)] = (pair >> 4) | static_cast<int>(((high >> (j + 16)) & 1U) << 4);
    }
    return codes;
}

void dequantizeQ50(const std::byte* block, float* out)
{
    const float d = halfAt(block);
    const auto codes = fiveBitCodes(block + 2);
    for (std::size_t j = 0; j < 32; ++j)
        out[j] = d * static_cast<float>(codes[j] - 16);
}

void dequantizeQ51(const std::byte* block, float* out)
{
    const float d = halfAt(block);
    const float m = halfAt(block + 2);
    const auto codes = fiveBitCodes(block + 4);
    for (std::size_t j = 0; j < 32; ++j)
        out[j] = d * static_cast<float>(codes[j]) + m;
}

void dequantizeQ80(const std::byte* block, float* out)
{
    const float d = halfAt(block);
    for (int j = 0; j < 32; ++j)
        out[j] = d * static_cast<float>(static_cast<std::int8_t>(byteAt(block + 2, j)));
}

/// 2^(code-128). Unlike e8m0 by itself, ggml gives the code 255 no special meaning.
float mxfp4Scale(std::uint8_t code)
{
    return std::bit_cast<float>(code < 2 ? 0x00200000U << code : (code - 1U) << 23);
}

void dequantizeMxfp4(const std::byte* block, float* out)
{
    constexpr std::array<float, 16> kDoubled {0.0F,  1.0F,  2.0F,  3.0F,  4.0F,  6.0F,  8.0F,  12.0F,
                                              -0.0F, -1.0F, -2.0F, -3.0F, -4.0F, -6.0F, -8.0F, -12.0F};
    const float d = mxfp4Scale(byteAt(block, 0));
    for (int j = 0; j < 16; ++j) {
        const int pair = byteAt(block + 1, j);
        out[j] = d * kDoubled[static_cast<std::size_t>(pair & 15)];
        out[j + 16] = d * kDoubled[static_cast<std::size_t>(pair >> 4)];
    }
}

} // namespace

void dequantize(ElementType type, std::span<const std::byte> stored, std::span<float> out)
{
    const ElementLayout& layout = layoutOf(type);
    PSC_ASSERT(out.size() % static_cast<std::size_t>(layout.blockElements) == 0, "callers pass whole blocks");
    PSC_ASSERT(stored.size() == out.size() / static_cast<std::size_t>(layout.blockElements) *
                                    static_cast<std::size_t>(layout.blockBytes),
               "callers pass the bytes of exactly these elements");
    const std::byte* from = stored.data();
    switch (type) {
    case ElementType::F8E4M3:
        return lookUp(from, out, kFloat8E4M3);
    case ElementType::F8E5M2:
        return lookUp(from, out, kFloat8E5M2);
    case ElementType::F8E4M3Fnuz:
        return lookUp(from, out, kFloat8E4M3Fnuz);
    case ElementType::F8E5M2Fnuz:
        return lookUp(from, out, kFloat8E5M2Fnuz);
    case ElementType::F8E8M0:
        return convert<std::uint8_t>(from, out, exponentOnlyToFloat);
    case ElementType::F4E2M1:
        return expandFloat4(from, out);
    case ElementType::F16:
        return convert<std::uint16_t>(from, out, halfToFloat);
    case ElementType::BF16:
        return convert<std::uint16_t>(from, out, bfloat16ToFloat);
    case ElementType::F64:
        return convert<double>(from, out, [](double x) { return static_cast<float>(x); });
    case ElementType::F32:
        if (!out.empty())
            std::memcpy(out.data(), from, stored.size());
        return;
    case ElementType::Q4_0:
        return forBlocks<32, 18>(from, out, dequantizeQ40);
    case ElementType::Q4_1:
        return forBlocks<32, 20>(from, out, dequantizeQ41);
    case ElementType::Q5_0:
        return forBlocks<32, 22>(from, out, dequantizeQ50);
    case ElementType::Q5_1:
        return forBlocks<32, 24>(from, out, dequantizeQ51);
    case ElementType::Q8_0:
        return forBlocks<32, 34>(from, out, dequantizeQ80);
    case ElementType::Q2_K:
        return forBlocks<256, 84>(from, out, dequantizeQ2K);
    case ElementType::Q3_K:
        return forBlocks<256, 110>(from, out, dequantizeQ3K);
    case ElementType::Q4_K:
        return forBlocks<256, 144>(from, out, dequantizeQ4K);
    case ElementType::Q5_K:
        return forBlocks<256, 176>(from, out, dequantizeQ5K);
    case ElementType::Q6_K:
        return forBlocks<256, 210>(from, out, dequantizeQ6K);
    case ElementType::Mxfp4:
        return forBlocks<32, 17>(from, out, dequantizeMxfp4);
    case ElementType::Bool:
    case ElementType::U8:
    case ElementType::I8:
    case ElementType::U16:
    case ElementType::I16:
    case ElementType::U32:
    case ElementType::I32:
    case ElementType::U64:
    case ElementType::I64:
    case ElementType::C64:
    case ElementType::Packed:
        break;
    }
    PSC_ASSERT(false, "callers ask isReadableAsFloat32 first");
}

Status checkDequantizable(const StoredTensor& tensor, std::size_t room)
{
    const ElementLayout& layout = layoutOf(tensor.type);
    const std::string what = "tensor " + inQuotes(tensor.name) + " of " + std::string(tensor.source);
    if (!isReadableAsFloat32(tensor.type))
        return Error {ErrorCode::Unsupported,
                      what + " has type " + std::string(layout.name) + ", which is no floating-point or quantised type",
                      "such tensors are read as stored bytes only"};
    const std::size_t elements = tensor.data.size() / static_cast<std::size_t>(layout.blockBytes) *
                                 static_cast<std::size_t>(layout.blockElements);
    if (room != elements)
        return Error {ErrorCode::InvalidArgument,
                      what + " has " + std::to_string(elements) + " elements, but there is room for " +
                          std::to_string(room),
                      "give room for exactly its elements"};
    return success();
}

Status dequantizeTensor(const StoredTensor& tensor, std::span<float> out)
{
    PSC_TRY(checkDequantizable(tensor, out.size()));
    dequantize(tensor.type, tensor.data, out);
    return success();
}

} // namespace paretoscope::core
