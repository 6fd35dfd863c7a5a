// SPDX-License-Identifier: Apache-2.0
#include "core/engine/host/service_host.h"

#include <array>

namespace paretoscope::engine {

namespace {

template <typename T>
constexpr ServiceName nameOf()
{
    return {T::kId, T::kVersion};
}

constexpr std::array kOffered {nameOf<ActivationSamples>(),   nameOf<Checkpoints>(), nameOf<Commands>(),
                               nameOf<IncrementalDecoding>(), nameOf<Gradients>(),   nameOf<Replay>()};

} // namespace

std::span<const ServiceName> offeredServices()
{
    return kOffered;
}

ServiceHost::ServiceHost(const ServiceContext& context)
    : m_calibration {context.model, context.tensors, context.calibration, context.hooks, context.observer}
    , m_original(m_calibration, ActivationSource::Original)
    , m_current(m_calibration, ActivationSource::Current)
    , m_samples(context.model, context.calibration, m_original, m_current)
    , m_checkpoints(context.model, context.architectures, context.tensors.device())
    , m_commands({context.model, context.tensors, context.hooks, context.makeStore, context.observer}, context.commands)
    , m_decoding({context.model, context.tensors, context.hooks, {}, context.residentLimit}, context.makeStore)
    , m_gradients({context.model, context.tensors, context.hooks, context.observer}, context.calibration)
    , m_replay(m_calibration, m_original, m_current)
{}

Service* ServiceHost::find(std::string_view id, int version)
{
    // Through the interface, which is what HostServices::service() casts back to.
    const auto is = [&](const ServiceName& name) { return name.id == id && name.version == version; };
    if (is(nameOf<ActivationSamples>()))
        return static_cast<ActivationSamples*>(&m_samples);
    if (is(nameOf<Checkpoints>()))
        return static_cast<Checkpoints*>(&m_checkpoints);
    if (is(nameOf<Commands>()))
        return static_cast<Commands*>(&m_commands);
    if (is(nameOf<IncrementalDecoding>()))
        return static_cast<IncrementalDecoding*>(&m_decoding);
    if (is(nameOf<Gradients>()))
        return static_cast<Gradients*>(&m_gradients);
    if (is(nameOf<Replay>()))
        return static_cast<Replay*>(&m_replay);
    return nullptr;
}

} // namespace paretoscope::engine
