// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/json.h"
#include "core/engine/aten.h"

#include <filesystem>
#include <optional>

namespace paretoscope::engine {

struct CachedTensor
{
    at::Tensor value; ///< float32
    core::Json note;  ///< what was stored with it
};

/// Tensors on disk, by the hash of what they were made from. Safe for several processes and threads: files appear whole
/// under their final name, and one whose checksum is wrong is removed and counts as absent. A cache that cannot be
/// written costs speed, never a trial.
class TensorCache
{
public:
    /// An empty folder switches the cache off.
    explicit TensorCache(std::filesystem::path folder)
        : m_folder(std::move(folder))
    {}

    /// `key` names everything that the value depends on.
    std::optional<CachedTensor> find(const core::Json& key) const;
    /// Whether there is an entry of that key, without reading it.
    bool contains(const core::Json& key) const;
    /// @return whether it is there now
    bool store(const core::Json& key, const at::Tensor& value, const core::Json& note = core::Json::object()) const;
    bool enabled() const { return !m_folder.empty(); }

private:
    std::filesystem::path fileOf(const core::Json& key) const;

    std::filesystem::path m_folder;
};

} // namespace paretoscope::engine
