// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "roofline/llm_viewer/analysis.h"

#include <string_view>
#include <vector>

namespace paretoscope::roofline::llm_viewer {

struct GraphNode
{
    std::string_view name;
    std::vector<std::string_view> inputs;
};

/// The graph of one layer as LLM-Viewer draws it, from "input" to "output".
/// Errors: Unsupported, "GPT-J has no fused-attention graph in LLM-Viewer".
core::Result<std::vector<GraphNode>> layerGraph(const Model& model, bool flashAttention);

/// Sequence lengths that the chat stage samples, at most ten, as numpy.linspace spaces them; each stands for
/// generated / count tokens.
std::vector<double> chatLengths(double prompt, double generated);

enum class GraphStage
{
    Decode,
    Prefill,
    Chat,
};

/// What LLM-Viewer's screen asks its server for.
struct GraphRequest
{
    GraphStage stage = GraphStage::Decode;
    Setting setting = {};        ///< sequenceLength: of decode and prefill, or the prompt of a chat
    double generationLength = 1; ///< chat only
};

/// Its answer: {nodes, edges, total_results, hardware_info}. The chat stage is reproduced as it is: totals.prefill is
/// totals.chat, the sum takes ten sampled lengths without tensor parallelism, and nodes and edges come twice.
/// Errors: those of layerGraph() and analyse().
core::Result<core::Json> graphDocument(Profile profile, const Model& model, const Hardware& hardware,
                                       const GraphRequest& request);

} // namespace paretoscope::roofline::llm_viewer
