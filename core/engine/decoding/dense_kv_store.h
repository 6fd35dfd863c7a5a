// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/engine/plugin/kv_store.h"

#include <memory>
#include <vector>

namespace paretoscope::engine {

/// Keeps every key and value as it was written, in float32.
class DenseKvStore : public KvStore
{
public:
    explicit DenseKvStore(const KvGeometry& geometry);

    static std::unique_ptr<KvStore> make(const KvGeometry& geometry);

    KvView write(int layer, const KvWrite& chunk) override;
    core::Bits storedBits(int layer) const override;

private:
    struct Layer
    {
        at::Tensor key; ///< [capacity, kvHeads, keyDim]
        at::Tensor value;
        std::int64_t kept = 0;
    };
    std::vector<Layer> m_layers;
};

} // namespace paretoscope::engine
