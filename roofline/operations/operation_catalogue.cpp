// SPDX-License-Identifier: Apache-2.0
#include "roofline/operations/operation_catalogue.h"

#include <algorithm>
#include <array>

namespace paretoscope::roofline {

namespace {

constexpr std::string_view kLinearMatrix = "2·T·in·out";
constexpr std::string_view kLinearVector = "T·out with a bias";
constexpr std::string_view kLinearBytes = "w·in·out + T·(in + out)·a";
constexpr std::string_view kNormVector = "4·T·H (RMS), 7·T·H (LayerNorm)";
constexpr std::string_view kNormBytes = "2·T·H·a + gain and bias";
constexpr std::string_view kAddBytes = "3·T·H·a";
constexpr std::string_view kActVector = "5·T·I (SwiGLU), 9·T·I (GeGLU), 8·T·I (GELU), T·I (ReLU)";
constexpr std::string_view kActBytes = "3·T·I·a gated, 2·T·I·a not";
constexpr std::string_view kExpertMatrix = "2·T·k·in·out";
constexpr std::string_view kExpertBytes = "w·in·out·E_active + T·k·(in + out)·a, E_active = E·(1 - (1 - k/E)^T)";

using enum OperationKind;

constexpr OperationNote linear(std::string_view name, OperationKind kind)
{
    return {name, kind, kLinearMatrix, kLinearVector, kLinearBytes};
}

constexpr OperationNote norm(std::string_view name)
{
    return {name, Elementwise, {}, kNormVector, kNormBytes};
}

constexpr OperationNote sum(std::string_view name)
{
    return {name, Elementwise, {}, "T·H", kAddBytes};
}

constexpr OperationNote expert(std::string_view name)
{
    return {name, FeedForward, kExpertMatrix, {}, kExpertBytes};
}

constexpr OperationNote collective(std::string_view name)
{
    return {name, Communication, {}, {}, {}};
}

constexpr std::array kNotes {
    OperationNote {"embed", Vocabulary, {}, "T·H with learned positions", "2·T·H·a + 8·T"},
    linear("embed_proj", Vocabulary),
    linear("patch_embed", Vocabulary),
    norm("final_norm"),
    linear("head_proj", Vocabulary),
    OperationNote {"lm_head", Vocabulary, "2·R·H·V", "R·V with a bias", "w·H·V + R·H·a + 4·R·V"},
    linear("adaln", FeedForward),
    norm("attn_norm"),
    norm("attn_post_norm"),
    norm("mlp_norm"),
    norm("mlp_post_norm"),
    sum("attn_add"),
    sum("mlp_add"),
    sum("shared_add"),
    OperationNote {"quantise", Elementwise, {}, "3·T·in", "T·in·a + T·(in·bits/8 + 4)"},
    linear("q_proj", Projection),
    linear("k_proj", Projection),
    linear("v_proj", Projection),
    linear("qkv_proj", Projection),
    linear("o_proj", Projection),
    linear("q_down_proj", Projection),
    linear("kv_down_proj", Projection),
    linear("kv_up_proj", Projection),
    linear("in_proj", Projection),
    linear("q_absorb", Projection),
    linear("v_up", Projection),
    norm("q_norm"),
    norm("kv_norm"),
    OperationNote {"qk_norm", Elementwise, {}, "4·T·(h + g)·d", "2·T·(h + g)·d·a + gains"},
    OperationNote {"rope", Attention, {}, "3·T·(h + g)·d", "2·T·(h + g)·d·a"},
    OperationNote {"kv_store", Attention, {}, "6·T·g·d when the cache is quantised", "2·T·g·d·(a + k)"},
    OperationNote {"rope_kv_store",
                   Attention,
                   {},
                   "3·T·(h + g)·d + 6·T·g·d when the cache is quantised",
                   "T·(2·h + 2·g)·d·a + 2·T·g·d·k"},
    OperationNote {"attention", Attention, "4·B·h·P·d, P = q·S - q·(q - 1)/2", "5·B·h·P", "2·T·h·d·a + 2·B·S·g·d·k"},
    OperationNote {"linear_attention", Attention, "4·T·h·d·d_state", {}, "T·out·a + T·h·d·a + 2·B·h·d·d_state·a"},
    OperationNote {"kv_select", Attention, "2·B·h·q_observed·S·d", {}, {}},
    OperationNote {"qk_matmul",
                   Attention,
                   "2·B·h·q·S·d",
                   {},
                   "T·h·d·a + B·S·g·d·k + B·h·q·S·a, repeated keys 2·B·S·h·d·a with g < h"},
    OperationNote {"softmax", Attention, {}, "5·B·h·q·S", "2·B·h·q·S·a"},
    OperationNote {"sv_matmul",
                   Attention,
                   "2·B·h·q·S·d",
                   {},
                   "B·h·q·S·a + B·S·g·d·k + T·h·d·a, repeated values 2·B·S·h·d·a with g < h"},
    linear("gate_proj", FeedForward),
    linear("up_proj", FeedForward),
    linear("gate_up_proj", FeedForward),
    OperationNote {"mlp_act", FeedForward, {}, kActVector, kActBytes},
    linear("down_proj", FeedForward),
    OperationNote {"router", FeedForward, "2·T·H·E", "5·T·E", "w·H·E + T·H·a + 4·T·E"},
    OperationNote {"permute", FeedForward, {}, {}, "2·T·k·H·a"},
    OperationNote {"unpermute", FeedForward, {}, "2·T·k·H", "2·T·k·H·a"},
    expert("expert_gate"),
    expert("expert_up"),
    expert("expert_gate_up"),
    OperationNote {"expert_act", FeedForward, {}, kActVector, kActBytes},
    expert("expert_down"),
    linear("shared_gate", FeedForward),
    linear("shared_up", FeedForward),
    linear("shared_gate_up", FeedForward),
    OperationNote {"shared_act", FeedForward, {}, kActVector, kActBytes},
    linear("shared_down", FeedForward),
    linear("shared_expert_gate", FeedForward),
    collective("attn_all_reduce"),
    collective("mlp_all_reduce"),
    collective("all_gather"),
    collective("dispatch"),
    collective("combine"),
    collective("logits_all_gather"),
};

} // namespace

const OperationNote* noteOf(std::string_view operation)
{
    const auto found =
        std::find_if(kNotes.begin(), kNotes.end(), [&](const OperationNote& note) { return note.name == operation; });
    return found == kNotes.end() ? nullptr : &*found;
}

} // namespace paretoscope::roofline
