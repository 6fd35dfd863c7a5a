// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/cache/artifact_cache.h"
#include "core/engine/aten.h"

#include <memory>
#include <optional>
#include <utility>

namespace paretoscope::engine {

struct CachedTensor
{
    at::Tensor value; ///< float32
    core::Json note;  ///< what was stored with it
};

/// An entry that stays readable and whole as long as the object lives, even when another process removes it from the
/// cache. Between reads it takes address space and disk, but no memory.
class PinnedTensor
{
public:
    explicit PinnedTensor(core::ArtifactCache::Entry entry);

    at::Tensor read() const; ///< float32

private:
    core::ArtifactCache::Entry m_entry;
};

/// The tensors of one kind in a cache on disk.
class TensorCache
{
public:
    TensorCache(std::shared_ptr<core::ArtifactCache> cache, core::ArtifactKind kind)
        : m_cache(std::move(cache))
        , m_kind(kind)
    {}

    /// `key` names everything that the value depends on.
    std::optional<CachedTensor> find(const core::Json& key) const;
    /// The same without reading it all at once; its checksum is checked here.
    std::optional<PinnedTensor> pin(const core::Json& key) const;
    /// Whether there is an entry of that key, without reading it.
    bool contains(const core::Json& key) const { return m_cache->contains(m_kind, key); }
    /// @return whether it is there now
    bool store(const core::Json& key, const at::Tensor& value, const core::Json& note = core::Json::object()) const;
    bool enabled() const { return m_cache->enabled(); }
    core::ArtifactCache& artifacts() const { return *m_cache; }

private:
    std::shared_ptr<core::ArtifactCache> m_cache;
    core::ArtifactKind m_kind;
};

} // namespace paretoscope::engine
