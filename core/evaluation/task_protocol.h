// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/json.h"
#include "core/base/result.h"
#include "core/base/sha256.h"

#include <filesystem>
#include <string>

namespace paretoscope::core {

/// Which items of a task file are asked, and how (specs evaluation 5).
struct TaskProtocol
{
    std::filesystem::path file;
    int limit = 0;              ///< 0 = all items
    std::string order = "file"; ///< file | shuffled: a fixed permutation, so that a larger limit holds the smaller one
    /// auto: special tokens as the tokenizer adds them | none | first: BOS before the context
    std::string bos = "auto";

    /// Errors: InvalidArgument.
    static Result<TaskProtocol> fromJson(const Json& options);
    Json toJson() const;
    /// "task.likelihood/arc_easy.jsonl#c0003ac6/order-file/limit-all/bos-auto"
    std::string id(const Sha256Digest& fileDigest) const;
};

} // namespace paretoscope::core
