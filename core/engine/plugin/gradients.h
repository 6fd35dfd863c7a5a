// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/result.h"
#include "core/engine/aten.h"
#include "core/engine/plugin/host_services.h"

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace paretoscope::engine {

/// Tensors by their name in the model, float32.
using NamedTensors = std::map<std::string, at::Tensor, std::less<>>;

/// What the loss is computed from.
struct LossRequest
{
    std::vector<std::vector<std::int32_t>> sequences; ///< token ids, at least two each
    NamedTensors replaced;                            ///< values in place of the model's own
    /// Of every sequence what originalStates() gave: the loss is then the divergence from the uncompressed model.
    /// Empty: it is that of the text.
    std::vector<at::Tensor> originalStates {};
};

/// Told one finished tensor after the other, the last block first; it may be kept.
using GradientVisitor = std::function<void(const std::string& tensor, const at::Tensor& value)>;

/// Derivatives of the loss of the model as the stages so far left it, run-time hooks included, with the full forward
/// (key/value stores that a stage replaced take no part). The loss is the mean over all predicted tokens of the
/// sequences, in nats, of the negative log-likelihood, or of KL(uncompressed || this model) over the vocabulary. A
/// tensor that is used twice (tied embeddings) gets the sum.
///
/// Blocks are passed one by one and computed again on the way back: memory is one block with its graph for as many
/// sequences as there are threads, the inputs of all blocks, and the sums for the tensors asked for of one block.
/// Sums over sequences are float64, in the order of the sequences; equal threads give bit-identical values.
///
/// Errors of every call: InvalidArgument (a tensor the forward does not read, a sequence of less than two tokens, an id
/// outside the vocabulary, states of other sequences), Numerical (the loss is not finite), Cancelled, OutOfMemory,
/// reading errors.
class Gradients : public Service
{
public:
    static constexpr std::string_view kId = "gradients";
    static constexpr int kVersion = 2;

    /// The sequences of the sweep's calibration set; empty when it names none.
    virtual const std::vector<std::vector<std::int32_t>>& calibrationSequences() const = 0;

    /// What the uncompressed model gives its head, float32 [tokens, hidden] per sequence: its predictions are made of
    /// it again, some rows at a time, which takes a small part of the memory of logits.
    virtual core::Result<std::vector<at::Tensor>>
    originalStates(const std::vector<std::vector<std::int32_t>>& sequences) = 0;

    virtual core::Result<double> loss(const LossRequest& request) = 0;
    /// ∂L/∂W of every named tensor, float32, its shape. @return the loss
    virtual core::Result<double> gradients(const std::vector<std::string>& tensors, const LossRequest& request,
                                           const GradientVisitor& visit) = 0;
    /// The mean over sequences of (∂L_i/∂W)², where L_i is the loss of sequence i alone (the diagonal of the empirical
    /// Fisher matrix). Errors: also Unsupported (a tensor that is used twice). @return the mean of the L_i
    virtual core::Result<double> squaredGradients(const std::vector<std::string>& tensors, const LossRequest& request,
                                                  const GradientVisitor& visit) = 0;
    /// H v, where H is the Hessian of the loss with respect to all tensors named in `directions` together and v the
    /// directions. @return the loss
    virtual core::Result<double> hessianVectorProduct(const NamedTensors& directions, const LossRequest& request,
                                                      const GradientVisitor& visit) = 0;
};

} // namespace paretoscope::engine
