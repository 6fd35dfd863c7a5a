// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace paretoscope::core {

/// One forward pass of a document that is scored in full.
struct RollingWindow
{
    std::vector<std::int32_t> input;
    std::vector<std::int32_t> targets; ///< one per input token: the token that follows it
    std::size_t firstScored = 0; ///< only targets from here on count; the ones before were scored by earlier windows
};

/// Windows of at most `length` tokens (> 0) such that each of `ids` is predicted exactly once, the first one from
/// `prefix` (BOS or EOS). Each later window sees one token of context; the last one is shifted left to full length.
/// Source: get_rolling_token_windows and make_disjoint_window of EleutherAI's lm-evaluation-harness 0.4 (context_len
/// 1).
std::vector<RollingWindow> rollingWindows(std::span<const std::int32_t> ids, std::int32_t prefix, std::size_t length);

} // namespace paretoscope::core
