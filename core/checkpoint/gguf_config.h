// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/json.h"
#include "core/base/result.h"
#include "core/checkpoint/gguf_family.h"
#include "core/checkpoint/gguf_file.h"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace paretoscope::core {

/// Finds a tensor by its GGUF name in all parts of a model; nullptr when absent.
using GgufTensorLookup = std::function<const GgufTensor*(std::string_view)>;

/// The keys of a Hugging Face config.json, made from GGUF metadata and from what the tensors show: tied embeddings when
/// there is no output.weight, the vocabulary from the rows of the embedding, the Llama 3 rotary scaling from its
/// frequency factors. `family` is nullptr for an architecture without a name table: then only what is there is taken.
/// A key that the family needs and that is not there is left out and mentioned in `warnings`.
/// Errors: NotFound (general.architecture), Corrupt (a value of a wrong type; names the key), Unsupported (rope
/// scaling).
Result<Json> ggufConfig(const GgufMetadata& metadata, const GgufFamily* family, const GgufTensorLookup& tensor,
                        std::vector<std::string>& warnings);

} // namespace paretoscope::core
