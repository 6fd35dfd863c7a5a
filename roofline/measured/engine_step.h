// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "roofline/measured/machine_profile.h"
#include "roofline/operations/step_operations.h"

#include <optional>
#include <vector>

namespace paretoscope::roofline {

/// Our own forward pass at the ceilings of a machine. It computes every sequence by itself, block by block, each on one
/// thread and as many at once as there are threads; the first ones to reach a block read its weights from memory, the
/// others find them in the last cache where they fit. The head multiplies one row at a time with all threads.
struct EngineSection
{
    std::string_view name = {}; ///< "entry", "layer" or "head"
    std::vector<int> layers = {};
    double count = 1;                       ///< equal layers
    std::vector<Operation> operations = {}; ///< for all sequences together
    std::vector<CeilingTimes> times = {};   ///< of each operation
};

struct EngineStep
{
    std::vector<EngineSection> sections = {};

    double idealSeconds() const;
    /// With the calibration: operations, and what the step and every layer take beside them.
    double seconds(const Calibration& calibration) const;
    double layers() const;
};

/// Formats of the engine, as stepOperations() takes them.
Execution engineExecution(const EngineExecution& execution);

/// @param tokens of each sequence, visible after the step. Errors: those of stepOperations().
core::Result<EngineStep> engineStep(const MachineProfile& machine, const ModelShape& model,
                                    const EngineExecution& execution, bool isPrefill, double batch, double tokens);

/// Seconds of `calls` products of this shape at once, of which each is computed by `threads`: measured ones, log-linear
/// between numbers of rows, scaled from the nearest shape. Nothing where nothing alike was measured.
struct ProductCall
{
    double threads = 1;
    double calls = 1;
    bool isCold = true;
    double rows = 1;
    double out = 1;
    double in = 1;
};
std::optional<double> productSeconds(const MachineProfile& machine, const ProductCall& call);

} // namespace paretoscope::roofline
