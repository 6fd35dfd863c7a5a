// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/result.h"
#include "core/engine/plugin/plugin_api.h"
#include "core/plugin/manifest.h"
#include "core/sweep/sweep.h"

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace paretoscope::engine {

/// Loads plugin libraries from the installation and from folders the user trusts, when they are first needed; never
/// unloads them.
class PluginHost
{
public:
    explicit PluginHost(const std::vector<std::filesystem::path>& folders);

    const core::PluginCatalogue& catalogue() const { return m_catalogue; }

    /// Errors: NotFound; Unsupported (built for another contract or libtorch, manifest changed, other kind, other
    /// version than the sweep was planned with, a service that this host does not offer); those of the factory.
    core::Result<std::unique_ptr<Stage>> makeStage(const core::StageSpec& spec);
    /// @param format  what the plugin is called, id or alias; @param given  parameters, the others take their defaults
    /// Errors: as makeStage; InvalidArgument (a parameter; no exporter).
    core::Result<std::unique_ptr<Exporter>> makeExporter(const std::string& format, const core::Json& given);

    /// Built in, then those of the libraries loaded so far.
    const std::vector<StatisticFactory>& statistics() const { return m_statistics; }
    std::shared_ptr<const TensorLayouts> layouts() const { return m_layouts; } ///< likewise

private:
    core::Result<const PluginDescriptor*> load(const core::PluginManifest& manifest);

    core::PluginCatalogue m_catalogue;
    std::map<std::string, const PluginDescriptor*> m_loaded; ///< by plugin id
    std::vector<StatisticFactory> m_statistics;
    std::shared_ptr<const TensorLayouts> m_layouts = TensorLayouts::builtIn();
};

/// Whether this program offers every service that `manifest` needs. Errors: Unsupported, naming the first it does not.
core::Status checkServices(const core::PluginManifest& manifest);

/// Whether `descriptor` fits this program and `manifest`. Errors: Unsupported, saying what differs.
core::Status checkDescriptor(const PluginDescriptor& descriptor, const core::PluginManifest& manifest);

} // namespace paretoscope::engine
