// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/result.h"
#include "core/engine/aten.h"
#include "core/engine/plugin/gradients.h"
#include "core/engine/plugin/host_services.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace paretoscope::engine {

/// Which model the activations entering a block come from.
enum class ActivationSource
{
    Original, ///< the uncompressed model
    Current   ///< the model as the stages so far left it, at the time of the call
};

/// A part of a block to run once more: steps [firstStep, endStep) as a BlockPass counts them.
struct ReplayRange
{
    int firstStep = 0;
    int endStep = -1; ///< -1: to the end of the block
};

/// Steps to run with other weights. What comes before `firstStep` runs with the block's own; a norm belongs to the step
/// before the units that read it (step 0: to step 0), so substituting one needs a range that contains that step.
struct ReplayRequest
{
    ReplayRange range;
    NamedTensors weights;     ///< values in place of the block's own, for the steps of the range
    std::vector<int> samples; ///< indices of sequences; empty: all
};

struct ReplayLoss
{
    double value = 0;       ///< mean over all elements of the squared difference
    NamedTensors gradients; ///< float32
};

/// One block with the activations that enter it, kept for as long as this lives. Sequences run in parallel; equal
/// threads give bit-identical values.
class BlockReplay
{
public:
    virtual ~BlockReplay() = default;

    virtual int steps() const = 0;
    virtual int samples() const = 0; ///< calibration sequences
    /// The block's own tensors: those a pass reads, by name, as they were when it was opened.
    virtual const NamedTensors& weights() const = 0;

    /// What the first unit of step `endStep` reads or, at the end, what leaves the block: float32 [tokens, features]
    /// per sample of the request. Errors: InvalidArgument (a step or sample that does not exist).
    virtual core::Result<std::vector<at::Tensor>> run(const ReplayRequest& request) = 0;
    /// Mean squared difference between run() and `targets` (parallel to the samples of the request), and its gradients
    /// with respect to the tensors of `differentiate`: the loss of block-wise training. An empty list costs no graph.
    /// Errors: also Numerical (the loss is not finite).
    virtual core::Result<ReplayLoss> loss(const ReplayRequest& request, const std::vector<at::Tensor>& targets,
                                          const std::vector<std::string>& differentiate) = 0;

    /// The step whose units read this activation (Unit::input), so that a range that begins there begins with them.
    /// Errors: NotFound (no unit of this block reads it).
    virtual core::Result<int> stepOf(std::string_view input) = 0;
};

/// Runs parts of single blocks again, with other weights, on the calibration sequences.
class Replay : public Service
{
public:
    static constexpr std::string_view kId = "replay";
    static constexpr int kVersion = 1;

    /// Brings the calibration sequences to `block`; going through the blocks in order costs one forward pass in all.
    /// Its own weights are the current ones, whatever the source of the inputs.
    /// Errors: InvalidArgument (no calibration data, no such block); reading errors; OutOfMemory; Cancelled.
    virtual core::Result<std::unique_ptr<BlockReplay>> open(int block, ActivationSource source) = 0;
};

} // namespace paretoscope::engine
