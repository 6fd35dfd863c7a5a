// SPDX-License-Identifier: Apache-2.0
#include "core/base/near_miss.h"
#include "core/plugin/manifest.h"

#include <algorithm>
#include <system_error>

namespace paretoscope::core {

namespace {

namespace fs = std::filesystem;

/// The folders in `folder`, sorted by name. Hidden ones are left out.
std::vector<fs::path> foldersIn(const fs::path& folder, std::vector<Error>& problems)
{
    std::vector<fs::path> found;
    std::error_code failure;
    fs::directory_iterator entries(folder, failure);
    for (; !failure && entries != fs::directory_iterator(); entries.increment(failure)) {
        std::error_code notThere;
        if (entries->is_directory(notThere) && entries->path().filename().string().front() != '.')
            found.push_back(entries->path());
    }
    if (failure)
        problems.push_back({failure == std::errc::no_such_file_or_directory ? ErrorCode::NotFound : ErrorCode::Io,
                            "plugin folder " + folder.string() + " cannot be read: " + failure.message(),
                            "check PARETOSCOPE_PLUGINS and the installation"});
    std::sort(found.begin(), found.end());
    return found;
}

} // namespace

PluginCatalogue PluginCatalogue::scan(const std::vector<fs::path>& folders)
{
    PluginCatalogue catalogue;
    for (const fs::path& folder : folders) {
        for (const fs::path& family : foldersIn(folder, catalogue.m_problems)) {
            for (const fs::path& method : foldersIn(family, catalogue.m_problems)) {
                const fs::path file = method / "manifest.json";
                std::error_code failure;
                if (!fs::exists(file, failure))
                    continue;
                Result<PluginManifest> manifest = readManifest(file);
                if (manifest.ok())
                    catalogue.add(std::move(manifest).value());
                else
                    catalogue.m_problems.push_back(manifest.error());
            }
        }
    }
    std::sort(catalogue.m_manifests.begin(), catalogue.m_manifests.end(),
              [](const PluginManifest& a, const PluginManifest& b) { return a.id < b.id; });
    return catalogue;
}

void PluginCatalogue::add(PluginManifest manifest)
{
    const std::string file = (manifest.folder / "manifest.json").string();
    const std::string place =
        manifest.folder.parent_path().filename().string() + "/" + manifest.folder.filename().string();
    if (manifest.id != place) {
        m_problems.push_back({ErrorCode::Corrupt, file + ": id: \"" + manifest.id + "\" lies in the folder " + place,
                              "rename the folder or correct the id"});
        return;
    }
    const auto twin = std::find_if(m_manifests.begin(), m_manifests.end(),
                                   [&](const PluginManifest& other) { return other.id == manifest.id; });
    if (twin != m_manifests.end()) {
        m_problems.push_back({ErrorCode::InvalidArgument,
                              file + " is ignored: " + manifest.id + " is already there, from " + twin->folder.string(),
                              "remove one of the two"});
        return;
    }
    m_manifests.push_back(std::move(manifest));
}

Result<const PluginManifest*> PluginCatalogue::find(std::string_view idOrAlias) const
{
    std::vector<const PluginManifest*> matches;
    std::vector<std::string> known;
    for (const PluginManifest& manifest : m_manifests) {
        if (manifest.id == idOrAlias)
            return &manifest;
        if (manifest.alias() == idOrAlias)
            matches.push_back(&manifest);
        known.push_back(manifest.alias());
    }
    if (matches.size() == 1)
        return matches.front();
    const auto isStage = [](const PluginManifest* manifest) { return manifest->kind == PluginKind::Stage; };
    if (std::count_if(matches.begin(), matches.end(), isStage) == 1)
        return *std::find_if(matches.begin(), matches.end(), isStage);
    if (matches.empty()) {
        for (const PluginManifest& manifest : m_manifests)
            known.push_back(manifest.id);
        if (!nearMiss(idOrAlias, known))
            known.resize(m_manifests.size()); // a list of what there is needs no second spelling
        const std::string hint = known.empty() ? "no plugin was found; check the installation with `paretoscope doctor`"
                                               : suggestion(idOrAlias, known);
        return Error {ErrorCode::NotFound, "there is no plugin \"" + std::string(idOrAlias) + "\"", hint};
    }
    std::string ids;
    for (const PluginManifest* match : matches)
        ids += (ids.empty() ? "" : " or ") + match->id;
    return Error {ErrorCode::InvalidArgument, "\"" + std::string(idOrAlias) + "\" names more than one plugin",
                  "write " + ids};
}

Result<const PluginManifest*> findExporter(const PluginCatalogue& plugins, std::string format)
{
    std::replace(format.begin(), format.end(), '-', '_');
    std::vector<std::string> known;
    for (const PluginManifest& manifest : plugins.all()) {
        if (manifest.kind != PluginKind::Export)
            continue;
        if (manifest.id == format || manifest.alias() == format)
            return &manifest;
        known.push_back(manifest.alias());
    }
    return Error {ErrorCode::NotFound, "there is no export format \"" + format + "\"", suggestion(format, known)};
}

} // namespace paretoscope::core
