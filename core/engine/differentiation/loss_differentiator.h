// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/engine/differentiation/gradient_sums.h"
#include "core/engine/differentiation/segment.h"
#include "core/engine/model/language_model.h"
#include "core/engine/model/model_tensors.h"
#include "core/engine/trial_observer.h"

#include <optional>
#include <string>
#include <vector>

namespace paretoscope::engine {

/// Everything of a trial that derivatives of its loss depend on.
struct DifferentiationContext
{
    const LanguageModel& model;
    const ModelTensors& tensors;
    const Hooks& hooks;
    TrialObserver& observer;
};

enum class Derivative
{
    None,    ///< the loss alone
    First,   ///< ∂L/∂W
    Squared, ///< mean over sequences of (∂L_i/∂W)²
    Second   ///< H v
};

/// One pass forth and back through a language model; see Gradients for the definitions and what is held in memory.
class LossDifferentiator
{
public:
    /// `request`, `directions` (Second only) and `visit` must outlive this.
    LossDifferentiator(const DifferentiationContext& context, Derivative kind, const LossRequest& request,
                       std::vector<std::string> names, const NamedTensors& directions, const GradientVisitor& visit);

    core::Result<double> run();

private:
    /// One sequence between two segments. Undefined tensors are zero.
    struct State
    {
        at::Tensor value;
        at::Tensor tangent;
    };
    /// A segment for all sequences: its loaded tensors, the chosen names among them, the directions of these.
    struct Loaded
    {
        LoadedTensors tensors;
        std::vector<std::string> names;
        std::vector<at::Tensor> directions;
    };

    core::Status check();
    core::Status checkSequences() const;
    core::Status checkNames();
    core::Result<Loaded> load(const std::vector<std::string>& names) const;
    core::Status forward();
    core::Status head();
    core::Status back();
    core::Status entry();
    State enter(std::size_t sample, const Loaded& loaded) const;
    State passForward(int block, std::size_t sample, const Loaded& loaded) const;
    std::vector<at::Tensor> headOf(std::size_t sample, const Loaded& loaded);
    std::vector<at::Tensor> backThrough(int block, std::size_t sample, const Loaded& loaded);
    at::Tensor passBlock(int block, std::size_t sample, const at::Tensor& input, const TensorSource& tensors) const;
    /// Calls work(sample) for every sequence in parallel and adds what it gives for the segment's names, in order.
    template <typename Work>
    void forAll(const Loaded& loaded, Work&& work);
    void finish(const Loaded& loaded);
    double lossScale(std::size_t sample) const;
    /// float64 [n]: of the rows of a sequence from `first` on. @param targets of the sequence
    at::Tensor losses(std::size_t sample, std::int64_t first, const at::Tensor& logits,
                      const at::Tensor& targets) const;
    core::Status checkCancelled() const;
    std::size_t samples() const { return m_request.sequences.size(); }
    int blocks() const { return m_context.model.view().blocks; }

    const DifferentiationContext& m_context;
    const Derivative m_kind;
    const LossRequest& m_request;
    const std::vector<std::string> m_names;
    const NamedTensors& m_directions;
    GradientSums m_sums;
    int m_firstBlock = 0; ///< the lowest one that has to be passed back; blocks(): none
    bool m_needsEntry = false;
    std::vector<std::vector<State>> m_inputs; ///< of block m_firstBlock + i, per sequence
    std::vector<State> m_states;              ///< per sequence: on the way forth
    std::vector<State> m_adjoints;            ///< per sequence: on the way back
    std::vector<double> m_losses;             ///< per sequence, times lossScale
    std::optional<LoadedTensors> m_original;  ///< the head of the uncompressed model, where the loss is a divergence
};

} // namespace paretoscope::engine
