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
        std::vector<std::string> names;
        appendGraphNames(names, expected);
        std::int64_t asStored = 0; ///< of the matrices in this tensor
        for (const std::string& name : names) {
            const auto replacement = tensors.replacement(name);
            if (!replacement) {
                ++asStored;
                continue;
            }
            for (const StoredPart& part : replacement->storedParts()) {
                if (!part.storage || counted.insert(part.storage).second)
                    packed += part.bits;
            }
        }
        const core::Bytes stored = tensors.checkpoint().find(expected.name)->stored;
        untouched += core::Bytes {stored.value * asStored / static_cast<std::int64_t>(names.size())};
    }
    return {untouched.value + (packed.value + 7) / 8};
}

} // namespace paretoscope::engine
