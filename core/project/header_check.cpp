// SPDX-License-Identifier: Apache-2.0
#include "core/project/header_check.h"

#include "core/project/migrations.h"
#include "core/project/schema_v1.h"
#include "core/project/sqlite_error.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <vector>

namespace paretoscope::core {

namespace {

constexpr std::size_t kHeaderBytes = 100;
constexpr std::uint32_t kUsualPageSize = 4096;

/// How much longer a file may be made in proportion: the count in the header may be nonsense.
constexpr std::int64_t kMostPages = 4;
constexpr std::int64_t kPagesOfANewProject = 100;

using Header = std::array<std::uint8_t, kHeaderBytes>;

std::uint32_t number(const Header& header, std::size_t offset, std::size_t bytes)
{
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < bytes; ++i)
        value = value << 8 | header[offset + i];
    return value;
}

void setNumber(Header& header, std::size_t offset, std::size_t bytes, std::uint32_t value)
{
    for (std::size_t i = 0; i < bytes; ++i)
        header[offset + i] = static_cast<std::uint8_t>(value >> 8 * (bytes - 1 - i));
}

/// A field that has one of a few values in every project, or else `mended`.
struct Field
{
    std::size_t offset;
    std::size_t bytes;
    std::vector<std::uint32_t> allowed;
    std::uint32_t mended;
    const char* meaning;
};

const std::vector<Field>& fields()
{
    static const std::vector<Field> known {
        {0, 4, {0x53514c69}, 0x53514c69, "the mark of a SQLite file"},
        {4, 4, {0x74652066}, 0x74652066, "the mark of a SQLite file"},
        {8, 4, {0x6f726d61}, 0x6f726d61, "the mark of a SQLite file"},
        {12, 4, {0x74203300}, 0x74203300, "the mark of a SQLite file"},
        {16, 2, {1, 512, 1024, 2048, 4096, 8192, 16384, 32768}, kUsualPageSize, "the page size"},
        {18, 1, {1, 2}, 1, "the write version"},
        {19, 1, {1, 2}, 1, "the read version"},
        {20, 1, {0}, 0, "the space reserved in each page"},
        {21, 3, {0x402020}, 0x402020, "the payload fractions"},
        {44, 4, {0, 1, 2, 3, 4}, 4, "the schema format"},
        {52, 4, {0}, 0, "the root page of vacuuming"},
        {56, 4, {0, 1}, 1, "the encoding of text"},
        {64, 4, {0}, 0, "the mode of vacuuming"},
        {68,
         4,
         {static_cast<std::uint32_t>(kApplicationId)},
         static_cast<std::uint32_t>(kApplicationId),
         "the application id"},
        {72, 4, {0}, 0, "what is reserved"},
        {76, 4, {0}, 0, "what is reserved"},
        {80, 4, {0}, 0, "what is reserved"},
        {84, 4, {0}, 0, "what is reserved"},
        {88, 4, {0}, 0, "what is reserved"},
    };
    return known;
}

Result<Header> readHeader(const std::filesystem::path& file)
{
    Header header {};
    std::ifstream in(file, std::ios::binary);
    if (!in.read(reinterpret_cast<char*>(header.data()), kHeaderBytes))
        return damagedProject(file, "it ends too early");
    return header;
}

Status writeHeader(const std::filesystem::path& file, const Header& header)
{
    std::fstream out(file, std::ios::binary | std::ios::in | std::ios::out);
    out.write(reinterpret_cast<const char*>(header.data()), kHeaderBytes);
    out.flush();
    return out ? success()
               : Status(Error {ErrorCode::Io, "cannot write the private copy " + file.string(),
                               "free space in the temporary folder, or set TMPDIR"});
}

Finding headerFinding(const std::string& name, std::size_t offset, const std::string& what)
{
    return {.kind = "header",
            .where = name + ", byte " + std::to_string(offset),
            .message = what,
            .remedy = "repair into a new file with --repair-to",
            .repairable = true};
}

} // namespace

Status checkAndMendHeader(const ProjectFiles& copy, const std::string& name, VerifyReport& report)
{
    PSC_ASSIGN(Header header, readHeader(copy.main));
    std::size_t sound = 0;
    std::vector<Finding> wrong;
    for (const Field& field : fields()) {
        const std::uint32_t value = number(header, field.offset, field.bytes);
        if (std::find(field.allowed.begin(), field.allowed.end(), value) != field.allowed.end()) {
            sound += value != 0 ? 1 : 0; // zeros prove nothing
            continue;
        }
        if (wrong.empty() || wrong.back().message.find(field.meaning) == std::string::npos)
            wrong.push_back(headerFinding(name, field.offset, std::string(field.meaning) + " is wrong"));
        setNumber(header, field.offset, field.bytes, field.mended);
    }
    if (wrong.empty())
        return success();
    if (sound < 4)
        return notAProject(name, "nothing in its header is that of one");
    for (Finding& finding : wrong)
        report.add(std::move(finding));
    return writeHeader(copy.main, header);
}

Status checkAndMendSize(const ProjectFiles& copy, const std::string& name, VerifyReport& report)
{
    PSC_ASSIGN(Header header, readHeader(copy.main));
    const std::uint32_t stored = number(header, 16, 2);
    const std::int64_t pageSize = stored == 1 ? 65536 : stored;
    const std::int64_t size = stampOf(copy.main).size;
    std::int64_t pages = size / pageSize;
    const bool known = number(header, 24, 4) == number(header, 92, 4); // else an older writer did not count
    const std::int64_t expected = number(header, 28, 4) * pageSize;
    const std::string bytes = std::to_string(size) + " of " + std::to_string(expected) + " bytes";
    if (known && size < expected)
        report.add({.kind = "truncated",
                    .where = name,
                    .message = "it has " + bytes + ": its end is missing",
                    .remedy = "copy it again from where it is whole, or save the rest with --repair-to",
                    .repairable = true});
    else if (known && size > expected)
        report.add({.kind = "header",
                    .where = name + ", byte 28",
                    .message = "the header counts " + std::to_string(expected) + " bytes, the file has " +
                               std::to_string(size),
                    .remedy = "repair into a new file with --repair-to",
                    .repairable = true});
    else if (size % pageSize == 0)
        return success();
    if (size < expected) {
        // Tables that begin behind the end would make SQLite refuse the list of tables, and with it all other tables.
        pages = std::min(expected / pageSize, kMostPages * pages + kPagesOfANewProject);
        std::error_code failure;
        std::filesystem::resize_file(copy.main, static_cast<std::uintmax_t>(pages * pageSize), failure);
    }
    setNumber(header, 28, 4, static_cast<std::uint32_t>(pages));
    setNumber(header, 92, 4, number(header, 24, 4));
    return writeHeader(copy.main, header);
}

} // namespace paretoscope::core
