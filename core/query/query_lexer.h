// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/result.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace paretoscope::core {

/// A word, value or sign of a filter and where it stands.
struct QueryToken
{
    enum class Kind
    {
        Word,
        Text,
        Number,
        Sign,
        End
    };

    Kind kind = Kind::End;
    std::string text;
    std::optional<double> number;
    std::size_t column = 1;

    bool isSign(std::string_view sign) const { return kind == Kind::Sign && text == sign; }
    bool isWord(std::string_view word) const { return kind == Kind::Word && text == word; }
};

/// Letters, digits and what names of metrics, plugins and protocols have in them.
bool isQueryWordStart(char c);
bool isQueryWordPart(char c);

/// The last token is of kind End. Errors: InvalidArgument, naming the column.
Result<std::vector<QueryToken>> queryTokens(std::string_view text);

/// An error in the grammar of a filter.
Error querySyntaxError(std::size_t column, std::string what);

} // namespace paretoscope::core
