// SPDX-License-Identifier: Apache-2.0
#include "core/engine/decoding/dense_kv_store.h"

#include <algorithm>

namespace paretoscope::engine {

namespace {

constexpr std::int64_t kFirstCapacity = 64; // tokens

/// `rows` behind the `kept` rows of `buffer`, which grows by doubling so that appending stays linear.
void append(at::Tensor& buffer, std::int64_t kept, const at::Tensor& rows)
{
    const std::int64_t needed = kept + rows.size(0);
    if (!buffer.defined() || buffer.size(0) < needed) {
        const std::int64_t capacity = std::max({needed, 2 * kept, kFirstCapacity});
        at::Tensor larger = at::empty({capacity, rows.size(1), rows.size(2)}, rows.options());
        if (kept > 0)
            larger.narrow(0, 0, kept).copy_(buffer.narrow(0, 0, kept));
        buffer = std::move(larger);
    }
    buffer.narrow(0, kept, rows.size(0)).copy_(rows);
}

} // namespace

DenseKvStore::DenseKvStore(const KvGeometry& geometry)
    : m_layers(geometry.layers.size())
{}

std::unique_ptr<KvStore> DenseKvStore::make(const KvGeometry& geometry)
{
    return std::make_unique<DenseKvStore>(geometry);
}

KvView DenseKvStore::write(int layer, const KvWrite& chunk)
{
    Layer& stored = m_layers[static_cast<std::size_t>(layer)];
    append(stored.key, stored.kept, chunk.key);
    append(stored.value, stored.kept, chunk.value);
    stored.kept += chunk.key.size(0);
    return {stored.key.narrow(0, 0, stored.kept), stored.value.narrow(0, 0, stored.kept), {}};
}

core::Bits DenseKvStore::storedBits(int layer) const
{
    const Layer& stored = m_layers[static_cast<std::size_t>(layer)];
    if (stored.kept == 0)
        return {};
    const std::int64_t numbers = stored.key[0].numel() + stored.value[0].numel();
    return {stored.kept * numbers * 32};
}

} // namespace paretoscope::engine
