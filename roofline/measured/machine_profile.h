// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/json.h"
#include "core/statistics/repeated.h"
#include "roofline/hardware/hardware_spec.h"
#include "roofline/measured/calibration.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace paretoscope::roofline {

/// A rate of a machine, as it was measured.
struct MeasuredRate
{
    std::string name; ///< "dram_read"; the names are those of the engine's measureCeilings()
    int threads = 1;
    double work = 0;  ///< bytes, FLOPs or calls of one call
    std::string unit; ///< "B", "FLOP" or "call"
    double size = 0;  ///< bytes of the working set, side of the matrices; 0: none
    core::Repeated seconds = {};
    double again = 0; ///< median of the second round, seconds

    double rate() const { return work / seconds.median; } ///< the ceiling
    double bestRate() const { return work / seconds.best; }
    double change() const; ///< of the second round against the first, as a share
};

/// A kernel that reads main memory and computes so much per byte.
struct IntensityPoint
{
    double intensity = 0; ///< FLOPs per byte
    double flopsPerSecond = 0;
    bool operator==(const IntensityPoint&) const = default;
};

/// x Wᵀ as the forward pass calls it; see the engine's measureProducts().
struct MeasuredProduct
{
    int threads = 1; ///< that compute one product
    int calls = 1;   ///< products at once
    bool isCold = true;
    double rows = 0;
    double out = 0;
    double in = 0;
    core::Repeated seconds = {};
};

/// Part of a step and its seconds, summed over what runs at once; named after the operation it begins with.
using MeasuredPart = std::pair<std::string, double>;

/// A pass through a model; see the engine's measureSteps().
struct MeasuredStep
{
    bool isPrefill = false;
    double batch = 1;
    double tokens = 1; ///< of each sequence, visible after the step
    double atOnce = 1; ///< sequences that are computed at the same time
    core::Repeated seconds = {};
    core::Repeated watchedSeconds = {}; ///< while its parts were timed
    double repeatChange = 0;            ///< of the second half of the repetitions against the first, as a share
    double entrySeconds = 0;
    double headSeconds = 0;
    std::vector<std::vector<MeasuredPart>> blocks = {};

    std::string title() const; ///< "decode, batch 8, 64 tokens"
};

/// What the forward pass of our engine computes in.
struct EngineExecution
{
    double weightBits = 32;
    double activationBits = 32;
    double kvBits = 32;
    bool isEager = false; ///< attention with the scores at hand, in place of libtorch's fused kernel
};

struct MeasuredModel
{
    std::string name;
    std::string sha256;
    core::Json config;
    EngineExecution execution = {};
    std::vector<MeasuredStep> steps = {};
};

/// What a machine can do and did, measured by this program: a device for predictions.
struct MachineProfile
{
    std::string name; ///< under which it is kept; letters, digits and ._- alone
    std::string deviceName;
    std::string kind; ///< "cpu" or "gpu"
    int threads = 1;
    bool isQuick = false;
    std::string build;
    std::string measuredUtc;
    double memoryBytes = 0;
    double coreCacheBytes = 0; ///< of one core; 0: not known
    double lastCacheBytes = 0;
    core::Json device = {};     ///< as the engine describes it
    core::Json conditions = {}; ///< clocks and temperature before and after, where the system tells
    std::vector<MeasuredRate> rates = {};
    std::vector<MeasuredProduct> products = {};
    std::optional<MeasuredModel> model = {};
    std::optional<Calibration> calibration = {}; ///< with a model

    /// Rate of `threads` threads at once: measured, or on the line between one thread and all.
    std::optional<double> rate(std::string_view rateName, double threadsAtOnce) const;
    /// The highest of dram_read, dram_copy and dram_triad.
    double bandwidth(double threadsAtOnce) const;
    /// The highest rate of float32: products of large matrices, or multiply-adds in registers.
    double float32Rate(double threadsAtOnce) const;

    /// The roofline as it was measured, by rising intensity: the rates read_multiply_add_*. Empty: there are none.
    std::vector<IntensityPoint> intensities() const;
    /// FLOPs per byte at which the slope through the first of them meets the height of the highest.
    std::optional<double> knee() const;

    /// The machine as a device: all threads, medians.
    HardwareSpec hardware() const;

    /// The engine's document as a profile, without calibration. Errors: Corrupt (a field is missing or mistyped).
    static core::Result<MachineProfile> fromMeasurement(const core::Json& document, std::string name,
                                                        std::string measuredUtc);
    static constexpr std::string_view kSchema = "paretoscope.machine-profile/1";
    core::Json json() const;
    /// Errors: Corrupt (not a profile, a field is missing, mistyped or impossible), Unsupported (another schema).
    static core::Result<MachineProfile> fromJson(const core::Json& json, const std::string& where);
};

/// Errors: InvalidArgument (empty, too long, other characters than letters, digits and ._-, or a dot first).
core::Status checkProfileName(const std::string& name);

} // namespace paretoscope::roofline
