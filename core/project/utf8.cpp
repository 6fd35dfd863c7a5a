// SPDX-License-Identifier: Apache-2.0
#include "core/project/utf8.h"

#include <unicode/bytestream.h>
#include <unicode/unistr.h>

#include <algorithm>

namespace paretoscope::core {

bool isAscii(std::string_view text)
{
    return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<signed char>(c) >= 0; });
}

std::string validUtf8(std::string_view text)
{
    if (isAscii(text))
        return std::string(text);
    std::string valid;
    icu::UnicodeString::fromUTF8(icu::StringPiece(text.data(), static_cast<int32_t>(text.size()))).toUTF8String(valid);
    return valid;
}

} // namespace paretoscope::core
