// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace paretoscope::core {

/// Where the parts of this installation lie. The build tree has the same shape, so nothing differs there.
/// The prefix is PARETOSCOPE_PREFIX or the folder above the one of the running program.
struct Installation
{
    std::filesystem::path prefix;

    static Installation locate();

    std::filesystem::path resources() const; ///< PREFIX/share/paretoscope
    std::filesystem::path architectures() const; ///< PREFIX/share/paretoscope/architectures
    /// PREFIX/lib/paretoscope/plugins, then the folders of PARETOSCOPE_PLUGINS (colon-separated; the user's trust).
    std::vector<std::filesystem::path> pluginFolders() const;
    /// PARETOSCOPE_WORKER, beside the program, or PREFIX/libexec/paretoscope/paretoscope-worker; empty when there is none.
    std::optional<std::filesystem::path> worker() const;
};

/// XDG folders with their defaults, each ending in "paretoscope"; not created here.
std::filesystem::path userCacheFolder(); ///< PARETOSCOPE_CACHE, or $XDG_CACHE_HOME/paretoscope
std::filesystem::path userStateFolder();
std::filesystem::path userConfigFolder();

} // namespace paretoscope::core
