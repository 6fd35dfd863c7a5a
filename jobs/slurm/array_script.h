// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace paretoscope::jobs {

/// Slurm's own default of MaxArraySize: the most elements of one array.
inline constexpr int kUsualMaxArraySize = 1001;

/// What a batch script for a sweep needs to know. Texts go into the script as they are or quoted for the shell; the
/// header's (name, partition, account, memory, logs) must hold no line break.
struct ArrayScript
{
    std::string command; ///< that made the script, for its first lines; may be empty
    std::string name;    ///< of the job
    std::string program; ///< paretoscope on the nodes
    std::string sweep;   ///< file
    std::string results; ///< folder of the shards
    std::string logs;    ///< folder of the elements' output

    int trials = 1;    ///< of the sweep
    int elements = 1;  ///< shards of the sweep, one an element
    int arraySize = 1; ///< elements of the array that the header asks for, at most `elements`
    int atOnce = 0;    ///< elements that run at the same time; 0 = as many as the cluster lets
    int maxRestarts = 3;

    int gpus = 0;
    int cpus = 4;
    int workers = 1; ///< of an element
    bool usesSrun = false;
    std::optional<std::int64_t> timeSeconds; ///< of an element; empty = the partition's default
    std::string memory;                      ///< "32G"
    std::string partition;
    std::string account;
    std::vector<std::string> options; ///< further options of `paretoscope run`
};

/// How many elements of about `trialsPerElement` trials there are: at least one, never more than trials.
int elementsFor(int trials, int trialsPerElement);

/// How long an element may run trials before its job ends after `timeSeconds`: what is left is for finishing a layer.
std::int64_t timeLimitFor(std::int64_t timeSeconds);

/// A name that Slurm and the shell take without quotes: other characters become "_".
std::string jobName(const std::string& name);

/// The arguments of `sbatch` that submit the parts of a sweep which one array cannot hold: "--array=0-999%16 FILE 0",
/// one entry an array.
std::vector<std::string> submissions(const ArrayScript& script, const std::string& file);

/// A complete bash script for sbatch. Its arguments FIRST SHARDS SWEEP RESULTS OPTION... replace what stands in it, so
/// that one script, edited for a site, serves many sweeps.
///
/// Each element runs one shard of the sweep into RESULTS/ARRAY_ELEMENT.psl. Exit status 75 (time limit, warning signal)
/// puts it back into the queue, at most `maxRestarts` times; SIGTERM (scancel, preemption) does not.
std::string arrayScript(const ArrayScript& script);

} // namespace paretoscope::jobs
