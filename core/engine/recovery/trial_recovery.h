// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/json.h"
#include "core/base/result.h"
#include "core/cache/file_lock.h"
#include "core/engine/activations/activation_store.h"
#include "core/engine/model/model_tensors.h"
#include "core/engine/trial_log.h"

#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace paretoscope::engine {

/// What of an unfinished trial is safe on disk, so that killing the process at any moment costs at most the block in
/// hand. After every block: what the block replaced and logged (a part), and the activations that enter the next block.
///
/// Files lie in FOLDER/trials/<hash of the key>/, appear under their names whole, and carry checksums. Each is on disk
/// before save() returns (file, then name), activations before the part that names their checksum: neither a kill nor a
/// power cut loses a finished block. A damaged file counts as absent and costs the work since the one before; the log
/// then holds a sentence. Only the two newest sets of activations are kept. What nobody takes up again goes when the
/// cache needs its room (core::ArtifactCache). Results after going on are those of an
/// undisturbed run, bit for bit. A folder that cannot be written costs safety, never the trial; the log then holds a
/// warning.
class TrialRecovery
{
public:
    /// Where a trial goes on: before `block` of a step (Pipeline::steps); -1 stands for the tensors outside the blocks.
    /// The step after the last one is the evaluation.
    struct Position
    {
        int step = 0;
        int block = -1;
        bool operator==(const Position&) const = default;
    };

    /// Nothing is kept without a folder, or while another process works on the same trial.
    /// @param key everything that the result depends on, threads and device included
    TrialRecovery(const std::filesystem::path& cacheFolder, const core::Json& key);
    ~TrialRecovery();
    TrialRecovery(const TrialRecovery&) = delete;
    TrialRecovery& operator=(const TrialRecovery&) = delete;

    /// Brings tensors and log to where an earlier process came; call once, first.
    void restore(ModelTensors& tensors, TrialLog& log);
    const Position& position() const { return m_position; }
    /// The activations that enter `at`. False when there are none: the samples then pass the finished blocks again.
    /// @param log told when they were kept, but are damaged
    bool restoreStates(const Position& at, ActivationStore& states, TrialLog& log) const;

    /// Everything before `next` is done. @param states null where none are needed to go on
    void save(const Position& next, const ModelTensors& tensors, TrialLog& log, const ActivationStore* states);
    /// The same, unless the last time was a moment ago: for blocks that take less time than to write down.
    void saveNowAndThen(const Position& next, const ModelTensors& tensors, TrialLog& log,
                        const ActivationStore* states);
    /// What an earlier process left is of no use: a longer way is known otherwise.
    void startOver();
    /// Nothing from here on can be taken up again; what is kept already stays good.
    void pause() { m_paused = true; }
    /// The trial is finished: nothing is left behind.
    void finish();

private:
    struct Part;

    std::filesystem::path partFile(int number) const;
    std::filesystem::path statesFile(int number) const;
    std::optional<Part> readPart(int number, const TensorLayouts& layouts) const;
    bool removeRest() const;
    bool write(const Position& next, const ModelTensors& tensors, const TrialLog& log, const ActivationStore* states);

    std::filesystem::path m_folder; ///< empty: switched off
    std::optional<core::FileLock> m_lock;
    bool m_paused = false;
    int m_parts = 0; ///< valid ones
    Position m_position;
    std::string m_statesDigest; ///< of the newest part's activations; empty: none
    TrialLog m_saved;           ///< how much of the log is in parts already
    std::map<std::string, std::shared_ptr<const CompressedTensor>, std::less<>> m_savedTensors;
    std::chrono::steady_clock::time_point m_lastSave = std::chrono::steady_clock::now();
};

} // namespace paretoscope::engine
