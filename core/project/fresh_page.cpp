// SPDX-License-Identifier: Apache-2.0
#include "core/project/fresh_page.h"

#include "core/project/database.h"
#include "core/project/sqlite_error.h"

#include <fstream>
#include <vector>

namespace paretoscope::core {

namespace {

constexpr std::size_t kPageSizeAt = 16;
constexpr std::size_t kPageCountAt = 28;
constexpr std::size_t kFreePagesAt = 32;
constexpr std::size_t kHeaderBytes = 100;

std::uint32_t bigEndian(std::string_view bytes, std::size_t offset, std::size_t count)
{
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < count; ++i)
        value = value << 8 | static_cast<unsigned char>(bytes.at(offset + i));
    return value;
}

std::string bigEndian(std::uint32_t value)
{
    return {static_cast<char>(value >> 24), static_cast<char>(value >> 16), static_cast<char>(value >> 8),
            static_cast<char>(value)};
}

std::size_t pageSizeOf(std::string_view content)
{
    const std::uint32_t stored = bigEndian(content, kPageSizeAt, 2);
    return stored == 1 ? 65536 : stored;
}

/// The pages of the b-tree that begins at `page`. Source: https://www.sqlite.org/fileformat2.html, section 1.6.
void pagesOfTree(std::string_view content, std::uint32_t page, std::vector<std::uint32_t>& pages)
{
    constexpr std::uint32_t kInterior = 5;
    pages.push_back(page);
    const std::size_t size = pageSizeOf(content);
    const std::size_t begin = (page - 1) * size;
    const std::size_t tree = begin + (page == 1 ? kHeaderBytes : 0);
    if (bigEndian(content, tree, 1) != kInterior)
        return;
    const std::uint32_t cells = bigEndian(content, tree + 3, 2);
    for (std::uint32_t i = 0; i < cells; ++i)
        pagesOfTree(content, bigEndian(content, begin + bigEndian(content, tree + 12 + 2 * i, 2), 4), pages);
    pagesOfTree(content, bigEndian(content, tree + 8, 4), pages);
}

} // namespace

Result<FreshPage> FreshPage::make(std::span<const Migration> steps, Layout layout)
{
    PSC_ASSIGN(Database database, Database::open("new project", Database::Access::Memory));
    PSC_TRY(migrate(database, steps));
    if (layout == Layout::Compacted)
        PSC_TRY(database.vacuum());
    PSC_ASSIGN(std::string content, database.serialize());
    return FreshPage(std::move(content));
}

Status FreshPage::putInto(const std::filesystem::path& file) const
{
    const std::size_t pageSize = pageSizeOf(m_content);
    std::fstream out(file, std::ios::binary | std::ios::in | std::ios::out);
    std::string header(kHeaderBytes, 0);
    out.read(header.data(), static_cast<std::streamsize>(header.size()));
    if (!out || pageSizeOf(header) != pageSize)
        return damagedProject(file, "its pages have not the usual size");
    std::error_code failure;
    const auto bytes = std::filesystem::file_size(file, failure);
    std::vector<std::uint32_t> pages;
    pagesOfTree(m_content, 1, pages);
    for (const std::uint32_t page : pages) {
        std::string content = m_content.substr((page - 1) * pageSize, pageSize);
        if (page == 1) {
            content.replace(kPageCountAt, 4, bigEndian(static_cast<std::uint32_t>(bytes / pageSize)));
            content.replace(kFreePagesAt, 8, std::string(8, 0));
        }
        out.seekp(static_cast<std::streamoff>((page - 1) * pageSize));
        out.write(content.data(), static_cast<std::streamsize>(content.size()));
    }
    out.flush();
    return out ? success()
               : Status(Error {ErrorCode::Io, "cannot write the private copy " + file.string(),
                               "free space in the temporary folder, or set TMPDIR"});
}

} // namespace paretoscope::core
