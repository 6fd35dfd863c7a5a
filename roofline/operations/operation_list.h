// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "roofline/model/model_shape.h"
#include "roofline/operations/execution.h"
#include "roofline/operations/operation.h"

#include <optional>
#include <span>
#include <vector>

namespace paretoscope::roofline {

/// What of a device decides how often data is read: its second-level cache.
struct CacheGeometry
{
    std::optional<double> l2Bytes = {};
    std::optional<int> processors = {};
};

/// Index of an operation in its list, or Operation::kStream.
using Source = std::int16_t;

/// The operations of a layer (or of what stands before and behind all layers), while they are written down.
class OperationList
{
public:
    /// @param groups the sequences as this layer sees them (fewer tokens after token pruning)
    OperationList(const Execution& execution, const CacheGeometry& geometry, std::span<const SequenceGroup> groups);

    const Execution& execution() const { return m_execution; }
    const CacheGeometry& geometry() const { return m_geometry; }
    std::span<const SequenceGroup> groups() const { return m_groups; }
    double tokens() const { return m_tokens; }
    /// Rows of the residual stream that this device adds and normalises: with sequence parallelism its share.
    double streamRows() const;
    double streamBytes() const { return m_execution.streamBytes(); }

    Source add(Operation operation, std::initializer_list<Source> inputs);
    std::vector<Operation> take() { return std::move(m_operations); }

private:
    const Execution& m_execution;
    const CacheGeometry& m_geometry;
    std::span<const SequenceGroup> m_groups;
    double m_tokens = 0;
    std::vector<Operation> m_operations = {};
};

/// Fewer rows than this leave the sparse matrix units of today's devices idle.
inline constexpr double kFewestSparseRows = 16;

/// A linear in the pass: `rows` rows through `count` equal weights.
struct LinearCall
{
    std::string_view name = {};
    const LinearShape* shape = nullptr;
    double rows = 0;
    double inParallel = 1;  ///< devices among which the input dimension is dealt
    double outParallel = 1; ///< devices among which the output dimension is dealt
    double weightsRead = 1; ///< weights of this shape that are read (experts)
    bool readsInput = true; ///< false where a kernel before it already counts the input
    bool writesOutput = true;
    const WeightFormat* format = nullptr; ///< default for shapes without one; nullptr: the execution's
};

// One function per kind of part, each in a file of its own. All return the operation whose result they are.
// Source of the formulas: "accurate mode" of docs/roofline.md.
Operation linearOperation(const OperationList& list, const LinearCall& call);
Source appendLinear(OperationList& list, const LinearCall& call, Source input);
/// Below 16 bits without fused quantisation: an operation that rounds `rows` rows of `width`. Else `input` itself.
Source appendQuantisation(OperationList& list, double rows, double width, Source input);
Source appendNorm(OperationList& list, std::string_view name, const NormShape& norm, double rows, Source input);
Source appendAdd(OperationList& list, std::string_view name, double rows, double width, Source stream, Source result);
/// A sum and the norm that follows it, in one kernel.
Source appendAddNorm(OperationList& list, std::string_view name, const NormShape& norm, double rows, Source stream,
                     Source result);
Source appendPart(OperationList& list, const AttentionShape& attention, Source input);
Source appendPart(OperationList& list, const LatentAttentionShape& attention, Source input);
Source appendPart(OperationList& list, const LinearAttentionShape& attention, Source input);
Source appendPart(OperationList& list, const MlpShape& mlp, Source input);
Source appendPart(OperationList& list, const MoeShape& moe, Source input);
/// After a part whose last linear is dealt by its input dimension. `input` where nothing is dealt.
Source appendReduction(OperationList& list, std::string_view name, double bytes, Source input);

/// Pairs of a query and a token it attends to, per head, in one sequence: causal and within `window` (0: all).
double attentionPairs(double queries, double visible, double window, bool causal);

/// Distinct experts that `tokens` tokens are sent to.
double activeExperts(const MoeShape& moe, double tokens);
/// Distinct devices that one token is sent to when `experts` lie on `devices` and it chooses `chosen`.
double dispatchedDevices(double experts, double chosen, double devices);

/// The type of matrix products of weights of `format` with the activations of `execution`.
MatrixType matrixType(const WeightFormat& format, const Execution& execution);
MatrixType attentionMatrixType(const Execution& execution);

} // namespace paretoscope::roofline
