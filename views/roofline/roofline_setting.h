// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>

namespace paretoscope::views {

enum class RooflineMode
{
    Accurate,
    Lv2409,
    Lv2407,
    Calibrated ///< our own engine on a machine that was measured with a model
};

enum class RooflineStage
{
    Decode,  ///< one step behind the prompt
    Prefill, ///< the prompt; of a model of images its one pass
    Chat     ///< the whole answer
};

enum class RooflineEfficiency
{
    Ideal,
    Realistic,
    Graphs
};

/// Everything besides model and device that decides a prediction. Counts are doubles as in the library.
struct RooflineSetting
{
    RooflineMode mode = RooflineMode::Accurate;
    RooflineStage stage = RooflineStage::Decode;
    RooflineEfficiency efficiency = RooflineEfficiency::Ideal; ///< accurate mode
    double batch = 1;
    double prompt = 1024;
    double generated = 128;
    double weightBits = 16;
    std::string weightFormat = {}; ///< accurate mode: a named one in place of the bits
    double activationBits = 16;
    double kvBits = 16;
    int tensorParallel = 1;
    int pipelineParallel = 1; ///< accurate mode, as the next ones: devices one behind the other
    int microBatches = 1;     ///< that follow each other through these
    int expertParallel = 1;   ///< devices that share the experts
    int drafted = 4;          ///< tokens that a draft model proposes at once
    int acceptance = 80;      ///< percent of them that are accepted
    bool flash = true;

    bool isCompatible() const { return mode == RooflineMode::Lv2409 || mode == RooflineMode::Lv2407; }
    bool operator==(const RooflineSetting&) const = default;
};

inline constexpr double kMostBatch = 4096;
inline constexpr double kMostPrompt = 1 << 20;
inline constexpr double kMostGenerated = 1 << 20;
inline constexpr int kMostTensorParallel = 64; ///< also of other devices that work together
inline constexpr int kMostDrafted = 64;

} // namespace paretoscope::views
