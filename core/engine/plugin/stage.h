// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/result.h"
#include "core/engine/aten.h"
#include "core/engine/plugin/compressed_tensor.h"
#include "core/engine/plugin/hooks.h"
#include "core/engine/plugin/host_services.h"
#include "core/engine/plugin/kv_store.h"
#include "core/engine/plugin/statistic.h"
#include "core/engine/plugin/unit.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace paretoscope::engine {

/// What one call of Stage::apply covers.
enum class StageScope
{
    Tensor, ///< one unit; units that share an input come one after the other
    Block,  ///< all targets of one block
    Model,  ///< all targets
};

/// Where the statistics of a calibrated stage come from.
enum class Propagate
{
    Original, ///< the uncompressed model; may be shared between pipelines
    Block,    ///< predecessors compressed block by block
    Step,     ///< predecessors compressed, also those inside the block ("true sequential"), as published
};

/// What a stage needs and touches; the answer of Stage::prepare.
struct StagePlan
{
    StageScope scope = StageScope::Tensor;
    std::vector<std::size_t> targets;         ///< indices into ModelView::units, rising
    std::vector<StatisticRequest> statistics; ///< gathered at the input of every target
    Propagate propagate = Propagate::Step;
    Hooks evaluationHooks; ///< run-time part of the method, active in every forward after this stage
    /// Makes the key/value stores of every decoding and evaluation after this stage; empty: as before. Evaluation then
    /// runs token by token through them.
    KvStoreFactory kvStore;
    /// `apply` reads what earlier calls left in the stage object (a budget used up): an interrupted trial then begins
    /// with this stage again instead of with the block in hand. So does one whose plan has hooks or a store.
    bool keepsState = false;
};

/// A tensor that was made from a statistic.
struct DerivedValue
{
    at::Tensor value; ///< float32
    core::Json note;  ///< numbers that came with it
};

/// What the engine hands to one call of Stage::apply. Valid during the call.
class StageTask
{
public:
    virtual ~StageTask() = default;

    virtual const std::vector<const Unit*>& units() const = 0; ///< the targets within the scope
    /// The weight as the stages before left it, float32 [outFeatures, inFeatures]; not to be modified in place.
    virtual at::Tensor weight(const Unit& unit) const = 0;
    /// The form in which the stages before left it; null: as in the checkpoint.
    virtual std::shared_ptr<const CompressedTensor> form(const Unit& unit) const = 0;
    /// The element type in which values of it are stored that are not coded: that of the checkpoint, bfloat16 where
    /// that has a block format.
    virtual at::ScalarType storedType(const Unit& unit) const = 0;
    /// The weight of the uncompressed model, with what stages before folded into it (see folded()): what weight() would
    /// be had they done nothing else.
    virtual at::Tensor originalWeight(const Unit& unit) const = 0;
    /// What stages before multiplied its columns with (see folded()), float32 [inFeatures]; undefined: nothing. What the
    /// uncompressed model gives it to read is to be divided by that.
    virtual at::Tensor foldedColumns(const Unit& unit) const = 0;
    /// How many calibration tokens its statistics saw: those that were routed to it, for an expert; 0 without
    /// statistics.
    virtual std::int64_t tokens(const Unit& unit) const = 0;
    /// Errors: NotFound (not requested in the plan), Numerical (no token reached this unit).
    virtual core::Result<StatisticValue> statistic(const Unit& unit, std::string_view id) const = 0;
    /// What `make` makes of the value that statistic() gave (a factorisation): once for all units that read the same
    /// input and, when the statistic is one of the original model, for all trials. `recipe` names everything else that
    /// it depends on.
    virtual DerivedValue derived(const Unit& unit, std::string_view statistic, const core::Json& recipe,
                                 const std::function<DerivedValue()>& make)
    {
        static_cast<void>(unit);
        static_cast<void>(statistic);
        static_cast<void>(recipe);
        return make();
    }
    /// Any other tensor of the model by name (norms, biases), float32.
    virtual at::Tensor tensor(std::string_view name) const = 0;

    virtual void replace(const Unit& unit, std::shared_ptr<const CompressedTensor> weight) = 0;
    /// Replaces a tensor that is no unit (a folded norm); it is stored in the element type it had.
    virtual void replaceTensor(std::string_view name, at::Tensor value) = 0;
    /// The same with a form of its own.
    virtual void replaceTensor(std::string_view name, std::shared_ptr<const CompressedTensor> value) = 0;

    /// Tells that the channels of a fold group were divided by these factors where they are made, and multiplied where
    /// they are read. originalWeight() of later stages and the recorded errors go along.
    virtual void folded(const FoldGroup& group, const at::Tensor& factors) = 0;

    /// A number about one unit, kept with the trial ("relative_output_error", "damping", ...).
    virtual void record(const Unit& unit, std::string_view name, double value) = 0;
    /// The result is valid, but the user should look; kept with the trial.
    virtual void warn(const Unit& unit, std::string_view text) = 0;
    /// Seed for random draws about this unit: from the trial's seed and the module's name, so independent of order.
    virtual std::uint64_t seed(const Unit& unit) const = 0;
    virtual bool isCancelled() const = 0;
    virtual HostServices& services() = 0;
};

/// A method that changes weights or the forward pass. One object per trial; parameters were checked against the
/// manifest before it was made. Life cycle: validate, prepare, begin, apply per unit of its scope, then byte accounting.
class Stage
{
public:
    virtual ~Stage() = default;

    /// Before any device work, for every stage of a pipeline. Errors: InvalidArgument (a pattern that matches nothing,
    /// sizes that the format cannot hold; names unit and remedy).
    virtual core::Status validate(const ModelView& model) const = 0;
    virtual core::Result<StagePlan> prepare(const ModelView& model) = 0;
    /// Once in every process that applies the stage, before the first unit, with no units: what concerns the model as a
    /// whole. Errors: any; the trial then fails.
    virtual core::Status begin(StageTask& task)
    {
        static_cast<void>(task);
        return core::success();
    }
    /// Once per unit, per block or once, as the plan's scope says; in the order of the forward pass. Errors: any; the
    /// trial then fails with the name of unit or block in front.
    virtual core::Status apply(StageTask& task) = 0;
    /// Once, with all targets, after all calls of apply, of a stage with parameters that cut (manifest: "cut"): makes
    /// of the full forms what these parameters ask for. `apply` must not depend on them and `cut` on nothing that only
    /// this object knows: the engine keeps the model between the two, for every trial that differs in them alone.
    virtual core::Status cut(StageTask& task)
    {
        static_cast<void>(task);
        return core::success();
    }
};

} // namespace paretoscope::engine
