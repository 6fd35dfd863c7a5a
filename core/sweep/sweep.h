// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/json.h"
#include "core/base/result.h"
#include "core/corpus/corpus.h"
#include "core/plugin/manifest.h"
#include "core/sweep/pipeline_space.h"
#include "core/sweep/trial_id.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace paretoscope::core {

/// Raised whenever the engine's numbers change; part of every identity.
inline constexpr int kEngineNumericsVersion = 2;

/// Most trials of one sweep.
inline constexpr std::size_t kMaxTrials = 100'000;

/// One metric to measure, e.g. {"perplexity", {corpus, length, ...}}.
struct MetricSpec
{
    std::string name;
    Json options;
};

struct WorkloadSpec
{
    std::string kind;            ///< "causal-lm"
    std::filesystem::path model; ///< absolute
    std::optional<CalibrationSpec> calibration;
    std::vector<MetricSpec> evaluate;
};

/// What one sweep file asks for. Paths in it are absolute (relative ones count from the file's folder).
struct Sweep
{
    std::string name; ///< file name without extension, or its `name:`
    WorkloadSpec workload;
    /// Of a grid all in file order; of a driver that chooses those without a choice first, then its first batch. Each
    /// once.
    std::vector<Pipeline> pipelines;
    std::vector<PipelineSpace> entries;       ///< of `pipelines:`, as they stand there
    Json driver = {{"grid", Json::object()}}; ///< with all its options
    std::vector<std::string> objectives;
    /// Of successive halving, by rung: what of workload.evaluate is measured. The last one is what the file asks for.
    /// Empty: everything at once.
    std::vector<std::vector<int>> rungs;
    std::uint64_t seed = 0;                 ///< of the driver, too
    std::vector<std::uint64_t> repeatSeeds; ///< every pipeline once more with each of these
    std::string source;                     ///< the text of the file; with its includes: the whole sweep, written anew
    std::vector<std::string> overrides;     ///< the --set arguments that were laid over it

    bool isGrid() const;
    bool isAdaptive() const;                      ///< what the driver asks for depends on results
    std::vector<Pipeline> fixedPipelines() const; ///< the entries in which nothing is to be chosen, each once
};

/// Reads YAML, or JSON when the file is called *.json. The keys are those of docs/sweep-file.md.
///
/// `overrides` are `path=value` (as --set), laid over the file in this order before anything is checked:
///   stage.PLUGIN.PARAMETER=value[,value]   in every stage of that plugin (alias or id); several values are a grid
///   KEY.KEY...=value                       any other key, e.g. workload.model=DIR, workload.calibration.samples=8;
///                                          an entry of a list by its number from 0 or by the name it holds:
///                                          workload.evaluate.0.perplexity.windows=8,
///                                          workload.evaluate.perplexity.windows=8
///   stage.PLUGIN.PARAMETER.KEY=value       a key of a range
///   seed=value[,value], objectives=value[,value]
/// A value means what it would mean unquoted in YAML; one that begins with [ or { is YAML. Relative paths in a value
/// count from the current folder.
///
/// Errors: NotFound (file, model, corpus, plugin), InvalidArgument, Unsupported (a newer file, a driver, workload or
/// metric that is not available yet), Io; each as "file:line:column: ..." or "--set path=value: ..." with a hint.
Result<Sweep> readSweep(const std::filesystem::path& file, const PluginCatalogue& plugins,
                        const std::vector<std::string>& overrides = {});
/// The same from text; `file` names it in messages and anchors relative paths.
Result<Sweep> parseSweep(std::string_view text, const std::filesystem::path& file, const PluginCatalogue& plugins,
                         const std::vector<std::string>& overrides = {});

/// The YAML of a sweep (what the sweep builder writes); readSweep of it gives the same trials in the same order.
/// Pipelines that make up a grid are written as one; where a driver chooses, ranges and conditions stay. Paths are
/// absolute, includes are resolved.
std::string writeSweep(const Sweep& sweep);

/// The content hashes that identities and protocol ids need; made once per sweep, without libtorch.
struct WorkloadIdentity
{
    Sha256Digest model;
    Sha256Digest tokenizer;
    std::optional<Sha256Digest> calibrationCorpus;
    std::vector<std::string> protocolIds;       ///< one per WorkloadSpec::evaluate entry
    std::vector<Sha256Digest> dataDigests;      ///< likewise: the file it reads
    std::map<std::string, Sha256Digest> models; ///< that parameters of stages name: path and content
    bool leak = false;                          ///< calibration and an evaluation read the same file content
};

/// Errors: NotFound, Io, Corrupt, Unsupported; InvalidArgument (a metric or an option that is not known).
Result<WorkloadIdentity> identifyWorkload(const WorkloadSpec& workload);
/// The same with the models that stages name.
Result<WorkloadIdentity> identifySweep(const Sweep& sweep);

struct PlannedTrial
{
    TrialId id;
    Pipeline pipeline;
    std::uint64_t seed = 0;
    std::vector<int> measurements = {}; ///< indices into WorkloadSpec::evaluate that are wanted
};

/// SHA-256 of canonical JSON {engine, model, calibration (only when a stage reads it), pipeline, seed}.
TrialId trialId(const WorkloadSpec& workload, const WorkloadIdentity& identity, const Pipeline& pipeline,
                std::uint64_t seed);

/// The trials of `pipelines` in their order, equal ids once.
std::vector<PlannedTrial> planTrials(const Sweep& sweep, const WorkloadIdentity& identity);

} // namespace paretoscope::core
