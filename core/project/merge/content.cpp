// SPDX-License-Identifier: Apache-2.0
#include "core/project/merge/content.h"

#include "core/base/assert.h"
#include "core/base/sha256.h"
#include "core/project/sqlite_error.h"

#include <algorithm>
#include <compare>
#include <cstring>

namespace paretoscope::core {

namespace {

/// The rows of one database by table and row number, while it is read.
using KeysOfNumbers = std::map<std::string, std::unordered_map<std::int64_t, ContentKey>, std::less<>>;

void append(std::string& text, const ContentValue& value)
{
    text += static_cast<char>('0' + value.index());
    const auto appendBytes = [&](const auto& bytes) {
        text += std::to_string(bytes.size()) + ':';
        text.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    };
    if (const auto* integer = std::get_if<std::int64_t>(&value))
        text += std::to_string(*integer) + ';';
    else if (const auto* real = std::get_if<double>(&value)) {
        std::array<char, sizeof(double)> bits {};
        std::memcpy(bits.data(), real, bits.size());
        text.append(bits.data(), bits.size());
    } else if (const auto* string = std::get_if<std::string>(&value))
        appendBytes(*string);
    else if (const auto* blob = std::get_if<std::vector<std::uint8_t>>(&value))
        appendBytes(*blob);
    else if (const auto* key = std::get_if<ContentKey>(&value))
        appendBytes(*key);
}

ContentKey keyOf(const MergedTable& table, const ContentRow& row)
{
    std::string text(table.name);
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
        if (table.columns[i].rule == MergeRule::Key)
            append(text, row.values[i]);
    }
    const Sha256Digest digest = sha256(text);
    ContentKey key {};
    std::copy_n(digest.bytes.begin(), key.size(), key.begin());
    return key;
}

bool isNothing(const ContentValue& value)
{
    const auto* text = std::get_if<std::string>(&value);
    return std::holds_alternative<std::monostate>(value) || (text && text->empty());
}

/// A total order; nothing is less than everything. Of texts the longer one is greater: a shared copy tells less.
std::strong_ordering compared(const ContentValue& a, const ContentValue& b)
{
    if (isNothing(a) || isNothing(b))
        return !isNothing(a) <=> !isNothing(b);
    if (a.index() != b.index())
        return a.index() <=> b.index();
    if (const auto* text = std::get_if<std::string>(&a)) {
        const auto& other = std::get<std::string>(b);
        return text->size() == other.size() ? text->compare(other) <=> 0 : text->size() <=> other.size();
    }
    if (a == b)
        return std::strong_ordering::equal;
    return a < b ? std::strong_ordering::less : std::strong_ordering::greater;
}

std::size_t rankIn(std::initializer_list<std::string_view> words, const ContentValue& value)
{
    const auto* text = std::get_if<std::string>(&value);
    return static_cast<std::size_t>(text ? std::find(words.begin(), words.end(), *text) - words.begin()
                                         : std::ptrdiff_t(words.size()));
}

/// Whether `other` is to stand in a column of its own rule instead of `mine`.
bool isPreferred(MergeRule rule, const ContentValue& other, const ContentValue& mine)
{
    switch (rule) {
    case MergeRule::Smallest:
        return !isNothing(other) && (isNothing(mine) || compared(other, mine) < 0);
    case MergeRule::Largest:
        return compared(other, mine) > 0;
    case MergeRule::OfTrial:
        return rankIn({"done", "failed", "interrupted", "running", "queued"}, other) <
               rankIn({"done", "failed", "interrupted", "running", "queued"}, mine);
    case MergeRule::OfArtifact:
        return rankIn({"embedded", "kept", "dropped"}, other) < rankIn({"embedded", "kept", "dropped"}, mine);
    case MergeRule::Deleted:
        return !isNothing(mine) && (isNothing(other) || compared(other, mine) > 0);
    case MergeRule::Key:
    case MergeRule::Whole:
        break;
    }
    return false;
}

void unite(const MergedTable& table, ContentRow& mine, const ContentRow& other)
{
    std::strong_ordering whole = std::strong_ordering::equal;
    for (std::size_t i = 0; i < table.columns.size() && whole == std::strong_ordering::equal; ++i) {
        if (table.columns[i].rule == MergeRule::Whole)
            whole = compared(other.values[i], mine.values[i]);
    }
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
        const MergeRule rule = table.columns[i].rule;
        if (rule == MergeRule::Whole ? whole > 0 : isPreferred(rule, other.values[i], mine.values[i])) {
            mine.values[i] = other.values[i];
            mine.changed = true;
        }
    }
}

ContentValue valueIn(const Statement& row, int column)
{
    switch (row.kind(column)) {
    case Statement::Kind::Null:
        return std::monostate();
    case Statement::Kind::Integer:
        return row.integer(column);
    case Statement::Kind::Real:
        return row.real(column);
    case Statement::Kind::Text:
        return row.text(column);
    case Statement::Kind::Blob:
        break;
    }
    const auto bytes = row.blob(column);
    return std::vector<std::uint8_t>(bytes.begin(), bytes.end());
}

std::string selectOf(const MergedTable& table)
{
    std::string sql = table.hasRowId ? "SELECT id" : "SELECT 0";
    sql += ", " + (table.position.empty() ? std::string("0") : std::string(table.position));
    for (const MergedColumn& column : table.columns)
        sql += ", " + std::string(column.derived.empty() ? column.name : column.derived);
    return sql + " FROM " + std::string(table.name);
}

/// Replaces row numbers of other tables by the keys of their rows.
Status resolveReferences(const MergedTable& table, ContentRow& row, const KeysOfNumbers& known,
                         const std::filesystem::path& file)
{
    for (std::size_t i = 0; i < table.columns.size(); ++i) {
        const MergedColumn& column = table.columns[i];
        const auto* number = std::get_if<std::int64_t>(&row.values[i]);
        if (column.references.empty() || !number)
            continue;
        const auto& parents = known.find(column.references)->second; // read before its children
        const auto parent = parents.find(*number);
        if (parent == parents.end())
            return damagedProject(file, "table " + std::string(table.name) + " refers to a missing row of " +
                                            std::string(column.references));
        row.values[i] = parent->second;
    }
    return success();
}

Status takeRow(const MergedTable& table, const Statement& cells, KeysOfNumbers& known, ContentRows& rows,
               const std::filesystem::path& file)
{
    ContentRow row;
    row.number = cells.integer(0);
    row.recorded = *row.number;
    row.position = cells.integer(1);
    for (std::size_t i = 0; i < table.columns.size(); ++i)
        row.values.push_back(valueIn(cells, static_cast<int>(i) + 2));
    PSC_TRY(resolveReferences(table, row, known, file));
    const ContentKey key = keyOf(table, row);
    if (table.hasRowId)
        known[std::string(table.name)].emplace(*row.number, key);
    rows.emplace(key, std::move(row)); // of two rows that say the same, one counts
    return success();
}

} // namespace

std::size_t ContentKeyHash::operator()(const ContentKey& key) const
{
    std::size_t hash = 0;
    std::memcpy(&hash, key.data(), sizeof hash); // a digest is as good as any hash
    return hash;
}

Result<ProjectContent> ProjectContent::read(Database& database)
{
    ProjectContent content;
    KeysOfNumbers known;
    for (const MergedTable& table : mergedTables()) {
        known[std::string(table.name)];
        PSC_ASSIGN(Statement query, database.prepare(selectOf(table)));
        PSC_TRY(query.forEachRow([&](const Statement& cells) {
            return takeRow(table, cells, known, content.rows(table.name), database.name());
        }));
    }
    return content;
}

void ProjectContent::unite(const ProjectContent& other)
{
    for (const MergedTable& table : mergedTables()) {
        ContentRows& mine = rows(table.name);
        for (const auto& [key, row] : other.rows(table.name)) {
            const auto [found, isNew] = mine.try_emplace(key, row);
            if (isNew)
                found->second.number.reset();
            else
                core::unite(table, found->second, row);
        }
    }
}

bool ProjectContent::hasNews() const
{
    return std::any_of(m_tables.begin(), m_tables.end(), [](const auto& table) {
        return std::any_of(table.second.begin(), table.second.end(),
                           [](const auto& row) { return !row.second.number || row.second.changed; });
    });
}

const ContentRows& ProjectContent::rows(std::string_view table) const
{
    static const ContentRows kNone;
    const auto found = m_tables.find(table);
    return found == m_tables.end() ? kNone : found->second;
}

std::string ProjectContent::digest() const
{
    Sha256 all;
    for (const MergedTable& table : mergedTables()) {
        const ContentRows& content = rows(table.name);
        std::map<ContentKey, const ContentRow*> sorted;
        for (const auto& [key, row] : content)
            sorted.emplace(key, &row);
        for (const auto& [key, row] : sorted) {
            std::string text(table.name);
            for (const ContentValue& value : row->values)
                append(text, value);
            all.update(text);
        }
    }
    return all.finish().hex();
}

const ContentValue& cell(const MergedTable& table, const ContentRow& row, std::string_view column)
{
    const auto found = std::find_if(table.columns.begin(), table.columns.end(),
                                    [&](const MergedColumn& candidate) { return candidate.name == column; });
    PSC_ASSERT(found != table.columns.end(), "a column of the table is named");
    return row.values[static_cast<std::size_t>(found - table.columns.begin())];
}

const MergedTable& mergedTable(std::string_view name)
{
    const auto tables = mergedTables();
    const auto found =
        std::find_if(tables.begin(), tables.end(), [&](const MergedTable& table) { return table.name == name; });
    PSC_ASSERT(found != tables.end(), "a merged table is named");
    return *found;
}

} // namespace paretoscope::core
