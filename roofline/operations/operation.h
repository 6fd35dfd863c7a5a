// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace paretoscope::roofline {

/// In what a matrix product is computed; the device decides which of its rates that is (see Ceilings).
enum class MatrixType : std::uint8_t
{
    Float16,
    Float32,
    Tf32,
    Fp8,
    Int8,
    Fp4,
    Int4,
};
inline constexpr std::size_t kMatrixTypes = 7;

enum class Collective : std::uint8_t
{
    None,
    AllReduce,
    AllGather,
    ReduceScatter,
    AllToAll,
    PointToPoint,
};

/// What one kernel does on one device, independent of how fast the device is. FLOPs (a multiply-add is two) and bytes.
struct Operation
{
    std::string_view name = {};
    double matrixFlops = 0;
    double vectorFlops = 0;
    double weightBytes = 0;
    double activationInBytes = 0;
    double activationOutBytes = 0;
    double gatheredBytes = 0; ///< of activationInBytes: rows of a table that are read at random
    double cacheReadBytes = 0;
    double cacheWriteBytes = 0;
    double l2Bytes = 0;     ///< traffic between L2 and the processors; 0: as main memory
    double resultBytes = 0; ///< what stays in memory until the last consumer has read it
    double launches = 1;
    double serialSeconds = 0; ///< decoding of losslessly coded weights, not overlapped
    MatrixType matrixType = MatrixType::Float16;
    bool isSparse24 = false; ///< may run at the rate for 2:4 sparse weights
    Collective collective = Collective::None;
    int devices = 1;         ///< of the collective
    double messageBytes = 0; ///< per device
    double rows = 0;         ///< of a matrix product, for tile quantisation; 0: none
    double columns = 0;
    std::array<std::int16_t, 3> inputs {kNone, kNone, kNone}; ///< operations of the same list whose results it reads

    static constexpr std::int16_t kNone = -1;
    static constexpr std::int16_t kStream = -2; ///< what enters the layer

    double flops() const { return matrixFlops + vectorFlops; }
    double bytes() const
    {
        return weightBytes + activationInBytes + activationOutBytes + cacheReadBytes + cacheWriteBytes;
    }
};

} // namespace paretoscope::roofline
