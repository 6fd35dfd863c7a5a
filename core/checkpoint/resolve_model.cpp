// SPDX-License-Identifier: Apache-2.0
#include "core/checkpoint/checkpoint.h"

#include "core/base/mapped_file.h"
#include "core/base/near_miss.h"
#include "core/checkpoint/untrusted_text.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <optional>
#include <sstream>
#include <system_error>

namespace paretoscope::core {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxCandidates = 1000; // for suggestions
constexpr std::size_t kMaxListed = 8;

std::string environment(const char* name)
{
    const char* value = std::getenv(name);
    return value ? value : "";
}

bool isThere(const fs::path& path)
{
    std::error_code ignored;
    return fs::exists(path, ignored);
}

bool isFolder(const fs::path& path)
{
    std::error_code ignored;
    return fs::is_directory(path, ignored);
}

std::vector<fs::path> entriesOf(const fs::path& folder)
{
    std::vector<fs::path> entries;
    std::error_code ignored;
    for (fs::directory_iterator entry(folder, ignored), end; entry != end; entry.increment(ignored))
        entries.push_back(entry->path());
    std::ranges::sort(entries);
    return entries;
}

std::vector<fs::path> modelFolders()
{
    std::vector<fs::path> folders;
    std::istringstream list(environment("PARETOSCOPE_MODELS"));
    for (std::string folder; std::getline(list, folder, ':');) {
        if (!folder.empty())
            folders.emplace_back(folder);
    }
    return folders;
}

/// Where the Hugging Face libraries keep downloaded models, by their own variables.
fs::path hubCache()
{
    if (const std::string folder = environment("HF_HUB_CACHE"); !folder.empty())
        return folder;
    if (const std::string folder = environment("HF_HOME"); !folder.empty())
        return fs::path(folder) / "hub";
    if (const std::string folder = environment("XDG_CACHE_HOME"); !folder.empty())
        return fs::path(folder) / "huggingface/hub";
    return fs::path(environment("HOME")) / ".cache/huggingface/hub";
}

bool isPlainName(std::string_view name)
{
    return !name.empty() && name != "." && name != ".." && isPlainText(name) &&
           name.find('/') == std::string_view::npos;
}

/// A name as on the Hub: "name", "owner/name" or "owner/name/file.gguf", with an optional "@revision".
struct HubName
{
    std::vector<std::string> parts;
    std::string revision;

    std::string joined() const
    {
        std::string text;
        for (const std::string& part : parts)
            text += (text.empty() ? "" : "/") + part;
        return text;
    }
    /// The folder name in the cache of Hugging Face; empty when there is no owner.
    std::string cacheFolder() const { return parts.size() < 2 ? "" : "models--" + parts[0] + "--" + parts[1]; }
};

std::optional<HubName> parseHubName(std::string_view text)
{
    HubName name;
    if (const std::size_t at = text.rfind('@'); at != std::string_view::npos) {
        name.revision = text.substr(at + 1);
        text = text.substr(0, at);
        if (!isPlainName(name.revision))
            return std::nullopt;
    }
    while (true) {
        const std::size_t slash = text.find('/');
        name.parts.emplace_back(text.substr(0, slash));
        if (!isPlainName(name.parts.back()) || name.parts.size() > 3)
            return std::nullopt;
        if (slash == std::string_view::npos)
            return name;
        text.remove_prefix(slash + 1);
    }
}

/// The snapshot of a repository in the cache that `revision` (a branch, tag or commit; empty: main) means.
std::optional<fs::path> snapshotOf(const fs::path& repository, const std::string& revision)
{
    const fs::path snapshots = repository / "snapshots";
    const auto reference = readTextFile(repository / "refs" / (revision.empty() ? "main" : revision), 4096);
    std::string commit = reference.ok() ? reference.value() : revision;
    commit.erase(std::min(commit.find_last_not_of(" \t\r\n") + 1, commit.size()));
    if (isPlainName(commit) && isFolder(snapshots / commit))
        return snapshots / commit;
    if (!revision.empty())
        return std::nullopt;
    // No reference to main, as after a download by commit: the newest one.
    std::vector<fs::path> all = entriesOf(snapshots);
    std::erase_if(all, [](const fs::path& path) { return !isFolder(path); });
    const auto age = [](const fs::path& path) {
        std::error_code ignored;
        return fs::last_write_time(path, ignored);
    };
    const auto newest = std::ranges::max_element(all, {}, age);
    return newest == all.end() ? std::nullopt : std::optional(*newest);
}

/// What to open in an existing path: one file of a model folder means the folder, a repository of the cache its
/// snapshot, a folder with nothing but one GGUF model that model.
Result<fs::path> modelAt(const fs::path& path)
{
    constexpr std::array<std::string_view, 3> kFolderFiles {"config.json", "model.safetensors",
                                                            "model.safetensors.index.json"};
    if (!isFolder(path)) {
        if (std::ranges::find(kFolderFiles, path.filename().string()) == kFolderFiles.end())
            return path;
        return path.has_parent_path() ? path.parent_path() : fs::path(".");
    }
    if (path.filename().string().starts_with("models--") && isFolder(path / "snapshots")) {
        if (const auto snapshot = snapshotOf(path, ""))
            return modelAt(*snapshot);
    }
    std::vector<fs::path> ggufs;
    for (const fs::path& entry : entriesOf(path)) {
        const std::string name = entry.filename().string();
        if (name == "config.json" || name == "tokenizer.json" || name.ends_with(".safetensors"))
            return path;
        const bool laterPart = name.find("-of-") != std::string::npos && name.find("-00001-of-") == std::string::npos;
        if (name.ends_with(".gguf") && !laterPart)
            ggufs.push_back(entry);
    }
    if (ggufs.size() == 1)
        return ggufs.front();
    if (ggufs.empty())
        return path;
    return Error {ErrorCode::InvalidArgument, path.string() + " holds " + std::to_string(ggufs.size()) + " GGUF models",
                  "give one of them, e.g. " + ggufs.front().string()};
}

std::optional<fs::path> findByName(const HubName& name)
{
    std::vector<fs::path> folders = modelFolders();
    for (const fs::path& folder : folders) {
        if (!name.revision.empty())
            break; // plain folders have no revisions
        const fs::path path = folder / name.joined();
        if (isThere(path))
            return path;
        if (const fs::path gguf = path.string() + ".gguf"; isThere(gguf))
            return gguf;
    }
    folders.push_back(hubCache());
    for (const fs::path& folder : folders) {
        const std::string cached = name.cacheFolder();
        if (cached.empty() || !isFolder(folder / cached))
            continue;
        const auto snapshot = snapshotOf(folder / cached, name.revision);
        const bool named = name.parts.size() == 3;
        if (snapshot && (!named || isThere(*snapshot / name.parts[2])))
            return named ? *snapshot / name.parts[2] : *snapshot;
    }
    return std::nullopt;
}

bool looksLikeModel(const fs::path& path)
{
    return path.extension() == ".gguf" || isThere(path / "config.json");
}

/// Names that a user may have meant: models of the known folders, two levels deep, and of the cache.
std::vector<std::string> knownNames()
{
    std::vector<std::string> names;
    for (const fs::path& folder : modelFolders()) {
        for (const fs::path& entry : entriesOf(folder)) {
            const std::string name = entry.filename().string();
            if (looksLikeModel(entry)) {
                names.push_back(name);
                continue;
            }
            for (const fs::path& inner : isFolder(entry) ? entriesOf(entry) : std::vector<fs::path> {}) {
                if (looksLikeModel(inner))
                    names.push_back(name + "/" + inner.filename().string());
            }
        }
    }
    for (const fs::path& entry : entriesOf(hubCache())) {
        constexpr std::string_view kPrefix = "models--";
        const std::string folder = entry.filename().string();
        const std::size_t separator = folder.find("--", kPrefix.size());
        if (folder.starts_with(kPrefix) && separator != std::string::npos)
            names.push_back(folder.substr(kPrefix.size(), separator - kPrefix.size()) + "/" +
                            folder.substr(separator + 2));
    }
    names.resize(std::min(names.size(), kMaxCandidates));
    return names;
}

std::string hintFor(const std::string& wanted, const std::vector<std::string>& names)
{
    if (const auto near = nearMiss(wanted, names))
        return "did you mean \"" + *near + "\"?";
    // A hub name without its owner, or with another one.
    const std::string last = wanted.substr(wanted.rfind('/') + 1);
    for (const std::string& name : names) {
        if (name.substr(name.rfind('/') + 1) == last)
            return "did you mean \"" + name + "\"?";
    }
    if (names.empty())
        return "give a path, or a name inside the folders of PARETOSCOPE_MODELS";
    return suggestion(wanted,
                      {names.begin(), names.begin() + static_cast<std::ptrdiff_t>(std::min(names.size(), kMaxListed))});
}

/// A path that does not exist: the nearest name beside it.
Error missingPath(const fs::path& path)
{
    const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
    const std::string message = "model " + path.string() + " does not exist";
    if (!isFolder(folder))
        return {ErrorCode::NotFound, message, "the folder " + folder.string() + " does not exist either"};
    std::vector<std::string> names;
    for (const fs::path& entry : entriesOf(folder)) {
        if (looksLikeModel(entry))
            names.push_back(entry.filename().string());
    }
    return {ErrorCode::NotFound, message, names.empty() ? "check the path" : hintFor(path.filename().string(), names)};
}

} // namespace

Result<fs::path> resolveModel(std::string_view model)
{
    if (model.empty())
        return Error {ErrorCode::InvalidArgument, "the name of the model is empty",
                      "give a Hugging Face model folder or a .gguf file"};
    fs::path path(model);
    if (model.starts_with("~/"))
        path = fs::path(environment("HOME")) / model.substr(2);
    if (isThere(path))
        return modelAt(path);
    const auto name = parseHubName(model);
    const bool isPath = model.front() == '/' || model.front() == '.' || model.front() == '~';
    if (isPath || !name)
        return missingPath(path);
    if (const auto found = findByName(*name))
        return modelAt(*found);
    std::vector<std::string> names = knownNames();
    for (const fs::path& entry : entriesOf(path.has_parent_path() ? path.parent_path() : fs::path("."))) {
        if (looksLikeModel(entry))
            names.push_back((path.parent_path() / entry.filename()).string());
    }
    return Error {ErrorCode::NotFound,
                  "model " + inQuotes(model) +
                      " is neither an existing path nor in the folders of PARETOSCOPE_MODELS or the Hugging Face cache",
                  hintFor(std::string(model), names)};
}

} // namespace paretoscope::core
