// SPDX-License-Identifier: Apache-2.0
#include "core/engine/recovery/trial_recovery.h"

#include "core/base/mapped_file.h"
#include "core/base/sha256.h"
#include "core/checkpoint/output_file.h"
#include "core/engine/model/packed_tensor.h"
#include "core/sweep/trial_exchange.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <span>
#include <system_error>
#include <vector>

namespace paretoscope::engine {

namespace {

namespace fs = std::filesystem;
using core::Json;

constexpr std::size_t kDigestLength = 64;
constexpr std::chrono::seconds kNowAndThen {5};
constexpr std::int64_t kMostStateBytes = std::int64_t(4) << 30; ///< more are computed again rather than written

/// Written from the beginning to the end; on disk under its name, whole, once finish() has returned true.
class DurableFile
{
public:
    explicit DurableFile(const fs::path& path)
    {
        auto created = core::OutputFile::create(path, 0);
        if (created.ok())
            m_file = std::move(created).value();
    }
    void write(std::string_view bytes)
    {
        if (m_file && m_file->writeAt(m_end, std::as_bytes(std::span(bytes))).ok())
            m_end += static_cast<std::int64_t>(bytes.size());
        else
            m_file.reset();
    }
    bool finish() { return m_file && m_file->commit(true).ok(); }

private:
    std::optional<core::OutputFile> m_file; ///< empty once anything went wrong
    std::int64_t m_end = 0;
};

std::string damageText(const std::string& file, std::string_view remedy)
{
    return "going on after an interruption: " + file + " was missing or damaged; " + std::string(remedy);
}

std::string_view bytesOf(const at::Tensor& tensor)
{
    return {static_cast<const char*>(tensor.const_data_ptr()), tensor.nbytes()};
}

/// @return the SHA-256 in hexadecimal digits, or nothing when the file could not be written
std::optional<std::string> writeStates(const fs::path& path, const ActivationStore& states)
{
    core::Sha256 hash;
    DurableFile file(path);
    const auto put = [&](std::string_view bytes) {
        hash.update(bytes);
        file.write(bytes);
    };
    for (std::size_t sample = 0; sample < states.size(); ++sample) {
        const auto value = states.getOnHost(sample);
        if (!value.ok())
            return std::nullopt;
        const at::Tensor raw = value.value().to(at::kFloat).contiguous(); // holds narrower types exactly
        put(Json(raw.sizes().vec()).dump() + '\n');
        put(bytesOf(raw));
    }
    return file.finish() ? std::optional(hash.finish().hex()) : std::nullopt;
}

bool readStates(const fs::path& path, const std::string& digest, ActivationStore& states)
{
    {
        const auto file = core::MappedFile::open(path);
        if (!file.ok() || core::sha256(file.value().bytes()).hex() != digest)
            return false;
    }
    std::ifstream in(path, std::ios::binary); // through a buffer: mapped pages would count as this process's memory
    for (std::size_t sample = 0; sample < states.size(); ++sample) {
        std::string header;
        if (!std::getline(in, header))
            return false;
        // The checksum held, so the header is what writeStates wrote.
        at::Tensor value = at::empty(Json::parse(header).get<std::vector<std::int64_t>>(), at::kFloat);
        in.read(static_cast<char*>(value.mutable_data_ptr()), static_cast<std::streamsize>(value.nbytes()));
        if (!in || !states.put(sample, value).ok())
            return false;
    }
    return true;
}

} // namespace

/// One file: 64 hex digits of the SHA-256 of all that follows, a line feed, one line of JSON, packed tensors.
struct TrialRecovery::Part
{
    Json header;
    std::map<std::string, std::shared_ptr<const CompressedTensor>> replaced;
};

TrialRecovery::TrialRecovery(const fs::path& cacheFolder, const Json& key)
{
    if (cacheFolder.empty())
        return;
    m_folder = cacheFolder / "trials" / core::sha256(core::canonicalJson(key)).hex();
    std::error_code problem;
    fs::create_directories(m_folder, problem);
    core::syncFolder(cacheFolder / "trials");
    core::syncFolder(cacheFolder);
    m_lock = core::FileLock::tryLock(m_folder / "lock");
    if (!m_lock)
        m_folder.clear();
}

TrialRecovery::~TrialRecovery() = default;

fs::path TrialRecovery::partFile(int number) const
{
    return m_folder / ("part-" + std::to_string(number));
}

fs::path TrialRecovery::statesFile(int number) const
{
    return m_folder / ("states-" + std::to_string(number));
}

std::optional<TrialRecovery::Part> TrialRecovery::readPart(int number, const TensorLayouts& layouts) const
{
    const auto file = core::MappedFile::open(partFile(number));
    if (!file.ok() || file.value().text().size() < kDigestLength + 1)
        return std::nullopt;
    const std::string_view content = file.value().text();
    std::string_view body = content.substr(kDigestLength + 1);
    if (core::sha256(body).hex() != content.substr(0, kDigestLength))
        return std::nullopt;
    // The checksum held, so the header is what write() wrote.
    const std::size_t end = body.find('\n');
    Part part;
    part.header = Json::parse(body.substr(0, end));
    body.remove_prefix(end + 1);
    for (const Json& entry : part.header.at("replaced")) {
        const auto bytes = entry.at("bytes").get<std::size_t>();
        auto tensor = unpack(body.substr(0, bytes), layouts);
        if (!tensor.ok())
            return std::nullopt;
        part.replaced.emplace(entry.at("name").get<std::string>(), std::move(tensor).value());
        body.remove_prefix(bytes);
    }
    return part;
}

void TrialRecovery::restore(ModelTensors& tensors, TrialLog& log)
{
    if (m_folder.empty())
        return;
    for (;; ++m_parts) {
        std::optional<Part> part = readPart(m_parts, tensors.layouts());
        if (!part)
            break;
        for (auto& [name, tensor] : part->replaced) {
            tensors.replace(name, std::move(tensor));
            // Should the scratch disk be full, the tensor stays in memory.
            static_cast<void>(tensors.spill(name));
            m_savedTensors[name] = tensors.replacement(name);
        }
        append(log, part->header.at("log"));
        m_position = {part->header.at("step").get<int>(), part->header.at("block").get<int>()};
        m_statesDigest = part->header.at("states_sha256").get<std::string>();
    }
    m_saved = log;
    if (removeRest())
        log.warnings.push_back(damageText("part-" + std::to_string(m_parts), "what it held was computed again"));
}

/// What lies behind the last valid part is done again; a process that was killed may have left unfinished files.
/// @return whether a part was among it
bool TrialRecovery::removeRest() const
{
    std::vector<fs::path> rest;
    bool hasPart = false;
    std::error_code problem;
    for (const fs::directory_entry& entry : fs::directory_iterator(m_folder, problem)) {
        const std::string name = entry.path().filename().string();
        const std::size_t dash = name.find('-');
        const bool isUnfinished = name.find(".tmp") != std::string::npos;
        if (dash == std::string::npos || (!isUnfinished && std::atoi(name.c_str() + dash + 1) < m_parts))
            continue;
        hasPart = hasPart || (!isUnfinished && name.starts_with("part-"));
        rest.push_back(entry.path());
    }
    for (const fs::path& path : rest)
        fs::remove(path, problem);
    return hasPart;
}

bool TrialRecovery::restoreStates(const Position& at, ActivationStore& states, TrialLog& log) const
{
    if (m_folder.empty() || m_parts == 0 || at != m_position || m_statesDigest.empty())
        return false;
    const fs::path file = statesFile(m_parts - 1);
    if (readStates(file, m_statesDigest, states))
        return true;
    log.warnings.push_back(damageText(file.filename().string(), "the samples passed the finished blocks again"));
    return false;
}

void TrialRecovery::startOver()
{
    m_parts = 0;
    m_position = {};
    m_statesDigest.clear();
    m_saved = {};
    m_savedTensors.clear();
    if (!m_folder.empty())
        removeRest();
}

void TrialRecovery::save(const Position& next, const ModelTensors& tensors, TrialLog& log,
                         const ActivationStore* states)
{
    if (m_folder.empty() || m_paused || write(next, tensors, log, states))
        return;
    log.warnings.push_back("this trial could not be resumed after an interruption: " + m_folder.string() +
                           " cannot be written, or a method's results cannot be read back");
    finish();
}

void TrialRecovery::saveNowAndThen(const Position& next, const ModelTensors& tensors, TrialLog& log,
                                   const ActivationStore* states)
{
    if (std::chrono::steady_clock::now() - m_lastSave >= kNowAndThen)
        save(next, tensors, log, states);
}

bool TrialRecovery::write(const Position& next, const ModelTensors& tensors, const TrialLog& log,
                          const ActivationStore* states)
{
    std::string digest;
    if (states && states->bytes().value <= kMostStateBytes) {
        const auto written = writeStates(statesFile(m_parts), *states);
        if (!written)
            return false;
        digest = *written;
    }
    Json replaced = Json::array();
    std::string packed;
    for (const auto& [name, tensor] : tensors.replacements()) {
        if (const auto saved = m_savedTensors.find(name); saved != m_savedTensors.end() && saved->second == tensor)
            continue;
        if (!tensors.layouts().canRead(*tensor))
            return false;
        const std::string bytes = pack(*tensor);
        replaced.push_back({{"name", name}, {"bytes", bytes.size()}});
        packed += bytes;
        m_savedTensors[name] = tensor;
    }
    const std::string body = Json {{"step", next.step},
                                   {"block", next.block},
                                   {"states_sha256", digest},
                                   {"log", logSince(m_saved, log)},
                                   {"replaced", std::move(replaced)}}
                                 .dump() +
                             '\n' + packed;
    DurableFile file(partFile(m_parts));
    file.write(core::sha256(body).hex() + '\n');
    file.write(body);
    if (!file.finish())
        return false;
    std::error_code ignored;
    fs::remove(statesFile(m_parts - 2), ignored);
    m_saved = log;
    ++m_parts;
    m_lastSave = std::chrono::steady_clock::now();
    return true;
}

void TrialRecovery::finish()
{
    if (m_folder.empty())
        return;
    std::error_code ignored;
    fs::remove_all(m_folder, ignored);
    m_folder.clear();
    m_lock.reset();
}

} // namespace paretoscope::engine
