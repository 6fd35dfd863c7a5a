// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/engine/plugin/host_services.h"
#include "core/engine/trial_observer.h"

namespace paretoscope::tests {

/// A host that offers no service.
class NoServices : public engine::HostServices
{
public:
    engine::Service* find(std::string_view, int) override { return nullptr; }
};

/// Lets everything run to its end.
class SilentObserver : public engine::TrialObserver
{
public:
    void progressed(std::string_view, int, int) override {}
    bool isCancelled() const override { return false; }
};

} // namespace paretoscope::tests
