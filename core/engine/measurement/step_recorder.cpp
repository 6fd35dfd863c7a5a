// SPDX-License-Identifier: Apache-2.0
#include "core/engine/measurement/step_recorder.h"

#include "core/base/assert.h"

#include <algorithm>

namespace paretoscope::engine {

namespace {

constexpr std::string_view kCacheWrite = "kv_store";
constexpr std::string_view kAttention = "attention";
constexpr std::string_view kEnd = "";

/// The part that begins with the unit of this role; empty: it belongs to the part before it.
std::string_view partOfRole(std::string_view role)
{
    static constexpr std::pair<std::string_view, std::string_view> kParts[] {
        {"attention.query", "q_proj"},
        {"attention.key", "k_proj"},
        {"attention.value", "v_proj"},
        {"attention.qkv", "qkv_proj"},
        {"attention.query_down", "q_down_proj"},
        {"attention.key_value_down", "kv_down_proj"},
        {"attention.key_value", "kv_up_proj"},
        {"attention.output", "o_proj"},
        {"mlp.gate", "gate_proj"},
        {"mlp.up", "up_proj"},
        {"mlp.gate_up", "gate_up_proj"},
        {"mlp.down", "down_proj"},
        {"moe.router", "router"},
    };
    for (const auto& [known, part] : kParts) {
        if (known == role)
            return part;
    }
    return {};
}

struct NamedPart
{
    std::string tensor;
    std::string_view part;
};

void appendNorm(std::vector<NamedPart>& parts, const std::optional<core::NormSpec>& norm, std::string_view part)
{
    if (norm && !norm->weight.empty())
        parts.push_back({norm->weight, part});
}

std::vector<NamedPart> partsOf(const LanguageModel& model)
{
    std::vector<NamedPart> parts;
    for (const Unit& unit : model.view().units) {
        if (const std::string_view part = partOfRole(unit.role); !part.empty())
            parts.push_back({unit.tensor, part});
    }
    for (const core::BlockSpec& block : model.architecture().blocks) {
        for (const core::SublayerSpec& sublayer : block.sublayers) {
            const bool isFeedForward = std::holds_alternative<core::MlpSpec>(sublayer.part) ||
                                       std::holds_alternative<core::MoeSpec>(sublayer.part);
            appendNorm(parts, sublayer.norm, isFeedForward ? "mlp_norm" : "attn_norm");
            appendNorm(parts, sublayer.postNorm, isFeedForward ? "mlp_post_norm" : "attn_post_norm");
            appendNorm(parts, sublayer.residualNorm, isFeedForward ? "mlp_norm" : "attn_norm");
            if (const auto* attention = std::get_if<core::AttentionSpec>(&sublayer.part))
                appendNorm(parts, attention->queryNorm ? attention->queryNorm : attention->keyNorm, "qk_norm");
        }
    }
    return parts;
}

} // namespace

StepRecorder::StepRecorder(const LanguageModel& model, at::Device device)
    : m_device(device)
    , m_blocks(model.view().blocks)
{
    const std::vector<NamedPart> parts = partsOf(model);
    m_names.reserve(parts.size()); // the keys refer to the names
    for (const NamedPart& part : parts)
        m_partOf.emplace(m_names.emplace_back(part.tensor), part.part);
}

void StepRecorder::tensorRead(const PassPlace& place, std::string_view tensor)
{
    if (const auto found = m_partOf.find(tensor); found != m_partOf.end())
        mark(place.block, place.sample, found->second);
}

Hooks StepRecorder::hooks()
{
    const auto marking = [this](HookPoint point, std::string_view part) {
        return Hook {point, [this, part](const HookSite& site, const at::Tensor& value) {
                         mark(site.block, site.sample, part);
                         return value;
                     }};
    };
    return {marking(HookPoint::Value, kCacheWrite), marking(HookPoint::ValueRead, kAttention),
            marking(HookPoint::BlockOutput, kEnd)};
}

void StepRecorder::begin(int first, int count)
{
    m_first = first;
    m_marks.resize(static_cast<std::size_t>(count));
    for (std::vector<Mark>& marks : m_marks)
        marks.clear();
}

void StepRecorder::mark(int block, int sequence, std::string_view part)
{
    const auto index = static_cast<std::size_t>(sequence - m_first);
    PSC_ASSERT(index < m_marks.size(), "a step passes the sequences that were announced");
    m_marks[index].push_back({block, part, Moment::now(m_device)});
}

std::vector<std::vector<StepRecorder::Part>> StepRecorder::parts() const
{
    std::vector<std::vector<Part>> blocks(static_cast<std::size_t>(m_blocks));
    for (const std::vector<Mark>& marks : m_marks) {
        for (std::size_t i = 0; i + 1 < marks.size(); ++i) {
            if (marks[i].part == kEnd || marks[i + 1].block != marks[i].block)
                continue;
            std::vector<Part>& parts = blocks[static_cast<std::size_t>(marks[i].block)];
            const double seconds = marks[i + 1].moment.since(marks[i].moment);
            const auto known =
                std::find_if(parts.begin(), parts.end(), [&](const Part& part) { return part.first == marks[i].part; });
            if (known == parts.end())
                parts.emplace_back(marks[i].part, seconds);
            else
                known->second += seconds;
        }
    }
    return blocks;
}

double StepRecorder::entrySeconds(const Moment& start) const
{
    double least = 0;
    for (const std::vector<Mark>& marks : m_marks) {
        if (marks.empty())
            continue;
        const double seconds = marks.front().moment.since(start);
        least = least == 0 ? seconds : std::min(least, seconds);
    }
    return least;
}

} // namespace paretoscope::engine
