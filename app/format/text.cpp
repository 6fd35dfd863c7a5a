// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/format/text.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace paretoscope::app {

namespace {

struct CodePoint
{
    std::uint32_t value = 0;
    std::size_t bytes = 1;
};

/// The code point at `at`; a byte that does not begin one counts as one column.
CodePoint codePointAt(std::string_view text, std::size_t at)
{
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char lead = byte(at);
    const std::size_t bytes = lead < 0x80 ? 1 : lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
    if (bytes == 1 || at + bytes > text.size())
        return {lead, 1};
    std::uint32_t value = lead & (0xffu >> (bytes + 1));
    for (std::size_t i = 1; i < bytes; ++i)
        value = value << 6 | (byte(at + i) & 0x3fu);
    return {value, bytes};
}

std::size_t columnsOf(std::uint32_t codePoint)
{
    struct Range
    {
        std::uint32_t first, last;
    };
    static constexpr std::array<Range, 4> kCombining {Range {0x300, 0x36f}, Range {0x200b, 0x200f},
                                                      Range {0x20d0, 0x20ff}, Range {0xfe00, 0xfe0f}};
    static constexpr std::array<Range, 7> kWide {
        Range {0x1100, 0x115f}, Range {0x2e80, 0xa4cf}, Range {0xac00, 0xd7a3},  Range {0xf900, 0xfaff},
        Range {0xfe30, 0xfe6f}, Range {0xff00, 0xff60}, Range {0x1f300, 0x3fffd}};
    for (const Range& range : kCombining) {
        if (codePoint >= range.first && codePoint <= range.last)
            return 0;
    }
    for (const Range& range : kWide) {
        if (codePoint >= range.first && codePoint <= range.last)
            return 2;
    }
    return 1;
}

} // namespace

std::size_t displayWidth(std::string_view text)
{
    std::size_t width = 0;
    for (std::size_t at = 0; at < text.size();) {
        const CodePoint point = codePointAt(text, at);
        width += columnsOf(point.value);
        at += point.bytes;
    }
    return width;
}

std::string elided(std::string_view text, std::size_t width)
{
    if (displayWidth(text) <= width)
        return std::string(text);
    if (width == 0)
        return {};
    std::size_t used = 0;
    std::size_t at = 0;
    while (at < text.size()) {
        const CodePoint point = codePointAt(text, at);
        if (used + columnsOf(point.value) > width - 1)
            break;
        used += columnsOf(point.value);
        at += point.bytes;
    }
    return std::string(text.substr(0, at)) + "…";
}

std::string padRight(std::string_view text, std::size_t width)
{
    const std::size_t used = displayWidth(text);
    return std::string(text) + std::string(used < width ? width - used : 0, ' ');
}

std::string padLeft(std::string_view text, std::size_t width)
{
    const std::size_t used = displayWidth(text);
    return std::string(used < width ? width - used : 0, ' ') + std::string(text);
}

namespace {

void wrapLine(std::string_view line, std::size_t width, std::vector<std::string>& lines)
{
    std::string current;
    while (!line.empty()) {
        const std::size_t space = line.find(' ');
        const std::string_view word = line.substr(0, space);
        if (!current.empty() && displayWidth(current) + 1 + displayWidth(word) > width) {
            lines.push_back(current);
            current.clear();
        }
        if (!word.empty())
            current += (current.empty() ? "" : " ") + std::string(word);
        line = space == std::string_view::npos ? std::string_view() : line.substr(space + 1);
    }
    lines.push_back(current);
}

} // namespace

std::vector<std::string> wrapped(std::string_view text, std::size_t width)
{
    std::vector<std::string> lines;
    for (std::size_t begin = 0; begin <= text.size();) {
        const std::size_t end = std::min(text.find('\n', begin), text.size());
        const std::string_view line = text.substr(begin, end - begin);
        if (line.empty() || line.front() == ' ')
            lines.emplace_back(line);
        else
            wrapLine(line, width, lines);
        begin = end + 1;
    }
    return lines;
}

std::vector<std::string> splitAtCommas(const std::string& text)
{
    std::vector<std::string> parts;
    for (std::size_t begin = 0; begin <= text.size();) {
        const std::size_t end = std::min(text.find(',', begin), text.size());
        if (end > begin)
            parts.push_back(text.substr(begin, end - begin));
        begin = end + 1;
    }
    return parts;
}

std::string printable(std::string_view text)
{
    std::string clean(text);
    for (std::size_t i = 0; i < clean.size(); ++i) {
        const auto byte = static_cast<unsigned char>(clean[i]);
        // C1 controls (U+0080..U+009F, "\xc2\x80".."\xc2\x9f") steer terminals as ESC does.
        const bool secondOfC1 =
            i > 0 && static_cast<unsigned char>(clean[i - 1]) == 0xc2 && byte >= 0x80 && byte < 0xa0;
        if (secondOfC1)
            clean[i - 1] = '?';
        if (byte < 0x20 || byte == 0x7f || secondOfC1)
            clean[i] = '?';
    }
    return clean;
}

} // namespace paretoscope::app
