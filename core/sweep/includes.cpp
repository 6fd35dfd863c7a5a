// SPDX-License-Identifier: Apache-2.0
#include "core/base/mapped_file.h"
#include "core/checkpoint/untrusted_text.h"
#include "core/sweep/sweep_parts.h"

#include <algorithm>
#include <optional>
#include <system_error>

namespace paretoscope::core {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxFiles = 64;

void setFile(MarkedValue& value, int file)
{
    value.place.file = file;
    for (Place& place : value.keyPlaces)
        place.file = file;
    for (MarkedValue& item : value.items)
        setFile(item, file);
}

/// Maps are laid over one another key by key; of anything else the upper one counts, and of two drivers.
void layOver(MarkedValue& lower, MarkedValue upper)
{
    if (!lower.isMap() || !upper.isMap()) {
        lower = std::move(upper);
        return;
    }
    for (std::size_t i = 0; i < upper.keys.size(); ++i) {
        MarkedValue* const present = lower.find(upper.keys[i]);
        if (!present || upper.keys[i] == "driver")
            lower.set(upper.keys[i], std::move(upper.items[i]));
        else
            layOver(*present, std::move(upper.items[i]));
        const auto index = std::find(lower.keys.begin(), lower.keys.end(), upper.keys[i]) - lower.keys.begin();
        lower.keyPlaces[static_cast<std::size_t>(index)] = upper.keyPlaces[i];
    }
}

/// Takes a key out of a Map; nothing when it is not there.
std::optional<MarkedValue> take(MarkedValue& map, std::string_view key)
{
    const auto found = std::find(map.keys.begin(), map.keys.end(), key);
    if (found == map.keys.end())
        return std::nullopt;
    const auto index = found - map.keys.begin();
    MarkedValue value = std::move(map.items[static_cast<std::size_t>(index)]);
    map.items.erase(map.items.begin() + index);
    map.keys.erase(found);
    map.keyPlaces.erase(map.keyPlaces.begin() + index);
    return value;
}

class Includer
{
public:
    Includer(SourceText& source, const fs::path& folder)
        : m_source(source)
        , m_folder(folder)
    {}

    Status resolve(MarkedValue& root)
    {
        const std::optional<MarkedValue> includes = root.isMap() ? take(root, "includes") : std::nullopt;
        if (!includes || includes->isNull())
            return success();
        MarkedValue whole;
        whole.kind = MarkedValue::Kind::Map;
        whole.place = root.place;
        const std::vector<MarkedValue> single {*includes};
        for (const MarkedValue& item : includes->isSequence() ? includes->items : single) {
            PSC_ASSIGN(MarkedValue included, read(item));
            layOver(whole, std::move(included));
        }
        layOver(whole, std::move(root));
        root = std::move(whole);
        return success();
    }

private:
    Result<MarkedValue> read(const MarkedValue& item)
    {
        PSC_TRY(textOf(m_source, item, "includes"));
        const fs::path file = anchoredPath(m_source, m_folder, item);
        if (!isPlainText(file.string()))
            return m_source.error(item.place, "includes: " + inQuotes(file.string()) + " is not UTF-8",
                                  "rename that file or folder");
        std::error_code failure;
        if (!fs::is_regular_file(file, failure))
            return m_source.error(item.place, "includes: " + file.string() + " is no file",
                                  "check the path; relative ones count from the folder of the file they stand in",
                                  ErrorCode::NotFound);
        const fs::path unique = fs::weakly_canonical(file, failure);
        if (std::find(m_open.begin(), m_open.end(), unique) != m_open.end())
            return m_source.error(item.place, "includes: " + file.string() + " includes itself",
                                  "remove one of the two");
        if (m_source.included.size() >= kMaxFiles)
            return m_source.error(item.place, "includes more than " + std::to_string(kMaxFiles) + " files",
                                  "put some of them together");
        const Result<std::string> text = readTextFile(file, kMaxDocumentBytes);
        if (!text.ok())
            return m_source.error(item.place, text.error().withContext("includes"));
        const auto included =
            std::make_shared<const IncludedText>(IncludedText {file.string(), text.value(), file.parent_path()});
        PSC_ASSIGN(MarkedValue value, readDocument({included->name, included->text, {}}, file));
        m_source.included.push_back(included);
        setFile(value, static_cast<int>(m_source.included.size()));
        if (!value.isMap())
            return m_source.error(value.place, "the file holds " + value.shown() + ", not keys",
                                  "write keys of a sweep file there");
        if (const std::optional<MarkedValue> version = take(value, "paretoscope"))
            PSC_TRY(checkVersion(m_source, *version));
        m_open.push_back(unique);
        PSC_TRY(resolve(value));
        m_open.pop_back();
        return value;
    }

    SourceText& m_source;
    const fs::path& m_folder;
    std::vector<fs::path> m_open; ///< files that are being read, each included by the one before
};

} // namespace

Status resolveIncludes(MarkedValue& root, SourceText& source, const fs::path& folder)
{
    return Includer(source, folder).resolve(root);
}

} // namespace paretoscope::core
