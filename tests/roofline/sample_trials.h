// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/accounting/stored_model.h"
#include "core/project/records.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>

/// Trials as a worker records them, made of a configuration alone: no weights are needed.
namespace paretoscope::roofline::test {

/// How a linear [out, in] is stored.
using StoredForm = std::function<core::StoredTensor(std::int64_t out, std::int64_t in)>;

/// The linears of the blocks of a model stored as `form` says, everything else in 16 bits.
/// @param layer  only of this block; the others in 16 bits. -1: of all
inline core::StoredModel storedModelOf(const core::Json& config, const StoredForm& form, int layer = -1)
{
    const auto architecture = core::describeArchitecture(config, PARETOSCOPE_RESOURCES "/architectures");
    if (!architecture.ok()) {
        std::fprintf(stderr, "%s\n", architecture.error().sentence().c_str());
        std::abort();
    }
    core::StoredModel model;
    for (const core::ExpectedTensor& tensor : architecture.value().tensors()) {
        const std::size_t first = tensor.stacked > 0 ? 1 : 0;
        const bool isMatrix = tensor.shape.size() == first + 2;
        const bool isInBlock =
            tensor.name.find("layers.") != std::string::npos &&
            (layer < 0 || tensor.name.find("layers." + std::to_string(layer) + ".") != std::string::npos);
        std::int64_t elements = 1;
        for (std::size_t i = first; i < tensor.shape.size(); ++i)
            elements *= tensor.shape[i];
        for (std::int64_t i = 0; i < std::max<std::int64_t>(1, tensor.stacked); ++i)
            model.add(isMatrix && isInBlock ? form(tensor.shape[first], tensor.shape[first + 1])
                                            : core::StoredTensor {.bits = {16 * elements}});
    }
    return model;
}

/// Round to nearest: codes of `bits`, a 16-bit scale and a zero point of as many bits per group.
inline StoredForm roundedTo(int bits, std::int64_t groupSize)
{
    return [=](std::int64_t out, std::int64_t in) {
        const std::int64_t groups = (in + groupSize - 1) / groupSize;
        return core::StoredTensor {
            .bits = {out * in * bits + out * groups * (16 + bits)}, .codeBits = double(bits), .isInteger = true};
    };
}
/// W8A8: 8-bit codes with a 16-bit scale per row, multiplied with 8-bit codes.
inline core::StoredTensor w8a8(std::int64_t out, std::int64_t in)
{
    return {.bits = {out * in * 8 + 16 * out}, .codeBits = 8, .isInteger = true, .inputBits = 8};
}
/// 16-bit values of which every 4 neighbours keep 2, with two bits for the place of each.
inline core::StoredTensor sparse24(std::int64_t out, std::int64_t in)
{
    return {.bits = {out * in * 9}, .kept = 2, .of = 4, .density = 0.5};
}
/// Half of the 16-bit values at any place, with a bitmap.
inline core::StoredTensor scattered(std::int64_t out, std::int64_t in)
{
    return {.bits = {out * in * 9}, .density = 0.5};
}
/// Two 16-bit factors in place of the weight.
inline StoredForm lowRank(std::int64_t rank)
{
    return [=](std::int64_t out, std::int64_t in) {
        return core::StoredTensor {.bits = {16 * rank * (out + in)}, .rank = rank, .isProduct = true};
    };
}

inline core::WorkloadRecord workloadOf(const std::string& name, const core::Json& config)
{
    core::WorkloadRecord workload;
    workload.name = name;
    workload.kind = "causal-lm";
    workload.description = {{core::kModelConfigKey, config}};
    return workload;
}

/// A finished trial of that workload.
inline core::TrialRecord trialOf(const std::string& label, const std::string& workload, const core::StoredModel& stored)
{
    core::TrialRecord trial;
    trial.id.digest = core::sha256(label);
    trial.label = label;
    trial.workload = workload;
    trial.pipeline = core::Json::array();
    trial.status = core::TrialStatus::Done;
    trial.attempts = 1;
    trial.startedUtc = "2025-01-31T10:00:00.000Z";
    trial.finishedUtc = "2025-01-31T10:00:02.500Z";
    core::MetricRecord size;
    size.name = "stored_bytes";
    size.value = static_cast<double>(stored.bytes().value);
    size.unit = "B";
    size.details = {{core::kStoredModelKey, core::toJson(stored)}};
    trial.metrics.push_back(std::move(size));
    return trial;
}

} // namespace paretoscope::roofline::test
