// SPDX-License-Identifier: Apache-2.0
#include "core/engine/accounting/stored_size.h"

#include <set>

namespace paretoscope::engine {

core::Bytes storedSize(const core::Architecture& architecture, const ModelTensors& tensors)
{
    core::Bits packed;
    core::Bytes untouched;
    std::set<const void*> counted;
    for (const core::ExpectedTensor& expected : architecture.tensors()) {
        const auto replacement = tensors.replacement(expected.name);
        if (!replacement) {
            untouched += tensors.checkpoint().find(expected.name)->stored;
            continue;
        }
        for (const StoredPart& part : replacement->storedParts()) {
            if (!part.storage || counted.insert(part.storage).second)
                packed += part.bits;
        }
    }
    return {untouched.value + (packed.value + 7) / 8};
}

} // namespace paretoscope::engine
