// SPDX-License-Identifier: Apache-2.0
#include "core/engine/accounting/stored_size.h"

#include "core/engine/accounting/stored_form.h"

#include <set>

namespace paretoscope::engine {

core::StoredModel storedModel(const core::Architecture& architecture, const ModelTensors& tensors,
                              const InputBits& inputBits)
{
    core::StoredModel model;
    std::set<const void*> counted;
    for (const core::ExpectedTensor& expected : architecture.tensors()) {
        std::vector<std::string> names;
        appendGraphNames(names, expected);
        for (const std::string& name : names) {
            const auto replacement = tensors.replacement(name);
            if (!replacement) {
                model.add(
                    storedFormOf(*tensors.checkpoint().find(expected.name), static_cast<std::int64_t>(names.size())));
                continue;
            }
            core::StoredTensor stored = storedFormOf(*replacement);
            if (const auto bits = inputBits.find(name); bits != inputBits.end())
                stored.inputBits = bits->second;
            for (const StoredPart& part : replacement->storedParts()) {
                if (!part.storage || counted.insert(part.storage).second)
                    stored.bits += part.bits;
            }
            model.add(stored);
        }
    }
    return model;
}

core::Bytes storedSize(const core::Architecture& architecture, const ModelTensors& tensors)
{
    return storedModel(architecture, tensors).bytes();
}

} // namespace paretoscope::engine
