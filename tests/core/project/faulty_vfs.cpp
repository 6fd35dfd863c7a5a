// SPDX-License-Identifier: Apache-2.0
#include "faulty_vfs.h"

#include "core/base/assert.h"

#include <sqlite3.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <fstream>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <unistd.h>

namespace paretoscope::core {

namespace {

constexpr const char* kName = "paretoscope-faulty";
constexpr std::size_t kSector = 512;

enum Call : unsigned
{
    Read = 1,
    Write = 2,
    Sync = 4,
    Truncate = 8,
    Open = 16,
    Delete = 32,
    Map = 64,
};

unsigned callsHitBy(Fault::Kind kind)
{
    switch (kind) {
    case Fault::Kind::DiskFull:
        return Write | Truncate | Open;
    case Fault::Kind::None:
    case Fault::Kind::IoError:
        return Read | Write | Sync | Truncate | Open | Delete | Map;
    case Fault::Kind::Kill:
    case Fault::Kind::TornKill:
        return Write | Sync | Truncate | Open | Delete;
    case Fault::Kind::PowerLoss:
        return Sync;
    }
    return 0;
}

/// A write or truncation that no sync has made durable yet.
struct Change
{
    bool truncates = false;
    std::size_t offset = 0;
    std::string bytes;

    void applyTo(std::string& content) const
    {
        if (truncates)
            return content.resize(offset);
        if (content.size() < offset + bytes.size())
            content.resize(offset + bytes.size());
        content.replace(offset, bytes.size(), bytes);
    }
};

/// A file as a power loss would leave it.
struct Remembered
{
    bool exists = false; ///< its name is durable
    std::string synced;
    std::vector<Change> pending;
    bool syncsFolder = false; ///< its next sync also makes names in its folder durable
};

[[noreturn]] void killOurselves()
{
    ::kill(::getpid(), SIGKILL);
    std::abort();
}

void writeFile(const std::string& path, const std::string& content)
{
    std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
}

} // namespace

struct FaultyVfs::Impl
{
    /// Begins each open file; the file of the system's own file system lies behind it in memory.
    struct File
    {
        sqlite3_file base;
        Impl* owner;
        Remembered* remembered; ///< of named files, only while a power loss is armed
        sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
    };

    sqlite3_vfs* system = sqlite3_vfs_find(nullptr);
    sqlite3_vfs vfs {};
    sqlite3_io_methods methods {};
    Fault fault;
    std::int64_t count = 0;
    int lastErrno = 0; ///< of the last call when it failed by our doing
    std::mt19937 random;
    std::map<std::string, Remembered> files;
    std::map<std::string, std::string> undeleted; ///< names whose deletion is not durable

    static Impl& of(sqlite3_vfs* vfs) { return *static_cast<Impl*>(vfs->pAppData); }
    static File& file(sqlite3_file* file) { return *reinterpret_cast<File*>(file); }

    /// Whether this call fails. Does not return when the process has to die before it.
    bool strikes(Call call)
    {
        lastErrno = 0;
        if ((callsHitBy(fault.kind) & call) == 0)
            return false;
        ++count;
        if (fault.kind == Fault::Kind::None || count < fault.at || (count > fault.at && !fault.lasting))
            return false;
        if (fault.kind == Fault::Kind::PowerLoss)
            losePower();
        if (fault.kind == Fault::Kind::Kill)
            killOurselves();
        lastErrno = fault.kind == Fault::Kind::DiskFull ? ENOSPC : EIO;
        return true;
    }
    bool kills() const { return fault.kind == Fault::Kind::TornKill; }
    int failed(int ioError) const { return fault.kind == Fault::Kind::DiskFull ? SQLITE_FULL : ioError; }

    bool byChance() { return (random() & 1) != 0; }

    /// The parts of `change` that reached the disk by chance.
    void keepSectors(const Change& change, std::string& content)
    {
        for (std::size_t at = 0; at < change.bytes.size(); at += kSector) {
            if (byChance())
                Change {false, change.offset + at, change.bytes.substr(at, kSector)}.applyTo(content);
        }
    }

    [[noreturn]] void losePower()
    {
        random.seed(fault.seed);
        for (auto& [path, remembered] : files) {
            if (::access(path.c_str(), F_OK) != 0) // renamed or removed by other means
                continue;
            for (const Change& change : remembered.pending) {
                if (fault.unsynced == Fault::Unsynced::Torn && !change.truncates)
                    keepSectors(change, remembered.synced);
                else if (fault.unsynced != Fault::Unsynced::Lost && byChance())
                    change.applyTo(remembered.synced);
            }
            if (remembered.exists || fault.unsynced != Fault::Unsynced::Lost)
                writeFile(path, remembered.synced);
            else
                ::unlink(path.c_str());
        }
        for (const auto& [path, content] : undeleted) {
            if (::access(path.c_str(), F_OK) != 0 && (fault.unsynced == Fault::Unsynced::Lost || byChance()))
                writeFile(path, content);
        }
        killOurselves();
    }

    Remembered* remember(const char* name, bool existed, sqlite3_file* real)
    {
        if (fault.kind != Fault::Kind::PowerLoss || !name)
            return nullptr;
        const auto [entry, isNew] = files.try_emplace(name);
        Remembered& remembered = entry->second;
        if (!isNew)
            return &remembered;
        remembered.exists = existed;
        remembered.syncsFolder = !existed;
        sqlite3_int64 size = 0;
        if (existed && real->pMethods->xFileSize(real, &size) == SQLITE_OK) {
            remembered.synced.resize(static_cast<std::size_t>(size));
            real->pMethods->xRead(real, remembered.synced.data(), static_cast<int>(size), 0);
        }
        return &remembered;
    }

    void synced(Remembered* remembered)
    {
        if (!remembered)
            return;
        for (const Change& change : remembered->pending)
            change.applyTo(remembered->synced);
        remembered->pending.clear();
        remembered->exists = true;
        if (std::exchange(remembered->syncsFolder, false))
            undeleted.clear();
    }

    static int open(sqlite3_vfs* vfs, sqlite3_filename name, sqlite3_file* opened, int flags, int* outFlags)
    {
        Impl& self = of(vfs);
        int existed = 1;
        if (name)
            self.system->xAccess(self.system, name, SQLITE_ACCESS_EXISTS, &existed);
        opened->pMethods = nullptr;
        const bool creates = existed == 0 && (flags & SQLITE_OPEN_CREATE) != 0;
        const bool counts = self.fault.kind != Fault::Kind::DiskFull || creates;
        const bool struck = counts && self.strikes(Open);
        if (struck && !self.kills())
            return SQLITE_CANTOPEN;
        File& created = file(opened);
        created.owner = &self;
        const int code = self.system->xOpen(self.system, name, created.real(), flags, outFlags);
        if (code != SQLITE_OK)
            return code;
        if (struck)
            killOurselves();
        created.remembered = self.remember(name, existed != 0, created.real());
        opened->pMethods = &self.methods;
        return SQLITE_OK;
    }

    static int remove(sqlite3_vfs* vfs, const char* name, int syncFolder)
    {
        Impl& self = of(vfs);
        const bool struck = self.strikes(Delete);
        if (struck && !self.kills())
            return SQLITE_IOERR_DELETE;
        const int code = self.system->xDelete(self.system, name, syncFolder);
        if (struck)
            killOurselves();
        if (const auto found = self.files.find(name); code == SQLITE_OK && found != self.files.end()) {
            if (found->second.exists && syncFolder == 0)
                self.undeleted[name] = found->second.synced;
            self.files.erase(found);
        }
        if (syncFolder != 0)
            self.undeleted.clear();
        return code;
    }

    static int close(sqlite3_file* closed) { return file(closed).real()->pMethods->xClose(file(closed).real()); }

    static int read(sqlite3_file* from, void* bytes, int size, sqlite3_int64 offset)
    {
        File& self = file(from);
        if (self.owner->strikes(Read))
            return SQLITE_IOERR_READ;
        return self.real()->pMethods->xRead(self.real(), bytes, size, offset);
    }

    static int write(sqlite3_file* to, const void* bytes, int size, sqlite3_int64 offset)
    {
        File& self = file(to);
        if (self.owner->strikes(Write)) {
            if (self.owner->fault.kind != Fault::Kind::IoError)
                self.real()->pMethods->xWrite(self.real(), bytes, size / 2, offset);
            if (self.owner->kills())
                killOurselves();
            return self.owner->failed(SQLITE_IOERR_WRITE);
        }
        if (self.remembered)
            self.remembered->pending.push_back(
                {false, static_cast<std::size_t>(offset),
                 std::string(static_cast<const char*>(bytes), static_cast<std::size_t>(size))});
        return self.real()->pMethods->xWrite(self.real(), bytes, size, offset);
    }

    static int truncate(sqlite3_file* shortened, sqlite3_int64 size)
    {
        File& self = file(shortened);
        const bool struck = self.owner->strikes(Truncate);
        if (struck && !self.owner->kills())
            return self.owner->failed(SQLITE_IOERR_TRUNCATE);
        if (self.remembered)
            self.remembered->pending.push_back({true, static_cast<std::size_t>(size), {}});
        const int code = self.real()->pMethods->xTruncate(self.real(), size);
        if (struck)
            killOurselves();
        return code;
    }

    static int sync(sqlite3_file* flushed, int flags)
    {
        File& self = file(flushed);
        const bool struck = self.owner->strikes(Sync);
        if (struck && !self.owner->kills())
            return SQLITE_IOERR_FSYNC;
        const int code = self.real()->pMethods->xSync(self.real(), flags);
        if (struck)
            killOurselves();
        self.owner->synced(self.remembered);
        return code;
    }

    static int control(sqlite3_file* controlled, int operation, void* argument)
    {
        File& self = file(controlled);
        if (operation == SQLITE_FCNTL_LAST_ERRNO && self.owner->lastErrno != 0) {
            *static_cast<int*>(argument) = self.owner->lastErrno;
            return SQLITE_OK;
        }
        return self.real()->pMethods->xFileControl(self.real(), operation, argument);
    }

    static int map(sqlite3_file* mapped, int region, int size, int extend, void volatile** memory)
    {
        File& self = file(mapped);
        if (self.owner->strikes(Map))
            return SQLITE_IOERR_SHMMAP;
        return self.real()->pMethods->xShmMap(self.real(), region, size, extend, memory);
    }

    static int lastError(sqlite3_vfs* vfs, int size, char* text)
    {
        Impl& self = of(vfs);
        return self.lastErrno != 0 ? self.lastErrno : self.system->xGetLastError(self.system, size, text);
    }

    void fillMethods()
    {
        methods.iVersion = 2; // shared memory, no memory map
        methods.xClose = close;
        methods.xRead = read;
        methods.xWrite = write;
        methods.xTruncate = truncate;
        methods.xSync = sync;
        methods.xFileControl = control;
        methods.xShmMap = map;
        methods.xFileSize = [](sqlite3_file* f, sqlite3_int64* size) {
            return file(f).real()->pMethods->xFileSize(file(f).real(), size);
        };
        methods.xLock = [](sqlite3_file* f, int level) {
            return file(f).real()->pMethods->xLock(file(f).real(), level);
        };
        methods.xUnlock = [](sqlite3_file* f, int level) {
            return file(f).real()->pMethods->xUnlock(file(f).real(), level);
        };
        methods.xCheckReservedLock = [](sqlite3_file* f, int* held) {
            return file(f).real()->pMethods->xCheckReservedLock(file(f).real(), held);
        };
        methods.xSectorSize = [](sqlite3_file* f) { return file(f).real()->pMethods->xSectorSize(file(f).real()); };
        methods.xDeviceCharacteristics = [](sqlite3_file* f) {
            return file(f).real()->pMethods->xDeviceCharacteristics(file(f).real());
        };
        methods.xShmLock = [](sqlite3_file* f, int offset, int locks, int flags) {
            return file(f).real()->pMethods->xShmLock(file(f).real(), offset, locks, flags);
        };
        methods.xShmBarrier = [](sqlite3_file* f) { file(f).real()->pMethods->xShmBarrier(file(f).real()); };
        methods.xShmUnmap = [](sqlite3_file* f, int remove) {
            return file(f).real()->pMethods->xShmUnmap(file(f).real(), remove);
        };
    }

    void fillVfs()
    {
        vfs.iVersion = 1;
        vfs.szOsFile = static_cast<int>(sizeof(File)) + system->szOsFile;
        vfs.mxPathname = system->mxPathname;
        vfs.zName = kName;
        vfs.pAppData = this;
        vfs.xOpen = open;
        vfs.xDelete = remove;
        vfs.xGetLastError = lastError;
        vfs.xAccess = [](sqlite3_vfs* v, const char* name, int flags, int* result) {
            return of(v).system->xAccess(of(v).system, name, flags, result);
        };
        vfs.xFullPathname = [](sqlite3_vfs* v, const char* name, int size, char* full) {
            return of(v).system->xFullPathname(of(v).system, name, size, full);
        };
        vfs.xRandomness = [](sqlite3_vfs* v, int size, char* bytes) {
            return of(v).system->xRandomness(of(v).system, size, bytes);
        };
        vfs.xSleep = [](sqlite3_vfs* v, int microseconds) { return of(v).system->xSleep(of(v).system, microseconds); };
        vfs.xCurrentTime = [](sqlite3_vfs* v, double* now) { return of(v).system->xCurrentTime(of(v).system, now); };
    }
};

FaultyVfs::FaultyVfs()
    : m_impl(std::make_unique<Impl>())
{
    m_impl->fillMethods();
    m_impl->fillVfs();
    const int registered = sqlite3_vfs_register(&m_impl->vfs, 1);
    PSC_ASSERT(registered == SQLITE_OK, "the faulty file system cannot be registered");
}

FaultyVfs::~FaultyVfs()
{
    sqlite3_vfs_register(m_impl->system, 1);
    sqlite3_vfs_unregister(&m_impl->vfs);
}

void FaultyVfs::arm(const Fault& fault)
{
    m_impl->fault = fault;
    m_impl->count = 0;
    m_impl->lastErrno = 0;
}

std::int64_t FaultyVfs::calls() const
{
    return m_impl->count;
}

} // namespace paretoscope::core
