// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/sweep/marked_fields.h"
#include "core/sweep/marked_value.h"
#include "core/sweep/sweep.h"

#include <filesystem>
#include <vector>

namespace paretoscope::core {

/// What the readers of the parts of a sweep file share.
struct SweepContext
{
    const SourceText& source;
    const PluginCatalogue& plugins;
    std::filesystem::path folder; ///< anchors relative paths of the file
};

/// What the user's text means as a path: "~/" is the home folder, a relative path counts from the folder of its file
/// or, in a --set argument, from the current one.
std::filesystem::path anchoredPath(const SourceText& source, const std::filesystem::path& folder,
                                   const MarkedValue& value);

/// Reads what `includes` of `root` names and lays `root` over it; `source` learns the files. Errors: NotFound, Io;
/// those of reading YAML, each with its place; InvalidArgument (a file that includes itself, too many files).
Status resolveIncludes(MarkedValue& root, SourceText& source, const std::filesystem::path& folder);
/// A whole file, by its name as YAML or JSON.
Result<MarkedValue> readDocument(const SourceText& source, const std::filesystem::path& file);
/// `paretoscope:` of a file. Errors: no version number; Unsupported (a newer one).
Status checkVersion(const SourceText& source, const MarkedValue& version);

/// `workload:`. Model and corpora must exist.
Result<WorkloadSpec> readWorkload(const SweepContext& context, const MarkedValue& value);

/// A model: a path beside the sweep file, or a Hub-style name ("owner/name") inside the folders of PARETOSCOPE_MODELS.
/// @param what  the key, for messages
Result<std::filesystem::path> readModelPath(const SweepContext& context, const MarkedValue& value,
                                            const std::string& what);

/// A file beside the sweep file. @param what  the key, for messages
Result<std::filesystem::path> readFilePath(const SweepContext& context, const MarkedValue& value,
                                           const std::string& what);

/// `pipelines:`; every stage must suit `workload`, and what a grid goes through must be finite and not too much.
Result<std::vector<PipelineSpace>> readPipelines(const SweepContext& context, const MarkedValue& value,
                                                 const WorkloadSpec& workload, bool isGrid);

/// A parameter where it is read.
struct ParameterPlace
{
    const PluginManifest& manifest;
    const ParameterSpec& spec;
    const MarkedValue& value;

    std::string what() const { return manifest.id + ": " + spec.name; }
};

/// A value, a list of values, a range {from, to, step | factor | count, log}, or {values, when}.
/// @param parameters, index  the Map of the stage and which entry of it is read: conditions may name those above
/// @param entry  the pipeline up to there; its last stage is the one that is read
Result<ParameterChoice> readParameter(const SweepContext& context, const ParameterPlace& place,
                                      const MarkedValue& parameters, std::size_t index, const PipelineSpace& entry);
/// {from, to, step | factor | count, log}. @param fields  of the Map; what else may stand there was asked for already
Result<ParameterValues> readRange(const SweepContext& context, const ParameterPlace& place, MarkedFields& fields);
/// The values of a list (of a list of lists where the parameter itself is one), or the one value; each once.
Result<std::vector<Json>> readAlternatives(const SweepContext& context, const ParameterPlace& place,
                                           const MarkedValue& value);
/// A value as the parameter's type wants it: where a text is wanted, `16` and `true` are texts as well.
Json plainParameter(const ParameterSpec& spec, const MarkedValue& value);

/// Lays `source.overrides` over the tree of the file (the grammar stands at readSweep).
Status applyOverrides(MarkedValue& root, const SourceText& source, const PluginCatalogue& plugins);

} // namespace paretoscope::core
