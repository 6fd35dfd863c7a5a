// SPDX-License-Identifier: Apache-2.0
#include "roofline/llm_viewer/graph.h"

#include "roofline/llm_viewer/number_text.h"
#include "roofline/llm_viewer/result_json.h"

#include <algorithm>
#include <string>

namespace paretoscope::roofline::llm_viewer {

namespace {

constexpr int kChatSamples = 10;

class DocumentBuilder
{
public:
    DocumentBuilder(const Model& model, std::vector<GraphNode> graph)
        : m_isGrouped(model.heads != model.kvHeads)
        , m_graph(std::move(graph))
    {
        m_nodes.push_back({{"label", "input"}, {"id", "input"}});
    }

    /// Nodes and edges of one layer. @param described the numbers of the texts @param informed those of the details
    void append(const Stage& described, const Stage* informed)
    {
        for (const GraphNode& node : m_graph) {
            const Operation* shown = described.find(node.name);
            const Operation* info = informed ? informed->find(node.name) : nullptr;
            m_nodes.push_back({{"label", labelOf(node.name)},
                               {"id", std::string(node.name)},
                               {"description", "OPs:" + numberText(shown ? shown->operations : 0) +
                                                   ", Access:" + numberText(shown ? shown->memoryAccess : 0)},
                               {"info", info ? toJson(*info) : core::Json::object()}});
            for (const std::string_view input : node.inputs)
                m_edges.push_back({{"source", std::string(input)}, {"target", std::string(node.name)}});
        }
    }

    core::Json document(core::Json totals, const Hardware& hardware, double peak)
    {
        return {{"nodes", std::move(m_nodes)},
                {"edges", std::move(m_edges)},
                {"total_results", std::move(totals)},
                {"hardware_info",
                 {{"bandwidth", hardware.bandwidth}, {"max_OPS", peak}, {"onchip_buffer", hardware.onchipBuffer}}}};
    }

private:
    std::string labelOf(std::string_view name) const
    {
        const bool isGroupedProduct = m_isGrouped && (name == "qk_matmul" || name == "sv_matmul");
        return std::string(name) + (isGroupedProduct ? "(GQA)" : "");
    }

    bool m_isGrouped;
    std::vector<GraphNode> m_graph;
    core::Json m_nodes = core::Json::array();
    core::Json m_edges = core::Json::array();
};

/// Adds sampled decode steps to the prefill, and each operation's OPs and bytes to that of the prefill.
core::Status addDecodeSteps(Stage& sum, Profile profile, const Model& model, const Hardware& hardware,
                            const GraphRequest& request)
{
    const std::vector<double> lengths = chatLengths(request.setting.sequenceLength, request.generationLength);
    const double samples = std::min<double>(kChatSamples, request.generationLength);
    for (const double length : lengths) {
        Setting step = request.setting;
        step.sequenceLength = length;
        step.tensorParallel = 1;
        PSC_ASSIGN(const Analysis analysis, analyse(profile, model, hardware, step));
        sum.totals.addScaled(analysis.decode.totals, request.generationLength, samples);
        for (std::size_t i = 0; i < sum.operations.size(); ++i) {
            const Operation& decode = analysis.decode.operations[i];
            sum.operations[i].operations += decode.operations * request.generationLength / samples;
            sum.operations[i].memoryAccess += decode.memoryAccess * request.generationLength / samples;
        }
    }
    return core::success();
}

} // namespace

std::vector<double> chatLengths(double prompt, double generated)
{
    const int count = static_cast<int>(std::min<double>(kChatSamples, generated));
    std::vector<double> lengths {prompt + 1};
    for (int i = 1; i < count; ++i)
        lengths.push_back((prompt + 1) + i * ((generated - 1) / (count - 1)));
    if (count > 1)
        lengths.back() = prompt + generated;
    return lengths;
}

core::Result<std::vector<GraphNode>> layerGraph(const Model& model, bool flashAttention)
{
    if (flashAttention && !model.hasFusedGraph)
        return core::Error {core::ErrorCode::Unsupported, "GPT-J has no fused-attention graph in LLM-Viewer",
                            "switch flash attention off"};
    std::vector<GraphNode> graph {{"input", {}},
                                  {"attn_norm", {"input"}},
                                  {"q_proj", {"attn_norm"}},
                                  {"k_proj", {"attn_norm"}},
                                  {"v_proj", {"attn_norm"}}};
    if (flashAttention) {
        graph.push_back({"fused_attention", {"q_proj", "k_proj", "v_proj"}});
        graph.push_back({"out_proj", {"fused_attention"}});
    } else {
        graph.push_back({"qk_matmul", {"q_proj", "k_proj"}});
        graph.push_back({"softmax", {"qk_matmul"}});
        graph.push_back({"sv_matmul", {"softmax", "v_proj"}});
        graph.push_back({"out_proj", {"sv_matmul"}});
    }
    graph.push_back({"attn_add", {"input", "out_proj"}});
    if (model.hasMlpNorm)
        graph.push_back({"mlp_norm", {"attn_add"}});
    const std::string_view feed = model.hasMlpNorm ? "mlp_norm" : "input";
    if (model.drawsGate)
        graph.push_back({"gate_proj", {feed}});
    graph.push_back({"up_proj", {feed}});
    graph.push_back(model.drawsGate ? GraphNode {"mlp_act", {"up_proj", "gate_proj"}}
                                    : GraphNode {"mlp_act", {"up_proj"}});
    graph.push_back({"down_proj", {"mlp_act"}});
    graph.push_back({"mlp_add", {"attn_add", "down_proj"}});
    graph.push_back({"output", {"mlp_add"}});
    return graph;
}

core::Result<core::Json> graphDocument(Profile profile, const Model& model, const Hardware& hardware,
                                       const GraphRequest& request)
{
    PSC_ASSIGN(std::vector<GraphNode> graph, layerGraph(model, request.setting.flashAttention));
    PSC_ASSIGN(const Analysis analysis, analyse(profile, model, hardware, request.setting));
    DocumentBuilder builder(model, std::move(graph));
    core::Json totals {{"decode", toJson(analysis.decode.totals)}, {"prefill", toJson(analysis.prefill.totals)}};
    if (request.stage != GraphStage::Chat) {
        const Stage& stage = request.stage == GraphStage::Decode ? analysis.decode : analysis.prefill;
        builder.append(stage, &stage);
        return builder.document(std::move(totals), hardware, analysis.peakOperations);
    }
    if (!(request.generationLength >= 1 && request.generationLength <= 1048576))
        return core::Error {core::ErrorCode::InvalidArgument,
                            "gen_length is " + core::canonicalJson(core::Json(request.generationLength)),
                            "give at least 1 and at most 2^20 tokens"};
    Stage chat = analysis.prefill;
    PSC_TRY(addDecodeSteps(chat, profile, model, hardware, request));
    builder.append(analysis.prefill, &chat);
    builder.append(chat, nullptr);
    totals["prefill"] = toJson(chat.totals);
    totals["chat"] = totals["prefill"];
    return builder.document(std::move(totals), hardware, analysis.peakOperations);
}

} // namespace paretoscope::roofline::llm_viewer
