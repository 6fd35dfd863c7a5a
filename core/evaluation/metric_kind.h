// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/json.h"
#include "core/base/result.h"
#include "core/base/sha256.h"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace paretoscope::core {

/// What the contents of a metric's files are; the options name them by path only.
struct MetricData
{
    Sha256Digest file;     ///< of the file that the metric reads
    Sha256Digest baseline; ///< of the model that a comparing metric compares with
};

/// A metric as sweep files, command line and identities know it, without what measures it (core/engine/evaluation).
struct MetricKind
{
    std::string_view name;   ///< its key below `evaluate`; with '-' for '_' the option of the `evaluate` verb
    std::string_view file;   ///< the option that names the file it reads: "corpus", "file"
    std::string_view values; ///< how its option is written on the command line
    std::string_view doc;
    /// Names of the numbers it gives, the main one first; a task gives those that suit its items.
    std::span<const std::string_view> records;
    bool compares = false; ///< needs a baseline: in a sweep the uncompressed model, else the option `baseline`

    /// Checks the options and fills in every default, so that equal measurements have equal options.
    /// Errors: InvalidArgument (unknown key with the near one, wrong type, out of range), as "... options: problem".
    Result<Json> (*complete)(const Json& options) = nullptr;
    /// Spells every option that changes the number; equal id = comparable. `options` as `complete` gives them.
    std::string (*protocolId)(const Json& options, const MetricData& data) = nullptr;
};

std::span<const MetricKind> metricKinds();
/// Errors: InvalidArgument with the near name.
Result<const MetricKind*> findMetricKind(std::string_view name);

/// Whether more is better of the number `record`, one of `MetricKind::records`; of an unknown one less is.
bool isMaximised(std::string_view record);

/// A message of `MetricKind::complete`, WindowProtocol or CalibrationSpec without the words that name its reader.
std::string withoutReader(const std::string& message);

} // namespace paretoscope::core
