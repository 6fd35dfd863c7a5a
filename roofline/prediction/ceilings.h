// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "roofline/hardware/hardware_spec.h"
#include "roofline/operations/operation.h"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

namespace paretoscope::roofline {

/// How much of a device's rates a program reaches. The defaults are the ideal roofline.
struct Efficiency
{
    double matrix = 1;
    double vector = 1;
    double memory = 1;
    double gather = 1; ///< of `memory`, by rows of tables that are read at random
    double network = 0.8;
    double launchSeconds = 0;
    double linkLatencySeconds = 1e-6;
    bool overlapsVector = false;   ///< softmax beside matrix products, as FlashAttention-3 does
    bool tileQuantisation = false; ///< count the idle part of the last tiles of a matrix product
    double sparseSpeedup = 1.5;    ///< reached by 2:4 sparse weights where the device supports them (vendors: 2)
    /// Measured collectives: message bytes and bytes per second, rising. Empty: the formulas.
    std::vector<std::array<double, 2>> networkCurve = {};

    static Efficiency ideal() { return {}; }
    static Efficiency realistic(); ///< 0.7 of compute, 0.9 of bandwidth, 4 µs per kernel
    static Efficiency graphs();    ///< the same with CUDA graphs: 1.5 µs per kernel
};

enum class Bound : std::uint8_t
{
    Compute,
    Memory,
    Launch,
    Communication,
};
std::string_view boundName(Bound bound); ///< "memory"

/// What an operation takes, in seconds.
struct Timing
{
    double matrix = 0;
    double vector = 0;
    double memory = 0;
    double launch = 0;
    double communication = 0;
    double total = 0;
    Bound bound = Bound::Compute;
    /// Which of its terms decides; between two lengths with equal limiters the time is linear in the length.
    std::uint8_t limiter = 0;

    double compute(bool overlaps) const { return overlaps ? std::max(matrix, vector) : matrix + vector; }
};

/// The rates of one device as operations meet them.
class Ceilings
{
public:
    /// Errors: InvalidArgument (an efficiency outside of (0, 1], a negative time, no bandwidth).
    static core::Result<Ceilings> of(const HardwareSpec& hardware, const Efficiency& efficiency);

    /// Operations per second of matrix products of a type, by the first number type the device has a rate for.
    std::optional<double> matrixRate(MatrixType type) const { return m_matrix[static_cast<std::size_t>(type)]; }
    std::optional<NumberType> numberType(MatrixType type) const { return m_types[static_cast<std::size_t>(type)]; }
    std::optional<double> vectorRate() const { return m_vector; }
    double bandwidth() const { return m_bandwidth; }
    const Efficiency& efficiency() const { return m_efficiency; }

    /// Errors: Unsupported, naming the rate that the device does not state.
    core::Status requireRatesFor(const Operation& operation) const;
    /// For operations that requireRatesFor() accepts.
    Timing timeOf(const Operation& operation) const;
    /// Seconds of a collective (ring algorithms).
    double collectiveSeconds(Collective collective, int devices, double bytes) const;

private:
    Ceilings() = default;

    std::string m_name = {};
    Efficiency m_efficiency;
    std::array<std::optional<double>, kMatrixTypes> m_matrix;
    std::array<std::optional<NumberType>, kMatrixTypes> m_types;
    std::optional<double> m_vector = {};
    double m_bandwidth = 0;
    std::optional<double> m_l2Bandwidth = {};
    std::optional<double> m_link = {}; ///< one direction
    std::optional<int> m_processors = {};
    bool m_sparse24 = false;
};

} // namespace paretoscope::roofline
