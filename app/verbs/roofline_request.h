// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/verbs/hardware_option.h"
#include "roofline/model/named_config.h"
#include "roofline/model/weight_format.h"
#include "roofline/prediction/ceilings.h"
#include "roofline/prediction/memory.h"

namespace paretoscope::app {

/// What `roofline` was asked for, as the options say it.
struct RooflineRequest
{
    std::string model; ///< of MODEL, --model or --config
    std::string hardware;
    std::string mode = "accurate";
    std::string family; ///< of LLM-Viewer; empty: by the model_type
    std::string stage = "decode";
    int batch = 1;
    int prompt = 1024;
    int generate = 128;
    int chunk = 0; ///< tokens of the prompt in one pass; 0: all
    double weightBits = 16;
    double activationBits = 16;
    double kvBits = 0; ///< 0: as LLM-Viewer has it, those of activations; 16 in accurate mode
    std::string weightFormat;
    int groupSize = 128;
    std::string efficiency = "ideal";
    bool flash = false;
    bool eager = false;
    bool csv = false;
    int tensorParallel = 1;
    int pipelineParallel = 1;
    int expertParallel = 1;
    std::vector<std::string> fusions;
    std::string draft; ///< a model that drafts tokens; empty: none
    int drafted = 4;
    int acceptancePercent = 80;
    int steps = 1; ///< of denoising
    bool guided = false;
    std::string sparsity; ///< as it was given; empty: none
    roofline::Sparsity sparsityPattern;
    int rank = 0; ///< of two factors in place of each weight; 0: none
    double kvKeep = 1;
    int kvKeepTokens = 0;
    int kvRecent = 0;
    int microBatches = 1;
    bool sequenceParallel = false;
    int kvLayers = 1;   ///< neighbouring layers that share a cache
    int kvObserved = 0; ///< queries that choose which tokens stay
    int kvSplits = 1;   ///< parts of the cache per head in decode
    bool tf32 = false;
    bool fp8Attention = false;
    bool overlapsVector = false;
    double expertImbalance = 1;
    bool deduplicatedDispatch = false;
    bool dequantise = false;
    bool tiles = false;
    int images = 1;      ///< of each sequence, where the model reads images
    int imageTokens = 0; ///< of one image in the encoder; 0: by the configuration
    std::string layers;  ///< a table of layers in place of a model; empty: none
    double gatherShare = 1;
    double offloadBandwidth = 0; ///< bytes per second of what the device cannot hold; 0: it does not fit
    std::string energy = "utilisation";
    double picojoulesPerFlop = 0.75;
    double picojoulesPerBit = 4;
    double idleWatts = 0;
    std::string sweep;     ///< "batch=1,2,4"; empty: none
    std::string counters;  ///< what a profiler counted, in place of a model; empty: none
    int tensorFlops = 512; ///< of one instruction of the tensor units, where the profiler counted instructions

    void declare(OptionTable& options);
    roofline::Request load() const; ///< sequences, prompt, answer and chunk
    bool isCompatible() const { return mode.starts_with("lv-"); }
    bool isCalibrated() const { return mode == "calibrated"; }
};

/// "ideal", "realistic", "graphs", or shares of the rates and seconds: "matrix=0.7,vector=0.5,memory=0.9,network=0.8,
/// launch=4e-6,latency=1e-6" with as many of these as differ from ideal. Errors: InvalidArgument, NotFound.
core::Result<roofline::Efficiency> readEfficiency(const std::string& text);

using roofline::NamedConfig;
using roofline::readConfig;

} // namespace paretoscope::app
