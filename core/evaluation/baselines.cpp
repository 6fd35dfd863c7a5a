// SPDX-License-Identifier: Apache-2.0
#include "core/evaluation/baselines.h"

#include <map>

namespace paretoscope::core {

namespace {

/// Digest of the model's files; "" when the provenance does not hold it.
std::string modelDigest(const TrialRecord& trial)
{
    const Json hashes = trial.provenance.is_object() ? trial.provenance.value("hashes", Json()) : Json();
    const auto model = hashes.is_object() ? hashes.find("model") : hashes.end();
    return model != hashes.end() && model->is_string() ? model->get<std::string>() : std::string();
}

} // namespace

bool isBaseline(const TrialRecord& trial)
{
    return trial.pipeline.is_array() && trial.pipeline.empty();
}

std::vector<std::optional<std::size_t>> baselinesOf(std::span<const TrialRecord> trials)
{
    struct Candidates
    {
        std::optional<std::size_t> first;
        std::map<std::string, std::size_t> byDigest;
    };
    std::map<std::string, Candidates> workloads;
    for (std::size_t i = 0; i < trials.size(); ++i) {
        if (!isBaseline(trials[i]) || trials[i].status != TrialStatus::Done)
            continue;
        Candidates& candidates = workloads[trials[i].workload];
        candidates.first = candidates.first.value_or(i);
        candidates.byDigest.emplace(modelDigest(trials[i]), i);
    }
    std::vector<std::optional<std::size_t>> baselines(trials.size());
    for (std::size_t i = 0; i < trials.size(); ++i) {
        const auto found = workloads.find(trials[i].workload);
        if (found == workloads.end())
            continue;
        const Candidates& candidates = found->second;
        const std::string digest = modelDigest(trials[i]);
        if (const auto same = candidates.byDigest.find(digest); same != candidates.byDigest.end())
            baselines[i] = same->second;
        else if (const auto unknown = candidates.byDigest.find(""); unknown != candidates.byDigest.end())
            baselines[i] = unknown->second;
        else if (digest.empty())
            baselines[i] = candidates.first;
    }
    return baselines;
}

} // namespace paretoscope::core
