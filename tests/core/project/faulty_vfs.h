// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>

namespace paretoscope::core {

/// What goes wrong, and at which call of SQLite to the file system.
struct Fault
{
    enum class Kind
    {
        None,      ///< every call is counted and works
        DiskFull,  ///< a write (after half of it), a truncation or the creation of a file: no space left on device
        IoError,   ///< a read, write, sync, truncation, opening, deletion or mapping: input/output error
        Kill,      ///< SIGKILL before a write, sync, truncation, opening or deletion
        TornKill,  ///< SIGKILL after the first half of a write, and after the whole of the others
        PowerLoss, ///< before a sync: what was not synced is lost, then SIGKILL
    };
    /// What the disk keeps of the writes after the last sync of their file, and of deletions nobody synced.
    enum class Unsynced
    {
        Lost,
        SomeKept, ///< each by chance, in no order
        Torn,     ///< each sector of 512 bytes by chance
    };
    Kind kind = Kind::None;
    std::int64_t at = 0;  ///< from 1; only calls that this kind can hit count
    bool lasting = false; ///< every later call fails too, until disarmed
    Unsynced unsynced = Unsynced::Lost;
    std::uint32_t seed = 1; ///< of what is by chance
};

/// A SQLite file system over the default one, and the default while this object lives: what the store writes goes
/// through it. (Readers use a file system of their own, see read_only_vfs.h.) One at a time, one thread.
class FaultyVfs
{
public:
    FaultyVfs();
    ~FaultyVfs();
    FaultyVfs(const FaultyVfs&) = delete;
    FaultyVfs& operator=(const FaultyVfs&) = delete;

    void arm(const Fault& fault); ///< counts from 0 again
    void disarm() { arm({}); }
    std::int64_t calls() const; ///< since arm() that the armed kind can hit

private:
    struct Impl;
    std::unique_ptr<Impl> m_impl;
};

} // namespace paretoscope::core
