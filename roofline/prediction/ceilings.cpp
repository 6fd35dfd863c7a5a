// SPDX-License-Identifier: Apache-2.0
#include "roofline/prediction/ceilings.h"

#include "core/base/assert.h"
#include "core/base/json.h"

#include <cmath>
#include <initializer_list>

namespace paretoscope::roofline {

namespace {

using core::Error;
using core::ErrorCode;

constexpr double kTile = 128;

/// Number types that a matrix product runs in, the best first. Weights are widened where a rate is missing.
std::initializer_list<NumberType> candidates(MatrixType type)
{
    using enum NumberType;
    static constexpr std::initializer_list<NumberType> kFloat16 {Bf16, Fp16, Fp32};
    static constexpr std::initializer_list<NumberType> kFloat32 {Fp32};
    static constexpr std::initializer_list<NumberType> kTf32 {Tf32, Fp32};
    static constexpr std::initializer_list<NumberType> kFp8 {Fp8, Bf16, Fp16};
    static constexpr std::initializer_list<NumberType> kInt8 {Int8, Fp16, Bf16};
    static constexpr std::initializer_list<NumberType> kFp4 {Fp4, Fp8, Fp16, Bf16};
    static constexpr std::initializer_list<NumberType> kInt4 {Int4, Int8, Fp16, Bf16};
    switch (type) {
    case MatrixType::Float32:
        return kFloat32;
    case MatrixType::Tf32:
        return kTf32;
    case MatrixType::Fp8:
        return kFp8;
    case MatrixType::Int8:
        return kInt8;
    case MatrixType::Fp4:
        return kFp4;
    case MatrixType::Int4:
        return kInt4;
    case MatrixType::Float16:
        break;
    }
    return kFloat16;
}

core::Status requireShare(const char* name, double value)
{
    if (value > 0 && value <= 1)
        return core::success();
    return Error {ErrorCode::InvalidArgument,
                  std::string("the efficiency of ") + name + " is " + core::canonicalJson(core::Json(value)),
                  "give a share above 0, at most 1"};
}

/// Comparisons are written so that NaN fails.
core::Status requireRates(const HardwareSpec& hardware)
{
    std::vector<std::optional<double>> rates(hardware.peaks.begin(), hardware.peaks.end());
    rates.insert(rates.end(), {hardware.memoryBytes, hardware.interconnectBytesPerSecond, hardware.tdpWatts,
                               hardware.l2Bytes, hardware.l2BandwidthBytesPerSecond});
    for (const std::optional<double>& rate : rates) {
        if (rate && !(*rate > 0 && std::isfinite(*rate)))
            return Error {ErrorCode::InvalidArgument,
                          hardware.name + " states " + core::canonicalJson(core::Json(*rate)) + " as one of its rates",
                          "state values above 0, or none where they are not known"};
    }
    if (hardware.processors && *hardware.processors < 1)
        return Error {ErrorCode::InvalidArgument, hardware.name + " has no processors",
                      "state how many there are, or nothing"};
    if (!(hardware.bandwidthBytesPerSecond > 0 && std::isfinite(hardware.bandwidthBytesPerSecond)))
        return Error {ErrorCode::InvalidArgument, hardware.name + " has no bandwidth",
                      "state the bandwidth of its main memory"};
    return core::success();
}

core::Status requireCurve(const std::vector<std::array<double, 2>>& curve)
{
    double before = 0;
    for (const auto& [bytes, rate] : curve) {
        if (!(bytes > before && std::isfinite(bytes) && rate > 0 && std::isfinite(rate)))
            return Error {ErrorCode::InvalidArgument, "the measured collectives do not rise from one to the next",
                          "give bytes and bytes per second above 0, by rising bytes"};
        before = bytes;
    }
    return core::success();
}

core::Status requireSeconds(const char* name, double value)
{
    if (value >= 0 && value <= 3600)
        return core::success();
    return Error {ErrorCode::InvalidArgument, std::string(name) + " is " + core::canonicalJson(core::Json(value)),
                  "give seconds, not below 0"};
}

/// Part of a matrix product's tiles that does work (M rows, N columns, waves over the processors).
double tileShare(double rows, double columns, const std::optional<int>& processors)
{
    const double tiles = std::ceil(rows / kTile) * std::ceil(columns / kTile);
    double share = rows * columns / (tiles * kTile * kTile);
    if (processors) {
        const double waves = tiles / *processors;
        share *= waves / std::ceil(waves);
    }
    return share;
}

/// log-linear between the points of a curve, constant beyond them.
double curveAt(const std::vector<std::array<double, 2>>& curve, double bytes)
{
    if (bytes <= curve.front()[0])
        return curve.front()[1];
    for (std::size_t i = 1; i < curve.size(); ++i) {
        if (bytes > curve[i][0])
            continue;
        const double place = std::log(bytes / curve[i - 1][0]) / std::log(curve[i][0] / curve[i - 1][0]);
        return std::exp(std::log(curve[i - 1][1]) + place * std::log(curve[i][1] / curve[i - 1][1]));
    }
    return curve.back()[1];
}

} // namespace

Efficiency Efficiency::realistic()
{
    return {.matrix = 0.7, .vector = 0.7, .memory = 0.9, .launchSeconds = 4e-6, .networkCurve = {}};
}

Efficiency Efficiency::graphs()
{
    Efficiency efficiency = realistic();
    efficiency.launchSeconds = 1.5e-6;
    return efficiency;
}

std::string_view boundName(Bound bound)
{
    static constexpr std::array<std::string_view, 4> kNames {"compute", "memory", "launch", "communication"};
    return kNames[static_cast<std::size_t>(bound)];
}

core::Result<Ceilings> Ceilings::of(const HardwareSpec& hardware, const Efficiency& efficiency)
{
    PSC_TRY(requireShare("matrix products", efficiency.matrix));
    PSC_TRY(requireShare("vector operations", efficiency.vector));
    PSC_TRY(requireShare("memory", efficiency.memory));
    PSC_TRY(requireShare("gathered rows", efficiency.gather));
    PSC_TRY(requireShare("the network", efficiency.network));
    PSC_TRY(requireSeconds("the time of a launch", efficiency.launchSeconds));
    PSC_TRY(requireSeconds("the latency of a link", efficiency.linkLatencySeconds));
    if (!(efficiency.sparseSpeedup >= 1 && efficiency.sparseSpeedup <= 16))
        return Error {ErrorCode::InvalidArgument,
                      "the speed-up of 2:4 sparse weights is " +
                          core::canonicalJson(core::Json(efficiency.sparseSpeedup)),
                      "give a number from 1 to 16"};
    PSC_TRY(requireCurve(efficiency.networkCurve));
    PSC_TRY(requireRates(hardware));
    Ceilings ceilings;
    ceilings.m_name = hardware.name;
    ceilings.m_efficiency = efficiency;
    for (std::size_t i = 0; i < kMatrixTypes; ++i) {
        for (const NumberType type : candidates(static_cast<MatrixType>(i))) {
            if (!hardware.peak(type))
                continue;
            ceilings.m_matrix[i] = *hardware.peak(type) * efficiency.matrix;
            ceilings.m_types[i] = type;
            break;
        }
    }
    if (hardware.peak(NumberType::Fp32))
        ceilings.m_vector = *hardware.peak(NumberType::Fp32) * efficiency.vector;
    ceilings.m_bandwidth = hardware.bandwidthBytesPerSecond * efficiency.memory;
    if (hardware.l2BandwidthBytesPerSecond)
        ceilings.m_l2Bandwidth = *hardware.l2BandwidthBytesPerSecond * efficiency.memory;
    if (hardware.interconnectBytesPerSecond)
        ceilings.m_link = *hardware.interconnectBytesPerSecond / 2 * efficiency.network;
    ceilings.m_processors = hardware.processors;
    ceilings.m_sparse24 = hardware.sparse24;
    return ceilings;
}

core::Status Ceilings::requireRatesFor(const Operation& operation) const
{
    const auto missing = [&](const std::string& rate) {
        return Error {ErrorCode::Unsupported,
                      m_name + " states no " + rate + ", which " + std::string(operation.name) + " needs",
                      "choose a device that does, or add the value in a file of your own (--hardware-file)"};
    };
    if (operation.matrixFlops > 0 && !matrixRate(operation.matrixType))
        return missing("rate for its matrix products");
    if (operation.vectorFlops > 0 && !m_vector)
        return missing("fp32 rate");
    if (operation.collective != Collective::None && !m_link && m_efficiency.networkCurve.empty())
        return missing("interconnect");
    return core::success();
}

double Ceilings::collectiveSeconds(Collective collective, int devices, double bytes) const
{
    const double n = devices;
    if (collective == Collective::None || devices < 2)
        return 0;
    const double latency = m_efficiency.linkLatencySeconds;
    PSC_ASSERT(m_link || !m_efficiency.networkCurve.empty(), "requireRatesFor() was not asked");
    const double rate = m_efficiency.networkCurve.empty() ? *m_link : curveAt(m_efficiency.networkCurve, bytes);
    switch (collective) {
    case Collective::AllReduce:
        return 2 * (n - 1) * latency + 2 * (n - 1) / n * bytes / rate;
    case Collective::PointToPoint:
        return latency + bytes / rate;
    default:
        return (n - 1) * latency + (n - 1) / n * bytes / rate;
    }
}

Timing Ceilings::timeOf(const Operation& operation) const
{
    Timing timing;
    if (operation.collective != Collective::None) {
        timing.communication = collectiveSeconds(operation.collective, operation.devices, operation.messageBytes);
        timing.total = timing.communication;
        timing.bound = Bound::Communication;
        return timing;
    }
    if (operation.matrixFlops > 0) {
        double rate = *matrixRate(operation.matrixType);
        if (operation.isSparse24 && m_sparse24)
            rate *= m_efficiency.sparseSpeedup;
        if (m_efficiency.tileQuantisation && operation.rows > 0)
            rate *= tileShare(operation.rows, operation.columns, m_processors);
        timing.matrix = operation.matrixFlops / rate;
    }
    if (operation.vectorFlops > 0)
        timing.vector = operation.vectorFlops / *m_vector;
    const double gathered = operation.gatheredBytes;
    timing.memory = (operation.bytes() - gathered) / m_bandwidth + gathered / (m_bandwidth * m_efficiency.gather);
    const double l2 = m_l2Bandwidth ? std::max(operation.l2Bytes, operation.bytes()) / *m_l2Bandwidth : 0;
    const bool isL2Bound = l2 > timing.memory;
    timing.memory = std::max(timing.memory, l2);
    const double compute = timing.compute(m_efficiency.overlapsVector);
    timing.launch = operation.launches * m_efficiency.launchSeconds;
    timing.total = std::max(compute, timing.memory) + timing.launch + operation.serialSeconds;
    timing.memory += operation.serialSeconds;
    timing.bound = compute >= timing.memory ? Bound::Compute : Bound::Memory;
    if (timing.launch > std::max(compute, timing.memory))
        timing.bound = Bound::Launch;
    const bool isMatrixFirst = timing.matrix >= timing.vector;
    timing.limiter =
        static_cast<std::uint8_t>(compute >= timing.memory ? (isMatrixFirst ? 0 : 1) : (isL2Bound ? 2 : 3));
    return timing;
}

} // namespace paretoscope::roofline
