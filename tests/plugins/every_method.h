// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/json.h"

#include <string>
#include <vector>

namespace paretoscope::tests {

/// A stage plugin in a form that is quick on models of a few thousand weights.
struct MethodUnderTest
{
    std::string name; ///< of the data row
    std::string plugin;
    core::Json parameters = core::Json::object();
    std::string before = {}; ///< the stage that it needs in front of it, with defaults
    bool readsInputs = true; ///< of the layers it changes, as the stages so far left them
};

/// Every method that works on the weights of a model itself; bridges take those of another checkpoint.
inline const std::vector<MethodUnderTest>& everyMethod()
{
    static const std::vector<MethodUnderTest> methods {
        {.name = "rtn", .plugin = "rtn", .readsInputs = false},
        {.name = "rtn, nvfp4", .plugin = "rtn", .parameters = {{"format", "nvfp4"}}, .readsInputs = false},
        {.name = "gptq", .plugin = "gptq"},
        {.name = "awq", .plugin = "awq", .parameters = {{"propagate", "block"}}},
        {.name = "awq by layer", .plugin = "awq", .parameters = {{"propagate", "block"}, {"scale_loss", "layer"}}},
        {.name = "smoothquant", .plugin = "smoothquant"},
        {.name = "int8", .plugin = "int8", .readsInputs = false},
        {.name = "int8, static", .plugin = "int8", .parameters = {{"activations", "tensor"}}},
        {.name = "hqq", .plugin = "hqq", .readsInputs = false},
        {.name = "spqr", .plugin = "spqr"},
        {.name = "bitstack", .plugin = "bitstack", .parameters = {{"blocks", 2}, {"propagate", "step"}}},
        {.name = "aqlm",
         .plugin = "aqlm",
         .parameters = {{"codebook_bits", 3}, {"codebooks", 1}, {"rounds", 1}, {"steps", 3}}},
        {.name = "pv_tuning", .plugin = "pv_tuning", .parameters = {{"epochs", 1}}, .before = "rtn"},
        {.name = "magnitude", .plugin = "magnitude", .readsInputs = false},
        {.name = "wanda", .plugin = "wanda"},
        {.name = "sparsegpt", .plugin = "sparsegpt"},
        {.name = "sparsegpt, 3 bit", .plugin = "sparsegpt", .parameters = {{"bits", 3}}},
        {.name = "eora", .plugin = "eora", .parameters = {{"rank", 4}}, .before = "rtn"},
        {.name = "slim", .plugin = "slim", .before = "wanda"},
        {.name = "slim, 4 bit", .plugin = "slim", .parameters = {{"bits", 4}}, .before = "wanda"},
        {.name = "svd", .plugin = "svd", .readsInputs = false},
        {.name = "asvd", .plugin = "asvd"},
        {.name = "svd_llm", .plugin = "svd_llm"},
        {.name = "svd_llm, update_u", .plugin = "svd_llm", .parameters = {{"update_u", true}}},
    };
    return methods;
}

} // namespace paretoscope::tests
