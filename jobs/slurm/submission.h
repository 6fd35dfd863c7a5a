// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/result.h"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace paretoscope::jobs {

/// What a coordinator has submitted for a project, kept in a file beside it, so that a coordinator after it finds the
/// arrays again instead of submitting them twice.
struct Submission
{
    std::string name;                 ///< job name of all its arrays; no other submission has it
    std::string plan;                 ///< hash of the trials it is for
    bool isComplete = false;          ///< every array was accepted by sbatch
    std::vector<std::int64_t> arrays; ///< job ids; the last one may be missing where a coordinator died

    /// Empty when there is none. Errors: Io, Corrupt.
    static core::Result<std::optional<Submission>> read(const std::filesystem::path& file);
    /// Complete or not at all, on the disk when it returns. Errors: Io.
    core::Status write(const std::filesystem::path& file) const;
};

/// One array of a submission: `--array` for `indices`, whose element 0 is shard `first`.
struct ArrayPart
{
    int first = 0;
    std::vector<int> indices; ///< of elements that have something to do, each below the size of an array
    bool operator==(const ArrayPart&) const = default;
};

/// Cuts shards into arrays of at most `maxArraySize` elements.
/// @param shards  rising
std::vector<ArrayPart> arrayParts(const std::vector<int>& shards, int maxArraySize);

/// "0-2,5,7-8%4".
std::string arrayText(const std::vector<int>& indices, int atOnce);

} // namespace paretoscope::jobs
