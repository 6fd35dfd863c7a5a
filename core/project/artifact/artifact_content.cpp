// SPDX-License-Identifier: Apache-2.0
#include "core/project/artifact/artifact_content.h"

#include "core/base/mapped_file.h"
#include "core/base/sha256.h"
#include "core/checkpoint/output_file.h"

#include <algorithm>

namespace paretoscope::core {

namespace {

constexpr std::size_t kChunk = std::size_t(4) << 20;
constexpr std::string_view kInsert = "INSERT INTO artifact_chunk (artifact_id, position, content) VALUES (?, ?, ?)";
constexpr std::string_view kDelete = "DELETE FROM artifact_chunk WHERE artifact_id = ?";
constexpr std::string_view kOf = "SELECT content FROM artifact_chunk WHERE artifact_id = ? ORDER BY position";

} // namespace

Status storeChunks(Database& database, std::int64_t artifactRow, const std::filesystem::path& file)
{
    PSC_ASSIGN(const MappedFile content, MappedFile::open(file));
    PSC_ASSIGN(Statement insert, database.prepare(kInsert));
    const std::span bytes(reinterpret_cast<const std::uint8_t*>(content.bytes().data()), content.bytes().size());
    std::int64_t position = 0;
    for (std::size_t begin = 0; begin < bytes.size(); begin += kChunk) {
        const auto part = bytes.subspan(begin, std::min(kChunk, bytes.size() - begin));
        PSC_TRY(insert.with(artifactRow, position++, part).run());
    }
    return success();
}

Status deleteChunks(Database& database, std::int64_t artifactRow)
{
    PSC_ASSIGN(Statement remove, database.prepare(kDelete));
    return remove.with(artifactRow).run();
}

Status writeChunks(Database& database, std::int64_t artifactRow, std::int64_t bytes, const std::string& sha256,
                   const std::filesystem::path& file)
{
    std::error_code problem; // what is wrong shows with the file
    std::filesystem::create_directories(file.parent_path(), problem);
    PSC_ASSIGN(OutputFile output, OutputFile::create(file, bytes));
    Sha256 hash;
    std::int64_t written = 0;
    PSC_ASSIGN(Statement query, database.prepare(kOf));
    query.with(artifactRow);
    PSC_TRY(query.forEachRow([&](const Statement& row) {
        const auto part = std::as_bytes(row.blob(0));
        hash.update(part);
        const std::int64_t offset = written;
        written += static_cast<std::int64_t>(part.size());
        return output.writeAt(offset, part);
    }));
    if (written != bytes || hash.finish().hex() != sha256)
        return Error {ErrorCode::Corrupt, "the embedded artifact " + sha256.substr(0, 12) + " is damaged",
                      "`paretoscope verify` says more; the next sweep that needs it makes it again"};
    return output.commit(true);
}

Status linkOrCopy(const std::filesystem::path& from, const std::filesystem::path& to)
{
    std::error_code problem;
    std::filesystem::create_directories(to.parent_path(), problem);
    std::filesystem::create_hard_link(from, to, problem);
    if (!problem)
        return success();
    PSC_ASSIGN(const MappedFile content, MappedFile::open(from));
    PSC_ASSIGN(OutputFile output, OutputFile::create(to, static_cast<std::int64_t>(content.bytes().size())));
    PSC_TRY(output.writeAt(0, content.bytes()));
    return output.commit(true);
}

} // namespace paretoscope::core
