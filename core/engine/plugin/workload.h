// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/result.h"
#include "core/engine/aten.h"
#include "core/engine/plugin/hooks.h"
#include "core/engine/plugin/unit.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace paretoscope::engine {

/// Where a pass takes its tensors from. Thread-safe for reading.
class TensorSource
{
public:
    virtual ~TensorSource() = default;
    virtual at::Tensor tensor(std::string_view name) const = 0; ///< float32
};

/// The activation that one or more units are about to read; rows are tokens (or positions of an unfolded image).
struct StepInput
{
    std::string name; ///< Unit::input
    at::Tensor value; ///< [tokens, features]
};

/// One sample on its way through one block, stopping before every group of units that read what is known by then.
class BlockPass
{
public:
    virtual ~BlockPass() = default;
    /// What the units of the current step read; empty when the block is through.
    virtual std::vector<StepInput> inputs() const = 0;
    /// Applies the units of the current step with the weights of `tensors` and goes on to the next one.
    virtual void advance(const TensorSource& tensors) = 0;
    virtual at::Tensor output() const = 0; ///< once inputs() is empty
    /// A second pass at the same step, to go on independently (trying several weights from here).
    virtual std::unique_ptr<BlockPass> clone() const = 0;
};

/// A model that stages can work on: samples go through blocks, a block in steps. What a language model, a classifier
/// and a click-through-rate model have in common; the engine's calibration and stages know nothing else of them.
class CompressibleModel
{
public:
    virtual ~CompressibleModel() = default;

    virtual const ModelView& view() const = 0;
    virtual int steps(int block) const = 0; ///< how often a BlockPass of this block stops
    /// Names of all tensors that a pass through `block` reads.
    virtual std::vector<std::string> blockTensors(int block) const = 0;
    /// Names of the tensors that `enter` reads.
    virtual std::vector<std::string> entryTensors() const = 0;
    /// The state in which sample `sample` (token ids; image and row indices for other kinds) enters block 0.
    virtual at::Tensor enter(const std::vector<std::int32_t>& sample, const TensorSource& tensors) const = 0;
    /// The pass refers to `hooks`, which must outlive it.
    virtual std::unique_ptr<BlockPass> begin(int block, int sample, at::Tensor state, const TensorSource& tensors,
                                             const Hooks& hooks) const = 0;
};

/// Loads a model of one kind. The language model is built in; others (classifiers, CTR, codecs) are plugins.
class Workload
{
public:
    virtual ~Workload() = default;
    virtual std::string_view kind() const = 0; ///< "image-classifier"
    virtual core::Result<std::shared_ptr<const CompressibleModel>> load(const std::string& model) = 0;
};

} // namespace paretoscope::engine
