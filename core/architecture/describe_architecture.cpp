// SPDX-License-Identifier: Apache-2.0
#include "core/architecture/architecture_reader.h"
#include "core/architecture/family_file.h"
#include "core/architecture/known_keys.h"
#include "core/base/mapped_file.h"

#include <algorithm>
#include <optional>
#include <set>

namespace paretoscope::core {

namespace {

namespace fs = std::filesystem;

struct FamilyFiles
{
    std::vector<Json> families;
    std::set<std::string> neutralKeys;
};

Result<FamilyFiles> readFamilyFiles(const fs::path& folder)
{
    FamilyFiles result;
    std::error_code problem;
    std::vector<fs::path> files;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder, problem)) {
        if (entry.path().extension() == ".json")
            files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    for (const fs::path& file : files) {
        PSC_ASSIGN(const std::string text, readTextFile(file));
        PSC_ASSIGN(Json json, parseJson(text, file.filename().string()));
        if (file.filename() == "neutral_keys.json")
            result.neutralKeys = json.at("keys").get<std::set<std::string>>();
        else
            result.families.push_back(std::move(json));
    }
    if (result.families.empty())
        return Error {ErrorCode::NotFound, "no architecture descriptions in " + folder.string(),
                      "the installation is incomplete: install Paretoscope again"};
    return result;
}

/// Checkpoints of one family may differ in what stands before every name; `{root}` marks the place.
Json withRoot(const Json& family, const std::string& root)
{
    if (family.is_string()) {
        std::string text = family.get<std::string>();
        const std::string placeholder = "{root}";
        if (const std::size_t at = text.find(placeholder); at != std::string::npos)
            text.replace(at, placeholder.size(), root);
        return text;
    }
    Json result = family;
    if (result.is_structured()) {
        for (Json& member : result)
            member = withRoot(member, root);
    }
    return result;
}

/// With the root under which `checkpoint` has the embedding; with the first one when there is no checkpoint.
Result<Architecture> readWithRoot(const Json& family, const Json& config, const Checkpoint* checkpoint)
{
    const auto roots = family.value("roots", std::vector<std::string> {""});
    for (const std::string& root : roots) {
        PSC_ASSIGN(Architecture result, readArchitecture(withRoot(family, root), config));
        if (!checkpoint || checkpoint->find(result.entry.embedding))
            return result;
    }
    return readArchitecture(withRoot(family, roots.front()), config);
}

/// A configuration that the family file describes, and what around it is not known.
struct FamilyConfig
{
    const Json* config = nullptr;
    std::vector<std::string> unknownAround;
};

/// The configuration itself, or the member of a wrapper, such as that of a multimodal model around its text model.
/// Nothing when the family has no such model_type.
Result<std::optional<FamilyConfig>> configOf(const Json& family, const Json& config, const std::string& modelType,
                                             const std::set<std::string>& neutral)
{
    const auto types = family.at("model_types").get<std::vector<std::string>>();
    if (std::find(types.begin(), types.end(), modelType) != types.end())
        return std::optional(FamilyConfig {&config, {}});
    const Json wrappers = family.value("wrappers", Json::object());
    if (!wrappers.contains(modelType))
        return std::optional<FamilyConfig>();
    const Json& wrapper = wrappers.at(modelType);
    const auto member = wrapper.at("config").get<std::string>();
    if (!config.contains(member) || !config.at(member).is_object())
        return Error {ErrorCode::Corrupt, "config.json has no object " + member + ", which describes the text model",
                      kConfigHint};
    auto ignored = wrapper.at("ignored_keys").get<std::vector<std::string>>();
    ignored.push_back(member);
    const Json around {{"family", family.at("family")}, {"ignored_keys", ignored}};
    return std::optional(FamilyConfig {&config.at(member), unsupportedKeys(config, around, neutral)});
}

/// Every model_type that the family describes.
std::vector<std::string> modelTypes(const Json& family)
{
    auto types = family.at("model_types").get<std::vector<std::string>>();
    const Json wrappers = family.value("wrappers", Json::object());
    for (const auto& [type, wrapper] : wrappers.items())
        types.push_back(type);
    return types;
}

Result<Architecture> describe(const Json& config, const fs::path& folder, const Checkpoint* checkpoint)
{
    PSC_ASSIGN(const FamilyFiles files, readFamilyFiles(folder));
    const Json stated = config.value("model_type", Json());
    if (!stated.is_string())
        return Error {ErrorCode::Corrupt, "config.json states no model_type",
                      "open a Hugging Face model folder or a GGUF file"};
    const auto modelType = stated.get<std::string>();
    std::vector<std::string> known;
    for (const Json& family : files.families) {
        const std::vector<std::string> types = modelTypes(family);
        known.insert(known.end(), types.begin(), types.end());
        PSC_ASSIGN(const std::optional<FamilyConfig> own, configOf(family, config, modelType, files.neutralKeys));
        if (!own)
            continue;
        PSC_ASSIGN(Architecture result, readWithRoot(family, *own->config, checkpoint));
        result.modelType = modelType;
        result.unsupported = unsupportedKeys(*own->config, family, files.neutralKeys);
        result.unsupported.insert(result.unsupported.end(), own->unknownAround.begin(), own->unknownAround.end());
        return result;
    }
    std::sort(known.begin(), known.end());
    std::string list;
    for (const std::string& type : known)
        list += (list.empty() ? "" : ", ") + type;
    return Error {ErrorCode::Unsupported, "the model family \"" + modelType + "\" is not known", "known are " + list};
}

/// A family file or configuration of a wrong form is an error, not an exception.
Result<Architecture> describeChecked(const Json& config, const fs::path& folder, const Checkpoint* checkpoint)
{
    try {
        return describe(config, folder, checkpoint);
    } catch (const Json::exception& failure) {
        return Error {ErrorCode::Corrupt,
                      std::string("the model's configuration does not fit its family file: ") + failure.what(),
                      kConfigHint};
    }
}

} // namespace

Result<Architecture> describeArchitecture(const Json& config, const std::filesystem::path& folder)
{
    return describeChecked(config, folder, nullptr);
}

Result<Architecture> describeArchitecture(const Checkpoint& checkpoint, const std::filesystem::path& folder)
{
    PSC_ASSIGN(Architecture result, describeChecked(checkpoint.config(), folder, &checkpoint));
    if (!checkpoint.find(result.head.weight) && checkpoint.find(result.entry.embedding)) {
        result.head.weight = result.entry.embedding;
        result.tiedEmbeddings = true;
    }
    return result;
}

} // namespace paretoscope::core
