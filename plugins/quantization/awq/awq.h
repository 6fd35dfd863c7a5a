// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/result.h"
#include "core/engine/quantization/affine.h"

#include <functional>
#include <vector>

namespace paretoscope::awq {

struct Options
{
    engine::AffineOptions grid;
    int scaleGrid = 20;         ///< exponents 0, 1/n, ..., (n - 1)/n
    bool duoScaling = false;    ///< factors also fall with the weights' magnitude
    int clipGrid = 20;          ///< ranges 1, 1 - 1/n, ...
    double clipMaxShrink = 0.5; ///< of which floor(share * n) are tried
};

/// One linear layer that reads the channels to scale.
struct Consumer
{
    at::Tensor weight; ///< float32 [out, in]
    at::Tensor rows;   ///< float32 [tokens, in]: what it reads
    at::Tensor mask;   ///< bool [out, in] of a pruned weight, or undefined
};

/// The values that act in the place of W when the channels it reads are divided by the factors where they are made:
/// Q(W diag(s)) diag(1/s). @param factors float32 [in]. Errors: Numerical (a weight is not finite).
core::Result<at::Tensor> roundedWithFactors(const Consumer& consumer, const at::Tensor& factors,
                                            const Options& options);

/// What rounding with these factors costs.
using ScaleLoss = std::function<core::Result<double>(const at::Tensor& factors)>;

/// The mean squared error of the outputs of the consumers themselves, all together. They are read when it is called.
ScaleLoss outputLoss(const std::vector<Consumer>& consumers, const Options& options);

struct Scales
{
    at::Tensor factors;   ///< float32 [in]; columns are multiplied with them, what comes before is divided
    double exponent = 0;  ///< that they were made with
    double loss = 0;      ///< with them
    double plainLoss = 0; ///< without factors: that of round to nearest
};

/// Searches the exponent r for which rounding W diag(s), s = a^r, costs least; s is normalised to
/// sqrt(max s * min s) = 1. No factors at all are among the candidates, and win ties.
/// Source: Lin et al., MLSys 2024; specs quantization 7.
/// @param magnitudes float32 [in]: mean |x| per channel.
/// Errors: Numerical (a weight or the loss is not finite); those of `loss`. Deterministic for equal threads.
core::Result<Scales> searchScales(const std::vector<Consumer>& consumers, const at::Tensor& magnitudes,
                                  const Options& options, const ScaleLoss& loss);

struct Clipped
{
    at::Tensor weight;
    double error = 0;      ///< mean squared error of the partial outputs of all groups
    double plainError = 0; ///< without clipping
};

/// Limits the weights of every row and group to the range whose rounding harms the group's part of the output least,
/// symmetrically as the published code does; the full range is among the candidates, and wins ties.
/// Errors: Numerical (a weight is not finite).
core::Result<Clipped> clipRanges(const Consumer& consumer, const Options& options);

} // namespace paretoscope::awq
