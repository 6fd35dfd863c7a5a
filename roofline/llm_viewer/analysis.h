// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "roofline/llm_viewer/model.h"

#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace paretoscope::roofline::llm_viewer {

/// Hardware as LLM-Viewer knows it; SI units.
struct Hardware
{
    double bandwidth = 0;
    double fp16 = 0; ///< operations per second
    std::optional<double> int8 = {};
    double onchipBuffer = 0; ///< bytes
};

struct Setting
{
    double batchSize = 1;
    double sequenceLength = 1; ///< tokens; may be fractional inside the chat stage
    double weightBits = 16;
    double activationBits = 16;
    double kvBits = 16;
    bool flashAttention = false;
    double tensorParallel = 1;
};

/// One row of LLM-Viewer's table. Bytes, operations, seconds.
struct Operation
{
    std::string_view name = {};
    double operations = 0;
    double loadWeight = 0;
    double loadActivation = 0;
    double storeActivation = 0;
    double loadKvCache = 0;
    double storeKvCache = 0;

    double memoryAccess = 0;
    double arithmeticIntensity = 0;
    double performance = 0;
    bool isMemoryBound = false;
    double inferenceTime = 0;
};

/// Sums over the network by LLM-Viewer's names, in its order.
struct Totals
{
    double operations = 0;
    double memoryAccess = 0;
    double loadWeight = 0;
    double loadActivation = 0;
    double storeActivation = 0;
    double loadKvCache = 0;
    double storeKvCache = 0;
    double inferenceTime = 0;
    double memoryConsumption = 0;
    double memoryConsumptionTmpAct = 0;
    double memoryConsumptionWeight = 0;
    double memoryConsumptionKvCache = 0;

    /// Adds `other` scaled as numerator/denominator, member by member.
    void addScaled(const Totals& other, double numerator, double denominator);
};

/// The members of Totals with the names LLM-Viewer prints.
const std::vector<std::pair<const char*, double Totals::*>>& totalMembers();

struct Stage
{
    std::vector<Operation> operations = {}; ///< in LLM-Viewer's order; lm_head last
    Totals totals = {};

    const Operation* find(std::string_view name) const;
};

struct Analysis
{
    Stage decode = {};
    Stage prefill = {};
    double peakOperations = 0; ///< max_OPS that was used
};

/// The peak that LLM-Viewer computes with: INT8 where all three bit widths are at most 8, else FP16.
/// Errors: Unsupported, "hardware has no INT8 peak".
core::Result<double> peakOperations(const Hardware& hardware, const Setting& setting);

/// All operations of one layer and the sums of the network for decode and prefill.
/// Errors: InvalidArgument (batch or sequence below 1 or beyond 2^31, bits not in (0, 64], no bandwidth, no peak, a
/// tensor-parallel size that does not divide hidden_size, intermediate_size or num_key_value_heads, or given with
/// lv-2407, which has none), Unsupported (no INT8 peak).
core::Result<Analysis> analyse(Profile profile, const Model& model, const Hardware& hardware, const Setting& setting);

struct Generation
{
    double inferenceTime = 0; ///< seconds
    double prefillTime = 0;
};

/// LLM-Viewer's generation task: prefill of `promptLength`, then decode at promptLength … + generationLength - 1.
/// `setting.sequenceLength` is ignored; lv-2407 ignores flash attention. Errors: as analyse(); InvalidArgument
/// (a length below 1, or a generation of more than 2^20 tokens).
core::Result<Generation> generate(Profile profile, const Model& model, const Hardware& hardware, const Setting& setting,
                                  double promptLength, double generationLength);

} // namespace paretoscope::roofline::llm_viewer
