// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/json.h"
#include "roofline/operations/operation.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace paretoscope::roofline {

/// Kernels that reach like shares of the ceilings.
enum class KernelKind : std::uint8_t
{
    Product,     ///< linears
    Attention,   ///< products of attention, its softmax
    Norm,        ///< norms
    Rotation,    ///< rotary positions
    Elementwise, ///< sums, activations
    CacheWrite,  ///< of keys and values
    Gather,      ///< rows of tables
};
inline constexpr std::size_t kKernelKinds = 7;
std::string_view kernelKindName(KernelKind kind); ///< "product"
KernelKind kindOf(const Operation& operation);

/// What of the ceilings kernels reach: seconds = max(matrix / matrix + vector / vector, passes · memory / memory) +
/// launches · launchSeconds, of a product with a curve its seconds · curve.
struct ReachedShares
{
    double matrix = 1; ///< in (0, 1]
    double vector = 1;
    double memory = 1;
    double launchSeconds = 0;
    /// Time in the pass over that of the measured curve, for products that have one; 1: as measured by themselves.
    double curve = 1;

    bool operator==(const ReachedShares&) const = default;
};

/// An operation at the ceilings: what its terms take, in seconds, for all sequences of a step.
struct CeilingTimes
{
    KernelKind kind = KernelKind::Product;
    double matrix = 0;
    double vector = 0;
    double memory = 0;
    double passes = 1;   ///< how often our kernels move what `memory` counts once
    double launches = 0; ///< kernels, or blocks of one
    double curve = 0;    ///< by the measured products; 0: there is none

    double ideal() const; ///< max(matrix + vector, memory)
    /// What the operation takes by these shares. @param usesCurve where it has one
    double seconds(const ReachedShares& shares, bool usesCurve) const;
};

/// A part of a step: operations that were timed together, and what they took.
struct CalibrationPoint
{
    std::size_t step = 0; ///< index of the step; those of equal shape have equal ones
    bool isEntry = false; ///< the step begins with it
    std::vector<CeilingTimes> operations = {};
    double measured = 0; ///< seconds
};

/// How far predictions are from what was measured: mean of |predicted / measured - 1|, and the share within 20 %.
struct FitError
{
    double meanRelative = 0;
    double within20Percent = 0;
    bool operator==(const FitError&) const = default;
};

/// What the kernels of a machine reach, fitted to measured parts of steps.
struct Calibration
{
    ReachedShares overall = {}; ///< one set for all kernels, without curves
    std::array<ReachedShares, kKernelKinds> kinds = {};
    double stepSeconds = 0;    ///< before the first operation of a step
    double sectionSeconds = 0; ///< per layer, beside its operations
    FitError ideal = {};       ///< all at the ceilings
    FitError overallError = {};
    FitError error = {};
    FitError leftOut = {}; ///< of the parts of each step by a fit to all other steps

    const ReachedShares& of(KernelKind kind) const { return kinds[static_cast<std::size_t>(kind)]; }
    double seconds(const CeilingTimes& operation) const { return operation.seconds(of(operation.kind), true); }
    double seconds(const CalibrationPoint& point) const; ///< with stepSeconds, where it is an entry

    core::Json json() const;
    /// Errors: Corrupt.
    static core::Result<Calibration> fromJson(const core::Json& json, const std::string& where);
    bool operator==(const Calibration&) const = default;
};

/// Minimises the sum of squared ln(predicted / measured) over the points: first one set of shares for all of them, then
/// what the points of each kind of kernel tell apart: its memory and launches, for attention also its products (softmax
/// reaches the same), for linears also their products and the curve. Everywhere else vector operations go with the
/// memory. `sectionSeconds` and `leftOut` are left to the caller. Deterministic. Errors: InvalidArgument (no point, a
/// time that is not above zero).
core::Result<Calibration> calibrate(const std::vector<CalibrationPoint>& points);
/// @param seconds predicted, per point
FitError fitError(const std::vector<CalibrationPoint>& points, const std::vector<double>& seconds);
/// Seconds of each point by fits to the points of all other steps; as fitted where there is only one step.
std::vector<double> leftOutSeconds(const std::vector<CalibrationPoint>& points, const Calibration& calibration);

} // namespace paretoscope::roofline
