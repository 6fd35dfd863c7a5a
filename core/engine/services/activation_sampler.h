// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/engine/model/language_model.h"
#include "core/engine/plugin/activation_samples.h"
#include "core/engine/services/block_inputs.h"

namespace paretoscope::engine {

/// See ActivationSamples. The rows are chosen before the first pass, from the lengths of the sequences alone.
class ActivationSampler : public ActivationSamples
{
public:
    /// Shares the sequences on their way with other services.
    ActivationSampler(const LanguageModel& model, const std::vector<std::vector<std::int32_t>>& samples,
                      BlockInputs& original, BlockInputs& current)
        : m_model(model)
        , m_samples(samples)
        , m_original(original)
        , m_current(current)
    {}

    core::Result<std::vector<ActivationRows>> sample(const SampleRequest& request) override;

private:
    const LanguageModel& m_model;
    const std::vector<std::vector<std::int32_t>>& m_samples;
    BlockInputs& m_original;
    BlockInputs& m_current;
};

/// `count` of [0, total), rising: at equal distances, or drawn from `seed` (Knuth's algorithm S).
std::vector<std::int64_t> chooseRows(std::int64_t total, std::int64_t count, SampleRequest::Selection selection,
                                     std::uint64_t seed);

} // namespace paretoscope::engine
