// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace paretoscope::engine {

/// Base of everything the host offers beyond the task at hand: activation samples, replay, gradients, evaluation by
/// token slice, KV stores, training, HTTP. Each service is an interface with a static `kId` and `kVersion`; a changed
/// interface gets a new version beside the old one, so that a new one never changes an old plugin.
class Service
{
public:
    virtual ~Service() = default;
};

class HostServices
{
public:
    virtual ~HostServices() = default;

    /// The service, or null when this host does not offer that version; plugins state what they need in the manifest
    /// ("needs": {"services": {"id": version}}), so a missing one is refused before any work.
    virtual Service* find(std::string_view id, int version) = 0;

    template <typename T>
    T* service()
    {
        return static_cast<T*>(find(T::kId, T::kVersion));
    }
};

} // namespace paretoscope::engine
