// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/result.h"
#include "core/engine/plugin/compressed_tensor.h"

#include <cstdint>
#include <memory>
#include <vector>

namespace paretoscope::pv_tuning {

struct CodeMoves
{
    double share = 0.01; ///< of the groups whose codes may change; at least one group
    std::int64_t beam = 1;
    std::uint64_t seed = 0;
};

/// A quantised weight as codes (which values are equal) and values (codebooks, scales). Whatever is done to it, it is
/// one that its layout can store.
class TunableWeight
{
public:
    virtual ~TunableWeight() = default;

    /// The codes and values of a form in one of the layouts additive_codes and group_affine; null for another one.
    /// Errors: Corrupt.
    static core::Result<std::unique_ptr<TunableWeight>> of(const engine::CompressedTensor& form);

    /// float32 [out, in], as it is stored
    virtual at::Tensor dequantize() const = 0;
    /// The gradient of the loss with respect to the values, codes fixed, tensor by tensor: codebooks [M, 2^B, g] and
    /// scales of rows, or scales [out, groups]. That values are rounded when they are stored counts as the identity.
    /// @param gradient float32 [out, in], of the loss with respect to dequantize()
    virtual std::vector<at::Tensor> valueGradients(const at::Tensor& gradient) const = 0;
    /// P step: moves the values against valueGradients(gradient), codes fixed.
    virtual void moveValues(const at::Tensor& gradient, double learningRate) = 0;
    /// V step: among the groups of codes that are farthest from `target`, as many as `moves` allows get the codes that
    /// are nearest to it, values fixed. @return how many groups have other codes now
    virtual std::int64_t moveCodes(const at::Tensor& target, const CodeMoves& moves) = 0;
    virtual std::int64_t groups() const = 0; ///< that moveCodes() chooses from
    virtual std::shared_ptr<const engine::CompressedTensor> form() const = 0;
};

/// The `share` of all groups, one at least, with the largest squared distance. @param distances [n]. @return int64
at::Tensor farthest(const at::Tensor& distances, double share);

} // namespace paretoscope::pv_tuning
