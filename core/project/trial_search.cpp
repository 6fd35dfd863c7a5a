// SPDX-License-Identifier: Apache-2.0
#include "core/project/trial_search.h"

#include "core/project/trial_hash.h"

#include "core/base/near_miss.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <map>

namespace paretoscope::core {

namespace {

constexpr std::size_t kFewestDigits = 4;
constexpr std::size_t kDigits = 64;
constexpr std::size_t kListed = 8;

constexpr std::string_view kByHash = "SELECT hash, label FROM trial WHERE hash BETWEEN ? AND ? AND "
                                     "deleted_utc IS NULL ORDER BY hash LIMIT 100";
constexpr std::string_view kByLabel = "SELECT hash, label FROM trial WHERE label = ? AND deleted_utc IS NULL LIMIT 100";
constexpr std::string_view kLabels = "SELECT DISTINCT label FROM trial WHERE deleted_utc IS NULL";

using Matches = std::map<TrialId, std::string>; ///< labels by id

Status collect(Statement& query, Matches& matches, const std::filesystem::path& file)
{
    return query.forEachRow([&](const Statement& row) -> Status {
        PSC_ASSIGN(const TrialId id, trialHash(row, 0, file));
        matches.emplace(id, row.text(1));
        return success();
    });
}

bool isHexPrefix(std::string_view text)
{
    return !text.empty() && text.size() <= kDigits &&
           std::all_of(text.begin(), text.end(), [](char c) { return std::isxdigit(static_cast<unsigned char>(c)); });
}

/// The first or last id that starts with `prefix`: the missing digits are all `fill`.
Result<Sha256Digest> bound(std::string prefix, char fill)
{
    std::transform(prefix.begin(), prefix.end(), prefix.begin(),
                   [](char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); });
    prefix.resize(kDigits, fill);
    return Sha256Digest::fromHex(prefix);
}

Error ambiguous(const std::string& wanted, const Matches& matches)
{
    std::string list;
    std::size_t listed = 0;
    for (const auto& [id, label] : matches) {
        if (listed++ == kListed)
            break;
        list += (list.empty() ? "" : ", ") + id.hex().substr(0, 12) + " " + label;
    }
    if (matches.size() > kListed)
        list += ", ...";
    return {ErrorCode::InvalidArgument, "\"" + wanted + "\" means several trials: " + list,
            "give more digits of the id"};
}

Error notFound(Database& database, const std::string& wanted)
{
    const std::string file = database.name().string();
    if (isHexPrefix(wanted) && wanted.size() < kFewestDigits)
        return Error {ErrorCode::InvalidArgument, "\"" + wanted + "\" is too short for the id of a trial in " + file,
                      "give at least 4 digits, or the whole label"};
    std::vector<std::string> labels;
    Result<Statement> query = database.prepare(kLabels);
    if (!query.ok())
        return query.error();
    const Status read = query.value().forEachRow([&labels](const Statement& row) {
        labels.push_back(row.text(0));
        return success();
    });
    if (!read.ok())
        return read.error();
    const std::optional<std::string> near = nearMiss(wanted, labels);
    return Error {ErrorCode::NotFound, "no trial \"" + wanted + "\" in " + file,
                  near ? "did you mean \"" + *near + "\"?" : "`paretoscope list` shows ids and labels"};
}

} // namespace

Result<TrialId> findTrialId(Database& database, const std::string& idOrLabel)
{
    Matches matches;
    if (isHexPrefix(idOrLabel) && idOrLabel.size() >= kFewestDigits) {
        PSC_ASSIGN(const Sha256Digest first, bound(idOrLabel, '0'));
        PSC_ASSIGN(const Sha256Digest last, bound(idOrLabel, 'f'));
        PSC_ASSIGN(Statement byHash, database.prepare(kByHash));
        PSC_TRY(collect(byHash.with(first.bytes, last.bytes), matches, database.name()));
    }
    PSC_ASSIGN(Statement byLabel, database.prepare(kByLabel));
    PSC_TRY(collect(byLabel.with(idOrLabel), matches, database.name()));
    if (matches.size() > 1)
        return ambiguous(idOrLabel, matches);
    if (!matches.empty())
        return matches.begin()->first;
    return notFound(database, idOrLabel);
}

} // namespace paretoscope::core
