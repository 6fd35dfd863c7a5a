// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/json.h"
#include "core/base/result.h"
#include "core/engine/aten.h"
#include "core/engine/plugin/unit.h"

#include <cstdint>
#include <string>
#include <vector>

namespace paretoscope::engine {

/// Which entries are compared with each other when some have to go.
enum class PruningScope
{
    Layer,
    Row,
    Global, ///< all layers of the model
};

/// How much of a weight goes, and in which pattern: the parameters that pruning plugins share.
struct SparsityPattern
{
    double sparsity = 0.5; ///< share of the entries (of the rows, for `channels`) that is dropped; not read by N:M
    std::int64_t keep = 0; ///< N of N:M, of every `of` neighbours of a row; 0: not N:M
    std::int64_t of = 0;
    bool channels = false; ///< whole rows (output channels)
    PruningScope scope = PruningScope::Layer;

    bool isNOfM() const { return of > 0; }
    /// From `sparsity`, `pattern` ("unstructured", "channel" or "N:M") and `scope`.
    /// Errors: InvalidArgument (a scope beside a pattern that compares within its own groups).
    static core::Result<SparsityPattern> fromParameters(const core::Json& parameters);
    std::string text() const; ///< "2:4", "unstructured", "channel"

    /// The targets to which the pattern applies: those whose inputs it divides. Others are left as they are with
    /// `skip_indivisible`. Errors: InvalidArgument (indivisible otherwise; nothing left), names module and remedy; as
    /// selectUnits.
    core::Result<std::vector<std::size_t>> targets(const ModelView& model, const core::Json& parameters) const;
    /// Mask of one weight by scores [out, in] that are not negative; for every scope but Global.
    /// @return bool [out, in], true: kept
    at::Tensor maskOf(const at::Tensor& scores) const;
};

} // namespace paretoscope::engine
