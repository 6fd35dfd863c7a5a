// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/json.h"
#include "core/base/result.h"

#include <string>
#include <string_view>
#include <vector>

/// LLM-Viewer's analysis (github.com/hahnyuan/LLM-Viewer), number for number and with its errors. Quantities are
/// doubles throughout: products exceed 2^53, and LLM-Viewer itself computes with fractions of tokens.
namespace paretoscope::roofline::llm_viewer {

/// A state of LLM-Viewer that is reproduced.
enum class Profile
{
    Lv2407, ///< commit 472f71f, 2024-07-30
    Lv2409, ///< commit 1893e4b, 2024-09-11
};

std::string_view profileName(Profile profile); ///< "lv-2409"
/// Errors: InvalidArgument, naming the known ones.
core::Result<Profile> profileFromName(std::string_view name);

/// A model as LLM-Viewer sees it.
struct Model
{
    std::string_view family = {};
    double hidden = 0;
    double heads = 0;
    double kvHeads = 0;
    double intermediate = 0;
    double vocabulary = 0; ///< 0: no lm_head
    double layers = 0;
    bool hasMlpNorm = true;
    bool countsGate = true; ///< gate_proj stands in the list of linears, whether the model has one or not
    bool drawsGate = true;  ///< gate_proj is a node of the graph
    bool hasFusedGraph = true;

    double headDim() const { return hidden / heads; }
};

/// The names of the families: Llama, opt, chatglm3, gpt-j-6B, DiT.
std::vector<std::string> familyNames();

/// The family for a `model_type` of Hugging Face; empty when LLM-Viewer has none.
std::string_view familyOfModelType(std::string_view modelType);

/// Errors: Unsupported (unknown family; names the known ones), Corrupt (a value of `config` is missing, no integer in
/// [1, 2^31), or the head size is not integral).
core::Result<Model> readModel(std::string_view family, const core::Json& config);

} // namespace paretoscope::roofline::llm_viewer
