// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/engine/measurement/call_timer.h"
#include "core/engine/model/language_model.h"
#include "core/engine/plugin/hooks.h"

#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace paretoscope::engine {

/// Finds out how long the parts of every block take while sequences pass through it. A part begins when the pass reads
/// its weight, or at a hook, and ends where the next one begins; it is named after the operation it begins with:
/// attn_norm, q_proj, k_proj, v_proj, qkv_proj, qk_norm, kv_store, attention, o_proj, attn_post_norm, mlp_norm,
/// gate_proj, up_proj, gate_up_proj, down_proj, router, mlp_post_norm, and those of latent attention (q_down_proj,
/// kv_down_proj, kv_up_proj). What has no weight (rotation, activation, sum) is in the part before it.
class StepRecorder
{
public:
    StepRecorder(const LanguageModel& model, at::Device device);
    StepRecorder(const StepRecorder&) = delete; // the hooks refer to it
    StepRecorder& operator=(const StepRecorder&) = delete;

    /// To be called for every tensor that a block reads.
    void tensorRead(const PassPlace& place, std::string_view tensor);
    /// The hooks that mark the other parts; they refer to this object.
    Hooks hooks();

    /// Forgets the last step. @param first the lowest sequence of the next one, `count` of them follow each other
    void begin(int first, int count);

    using Part = std::pair<std::string_view, double>; ///< seconds, summed over the sequences
    /// Of every block, in the order of the pass.
    std::vector<std::vector<Part>> parts() const;
    /// Seconds from `start` until a sequence entered the first block.
    double entrySeconds(const Moment& start) const;

private:
    struct Mark
    {
        int block = 0;
        std::string_view part; ///< empty: the end of the block
        Moment moment;
    };
    void mark(int block, int sequence, std::string_view part);

    at::Device m_device;
    std::vector<std::string> m_names; ///< of the tensors that begin a part; the keys below refer to them
    std::unordered_map<std::string_view, std::string_view> m_partOf;
    int m_blocks = 0;
    int m_first = 0;
    std::vector<std::vector<Mark>> m_marks; ///< per sequence, each written by one thread at a time
};

} // namespace paretoscope::engine
