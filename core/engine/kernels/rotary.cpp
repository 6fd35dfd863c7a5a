// SPDX-License-Identifier: Apache-2.0
#include "core/engine/kernels/rotary.h"

#include "core/engine/device/transfer.h"

#include <c10/core/InferenceMode.h>

#include <algorithm>

namespace paretoscope::engine {

namespace {

RotaryTable tableOf(const core::RotaryAngles& spec, const at::Tensor& positions, double amplitude)
{
    const at::Tensor frequencies = toDevice(at::tensor(spec.inverseFrequencies, at::kDouble), positions.device());
    const at::Tensor angles = at::outer(positions, frequencies);
    return {(angles.cos() * amplitude).to(at::kFloat), (angles.sin() * amplitude).to(at::kFloat)};
}

RotaryTable onDevice(const RotaryTable& table, at::Device device)
{
    return {toDevice(table.cosine, device), toDevice(table.sine, device)};
}

at::Tensor rotated(const at::Tensor& x, const RotaryTable& table, core::RotaryStyle style)
{
    const at::Tensor cosine = table.cosine.unsqueeze(1);
    const at::Tensor sine = table.sine.unsqueeze(1);
    if (style == core::RotaryStyle::Interleaved) {
        const at::Tensor pairs = x.unflatten(-1, {-1, 2});
        const at::Tensor a = pairs.select(-1, 0);
        const at::Tensor b = pairs.select(-1, 1);
        return at::stack({a * cosine - b * sine, b * cosine + a * sine}, -1).flatten(-2);
    }
    const std::int64_t half = x.size(-1) / 2;
    const at::Tensor a = x.narrow(-1, 0, half);
    const at::Tensor b = x.narrow(-1, half, half);
    return at::cat({a * cosine - b * sine, b * cosine + a * sine}, -1);
}

} // namespace

RotaryTable rotaryTable(const core::RotarySpec& spec, std::int64_t first, std::int64_t tokens, std::int64_t length)
{
    const core::RotaryAngles angles = spec.anglesFor(length);
    return tableOf(angles, at::arange(first, first + tokens, at::kDouble), angles.amplitude);
}

RotaryTable rotaryTableAt(const core::RotarySpec& spec, const at::Tensor& positions, bool isShift)
{
    return tableOf(spec.angles, positions.to(at::kDouble), isShift ? 1.0 : spec.angles.amplitude);
}

RotaryTable RotaryTables::at(const core::RotarySpec& spec, std::int64_t first, std::int64_t tokens,
                             at::Device device) const
{
    const std::int64_t end = first + tokens;
    const c10::InferenceMode isOff(false); // autograd cannot use a table that was made in inference mode
    if (spec.hasAnglesOfItsOwn(end))       // kept, there would be one for every length
        return onDevice(rotaryTable(spec, first, tokens, end), device);
    const core::RotaryAngles angles = spec.anglesFor(end);
    const std::lock_guard lock(m_mutex);
    RotaryTable& table = m_tables[{angles.amplitude, angles.inverseFrequencies, device.str()}];
    // Doubled, so that decoding token by token does not compute it anew for every token.
    const std::int64_t grown = table.cosine.defined() ? 2 * table.cosine.size(0) : 0;
    if (!table.cosine.defined() || table.cosine.size(0) < end)
        table = onDevice(rotaryTable(spec, 0, std::max(end, grown), end), device);
    return {table.cosine.narrow(0, first, tokens), table.sine.narrow(0, first, tokens)};
}

at::Tensor applyRotary(const at::Tensor& x, const RotaryTable& table, core::RotaryStyle style)
{
    const std::int64_t channels = table.cosine.size(1) * 2;
    if (channels == x.size(-1))
        return rotated(x, table, style).to(x.scalar_type());
    const at::Tensor turned = rotated(x.narrow(-1, 0, channels), table, style).to(x.scalar_type());
    return at::cat({turned, x.narrow(-1, channels, x.size(-1) - channels)}, -1);
}

} // namespace paretoscope::engine
