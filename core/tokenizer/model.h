// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/json.h"
#include "core/base/result.h"
#include "core/tokenizer/vocabulary.h"
#include "core/tokenizer/workspace.h"

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace paretoscope::core {

/// Turns one piece of text into ids: the `model` of tokenizer.json. Immutable.
class Model
{
public:
    virtual ~Model() = default;

    /// Appends the ids of `piece`, which is valid UTF-8 and not empty.
    virtual void encode(std::string_view piece, Workspace& workspace, std::vector<std::int32_t>& ids) const = 0;

    const Vocabulary& vocabulary() const { return m_vocabulary; }

protected:
    explicit Model(Vocabulary vocabulary)
        : m_vocabulary(std::move(vocabulary))
    {}

private:
    Vocabulary m_vocabulary;
};

/// Errors: Corrupt (fields that contradict each other), Unsupported (type or field that is not known).
Result<std::unique_ptr<Model>> makeModel(const Json& part);

} // namespace paretoscope::core
