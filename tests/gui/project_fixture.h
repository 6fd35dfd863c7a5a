// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "views/snapshot/project_snapshot.h"

#include <string>
#include <vector>

namespace paretoscope::views::test {

inline constexpr const char* kProtocol =
    "perplexity.window/wiki.test.tokens#d790b833/512/first0+32/bos-none/join-raw/score-all";
inline constexpr const char* kOtherProtocol =
    "perplexity.window/alice29.txt#7467306e/512/first0+8/bos-none/join-raw/score-all";

/// The id that a trial of this label has in the fixture.
core::TrialId idOf(const std::string& label);

struct TrialSketch
{
    std::string label;     ///< "baseline", "gptq(bits=3,group_size=64)"
    double perplexity = 0; ///< 0: not measured
    double storedBytes = 0;
    core::TrialStatus status = core::TrialStatus::Done;
};

/// A trial with pipeline, metrics (perplexity with standard error, stored_bytes, bits_per_parameter) and provenance.
core::TrialRecord trialOf(const TrialSketch& sketch);

/// The demo sweep with plausible numbers: baseline, RTN {2,3,4,8} bit × group {32,64}, GPTQ {2,3,4} bit.
std::vector<core::TrialRecord> demoTrials();
core::WorkloadRecord demoWorkload();

/// A snapshot of `trials`; `path` tells projects apart.
SnapshotPtr snapshotOf(std::vector<core::TrialRecord> trials, const std::string& path = "demo.pscope",
                       std::vector<core::WorkloadRecord> workloads = {demoWorkload()});

/// The demo with published points: perplexity of GPTQ of LLaMA-7B at 4 bit and, not verified, at 3 bit; of LLaMA-13B at
/// 4 bit; accuracy and size of the first one.
SnapshotPtr publishedSnapshot();

} // namespace paretoscope::views::test
