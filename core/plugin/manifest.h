// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/json.h"
#include "core/base/result.h"
#include "core/base/sha256.h"

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace paretoscope::core {

/// The contract between program and plugins; a plugin built for another one is refused.
inline constexpr int kPluginApiVersion = 1;

enum class PluginKind { Stage, Allocator, Workload, Metric, Analysis, Export, Search };
enum class ParameterType { Integer, Number, Boolean, Text, Choice, List };

/// One parameter of a plugin (the JSON-Schema subset of manifest.json).
struct ParameterSpec
{
    std::string name;
    ParameterType type = ParameterType::Integer;
    Json defaultValue;
    std::optional<double> minimum;
    std::optional<double> maximum;
    std::vector<Json> allowed; ///< when not empty: exactly these values ("enum")
    std::string unit;
    std::string doc;
    bool cut = false; ///< one artifact serves every value of it (DESIGN: levels)
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
    std::string id; ///< "quantization/gptq": the folder below plugins/
    std::string name; ///< for people: "GPTQ"
    std::string version; ///< part of a result's identity; raised when numbers change
    PluginKind kind = PluginKind::Stage;
    std::string summary;
    std::vector<Paper> papers;
    Json appliesTo; ///< {"workloads": [...], "tensors": [...]}
    Json needs; ///< {"calibration": bool, "statistics": [...], "gradients": bool, "services": {id: version}}
    Json produces;
    std::vector<ParameterSpec> parameters;
    Json costHint;
    Sha256Digest digest; ///< of the manifest file; the library states the same one
    std::filesystem::path folder; ///< holds manifest.json and plugin.so

    std::string alias() const; ///< last part of the id: "gptq"; what sweep files and labels use
    const ParameterSpec* parameter(std::string_view name) const;
    bool needsCalibration() const;
};

std::string_view pluginKindName(PluginKind kind);

/// Errors: Corrupt, Unsupported; names file, key and value.
Result<PluginManifest> readManifest(const std::filesystem::path& file);

/// All parameters with defaults filled in, checked for type, range and allowed values. Integral numbers stay integers.
/// Errors: InvalidArgument with plugin, parameter, value, unit and range; an unknown name comes with the near one.
Result<Json> resolveParameters(const PluginManifest& manifest, const Json& given);

/// The plugins found below the given folders (two levels: family/method).
class PluginCatalogue
{
public:
    /// Unreadable manifests are left out and listed in `problems()`; the first of two equal ids wins.
    static PluginCatalogue scan(const std::vector<std::filesystem::path>& folders);

    const std::vector<PluginManifest>& all() const { return m_manifests; } ///< sorted by id
    const std::vector<Error>& problems() const { return m_problems; }
    /// By id or alias. Errors: NotFound with the near name; InvalidArgument when an alias is not unique.
    Result<const PluginManifest*> find(std::string_view idOrAlias) const;

private:
    std::vector<PluginManifest> m_manifests;
    std::vector<Error> m_problems;
};

} // namespace paretoscope::core
