// SPDX-License-Identifier: Apache-2.0
#include "core/engine/prefix/prefix_store.h"

#include "core/engine/build_info.h"
#include "core/engine/model/packed_tensor.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

namespace paretoscope::engine {

namespace {

using core::ArtifactKind;
using core::Json;

/// A byte for each element of what was replaced: that is what codes take.
core::Bytes sizeInMemory(const ModelTensors& tensors)
{
    core::Bytes total;
    for (const auto& [name, tensor] : tensors.replacements()) {
        std::int64_t elements = 1;
        const core::TensorInfo* info = tensors.stored(name);
        for (const std::int64_t extent : info ? info->shape : std::vector<std::int64_t>())
            elements *= extent;
        total += core::Bytes {elements};
    }
    return total;
}

} // namespace

PrefixStore::PrefixStore(std::shared_ptr<core::ArtifactCache> cache, core::ComputeConditions conditions,
                         core::Bytes memoryLimit)
    : m_cache(std::move(cache))
    , m_conditions(std::move(conditions))
    , m_memoryLimit(memoryLimit)
{}

void PrefixStore::enter(const core::TrialRequest& request, const std::function<bool()>& goesOn)
{
    m_claims.clear();
    m_keys.clear();
    m_wanted = request.sharedBeginnings;
    for (int steps = 1; steps <= static_cast<int>(request.pipeline.steps().size()); ++steps)
        m_keys.push_back(
            core::prefixKey(request.workload, request.identity, request.pipeline, steps, request.seed, m_conditions));
    std::erase_if(m_memory, [&](const auto& kept) {
        return std::none_of(m_keys.begin(), m_keys.end(),
                            [&](const Json& key) { return core::canonicalJson(key) == kept.first; });
    });
    for (;;) {
        if (!waitForOthers(goesOn))
            return;
        std::vector<int> missing;
        std::copy_if(m_wanted.begin(), m_wanted.end(), std::back_inserter(missing),
                     [&](int steps) { return steps > longest(); });
        if (claimAll(missing))
            return;
        m_claims.clear(); // somebody else began at the same moment
    }
}

/// Claims nothing while it waits, so that two processes never wait for each other. @return whether to go on
bool PrefixStore::waitForOthers(const std::function<bool()>& goesOn) const
{
    const auto isMadeElsewhere = [&] {
        for (int steps = static_cast<int>(m_keys.size()); steps > longest(); --steps) {
            if (m_cache->isClaimed(ArtifactKind::Prefix, keyOf(steps)))
                return true;
        }
        return false;
    };
    bool mayGoOn = true;
    core::ArtifactCache::waitWhile([&] { return isMadeElsewhere() && (mayGoOn = goesOn()); });
    return mayGoOn;
}

/// A claim that cannot be had although nobody is waited for (no folder, a holder without a sign of life) is done
/// without.
bool PrefixStore::claimAll(const std::vector<int>& lengths)
{
    for (const int steps : lengths) {
        if (core::ArtifactCache::Claim claim = m_cache->claim(ArtifactKind::Prefix, keyOf(steps)))
            m_claims[steps] = std::move(claim);
        else if (m_cache->isClaimed(ArtifactKind::Prefix, keyOf(steps)))
            return false;
    }
    return true;
}

bool PrefixStore::isInMemory(int steps) const
{
    return m_memory.contains(core::canonicalJson(keyOf(steps)));
}

bool PrefixStore::isWanted(int steps) const
{
    return std::find(m_wanted.begin(), m_wanted.end(), steps) != m_wanted.end();
}

int PrefixStore::longest() const
{
    int steps = static_cast<int>(m_keys.size());
    while (steps > 0 && !isInMemory(steps) && !m_cache->contains(ArtifactKind::Prefix, keyOf(steps)))
        --steps;
    return steps;
}

std::optional<PrefixState> PrefixStore::find(int steps, const TensorLayouts& layouts)
{
    if (const auto kept = m_memory.find(core::canonicalJson(keyOf(steps))); kept != m_memory.end())
        return kept->second;
    const auto entry = m_cache->find(ArtifactKind::Prefix, keyOf(steps));
    if (!entry || entry->note.value("build", "") != buildName())
        return std::nullopt;
    // The checksum held, so the note is what store() wrote.
    PrefixState state;
    append(state.log, entry->note.at("log"));
    std::string_view content = entry->content;
    for (const Json& replaced : entry->note.at("replaced")) {
        const auto bytes = replaced.at("bytes").get<std::size_t>();
        auto tensor = unpack(content.substr(0, bytes), layouts);
        if (!tensor.ok())
            return std::nullopt;
        state.replaced.emplace(replaced.at("name").get<std::string>(), std::move(tensor).value());
        content.remove_prefix(bytes);
    }
    return state;
}

bool PrefixStore::keep(int steps, const ModelTensors& tensors, const TrialLog& log)
{
    const auto claim = m_claims.extract(steps); // let go at the end
    if (!isWanted(steps))
        return true;
    const bool fits = sizeInMemory(tensors).value <= m_memoryLimit.value;
    if (fits)
        m_memory.insert_or_assign(core::canonicalJson(keyOf(steps)), PrefixState {tensors.replacements(), log});
    return store(steps, tensors, log) || fits;
}

void PrefixStore::leave()
{
    m_claims.clear();
    for (int steps = 1; steps <= static_cast<int>(m_keys.size()); ++steps) {
        if (!isWanted(steps))
            m_memory.erase(core::canonicalJson(keyOf(steps)));
    }
}

bool PrefixStore::store(int steps, const ModelTensors& tensors, const TrialLog& log)
{
    if (m_cache->contains(ArtifactKind::Prefix, keyOf(steps)))
        return true;
    if (!m_cache->enabled())
        return false;
    Json replaced = Json::array();
    std::vector<std::string> packed;
    for (const auto& [name, tensor] : tensors.replacements()) {
        if (!tensors.layouts().canRead(*tensor))
            return false;
        packed.push_back(pack(*tensor));
        replaced.push_back({{"name", name}, {"bytes", packed.back().size()}});
    }
    const std::vector<std::string_view> content(packed.begin(), packed.end());
    return m_cache->store(ArtifactKind::Prefix, keyOf(steps),
                          {{"build", buildName()}, {"log", logSince({}, log)}, {"replaced", std::move(replaced)}},
                          content);
}

} // namespace paretoscope::engine
