// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/verbs/hardware_option.h"
#include "roofline/model/named_config.h"
#include "roofline/model/weight_format.h"

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
    bool dequantise = false;
    bool tiles = false;
    int images = 1;      ///< of each sequence, where the model reads images
    int imageTokens = 0; ///< of one image in the encoder; 0: by the configuration
    std::string layers;  ///< a table of layers in place of a model; empty: none
    double gatherShare = 1;

    void declare(OptionTable& options);
    bool isCompatible() const { return mode.starts_with("lv-"); }
    bool isCalibrated() const { return mode == "calibrated"; }
};

using roofline::NamedConfig;
using roofline::readConfig;

} // namespace paretoscope::app
