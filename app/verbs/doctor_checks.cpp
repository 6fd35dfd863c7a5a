// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/verbs/doctor_checks.h"

#include "app/format/number.h"
#include "core/plugin/manifest.h"
#include "core/project/sqlite_version.h"
#include "jobs/evaluation.h"

#include <QtGlobal>

#include <cstdlib>
#include <filesystem>

#include <unistd.h>

namespace paretoscope::app {

namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kComfortableBytes = 1'000'000'000; ///< of free space for the cache

#ifdef PARETOSCOPE_WITH_ENGINE
constexpr bool kWithEngine = true;
#else
constexpr bool kWithEngine = false;
#endif
#ifdef PARETOSCOPE_WITH_GUI
constexpr bool kWithWindow = true;
#else
constexpr bool kWithWindow = false;
#endif

Check checkProgram(const core::Installation& installation)
{
    Check check;
    check.name = "program";
    const std::string qt = qVersion();
    const std::string sqlite = core::sqliteVersion();
    check.text = std::string("version " PARETOSCOPE_VERSION ", Qt ") + qt + ", SQLite " + sqlite +
                 (kWithWindow ? ", with" : ", without") + " window, " + (kWithEngine ? "with" : "without") + " engine";
    check.details = {{"version", PARETOSCOPE_VERSION},
                     {"qt", qt},
                     {"sqlite", sqlite},
                     {"window", kWithWindow},
                     {"engine", kWithEngine},
                     {"prefix", installation.prefix.string()}};
    return check;
}

Check checkResources(const core::Installation& installation)
{
    Check check;
    check.name = "resources";
    std::error_code ignored;
    core::Json families = core::Json::array();
    for (const auto& entry : fs::directory_iterator(installation.architectures(), ignored)) {
        if (entry.path().extension() == ".json")
            families.push_back(entry.path().stem().string());
    }
    check.text = installation.resources().string();
    check.details = {{"folder", installation.resources().string()}, {"architectures", families}};
    if (families.empty()) {
        check.status = CheckStatus::Failed;
        check.text = "no architecture descriptions in " + installation.architectures().string();
        check.hint = "install the program again, or set PARETOSCOPE_PREFIX to its folder";
    }
    return check;
}

/// `description` gets what the worker says of itself; null when it says nothing.
Check checkWorker(core::Json& description)
{
    Check check;
    check.name = "worker";
    const auto program = jobs::workerProgram({});
    if (!program.ok()) {
        check.status = kWithEngine ? CheckStatus::Failed : CheckStatus::Warning;
        check.text = kWithEngine ? program.error().message
                                 : "this build has no engine: projects can be read, sweeps cannot be run";
        check.hint = kWithEngine ? program.error().hint
                                 : "configure with -DPARETOSCOPE_ENGINE=ON, or name a worker in PARETOSCOPE_WORKER";
        return check;
    }
    check.details = {{"program", program.value().string()}};
    const auto described = jobs::describeWorker(program.value());
    if (!described.ok()) {
        check.status = CheckStatus::Failed;
        check.text = described.error().message;
        check.hint = described.error().hint;
        return check;
    }
    description = described.value();
    check.details["description"] = description;
    const std::string version = description.value("version", "");
    check.text = program.value().string() + ", version " + version;
    if (description.contains("libtorch") && description["libtorch"].is_string())
        check.text += ", libtorch " + description["libtorch"].get<std::string>();
    if (version != PARETOSCOPE_VERSION) {
        check.status = CheckStatus::Warning;
        check.hint = "program and worker are of different versions; install both together";
    }
    return check;
}

Check checkDevices(const core::Json& description)
{
    Check check;
    check.name = "devices";
    check.details = core::Json::array();
    if (description.is_object())
        check.details = description.value("devices", core::Json::array());
    for (const core::Json& device : check.details) {
        if (!device.is_object())
            continue;
        check.text += (check.text.empty() ? "" : "; ") + device.value("id", "?") + " " + device.value("name", "");
        if (const auto memory = device.find("memory_bytes"); memory != device.end() && memory->is_number())
            check.text += ", " + binaryBytes(memory->get<std::int64_t>());
        if (const std::string remark = device.value("remark", ""); !remark.empty())
            check.text += " (" + remark + ")";
    }
    if (check.text.empty())
        check.text = "unknown without a worker";
    if (const auto reason = description.find("no_cards"); reason != description.end() && reason->is_string())
        check.text += "; no card: " + reason->get<std::string>();
    check.text += "; " + counted(jobs::availableCores(), "core") + " for this process";
    return check;
}

Check checkPlugins(const core::Installation& installation)
{
    Check check;
    check.name = "plugins";
    const auto catalogue = core::PluginCatalogue::scan(installation.pluginFolders());
    core::Json ids = core::Json::array();
    for (const core::PluginManifest& plugin : catalogue.all()) {
        ids.push_back(plugin.id);
        check.text += (check.text.empty() ? "" : ", ") + plugin.alias();
    }
    core::Json problems = core::Json::array();
    for (const core::Error& problem : catalogue.problems()) {
        problems.push_back(problem.sentence());
        check.hint += (check.hint.empty() ? "" : "; ") + problem.sentence();
    }
    check.details = {{"plugins", ids}, {"problems", problems}};
    if (catalogue.all().empty())
        check.text = "none";
    if (!problems.empty() || catalogue.all().empty())
        check.status = kWithEngine ? CheckStatus::Failed : CheckStatus::Warning;
    return check;
}

/// The folder itself, or the one in which it would be made.
fs::path existingAncestor(fs::path folder)
{
    std::error_code ignored;
    while (!fs::exists(folder, ignored) && folder.has_parent_path() && folder != folder.parent_path())
        folder = folder.parent_path();
    return folder;
}

Check checkCache()
{
    Check check;
    check.name = "cache";
    const fs::path folder = core::userCacheFolder();
    const fs::path existing = existingAncestor(folder);
    std::error_code failure;
    const fs::space_info space = fs::space(existing, failure);
    const auto available = failure ? std::int64_t(-1) : static_cast<std::int64_t>(space.available);
    const bool writable = access(existing.c_str(), W_OK | X_OK) == 0 && fs::is_directory(existing, failure);
    check.text = folder.string() + ", " + (available < 0 ? "free space unknown" : decimalBytes(available) + " free");
    check.details = {{"folder", folder.string()}, {"writable", writable}, {"free_bytes", available}};
    if (!writable) {
        check.status = CheckStatus::Failed;
        check.text = folder.string() + " cannot be written";
        check.hint = "name another folder in PARETOSCOPE_CACHE";
    } else if (available >= 0 && available < kComfortableBytes) {
        check.status = CheckStatus::Warning;
        check.hint = "there is little space left; PARETOSCOPE_CACHE names another folder";
    }
    return check;
}

Check checkModels()
{
    Check check;
    check.name = "models";
    const char* variable = std::getenv("PARETOSCOPE_MODELS");
    const std::string folders = variable ? variable : "";
    check.text = folders.empty() ? "no folders in PARETOSCOPE_MODELS; models are named by their path" : folders;
    core::Json list = core::Json::array();
    for (std::size_t begin = 0; begin < folders.size();) {
        const std::size_t end = std::min(folders.find(':', begin), folders.size());
        const std::string folder = folders.substr(begin, end - begin);
        std::error_code ignored;
        const bool exists = fs::is_directory(folder, ignored);
        list.push_back({{"folder", folder}, {"exists", exists}});
        if (!exists && !folder.empty()) {
            check.status = CheckStatus::Warning;
            check.hint += (check.hint.empty() ? "" : "; ") + folder + " is no folder";
        }
        begin = end + 1;
    }
    check.details = list;
    return check;
}

} // namespace

std::vector<Check> checkInstallation(const core::Installation& installation)
{
    core::Json description;
    std::vector<Check> checks {checkProgram(installation), checkResources(installation)};
    checks.push_back(checkWorker(description));
    checks.push_back(checkDevices(description));
    checks.push_back(checkPlugins(installation));
    checks.push_back(checkCache());
    checks.push_back(checkModels());
    return checks;
}

} // namespace paretoscope::app
