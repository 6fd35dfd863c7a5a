// SPDX-License-Identifier: Apache-2.0
#include "roofline/measured/machine_files.h"

#include "core/base/installation.h"
#include "core/base/mapped_file.h"

#include <algorithm>

namespace paretoscope::roofline {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostBytes = std::size_t(16) << 20;

} // namespace

fs::path machineFolder()
{
    return core::userConfigFolder() / "machines";
}

core::Result<MachineProfile> readMachineProfile(const fs::path& file)
{
    PSC_ASSIGN(const std::string text, core::readTextFile(file, kMostBytes));
    PSC_ASSIGN(const core::Json json, core::parseJson(text, file.string()));
    auto profile = MachineProfile::fromJson(json, file.filename().string());
    if (!profile.ok())
        return profile.error().withContext(file.string());
    return profile;
}

core::Result<std::vector<MachineProfile>> readMachineProfiles(const fs::path& folder)
{
    std::vector<fs::path> files;
    std::error_code ignored;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder, ignored)) {
        if (entry.path().extension() == ".json")
            files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    std::vector<MachineProfile> profiles;
    for (const fs::path& file : files) {
        PSC_ASSIGN(MachineProfile profile, readMachineProfile(file));
        profiles.push_back(std::move(profile));
    }
    return profiles;
}

core::Result<fs::path> keepMachineProfile(const MachineProfile& profile, const fs::path& folder)
{
    std::error_code problem;
    fs::create_directories(folder, problem);
    if (problem)
        return core::Error {core::ErrorCode::Io, "cannot create " + folder.string() + ": " + problem.message(),
                            "set XDG_CONFIG_HOME to a folder that can be written, or name a file with --out"};
    const fs::path file = folder / (profile.name + ".json");
    PSC_TRY(core::writeFileAtomically(file, core::canonicalJson(profile.json()) + "\n"));
    return file;
}

} // namespace paretoscope::roofline
