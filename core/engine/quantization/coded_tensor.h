// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/engine/kernels/affine_grid.h"
#include "core/engine/layout/packed_mask.h"
#include "core/engine/layout/tensor_layouts.h"
#include "core/engine/plugin/compressed_tensor.h"
#include "core/engine/quantization/number_format.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace paretoscope::engine {

/// How the scales of a CodedTensor are stored.
enum class ScaleCoding
{
    Float32,
    Float16,
    BFloat16,
    PowerOfTwo,  ///< E8M0: one byte e for 2^(e - 127) (MX formats)
    Float8,      ///< E4M3 over one float32 factor of the whole tensor (NVFP4)
    SecondLevel, ///< one byte, in blocks of 256 with a float32 scale each, around one float32 mean (double
                 ///< quantisation)
};

ScaleCoding scaleCodingOf(ScaleType type);
at::ScalarType storageType(ScaleCoding coding); ///< of the tensor that holds them

/// The scales of a matrix, one per row and group or one group for all of it, as they are stored.
struct CodedScales
{
    static constexpr std::int64_t kBlock = 256; ///< of SecondLevel

    ScaleCoding coding = ScaleCoding::Float16;
    at::Tensor stored; ///< [rows, groups] or [1, 1]; float32, float16 or bfloat16, uint8 of the coded ones
    at::Tensor factor; ///< float32 [1]: what E4M3 scales are divided by, or the mean of SecondLevel; else undefined
    at::Tensor blocks; ///< float32 [blocks]: scales of SecondLevel; else undefined

    at::Tensor values() const; ///< float32, like `stored`
};

/// A matrix of codes of a number format with scales, and real zero points where the method has them:
/// scale * (value of the code - zero point).
///
/// Packed form: codes as GroupAffineTensor packs them, of a pruned weight only those of what was kept, with a
/// PackedMask; scales as CodedScales says; zero points in the type of the scales. Lies on the host.
class CodedTensor : public CompressedTensor
{
public:
    struct Form
    {
        const NumberFormat* format = nullptr;
        std::int64_t groupSize = -1; ///< columns that share a scale; -1: the whole row; the last group may be shorter
    };

    /// @param codes uint8 [out, in]; @param zeros like the stored scales, or undefined;
    /// @param mask bool [out, in], false where a pruned weight stays zero, or undefined
    CodedTensor(Form form, at::Tensor codes, CodedScales scales, at::Tensor zeros = {}, const at::Tensor& mask = {});
    CodedTensor(Form form, at::Tensor codes, CodedScales scales, at::Tensor zeros, std::optional<PackedMask> mask);

    at::Tensor dequantize() const override;
    std::vector<StoredPart> storedParts() const override;
    std::vector<std::pair<std::string, at::Tensor>> serialise() const override;
    std::string_view layout() const override { return kLayout; }
    core::Json description() const override;
    at::Tensor mask() const override { return m_mask ? m_mask->mask() : at::Tensor(); }

    static constexpr std::string_view kLayout = "coded";
    /// As TensorLayout::read.
    static ReadTensor fromParts(const core::Json& description, const TensorParts& parts, const TensorLayouts& layouts);

    const at::Tensor& codes() const { return m_codes; }
    const CodedScales& scales() const { return m_scales; }

private:
    Form m_form;
    at::Tensor m_codes;
    CodedScales m_scales;
    at::Tensor m_zeros;
    std::optional<PackedMask> m_mask;
};

/// Codes of values over the scale of their group; where that is 0, of 0.
/// @param weight float32 [rows, columns]; @param scales float32 [rows, groups] or [1, 1]; both on the host.
/// @return uint8 [rows, columns]
at::Tensor encodeGroups(const at::Tensor& weight, const at::Tensor& scales, const CodedTensor::Form& form);

} // namespace paretoscope::engine
