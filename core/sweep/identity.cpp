// SPDX-License-Identifier: Apache-2.0
#include "core/checkpoint/checkpoint.h"
#include "core/evaluation/metric_kind.h"
#include "core/sweep/shared_work.h"
#include "core/sweep/sweep.h"
#include "core/sweep/trial_exchange.h"
#include "core/sweep/trial_identity.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <unordered_set>

namespace paretoscope::core {

namespace {

/// Each file is read once, however many metrics use it.
class FileDigests
{
public:
    Result<Sha256Digest> of(const std::filesystem::path& file)
    {
        const auto found = m_known.find(file);
        if (found != m_known.end())
            return found->second;
        PSC_ASSIGN(const Sha256Digest digest, sha256OfFile(file));
        m_known.emplace(file, digest);
        return digest;
    }

private:
    std::map<std::filesystem::path, Sha256Digest> m_known;
};

/// All that the calibration tokens follow from; contents, not paths.
Json calibrationIdentity(const CalibrationSpec& calibration, const WorkloadIdentity& identity)
{
    Json json = calibration.toJson();
    json["corpus"] = identity.calibrationCorpus ? Json(identity.calibrationCorpus->hex()) : Json();
    json["tokenizer"] = identity.tokenizer.hex();
    if (calibration.corpus.extension() == ".jsonl") // the same bytes are read in another way
        json["format"] = "jsonl";
    return json;
}

/// What parameters of stages name or may come to name.
struct NamedPaths
{
    std::set<std::string> models;
    std::set<std::string> files;
};

NamedPaths namedPaths(const Sweep& sweep)
{
    NamedPaths paths;
    const auto add = [&](const StageSpec& stage, const std::string& parameter, const Json& value) {
        if (std::find(stage.models.begin(), stage.models.end(), parameter) == stage.models.end())
            return;
        if (value.is_string())
            paths.models.insert(value.get<std::string>());
        for (const Json& file : value.is_array() ? value : Json::array())
            paths.files.insert(file.get<std::string>());
    };
    for (const Pipeline& pipeline : sweep.pipelines) {
        for (const StageSpec& stage : pipeline.stages) {
            for (const auto& [parameter, value] : stage.parameters.items())
                add(stage, parameter, value);
        }
    }
    for (const PipelineSpace& entry : sweep.entries) {
        for (const ParameterChoice& choice : entry.choices) {
            for (const Json& value : choice.values.levels)
                add(entry.first.stages[choice.stage], choice.parameter, value);
        }
    }
    return paths;
}

} // namespace

Result<WorkloadIdentity> identifyWorkload(const WorkloadSpec& workload)
{
    WorkloadIdentity identity;
    FileDigests digests;
    // The cheap files first: a mistake in them is not reported after seconds of hashing.
    for (const MetricSpec& metric : workload.evaluate) {
        PSC_ASSIGN(const MetricKind* kind, findMetricKind(metric.name));
        PSC_ASSIGN(const Json options, kind->complete(metric.options));
        PSC_ASSIGN(const Sha256Digest data, digests.of(options.at(kind->file).get<std::string>()));
        identity.dataDigests.push_back(data);
    }
    if (workload.calibration) {
        PSC_ASSIGN(identity.calibrationCorpus, digests.of(workload.calibration->corpus));
    }
    identity.leak = identity.calibrationCorpus && std::find(identity.dataDigests.begin(), identity.dataDigests.end(),
                                                            *identity.calibrationCorpus) != identity.dataDigests.end();

    PSC_ASSIGN(const Tokenizer tokenizer, Tokenizer::load(workload.model));
    identity.tokenizer = tokenizer.digest();
    PSC_ASSIGN(const std::unique_ptr<Checkpoint> checkpoint, openCheckpoint(workload.model));
    PSC_ASSIGN(identity.model, modelDigest(*checkpoint));
    for (std::size_t i = 0; i < workload.evaluate.size(); ++i) {
        PSC_ASSIGN(const MetricKind* kind, findMetricKind(workload.evaluate[i].name));
        PSC_ASSIGN(const Json options, kind->complete(workload.evaluate[i].options));
        identity.protocolIds.push_back(kind->protocolId(options, {identity.dataDigests[i], identity.model}));
    }
    return identity;
}

Result<WorkloadIdentity> identifySweep(const Sweep& sweep)
{
    PSC_ASSIGN(WorkloadIdentity identity, identifyWorkload(sweep.workload));
    const NamedPaths paths = namedPaths(sweep);
    for (const std::string& path : paths.models) {
        PSC_ASSIGN(const std::unique_ptr<Checkpoint> checkpoint, openCheckpoint(path));
        PSC_ASSIGN(identity.models[path], modelDigest(*checkpoint));
    }
    for (const std::string& path : paths.files) {
        PSC_ASSIGN(identity.models[path], sha256OfFile(path));
    }
    return identity;
}

Json identifiedPipeline(const Pipeline& pipeline, const WorkloadIdentity& identity)
{
    Json stages = toJson(pipeline);
    const auto identify = [&](Json& path) {
        const auto known = identity.models.find(path.get<std::string>());
        if (known != identity.models.end())
            path = kModelContent + known->second.hex();
    };
    for (std::size_t i = 0; i < pipeline.stages.size(); ++i) {
        for (const std::string& parameter : pipeline.stages[i].models) {
            Json& value = stages[i]["parameters"][parameter];
            if (value.is_array())
                std::for_each(value.begin(), value.end(), identify);
            else
                identify(value);
        }
    }
    return stages;
}

Json trialIdentity(const WorkloadSpec& workload, const WorkloadIdentity& identity, const Pipeline& pipeline,
                   std::uint64_t seed)
{
    Json json {{"engine", kEngineNumericsVersion},
               {"model", identity.model.hex()},
               {"pipeline", identifiedPipeline(pipeline, identity)}};
    if (pipeline.needsCalibration() && workload.calibration)
        json["calibration"] = calibrationIdentity(*workload.calibration, identity);
    if (!pipeline.stages.empty()) // the baseline is the model itself, whatever the seed
        json["seed"] = seed;
    return json;
}

TrialId trialId(const WorkloadSpec& workload, const WorkloadIdentity& identity, const Pipeline& pipeline,
                std::uint64_t seed)
{
    return {sha256(canonicalJson(trialIdentity(workload, identity, pipeline, seed)))};
}

Json prefixKey(const WorkloadSpec& workload, const WorkloadIdentity& identity, const Pipeline& pipeline, int steps,
               std::uint64_t seed, const ComputeConditions& conditions)
{
    const Pipeline beginning = pipeline.beginning(static_cast<std::size_t>(steps));
    return {{"trial", trialId(workload, identity, beginning, seed).hex()},
            {"threads", conditions.threads},
            {"device", conditions.device}};
}

Json collectionKey(const WorkloadSpec& workload, const WorkloadIdentity& identity, std::vector<std::string> statistics,
                   const ComputeConditions& conditions)
{
    std::sort(statistics.begin(), statistics.end());
    Json json {{"engine", kEngineNumericsVersion},
               {"model", identity.model.hex()},
               {"statistics", std::move(statistics)},
               {"threads", conditions.threads},
               {"device", conditions.device}};
    if (workload.calibration)
        json["calibration"] = calibrationIdentity(*workload.calibration, identity);
    return json;
}

std::vector<PlannedTrial> planTrials(const Sweep& sweep, const WorkloadIdentity& identity)
{
    std::vector<int> all(identity.protocolIds.size());
    std::iota(all.begin(), all.end(), 0);
    const std::size_t fixed = sweep.rungs.empty() ? 0 : sweep.fixedPipelines().size();
    std::vector<std::uint64_t> seeds {sweep.seed};
    seeds.insert(seeds.end(), sweep.repeatSeeds.begin(), sweep.repeatSeeds.end());
    std::vector<PlannedTrial> trials;
    std::unordered_set<std::string> seen;
    for (const std::uint64_t seed : seeds) {
        for (std::size_t i = 0; i < sweep.pipelines.size(); ++i) {
            const TrialId id = trialId(sweep.workload, identity, sweep.pipelines[i], seed);
            if (!seen.insert(id.hex()).second)
                continue;
            const bool isInRace = !sweep.rungs.empty() && i >= fixed; // what is not chosen is measured once, in full
            trials.push_back({id, sweep.pipelines[i], seed,
                              sweep.rungs.empty() ? all
                              : isInRace          ? sweep.rungs.front()
                                                  : sweep.rungs.back()});
        }
    }
    return trials;
}

} // namespace paretoscope::core
