// SPDX-License-Identifier: Apache-2.0
#include "core/engine/layout/bit_stream.h"

#include "core/engine/device/transfer.h"

namespace paretoscope::engine {

namespace {

template <typename Number>
void pack(const Number* in, std::int64_t count, int bits, std::int32_t* words)
{
    std::uint64_t pending = 0; // the lowest `filled` bits wait to be written
    int filled = 0;
    for (std::int64_t i = 0; i < count; ++i) {
        pending |= std::uint64_t(static_cast<std::uint32_t>(in[i])) << filled;
        filled += bits;
        if (filled >= 32) {
            *words++ = static_cast<std::int32_t>(static_cast<std::uint32_t>(pending));
            pending >>= 32;
            filled -= 32;
        }
    }
    if (filled > 0)
        *words = static_cast<std::int32_t>(static_cast<std::uint32_t>(pending));
}

} // namespace

at::Tensor packStream(const at::Tensor& values, int bits)
{
    const at::Tensor onHost = toHost(values);
    at::Tensor words = at::empty({wordsFor(onHost.numel(), bits)}, at::kInt);
    auto* out = words.mutable_data_ptr<std::int32_t>();
    if (onHost.scalar_type() == at::kByte)
        pack(onHost.const_data_ptr<std::uint8_t>(), onHost.numel(), bits, out);
    else
        pack(onHost.const_data_ptr<std::int32_t>(), onHost.numel(), bits, out);
    return words;
}

at::Tensor unpackStream(const at::Tensor& words, std::int64_t count, int bits)
{
    at::Tensor values = at::empty({count}, at::kInt);
    const auto* in = reinterpret_cast<const std::uint32_t*>(words.const_data_ptr<std::int32_t>());
    auto* out = values.mutable_data_ptr<std::int32_t>();
    const std::uint64_t mask = (std::uint64_t(1) << bits) - 1;
    std::uint64_t pending = 0;
    int filled = 0;
    for (std::int64_t i = 0; i < count; ++i) {
        if (filled < bits) {
            pending |= std::uint64_t(*in++) << filled;
            filled += 32;
        }
        out[i] = static_cast<std::int32_t>(pending & mask);
        pending >>= bits;
        filled -= bits;
    }
    return values;
}

} // namespace paretoscope::engine
