// SPDX-License-Identifier: Apache-2.0
#include "core/cache/artifact_cache.h"

#include "core/base/sha256.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <system_error>
#include <thread>
#include <utility>

namespace paretoscope::core {

namespace {

namespace fs = std::filesystem;
using Clock = fs::file_time_type::clock;

constexpr std::array kKinds {ArtifactKind::Statistic, ArtifactKind::Collection, ArtifactKind::Reference,
                             ArtifactKind::Prefix};
/// Layout of an entry: 64 hex digits of the SHA-256 of all that follows, a line feed, the note as one line of JSON, the
/// content.
constexpr std::size_t kDigestLength = 64;
constexpr std::int64_t kLargestDefaultLimit = std::int64_t(64) << 30;
constexpr std::int64_t kSpareShare = 10; ///< a tenth is freed at once: not every entry looks through the folder again
constexpr std::chrono::minutes kSignOfLife {2};
constexpr std::chrono::milliseconds kPoll {50};
constexpr std::chrono::hours kAbandoned {1}; ///< an unfinished file that nobody wrote to for so long
constexpr std::string_view kUnfinished = ".new";

std::string_view folderOf(ArtifactKind kind)
{
    switch (kind) {
    case ArtifactKind::Statistic:
        return "statistics";
    case ArtifactKind::Collection:
        return "collections";
    case ArtifactKind::Reference:
        return "references";
    case ArtifactKind::Prefix:
        break;
    }
    return "prefixes";
}

std::string hashOf(const Json& key)
{
    return sha256(canonicalJson(key)).hex();
}

bool writeAll(int descriptor, std::string_view bytes)
{
    while (!bytes.empty()) {
        const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

/// What trim() keeps or removes as a whole: an entry, or the folder of an unfinished trial.
struct Piece
{
    fs::file_time_type used;
    fs::path path;
    std::int64_t bytes = 0;
    bool isTrial = false;
};

std::int64_t bytesOf(const fs::directory_entry& entry)
{
    std::error_code problem;
    const auto size = entry.file_size(problem);
    return problem ? 0 : static_cast<std::int64_t>(size);
}

bool isOlderThan(const fs::directory_entry& entry, Clock::duration age)
{
    std::error_code problem;
    const auto time = entry.last_write_time(problem);
    return !problem && Clock::now() - time > age;
}

void addEntries(const fs::path& folder, std::vector<Piece>& pieces)
{
    std::error_code problem;
    for (fs::recursive_directory_iterator i(folder, problem), end; !problem && i != end; i.increment(problem)) {
        std::error_code ignored;
        if (!i->is_regular_file(ignored))
            continue;
        if (i->path().filename().string().find(kUnfinished) == std::string::npos)
            pieces.push_back({i->last_write_time(ignored), i->path(), bytesOf(*i)});
        else if (isOlderThan(*i, kAbandoned))
            fs::remove(i->path(), ignored);
    }
}

void addTrials(const fs::path& folder, std::vector<Piece>& pieces)
{
    std::error_code problem;
    for (fs::directory_iterator i(folder, problem), end; !problem && i != end; i.increment(problem)) {
        std::error_code ignored;
        Piece piece {i->last_write_time(ignored), i->path(), 0, true};
        for (const fs::directory_entry& file : fs::directory_iterator(i->path(), ignored))
            piece.bytes += bytesOf(file);
        pieces.push_back(std::move(piece));
    }
}

/// Claims of processes that were killed. Their files are empty, so only their number could hurt.
void removeOldClaims(const fs::path& folder)
{
    std::error_code problem;
    for (fs::directory_iterator i(folder, problem), end; !problem && i != end; i.increment(problem)) {
        if (!isOlderThan(*i, kAbandoned))
            continue;
        if (auto lock = FileLock::tryLock(i->path()))
            lock->remove();
    }
}

/// @return whether it is gone
bool removePiece(const Piece& piece)
{
    std::error_code problem;
    if (!piece.isTrial)
        return fs::remove(piece.path, problem) || !problem;
    const auto lock = FileLock::tryLock(piece.path / "lock");
    if (!lock)
        return false; // somebody works on it
    fs::remove_all(piece.path, problem);
    return !problem;
}

/// @return bytes that are left of `used`; more than `goal` where somebody works on what is left
std::int64_t removeOldest(std::vector<Piece> pieces, std::int64_t used, std::int64_t goal)
{
    std::sort(pieces.begin(), pieces.end(), [](const Piece& a, const Piece& b) { return a.used < b.used; });
    for (const Piece& piece : pieces) {
        if (used <= goal)
            break;
        if (removePiece(piece))
            used -= piece.bytes;
    }
    return used;
}

} // namespace

std::string_view artifactKindName(ArtifactKind kind)
{
    switch (kind) {
    case ArtifactKind::Statistic:
        return "statistic";
    case ArtifactKind::Collection:
        return "collection";
    case ArtifactKind::Reference:
        return "reference";
    case ArtifactKind::Prefix:
        break;
    }
    return "prefix";
}

ArtifactCache::ArtifactCache(fs::path folder, std::optional<Bytes> limit)
    : m_folder(std::move(folder))
    , m_limit(limit)
{}

fs::path ArtifactCache::fileOf(ArtifactKind kind, const Json& key) const
{
    const std::string hex = hashOf(key);
    return m_folder / folderOf(kind) / hex.substr(0, 2) / hex.substr(2);
}

fs::path ArtifactCache::claimOf(ArtifactKind kind, const Json& key) const
{
    return m_folder / "claims" / (std::string(artifactKindName(kind)) + '-' + hashOf(key));
}

bool ArtifactCache::contains(ArtifactKind kind, const Json& key) const
{
    std::error_code ignored;
    return enabled() && fs::is_regular_file(fileOf(kind, key), ignored);
}

std::optional<ArtifactCache::Entry> ArtifactCache::find(ArtifactKind kind, const Json& key)
{
    if (!enabled())
        return std::nullopt;
    const fs::path path = fileOf(kind, key);
    auto file = MappedFile::open(path);
    if (!file.ok())
        return std::nullopt;
    const std::string_view text = file.value().text();
    const std::string_view body = text.substr(std::min(text.size(), kDigestLength + 1));
    const std::size_t end = body.find('\n');
    if (end == std::string_view::npos || sha256(body).hex() != text.substr(0, kDigestLength)) {
        std::error_code ignored;
        fs::remove(path, ignored);
        const std::lock_guard lock(m_mutex);
        m_remarks.push_back("a " + std::string(artifactKindName(kind)) + " in the cache was damaged (" + path.string() +
                            "); it was removed and is computed again");
        return std::nullopt;
    }
    ::utimensat(AT_FDCWD, path.c_str(), nullptr, 0); // used now
    // The checksum held, so the note is what store() wrote.
    Entry entry {Json::parse(body.substr(0, end)), std::move(file).value(), body.substr(end + 1)};
    return entry;
}

bool ArtifactCache::store(ArtifactKind kind, const Json& key, const Json& note,
                          std::span<const std::string_view> content)
{
    if (!enabled())
        return false;
    std::int64_t bytes = 0;
    for (const std::string_view part : content)
        bytes += static_cast<std::int64_t>(part.size());
    if (m_limit && bytes > m_limit->value)
        return false;
    bool isFull = false;
    {
        const std::lock_guard lock(m_mutex);
        isFull = !m_room || *m_room < bytes;
    }
    if (isFull)
        makeRoom(bytes);
    if (!write(fileOf(kind, key), note, content))
        return false;
    const std::lock_guard lock(m_mutex);
    if (m_room)
        *m_room -= bytes;
    return true;
}

bool ArtifactCache::write(const fs::path& file, const Json& note, std::span<const std::string_view> content)
{
    static std::atomic<unsigned> number {0};
    const fs::path temporary =
        file.string() + std::string(kUnfinished) + std::to_string(::getpid()) + '-' + std::to_string(number++);
    const std::string header = note.dump() + '\n';
    Sha256 hash;
    hash.update(header);
    for (const std::string_view part : content)
        hash.update(part);

    std::error_code problem;
    fs::create_directories(file.parent_path(), problem);
    const int descriptor = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor < 0)
        return false;
    bool isWritten = writeAll(descriptor, hash.finish().hex() + '\n') && writeAll(descriptor, header);
    for (const std::string_view part : content)
        isWritten = isWritten && writeAll(descriptor, part);
    isWritten = ::close(descriptor) == 0 && isWritten;
    // Not synced: an entry torn by a power cut fails its checksum.
    if (isWritten)
        fs::rename(temporary, file, problem);
    if (isWritten && !problem)
        return true;
    fs::remove(temporary, problem);
    return false;
}

ArtifactCache::Claim ArtifactCache::claim(ArtifactKind kind, const Json& key)
{
    if (!enabled())
        return nullptr;
    std::error_code ignored;
    fs::create_directories(m_folder / "claims", ignored);
    auto lock = FileLock::tryLock(claimOf(kind, key));
    if (!lock)
        return nullptr;
    lock->touch();
    // The file goes with the claim; a process that is killed leaves it to makeRoom().
    const Claim claim(new FileLock(std::move(*lock)), [](FileLock* held) {
        held->remove();
        delete held;
    });
    const std::lock_guard guard(m_mutex);
    std::erase_if(m_claims, [](const auto& known) { return known.expired(); });
    m_claims.push_back(claim);
    return claim;
}

ArtifactCache::Claim ArtifactCache::awaitClaim(ArtifactKind kind, const Json& key, const std::function<bool()>& goesOn)
{
    Claim ours;
    waitWhile([&] {
        ours = claim(kind, key);
        return !ours && isClaimed(kind, key) && goesOn();
    });
    return ours;
}

void ArtifactCache::waitWhile(const std::function<bool()>& condition)
{
    while (condition())
        std::this_thread::sleep_for(kPoll);
}

void ArtifactCache::touchClaims()
{
    const std::lock_guard guard(m_mutex);
    for (const auto& known : m_claims) {
        if (const Claim claim = known.lock())
            claim->touch();
    }
}

bool ArtifactCache::isClaimed(ArtifactKind kind, const Json& key) const
{
    std::error_code ignored;
    const fs::directory_entry file(claimOf(kind, key), ignored);
    if (!enabled() || !file.exists(ignored) || isOlderThan(file, kSignOfLife))
        return false;
    auto lock = FileLock::tryLock(file.path());
    if (lock)
        lock->remove(); // of a process that was killed
    return !lock;
}

Bytes ArtifactCache::limitFor(std::int64_t used) const
{
    if (m_limit)
        return *m_limit;
    std::error_code problem;
    const fs::space_info space = fs::space(m_folder, problem);
    const std::int64_t available =
        problem ? 0 : static_cast<std::int64_t>(std::min<std::uintmax_t>(space.available, std::uintmax_t(1) << 60));
    return {std::min((available + used) / 4, kLargestDefaultLimit)};
}

void ArtifactCache::makeRoom(std::int64_t bytes)
{
    if (!enabled())
        return;
    std::error_code ignored;
    fs::create_directories(m_folder, ignored); // its disk has to be known
    std::vector<Piece> pieces;
    for (const ArtifactKind kind : kKinds)
        addEntries(m_folder / folderOf(kind), pieces);
    addTrials(m_folder / "trials", pieces);
    std::int64_t used = 0;
    for (const Piece& piece : pieces)
        used += piece.bytes;
    const std::int64_t limit = limitFor(used).value;
    if (auto alone = FileLock::tryLock(m_folder / "lock")) {
        removeOldClaims(m_folder / "claims");
        if (used + bytes > limit)
            used = removeOldest(std::move(pieces), used, limit - limit / kSpareShare - bytes);
        alone->remove();
    }
    const std::lock_guard lock(m_mutex);
    m_room = std::max<std::int64_t>(0, limit - used);
}

std::vector<std::string> ArtifactCache::takeRemarks()
{
    const std::lock_guard lock(m_mutex);
    return std::exchange(m_remarks, {});
}

} // namespace paretoscope::core
