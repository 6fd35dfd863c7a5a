// SPDX-License-Identifier: Apache-2.0
#include "core/engine/host/plugin_host.h"

#include "core/engine/foreign_exception.h"
#include "core/engine/host/service_host.h"
#include "core/engine/statistics/activation_statistics.h"

#include <dlfcn.h>

#include <algorithm>
#include <string_view>

namespace paretoscope::engine {

namespace {

core::Error unusable(const core::PluginManifest& manifest, const std::string& why, const std::string& hint)
{
    return {core::ErrorCode::Unsupported, "plugin " + manifest.id + " cannot be used: " + why, hint};
}

constexpr const char* kRebuildHint = "build the plugin against this version of Paretoscope";

} // namespace

core::Status checkDescriptor(const PluginDescriptor& descriptor, const core::PluginManifest& manifest)
{
    if (descriptor.apiVersion != core::kPluginApiVersion)
        return unusable(manifest,
                        "it was built for contract " + std::to_string(descriptor.apiVersion) +
                            ", this program speaks " + std::to_string(core::kPluginApiVersion),
                        kRebuildHint);
    if (!descriptor.libtorchVersion || std::string_view(descriptor.libtorchVersion) != TORCH_VERSION)
        return unusable(manifest,
                        std::string("it was built with libtorch ") +
                            (descriptor.libtorchVersion ? descriptor.libtorchVersion : "(unknown)") +
                            ", this program with " + TORCH_VERSION,
                        kRebuildHint);
    if (!descriptor.manifestSha256 || descriptor.manifestSha256 != manifest.digest.hex())
        return unusable(manifest, "its manifest.json is not the one it was built with",
                        "install library and manifest of one build");
    if (manifest.kind == core::PluginKind::Stage && !descriptor.makeStage)
        return unusable(manifest, "its manifest says stage, but the library makes none", kRebuildHint);
    if (manifest.kind == core::PluginKind::Export && !descriptor.makeExporter)
        return unusable(manifest, "its manifest says export, but the library makes none", kRebuildHint);
    return core::success();
}

core::Status checkServices(const core::PluginManifest& manifest)
{
    const auto offered = offeredServices();
    const core::Json needed = manifest.needs.value("services", core::Json::object());
    for (const auto& [id, version] : needed.items()) {
        const bool isOffered =
            std::any_of(offered.begin(), offered.end(), [&, &id = id, &version = version](const ServiceName& name) {
                return name.id == id && version == name.version;
            });
        if (!isOffered)
            return unusable(manifest,
                            "it needs version " + version.dump() + " of the service " + id +
                                ", which this program does not offer",
                            "use a newer Paretoscope");
    }
    return core::success();
}

PluginHost::PluginHost(const std::vector<std::filesystem::path>& folders)
    : m_catalogue(core::PluginCatalogue::scan(folders))
    , m_statistics(builtInStatistics().begin(), builtInStatistics().end())
{}

core::Result<const PluginDescriptor*> PluginHost::load(const core::PluginManifest& manifest)
{
    if (const auto found = m_loaded.find(manifest.id); found != m_loaded.end())
        return found->second;
    const std::filesystem::path file = manifest.folder / "plugin.so";
    void* library = ::dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        const char* reason = ::dlerror();
        return unusable(manifest, reason ? reason : "it cannot be loaded", "install the plugin again");
    }
    using Entry = const PluginDescriptor* (*)();
    const auto entry = reinterpret_cast<Entry>(::dlsym(library, kPluginSymbol));
    if (!entry)
        return unusable(manifest, file.string() + " does not export " + kPluginSymbol, kRebuildHint);
    const PluginDescriptor* descriptor = entry();
    if (!descriptor)
        return unusable(manifest, "it offers no descriptor", kRebuildHint);
    PSC_TRY(checkDescriptor(*descriptor, manifest));
    m_statistics.insert(m_statistics.end(), descriptor->statistics.begin(), descriptor->statistics.end());
    m_layouts = m_layouts->with(descriptor->layouts);
    m_loaded.emplace(manifest.id, descriptor);
    return descriptor;
}

core::Result<std::unique_ptr<Stage>> PluginHost::makeStage(const core::StageSpec& spec)
{
    PSC_ASSIGN(const core::PluginManifest* manifest, m_catalogue.find(spec.plugin));
    if (manifest->version != spec.version)
        return unusable(*manifest,
                        "the sweep was planned with version " + spec.version + ", installed is " + manifest->version,
                        "run the sweep again, so that it is planned with the installed version");
    if (manifest->kind != core::PluginKind::Stage)
        return unusable(*manifest,
                        "it is no stage but of the kind " + std::string(core::pluginKindName(manifest->kind)),
                        "pipelines are made of stages");
    PSC_TRY(checkServices(*manifest));
    PSC_ASSIGN(const PluginDescriptor* descriptor, load(*manifest));
    return guarded("preparing plugin " + manifest->id, [&] { return descriptor->makeStage(spec.parameters); });
}

core::Result<std::unique_ptr<Exporter>> PluginHost::makeExporter(const std::string& format, const core::Json& given)
{
    PSC_ASSIGN(const core::PluginManifest* manifest, core::findExporter(m_catalogue, format));
    PSC_ASSIGN(const core::Json parameters, core::resolveParameters(*manifest, given));
    PSC_TRY(checkServices(*manifest));
    PSC_ASSIGN(const PluginDescriptor* descriptor, load(*manifest));
    return guarded("preparing plugin " + manifest->id, [&] { return descriptor->makeExporter(parameters); });
}

} // namespace paretoscope::engine
