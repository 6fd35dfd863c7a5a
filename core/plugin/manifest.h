// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/json.h"
#include "core/base/result.h"
#include "core/base/sha256.h"
#include "core/plugin/stage_role.h"

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// manifest.json: one JSON object with exactly these keys; an unknown one is refused.
///
///   id           "family/method", the folder below plugins/: lower case, digits, _
///   name         for people
///   version      "1.0.0": one to three numbers. Raise it when results change; it is part of their identity
///   kind         stage | allocator | workload | metric | analysis | export | search
///   role         of a stage: import | fold | factorise | prune | quantize | tune | compensate | activations; decides
///   which
///                orders of stages are refused
///   summary      one or two sentences
///   papers       [{"title", "authors", "year", "url"}]
///   applies_to   {"workloads": ["causal-lm"], "tensors": ["linear"]}
///   needs        {"calibration": bool, "statistics": ["hessian"], "gradients": bool, "services": {"id": version}}
///   produces     ["compressed_tensor", ...]
///   parameters   [{...}], in the order in which people see them:
///     name             lower case, digits, _
///     type             integer | number | boolean | string | array
///     items            of an array: integer | number | string (default)
///     default          without one the parameter must be given
///     minimum, exclusiveMinimum, maximum   of integer and number (and of the items of an array)
///     special          values allowed beside the range, e.g. [-1]
///     enum             the only values allowed
///     unit             "bit", "weights", ...
///     doc              one or two sentences a user understands
///     names            "model" of a string, "file" of an array of strings: paths, whose content counts in identities
///     cut              true: one run serves every value of this parameter
///   cost_hint    {"time": "...", "memory": "...", "bytes_per_squared_input": 8, "bytes_per_weight": 8}: for people;
///                and what one call of apply allocates beside weight and statistics, for the memory estimate
///
/// id, name, version, kind and summary are required, and of a parameter name, type and doc.

namespace paretoscope::core {

/// The contract between program and plugins; a plugin built for another one is refused.
inline constexpr int kPluginApiVersion = 5;

enum class PluginKind
{
    Stage,
    Allocator,
    Workload,
    Metric,
    Analysis,
    Export,
    Search
};
enum class ParameterType
{
    Integer,
    Number,
    Boolean,
    Text,
    Choice,
    List
};

/// One parameter of a plugin (the JSON-Schema subset of manifest.json).
struct ParameterSpec
{
    std::string name;
    ParameterType type = ParameterType::Integer;
    Json defaultValue; ///< null: must be given
    std::optional<double> minimum;
    bool minimumExcluded = false; ///< "exclusiveMinimum"
    std::optional<double> maximum;
    std::vector<Json> special;                    ///< allowed beside the range, e.g. -1 for "the whole row"
    std::vector<Json> allowed;                    ///< when not empty: exactly these values ("enum")
    ParameterType itemType = ParameterType::Text; ///< of a List: Integer, Number or Text
    std::string unit;
    std::string doc;
    bool namesModel = false; ///< a path (of a List: paths of files); what counts in an identity is the content
    bool cut = false;        ///< one artifact serves every value of it (DESIGN: levels)

    /// What may be given, in words: "an integer from 2 to 8 bit", "a number above 0 and at most 1", "one of none, mse".
    std::string allowedText() const;
};

struct Paper
{
    std::string title;
    std::string authors;
    int year = 0;
    std::string url;
};

/// manifest.json of a plugin. All that window and coordinator ever learn of a plugin.
struct PluginManifest
{
    std::string id;      ///< "quantization/gptq": the folder below plugins/
    std::string name;    ///< for people: "GPTQ"
    std::string version; ///< part of a result's identity; raised when numbers change
    PluginKind kind = PluginKind::Stage;
    StageRole role = StageRole::None;
    std::string summary;
    std::vector<Paper> papers;
    Json appliesTo; ///< {"workloads": [...], "tensors": [...]}
    Json needs;     ///< {"calibration": bool, "statistics": [...], "gradients": bool, "services": {id: version}}
    Json produces;
    std::vector<ParameterSpec> parameters;
    Json costHint;
    Sha256Digest digest;          ///< of the manifest file; the library states the same one
    std::filesystem::path folder; ///< holds manifest.json and plugin.so

    std::string alias() const; ///< last part of the id: "gptq"; what sweep files and labels use
    const ParameterSpec* parameter(std::string_view name) const;
    bool needsCalibration() const;
};

std::string_view pluginKindName(PluginKind kind);

/// Errors: Corrupt, Unsupported; names file, key and value.
Result<PluginManifest> readManifest(const std::filesystem::path& file);

/// One value of one parameter, checked and brought to its one spelling: integral numbers become integers, a single
/// value of a List becomes a list of one. Errors: as resolveParameters.
Result<Json> resolveParameter(const PluginManifest& manifest, const ParameterSpec& parameter, const Json& given);

/// All parameters with defaults filled in, checked for type, range and allowed values. Integral numbers stay integers.
/// Errors: InvalidArgument with plugin, parameter, value, unit and range; an unknown name comes with the near one; a
/// parameter without default must be given.
Result<Json> resolveParameters(const PluginManifest& manifest, const Json& given);

/// The plugins found below the given folders (two levels: family/method).
class PluginCatalogue
{
public:
    /// Unreadable manifests, those whose id is not their folder, and missing folders are left out and listed in
    /// `problems()`; the first of two equal ids wins.
    static PluginCatalogue scan(const std::vector<std::filesystem::path>& folders);

    const std::vector<PluginManifest>& all() const { return m_manifests; } ///< sorted by id
    const std::vector<Error>& problems() const { return m_problems; }
    /// By id or alias; of several plugins with one alias the only stage, since aliases are what sweep files write.
    /// Errors: NotFound with the near name; InvalidArgument when an alias is not unique.
    Result<const PluginManifest*> find(std::string_view idOrAlias) const;

private:
    void add(PluginManifest manifest);

    std::vector<PluginManifest> m_manifests;
    std::vector<Error> m_problems;
};

/// The plugin of kind export with this id or alias, in which - stands for _ as well ("compressed-tensors").
/// Errors: NotFound with the formats there are.
Result<const PluginManifest*> findExporter(const PluginCatalogue& plugins, std::string format);

} // namespace paretoscope::core
