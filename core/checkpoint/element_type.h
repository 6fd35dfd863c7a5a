// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/quantity.h"
#include "core/base/result.h"

#include <cstdint>
#include <span>
#include <string>
namespace paretoscope::core {

/// How the elements of a tensor are stored, in safetensors or GGUF.
enum class ElementType
{
    Bool,
    U8,
    I8,
    U16,
    I16,
    U32,
    I32,
    U64,
    I64,
    F8E4M3,
    F8E5M2,
    F8E4M3Fnuz,
    F8E5M2Fnuz,
    F8E8M0,
    F4E2M1,
    F16,
    BF16,
    F32,
    F64,
    C64,
    Q4_0,
    Q4_1,
    Q5_0,
    Q5_1,
    Q8_0,
    Q2_K,
    Q3_K,
    Q4_K,
    Q5_K,
    Q6_K,
    Mxfp4,
    Packed, ///< several tensors of the file that together hold one quantised weight
};

struct ElementLayout
{
    std::string_view name; ///< lower case, e.g. "bf16", "q4_1"; what `inspect` prints
    int blockElements = 1; ///< elements that share one block
    int blockBytes = 1;    ///< bytes of one block
};

const ElementLayout& layoutOf(ElementType type);

/// Whether stored elements of this type can be turned into float32: the floating-point and block-quantised types.
bool isReadableAsFloat32(ElementType type);

/// Product of the dimensions; 1 for a scalar. Errors: Corrupt (a negative dimension, or a product of 2^63 or more).
Result<std::int64_t> elementCount(std::span<const std::int64_t> shape);

/// "[2, 3]"; for messages.
std::string shapeText(std::span<const std::int64_t> shape);

/// Exact bytes of `elements` elements. Errors: Corrupt when they do not fill whole blocks or the product overflows, and
/// for Packed, whose bytes depend on more than the type.
Result<Bytes> storedBytes(ElementType type, std::int64_t elements);

} // namespace paretoscope::core
