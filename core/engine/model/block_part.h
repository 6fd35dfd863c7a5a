// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/architecture/block_spec.h"
#include "core/engine/kernels/rotary.h"
#include "core/engine/model/pass_place.h"
#include "core/engine/plugin/unit.h"
#include "core/engine/plugin/workload.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace paretoscope::engine {

/// What a pass through one block knows besides weights and activations; it outlives the pass.
struct PassContext
{
    const RotaryTables& rotary;
    const Hooks& hooks;
    PassPlace place;

    /// The value that the hooks at this point make of it. @param row of the chunk that is the value's first one
    at::Tensor visit(HookPoint point, at::Tensor value, std::int64_t row = 0) const
    {
        for (const Hook& hook : hooks) {
            if (hook.point == point)
                value = hook.visit({place.block, place.sample, place.firstPosition + row}, value);
        }
        return value;
    }
    /// At Expert points. @param tokens rows of the chunk that the value's rows are; undefined: all of them
    at::Tensor visitExpert(HookPoint point, at::Tensor value, int expert, const at::Tensor& tokens) const
    {
        for (const Hook& hook : hooks) {
            if (hook.point == point)
                value = hook.visit({place.block, place.sample, place.firstPosition, expert, tokens}, value);
        }
        return value;
    }
    bool isHooked(HookPoint point) const
    {
        return std::any_of(hooks.begin(), hooks.end(), [&](const Hook& hook) { return hook.point == point; });
    }
    /// The position at which rotary attention computes the chunk's first token.
    std::int64_t firstRotaryPosition() const
    {
        return place.store ? place.store->rotaryPosition(place.block, place.firstPosition) : place.firstPosition;
    }
};

/// One part on its way with one sample; stops before every group of units that read what is known by then.
class PartPass
{
public:
    virtual ~PartPass() = default;
    /// What the units of the current step read; empty when the part is through.
    virtual std::vector<StepInput> inputs() const = 0;
    virtual void advance(const TensorSource& tensors) = 0;
    virtual at::Tensor output() const = 0; ///< [tokens, hidden], once inputs() is empty
    virtual std::unique_ptr<PartPass> clone() const = 0;
};

/// Collects units and fold groups of a model, block by block in the order of the forward pass.
class ViewBuilder
{
public:
    explicit ViewBuilder(ModelView& view)
        : m_view(view)
    {}

    void setBlock(int block) { m_block = block; }
    /// @param expert index of the expert, -1: none. @return the unit's index
    std::size_t addUnit(const core::LinearSpec& linear, const std::string& role, const std::string& input,
                        int expert = -1);
    /// A linear that decides where others are used: stages leave it alone unless it is named to them.
    std::size_t addRouter(const core::LinearSpec& linear, const std::string& role, const std::string& input);
    /// All linears that read what `norm` gives; nothing when there is no norm, or none with a weight.
    void foldNorm(const std::optional<core::NormSpec>& norm, std::vector<std::size_t> readers);
    /// `consumer` reads the output channels `rows` of `producer` one for one (empty: all of them).
    void foldLinear(const core::LinearSpec& producer, std::size_t consumer, std::vector<std::int64_t> rows = {});

private:
    ModelView& m_view;
    int m_block = 0;
};

/// The graph of one kind of sublayer, made from its spec. To add one, derive from this and add its `makeBlockPart`.
/// Steps, inputs and roles are a contract with stages: their names stay as they are.
class BlockPart
{
public:
    virtual ~BlockPart() = default;
    virtual int steps() const = 0; ///< how often a PartPass stops
    /// Adds the units in the order in which a pass reads them. @param norm what gives the part's input its scale
    virtual void describe(ViewBuilder& view, const std::optional<core::NormSpec>& norm) const = 0;
    /// @param input [tokens, hidden], normalised. The pass refers to context and part.
    virtual std::unique_ptr<PartPass> begin(at::Tensor input, const PassContext& context) const = 0;

    /// What the part writes to a key/value store; nothing when it is no attention.
    virtual std::optional<KvLayerShape> kvShape() const { return std::nullopt; }
    /// How it rotates queries and keys; nullptr: not at all.
    virtual const core::RotarySpec* rotary() const { return nullptr; }
    /// Rotary of keys at any positions (KvGeometry::Rotation). @param isShift they are rotated already and move on
    virtual at::Tensor rotateKeys(const at::Tensor& keys, const at::Tensor& positions, bool isShift) const
    {
        static_cast<void>(positions);
        static_cast<void>(isShift);
        return keys;
    }
};

/// Each in the file of its part; the spec must outlive it.
std::unique_ptr<BlockPart> makeBlockPart(const core::AttentionSpec& spec);
std::unique_ptr<BlockPart> makeBlockPart(const core::LatentAttentionSpec& spec);
std::unique_ptr<BlockPart> makeBlockPart(const core::MlpSpec& spec);
std::unique_ptr<BlockPart> makeBlockPart(const core::MoeSpec& spec);

/// Unit::input of the units that read what `first` reads, where `first` is the first of them.
inline std::string inputName(const core::LinearSpec& first)
{
    return first.module + ".input";
}

/// x Wᵀ (+ b) in the type of x.
at::Tensor applyLinear(const at::Tensor& x, const core::LinearSpec& linear, const TensorSource& tensors);
/// In float32; returns the type of x.
at::Tensor applyNorm(const at::Tensor& x, const core::NormSpec& norm, const TensorSource& tensors);

} // namespace paretoscope::engine
