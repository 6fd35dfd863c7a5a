// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/cache/artifact_cache.h"
#include "core/engine/runner/stopwatch.h"
#include "core/engine/trial_observer.h"

namespace paretoscope::engine {

/// Tells those who wait for what this process makes that it is alive.
class SignOfLife : public TrialObserver
{
public:
    SignOfLife(TrialObserver& observer, core::ArtifactCache& cache)
        : m_observer(observer)
        , m_cache(cache)
    {}
    void progressed(std::string_view phase, int done, int total) override
    {
        if (m_sinceLast.seconds() > kInterval) {
            m_cache.touchClaims();
            m_sinceLast = {};
        }
        m_observer.progressed(phase, done, total);
    }
    bool isCancelled() const override { return m_observer.isCancelled(); }

private:
    static constexpr double kInterval = 10;
    TrialObserver& m_observer;
    core::ArtifactCache& m_cache;
    Stopwatch m_sinceLast;
};

} // namespace paretoscope::engine
