// SPDX-License-Identifier: Apache-2.0
#include "core/evaluation/white_space.h"

#include "core/tokenizer/utf8.h"

namespace paretoscope::core {

namespace {

/// str.isspace(): White_Space and the four separators U+001C to U+001F.
bool isSpace(char32_t point)
{
    return isWhiteSpace(point) || (point >= 0x1c && point <= 0x1f);
}

} // namespace

std::size_t lengthWithoutTrailingSpace(std::string_view text)
{
    std::size_t length = text.size();
    for (std::size_t at = length; at > 0; length = at) {
        if (!isSpace(previousCodePoint(text, at)))
            break;
    }
    return length;
}

std::string_view stripped(std::string_view text)
{
    text = text.substr(0, lengthWithoutTrailingSpace(text));
    std::size_t begin = 0;
    for (std::size_t at = 0; at < text.size(); begin = at) {
        if (!isSpace(nextCodePoint(text, at)))
            break;
    }
    return text.substr(begin);
}

} // namespace paretoscope::core
