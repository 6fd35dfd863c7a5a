// SPDX-License-Identifier: Apache-2.0
#include "core/plugin/manifest.h"

#include "core/base/json_fields.h"
#include "core/base/mapped_file.h"
#include "core/base/near_miss.h"

#include <algorithm>
#include <array>
#include <system_error>
#include <utility>

namespace paretoscope::core {

namespace {

constexpr std::size_t kMaxManifestBytes = std::size_t(1) << 20;

constexpr std::array<std::pair<PluginKind, std::string_view>, 7> kKinds {{
    {PluginKind::Stage, "stage"},
    {PluginKind::Allocator, "allocator"},
    {PluginKind::Workload, "workload"},
    {PluginKind::Metric, "metric"},
    {PluginKind::Analysis, "analysis"},
    {PluginKind::Export, "export"},
    {PluginKind::Search, "search"},
}};

constexpr std::array<std::pair<ParameterType, std::string_view>, 5> kTypes {{
    {ParameterType::Integer, "integer"},
    {ParameterType::Number, "number"},
    {ParameterType::Boolean, "boolean"},
    {ParameterType::Text, "string"},
    {ParameterType::List, "array"},
}};

/// The enumerator that `name` spells. Errors: Corrupt with the near one.
template <typename Enum, std::size_t N>
Result<Enum> fromName(const JsonFields& fields, std::string_view field, const std::string& name,
                      const std::array<std::pair<Enum, std::string_view>, N>& table)
{
    std::vector<std::string> known;
    for (const auto& [value, text] : table) {
        if (text == name)
            return value;
        known.emplace_back(text);
    }
    Error unknown = fields.error(field, shownValue(name) + " is not known");
    unknown.hint = suggestion(name, known);
    return unknown;
}

/// Lower case letters, digits and _, beginning with a letter.
bool isIdentifier(std::string_view text)
{
    const auto isLower = [](char c) { return c >= 'a' && c <= 'z'; };
    return !text.empty() && isLower(text.front()) && std::all_of(text.begin(), text.end(), [&](char c) {
        return isLower(c) || (c >= '0' && c <= '9') || c == '_';
    });
}

bool isPluginId(std::string_view text)
{
    const std::size_t slash = text.find('/');
    return slash != std::string_view::npos && isIdentifier(text.substr(0, slash)) &&
           isIdentifier(text.substr(slash + 1));
}

/// One to three numbers with dots between.
bool isVersion(std::string_view text)
{
    int parts = 0;
    for (bool more = true; more; ++parts) {
        const std::size_t dot = text.find('.');
        const std::string_view part = text.substr(0, dot);
        if (part.empty() || part.size() > 9 || part.find_first_not_of("0123456789") != std::string_view::npos)
            return false;
        more = dot != std::string_view::npos;
        text.remove_prefix(more ? dot + 1 : text.size());
    }
    return parts <= 3;
}

Result<std::string> requiredText(JsonFields& fields, std::string_view name)
{
    PSC_ASSIGN(std::string text, fields.required<std::string>(name));
    if (text.empty())
        return fields.error(name, "is empty");
    return text;
}

Result<std::vector<Paper>> readPapers(JsonFields& fields, const std::string& where)
{
    const Json* list = fields.find("papers");
    if (!list)
        return std::vector<Paper> {};
    if (!list->is_array())
        return fields.error("papers", shownValue(*list) + " is not a list");
    std::vector<Paper> papers;
    for (std::size_t i = 0; i < list->size(); ++i) {
        PSC_ASSIGN(JsonFields entry, JsonFields::of((*list)[i], where + ": papers[" + std::to_string(i) + "]"));
        Paper paper;
        PSC_ASSIGN(paper.title, requiredText(entry, "title"));
        PSC_ASSIGN(paper.authors, requiredText(entry, "authors"));
        PSC_ASSIGN(paper.year, entry.required<int>("year"));
        PSC_ASSIGN(paper.url, requiredText(entry, "url"));
        PSC_TRY(entry.refuseUnknown());
        papers.push_back(std::move(paper));
    }
    return papers;
}

/// The object `name`, or an empty one when it is missing.
Result<JsonFields> objectOrEmpty(JsonFields& fields, std::string_view name, const std::string& where)
{
    static const Json kEmpty = Json::object();
    const Json* object = fields.find(name);
    return JsonFields::of(object ? *object : kEmpty, where + ": " + std::string(name));
}

/// Fills in what is missing, so that readers of `appliesTo` and `needs` find every key.
Result<Json> readAppliesTo(JsonFields& fields, const std::string& where)
{
    PSC_ASSIGN(JsonFields entry, objectOrEmpty(fields, "applies_to", where));
    PSC_ASSIGN(std::vector<std::string> workloads, entry.texts("workloads"));
    PSC_ASSIGN(std::vector<std::string> tensors, entry.texts("tensors"));
    PSC_TRY(entry.refuseUnknown());
    return Json {{"workloads", std::move(workloads)}, {"tensors", std::move(tensors)}};
}

Result<Json> readNeeds(JsonFields& fields, const std::string& where)
{
    PSC_ASSIGN(JsonFields entry, objectOrEmpty(fields, "needs", where));
    PSC_ASSIGN(const bool calibration, entry.optional<bool>("calibration", false));
    PSC_ASSIGN(std::vector<std::string> statistics, entry.texts("statistics"));
    PSC_ASSIGN(const bool gradients, entry.optional<bool>("gradients", false));
    const Json* services = entry.find("services");
    PSC_TRY(entry.refuseUnknown());
    if (services) {
        PSC_ASSIGN(JsonFields versions, JsonFields::of(*services, where + ": needs.services"));
        for (const auto& [id, version] : services->items())
            PSC_TRY(versions.required<int>(id));
    }
    return Json {{"calibration", calibration},
                 {"statistics", std::move(statistics)},
                 {"gradients", gradients},
                 {"services", services ? *services : Json::object()}};
}

/// minimum, exclusiveMinimum, maximum and special.
Status readRange(JsonFields& fields, ParameterSpec& spec)
{
    const bool isNumeric = spec.type == ParameterType::Integer || spec.type == ParameterType::Number ||
                           (spec.type == ParameterType::List && spec.itemType != ParameterType::Text);
    const auto read = [&](std::string_view name, std::optional<double>& bound) -> Status {
        if (!fields.find(name))
            return success();
        if (!isNumeric)
            return fields.error(name, "is for numbers only");
        PSC_ASSIGN(bound, fields.required<double>(name));
        return success();
    };
    std::optional<double> excluded;
    PSC_TRY(read("minimum", spec.minimum));
    PSC_TRY(read("exclusiveMinimum", excluded));
    PSC_TRY(read("maximum", spec.maximum));
    if (excluded && spec.minimum)
        return fields.error("exclusiveMinimum", "stands beside minimum; give one of them");
    if (excluded) {
        spec.minimum = excluded;
        spec.minimumExcluded = true;
    }
    if (spec.minimum && spec.maximum && !(*spec.minimum <= *spec.maximum))
        return fields.error("minimum", shownValue(*spec.minimum) + " is above maximum " + shownValue(*spec.maximum));
    if (const Json* special = fields.find("special")) {
        if (!isNumeric || !special->is_array() ||
            !std::all_of(special->begin(), special->end(), [](const Json& value) { return value.is_number(); }))
            return fields.error("special", shownValue(*special) + " is not a list of numbers beside a range");
        spec.special = special->get<std::vector<Json>>();
    }
    return success();
}

Result<ParameterType> readItemType(JsonFields& fields, ParameterType type)
{
    PSC_ASSIGN(const std::string name, fields.optional<std::string>("items", "string"));
    if (fields.find("items") && type != ParameterType::List)
        return fields.error("items", "is for arrays only");
    PSC_ASSIGN(const ParameterType item, fromName(fields, "items", name, kTypes));
    if (item == ParameterType::Boolean || item == ParameterType::List)
        return fields.error("items", shownValue(name) + " is not integer, number or string");
    return item;
}

/// enum and default; each must itself be a value that the parameter takes.
Status readValues(JsonFields& fields, const PluginManifest& manifest, ParameterSpec& spec)
{
    const auto normalised = [&](std::string_view name, const Json& value) -> Result<Json> {
        Result<Json> resolved = resolveParameter(manifest, spec, value);
        if (!resolved.ok())
            return fields.error(name, shownValue(value) + " is not " + spec.allowedText());
        return resolved;
    };
    if (const Json* list = fields.find("enum")) {
        if (!list->is_array() || list->empty() || spec.type == ParameterType::List)
            return fields.error("enum", shownValue(*list) + " is not a list of values of a single-valued parameter");
        std::vector<Json> allowed;
        for (const Json& value : *list) {
            PSC_ASSIGN(Json one, normalised("enum", value));
            if (std::find(allowed.begin(), allowed.end(), one) != allowed.end())
                return fields.error("enum", shownValue(value) + " stands there twice");
            allowed.push_back(std::move(one));
        }
        spec.allowed = std::move(allowed);
        if (spec.type == ParameterType::Text)
            spec.type = ParameterType::Choice;
    }
    if (const Json* value = fields.find("default")) {
        PSC_ASSIGN(spec.defaultValue, normalised("default", *value));
    }
    return success();
}

Result<ParameterSpec> readParameter(const Json& json, const PluginManifest& manifest, const std::string& where)
{
    PSC_ASSIGN(JsonFields fields, JsonFields::of(json, where));
    ParameterSpec spec;
    PSC_ASSIGN(spec.name, fields.required<std::string>("name"));
    if (!isIdentifier(spec.name))
        return fields.error("name", shownValue(spec.name) + " is not lower-case letters, digits and _");
    if (manifest.parameter(spec.name))
        return fields.error("name", shownValue(spec.name) + " stands there twice");
    PSC_ASSIGN(const std::string type, fields.required<std::string>("type"));
    PSC_ASSIGN(spec.type, fromName(fields, "type", type, kTypes));
    PSC_ASSIGN(spec.itemType, readItemType(fields, spec.type));
    PSC_TRY(readRange(fields, spec));
    PSC_ASSIGN(spec.unit, fields.optional<std::string>("unit", ""));
    PSC_ASSIGN(spec.doc, requiredText(fields, "doc"));
    PSC_ASSIGN(const std::string names, fields.optional<std::string>("names", ""));
    const bool isModel = names == "model" && spec.type == ParameterType::Text;
    const bool areFiles = names == "file" && spec.type == ParameterType::List && spec.itemType == ParameterType::Text;
    if (!names.empty() && !isModel && !areFiles)
        return fields.error("names",
                            shownValue(names) + " is not \"model\" of a string or \"file\" of an array of strings");
    spec.namesModel = !names.empty();
    PSC_ASSIGN(spec.cut, fields.optional<bool>("cut", false));
    PSC_TRY(readValues(fields, manifest, spec));
    PSC_TRY(fields.refuseUnknown());
    return spec;
}

Status readIdentity(JsonFields& fields, PluginManifest& manifest)
{
    PSC_ASSIGN(manifest.id, fields.required<std::string>("id"));
    if (!isPluginId(manifest.id))
        return fields.error("id",
                            shownValue(manifest.id) + " is not family/method in lower-case letters, digits and _");
    PSC_ASSIGN(manifest.name, requiredText(fields, "name"));
    PSC_ASSIGN(manifest.version, fields.required<std::string>("version"));
    if (!isVersion(manifest.version))
        return fields.error("version", shownValue(manifest.version) + " is not one to three numbers with dots");
    PSC_ASSIGN(const std::string kind, fields.required<std::string>("kind"));
    PSC_ASSIGN(manifest.kind, fromName(fields, "kind", kind, kKinds));
    PSC_ASSIGN(const std::string role, fields.optional<std::string>("role", ""));
    if (!role.empty()) {
        PSC_ASSIGN(manifest.role, fromName(fields, "role", role, kStageRoles));
    }
    PSC_ASSIGN(manifest.summary, requiredText(fields, "summary"));
    return success();
}

Result<Json> readCostHint(JsonFields& fields, const std::string& where)
{
    PSC_ASSIGN(JsonFields entries, objectOrEmpty(fields, "cost_hint", where));
    PSC_TRY(entries.optional<std::string>("time", ""));
    PSC_TRY(entries.optional<std::string>("memory", ""));
    for (const char* name : {"bytes_per_squared_input", "bytes_per_weight"}) {
        PSC_ASSIGN(const double bytes, entries.optional<double>(name, 0.0));
        if (!(bytes >= 0 && bytes <= 1024))
            return entries.error(name, shownValue((*fields.find("cost_hint"))[name]) + " is not from 0 to 1024");
    }
    PSC_TRY(entries.refuseUnknown());
    const Json* hint = fields.find("cost_hint");
    return hint ? *hint : Json::object();
}

Status readParameters(JsonFields& fields, const std::string& where, PluginManifest& manifest)
{
    const Json* list = fields.find("parameters");
    if (!list)
        return success();
    if (!list->is_array())
        return fields.error("parameters", shownValue(*list) + " is not a list");
    for (std::size_t i = 0; i < list->size(); ++i) {
        const std::string place = where + ": parameters[" + std::to_string(i) + "]";
        PSC_ASSIGN(ParameterSpec spec, readParameter((*list)[i], manifest, place));
        manifest.parameters.push_back(std::move(spec));
    }
    return success();
}

} // namespace

std::string PluginManifest::alias() const
{
    return id.substr(id.rfind('/') + 1);
}

const ParameterSpec* PluginManifest::parameter(std::string_view wanted) const
{
    const auto found = std::find_if(parameters.begin(), parameters.end(),
                                    [&](const ParameterSpec& spec) { return spec.name == wanted; });
    return found == parameters.end() ? nullptr : &*found;
}

bool PluginManifest::needsCalibration() const
{
    return needs.is_object() && needs.value("calibration", false);
}

std::string_view pluginKindName(PluginKind kind)
{
    for (const auto& [value, name] : kKinds) {
        if (value == kind)
            return name;
    }
    return "stage";
}

Result<PluginManifest> readManifest(const std::filesystem::path& file)
{
    PSC_ASSIGN(const std::string text, readTextFile(file, kMaxManifestBytes));
    const std::string where = file.string();
    PSC_ASSIGN(const Json json, parseJson(text, where));
    PSC_ASSIGN(JsonFields fields, JsonFields::of(json, where));

    PluginManifest manifest;
    PSC_TRY(readIdentity(fields, manifest));
    PSC_ASSIGN(manifest.papers, readPapers(fields, where));
    PSC_ASSIGN(manifest.appliesTo, readAppliesTo(fields, where));
    PSC_ASSIGN(manifest.needs, readNeeds(fields, where));
    PSC_ASSIGN(std::vector<std::string> produces, fields.texts("produces"));
    manifest.produces = std::move(produces);
    PSC_TRY(readParameters(fields, where, manifest));
    PSC_ASSIGN(manifest.costHint, readCostHint(fields, where));
    PSC_TRY(fields.refuseUnknown());
    manifest.digest = sha256(text);
    std::error_code noCurrentFolder;
    manifest.folder = std::filesystem::absolute(file, noCurrentFolder).parent_path();
    return manifest;
}

} // namespace paretoscope::core
