// SPDX-License-Identifier: Apache-2.0
#include "core/project/side_file_check.h"

#include "core/project/database.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <optional>
#include <span>

#include <unistd.h>

namespace paretoscope::core {

namespace {

using Bytes = std::array<std::uint8_t, 32>;

std::optional<Bytes> firstBytes(const std::filesystem::path& file)
{
    Bytes bytes {};
    std::ifstream in(file, std::ios::binary);
    if (!in.read(reinterpret_cast<char*>(bytes.data()), bytes.size()))
        return std::nullopt;
    return bytes;
}

std::uint32_t bigEndian(std::span<const std::uint8_t> bytes, std::size_t offset, std::size_t count)
{
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < count; ++i)
        value = value << 8 | bytes[offset + i];
    return value;
}

/// Magic number, version and checksum of a WAL's header. Source: https://www.sqlite.org/fileformat2.html, section 4.1.
bool isLog(const Bytes& header)
{
    const std::uint32_t magic = bigEndian(header, 0, 4);
    if ((magic & ~1u) != 0x377f0682 || bigEndian(header, 4, 4) != 3007000)
        return false;
    std::uint32_t first = 0;
    std::uint32_t second = 0;
    for (std::size_t i = 0; i < 24; i += 8) {
        const auto word = [&](std::size_t at) {
            const std::uint32_t value = bigEndian(header, at, 4);
            return (magic & 1) != 0 ? value : __builtin_bswap32(value);
        };
        first += word(i) + second;
        second += word(i + 4) + first;
    }
    return bigEndian(header, 24, 4) == first && bigEndian(header, 28, 4) == second;
}

/// Section 3 there.
bool isJournal(const Bytes& header)
{
    constexpr std::array<std::uint8_t, 8> kMagic {0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7};
    return std::equal(kMagic.begin(), kMagic.end(), header.begin());
}

/// A journal that was finished by overwriting its header.
bool isFinished(const Bytes& header)
{
    return std::all_of(header.begin(), header.begin() + 8, [](std::uint8_t byte) { return byte == 0; });
}

/// What a file says when it is opened with what lies beside it, which is then part of it.
struct Probe
{
    bool sound = false;
    std::string uuid;
};

Probe playIn(const std::filesystem::path& file)
{
    Probe probe;
    Result<Database> database = Database::open(file, Database::Access::ReadWrite);
    if (!database.ok())
        return probe;
    (void)database.value().execute("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = DELETE");
    const Result<std::string> verdict = database.value().text("PRAGMA quick_check(1)");
    probe.sound = verdict.ok() && verdict.value() == "ok";
    if (const Result<std::string> uuid = database.value().text("SELECT uuid FROM project"); uuid.ok())
        probe.uuid = uuid.value();
    return probe;
}

void reportUseless(const std::filesystem::path& file, const std::string& message, VerifyReport& report)
{
    report.add({.kind = "side_file",
                .where = file.filename().string(),
                .message = message,
                .remedy = "move it away (a copy made with --repair-to has none)",
                .repairable = true});
}

/// Whether `log` looks like one at all; reported, and taken away from the copy, when not.
bool keepWellFormed(const std::filesystem::path& original, const std::filesystem::path& copied, bool isLogFile,
                    VerifyReport& report)
{
    if (stampOf(copied).size == 0)
        return false;
    const std::optional<Bytes> header = firstBytes(copied);
    if (header && (isLogFile ? isLog(*header) : isJournal(*header)))
        return true;
    if (isLogFile || !header || !isFinished(*header))
        reportUseless(original,
                      isLogFile ? "this is no log that SQLite reads: what was in it is lost, the project is as it was "
                                  "before"
                                : "this is no journal that SQLite reads: if a transaction was under way, it cannot be "
                                  "undone",
                      report);
    ::unlink(copied.c_str());
    return false;
}

void noteLeftOvers(const ProjectFiles& project, VerifyReport& report)
{
    const std::string stem = project.main.stem().string();
    const std::string name = project.main.filename().string();
    std::error_code failure;
    for (std::filesystem::directory_iterator entry(project.main.parent_path(), failure), end; !failure && entry != end;
         entry.increment(failure)) {
        const std::string other = entry->path().filename().string();
        if (other.starts_with(name + ".tmp"))
            report.notes.push_back(other + " is an unfinished copy that a killed program left: it can be deleted");
        else if (other.starts_with(stem + ".schema") && other.ends_with(project.main.extension().string()))
            report.notes.push_back(other + " is the project as it was before its schema was brought up to date");
    }
}

} // namespace

void foldSideFiles(const ProjectFiles& project, const ProjectFiles& copy, VerifyReport& report)
{
    noteLeftOvers(project, report);
    const bool hasLog = keepWellFormed(project.wal, copy.wal, true, report);
    const bool hasJournal = keepWellFormed(project.journal, copy.journal, false, report);
    if (!hasLog && !hasJournal) {
        // A file that says it has a log, but has none, is opened as if it had an empty one.
        (void)playIn(copy.main);
        return;
    }
    const std::filesystem::path bare = copy.main.string() + ".bare";
    std::error_code failure;
    std::filesystem::copy_file(copy.main, bare, failure);
    const Probe whole = playIn(copy.main);
    const Probe alone = failure ? Probe() : playIn(bare);
    const std::filesystem::path& beside = hasLog ? project.wal : project.journal;
    const bool foreign = !alone.uuid.empty() && whole.uuid != alone.uuid;
    if (foreign || (!whole.sound && alone.sound)) {
        reportUseless(beside,
                      foreign
                          ? "it belongs to another project: opening this one for writing would mix them"
                          : "it does not belong to this state of the project: opening it for writing would damage it",
                      report);
        for (const std::filesystem::path& left : {copy.main, copy.wal, copy.journal})
            ::unlink(left.c_str());
        std::filesystem::rename(bare, copy.main, failure);
        return;
    }
    ::unlink(bare.c_str());
    report.notes.push_back(
        beside.filename().string() +
        (hasLog ? " holds the newest commits (a sweep is running, or was killed): keep it beside the project"
                : " holds an unfinished transaction: the next writer undoes it; keep it beside the project"));
}

} // namespace paretoscope::core
