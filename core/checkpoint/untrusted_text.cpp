// SPDX-License-Identifier: Apache-2.0
#include "core/checkpoint/untrusted_text.h"

#include <cstdint>

namespace paretoscope::core {

namespace {

/// Bytes of the UTF-8 sequence at the start of `text`; 0 when it is ill-formed. Table 3-7 of the Unicode standard.
std::size_t sequenceLength(std::string_view text)
{
    const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<std::uint8_t>(text[i]) : 0U; };
    const auto continues = [&](std::size_t i) { return (byte(i) & 0xc0U) == 0x80U; };
    const unsigned lead = byte(0);
    if (lead < 0x80)
        return 1;
    if (lead >= 0xc2 && lead <= 0xdf)
        return continues(1) ? 2 : 0;
    if (lead >= 0xe0 && lead <= 0xef) {
        const bool overlong = lead == 0xe0 && byte(1) < 0xa0;
        const bool surrogate = lead == 0xed && byte(1) > 0x9f;
        return continues(1) && continues(2) && !overlong && !surrogate ? 3 : 0;
    }
    if (lead >= 0xf0 && lead <= 0xf4) {
        const bool overlong = lead == 0xf0 && byte(1) < 0x90;
        const bool tooLarge = lead == 0xf4 && byte(1) > 0x8f;
        return continues(1) && continues(2) && continues(3) && !overlong && !tooLarge ? 4 : 0;
    }
    return 0;
}

/// U+0080 to U+009F, which terminals may obey.
bool isC1Control(std::string_view text)
{
    return text.size() > 1 && text[0] == '\xc2' && static_cast<std::uint8_t>(text[1]) < 0xa0;
}

} // namespace

std::string inQuotes(std::string_view text)
{
    constexpr std::size_t kMaxBytes = 80;
    constexpr char kDigits[] = "0123456789abcdef";
    std::string out = "\"";
    while (!text.empty() && out.size() <= kMaxBytes) {
        const auto byte = static_cast<unsigned char>(text.front());
        const std::size_t length = sequenceLength(text);
        const bool control = byte < 0x20 || byte == 0x7f || isC1Control(text);
        if (length > 0 && !control) {
            out += text.substr(0, length);
        } else {
            out += "\\x";
            out += kDigits[byte >> 4];
            out += kDigits[byte & 15];
        }
        text.remove_prefix(length > 0 && !control ? length : 1);
    }
    return out + (text.empty() ? "\"" : "...\"");
}

bool isPlainText(std::string_view text)
{
    while (!text.empty()) {
        const std::size_t length = sequenceLength(text);
        const auto first = static_cast<unsigned char>(text.front());
        if (length == 0 || first < 0x20 || first == 0x7f)
            return false;
        text.remove_prefix(length);
    }
    return true;
}

} // namespace paretoscope::core
