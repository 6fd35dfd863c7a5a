// SPDX-License-Identifier: Apache-2.0
#include "core/base/installation.h"

#include <cstdlib>
#include <sstream>
#include <system_error>

namespace paretoscope::core {

namespace {

namespace fs = std::filesystem;

std::string environment(const char* name)
{
    const char* value = std::getenv(name);
    return value ? value : "";
}

fs::path programFolder()
{
    std::error_code ignored;
    return fs::read_symlink("/proc/self/exe", ignored).parent_path();
}

fs::path xdgFolder(const char* variable, const char* fallback)
{
    const std::string value = environment(variable);
    // The XDG specification: relative values are to be ignored.
    if (!value.empty() && value.front() == '/')
        return fs::path(value) / "paretoscope";
    return fs::path(environment("HOME")) / fallback / "paretoscope";
}

fs::path prefixOf(const fs::path& folder)
{
    if (folder.filename() == "paretoscope" && folder.parent_path().filename() == "libexec")
        return folder.parent_path().parent_path();
    return folder.parent_path();
}

} // namespace

Installation Installation::locate()
{
    if (const std::string prefix = environment("PARETOSCOPE_PREFIX"); !prefix.empty())
        return {prefix};
    return {prefixOf(programFolder())};
}

fs::path Installation::resources() const
{
    return prefix / "share/paretoscope";
}

fs::path Installation::architectures() const
{
    return resources() / "architectures";
}

std::vector<fs::path> Installation::pluginFolders() const
{
    std::vector<fs::path> folders {prefix / "lib/paretoscope/plugins"};
    std::istringstream more(environment("PARETOSCOPE_PLUGINS"));
    for (std::string folder; std::getline(more, folder, ':');) {
        if (!folder.empty())
            folders.emplace_back(folder);
    }
    return folders;
}

std::optional<fs::path> Installation::worker() const
{
    if (const std::string path = environment("PARETOSCOPE_WORKER"); !path.empty())
        return fs::path(path);
    std::error_code ignored;
    for (const fs::path& candidate :
         {programFolder() / "paretoscope-worker", prefix / "libexec/paretoscope/paretoscope-worker"}) {
        if (fs::is_regular_file(candidate, ignored))
            return candidate;
    }
    return std::nullopt;
}

fs::path userCacheFolder()
{
    if (const std::string folder = environment("PARETOSCOPE_CACHE"); !folder.empty())
        return folder;
    return xdgFolder("XDG_CACHE_HOME", ".cache");
}

fs::path userStateFolder()
{
    return xdgFolder("XDG_STATE_HOME", ".local/state");
}

fs::path userConfigFolder()
{
    return xdgFolder("XDG_CONFIG_HOME", ".config");
}

} // namespace paretoscope::core
