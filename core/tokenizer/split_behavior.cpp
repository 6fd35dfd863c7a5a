// SPDX-License-Identifier: Apache-2.0
#include "core/tokenizer/split_behavior.h"

#include "core/tokenizer/part_reader.h"

#include <array>

namespace paretoscope::core {

Result<SplitBehavior> splitBehaviorFromName(std::string_view name, std::string_view place)
{
    constexpr std::array<std::pair<std::string_view, SplitBehavior>, 5> kNames {{
        {"Removed", SplitBehavior::Removed},
        {"Isolated", SplitBehavior::Isolated},
        {"MergedWithPrevious", SplitBehavior::MergedWithPrevious},
        {"MergedWithNext", SplitBehavior::MergedWithNext},
        {"Contiguous", SplitBehavior::Contiguous},
    }};
    std::vector<std::string> known;
    for (const auto& [spelling, behavior] : kNames) {
        if (spelling == name)
            return behavior;
        known.emplace_back(spelling);
    }
    return unknownPart(place, name, known);
}

void splitPiece(const Piece& piece, const std::vector<Segment>& segments, SplitBehavior behavior,
                std::vector<Piece>& out)
{
    const auto add = [&](std::size_t begin, std::size_t end) {
        if (begin < end)
            out.push_back({piece.begin + begin, piece.begin + end, piece.startsText && begin == 0});
    };
    // Segments [first, i) are joined into one part; `joins` tells whether segment i continues it.
    const auto joins = [&](std::size_t i) {
        const bool match = segments[i].isMatch;
        const bool previous = segments[i - 1].isMatch;
        switch (behavior) {
        case SplitBehavior::MergedWithPrevious:
            return match && !previous;
        case SplitBehavior::MergedWithNext:
            return previous && !match;
        case SplitBehavior::Contiguous:
            return match == previous;
        default:
            return false;
        }
    };
    std::size_t first = 0;
    for (std::size_t i = 1; i <= segments.size(); ++i) {
        if (i < segments.size() && joins(i))
            continue;
        if (behavior != SplitBehavior::Removed || !segments[first].isMatch)
            add(segments[first].range.begin, segments[i - 1].range.end);
        first = i;
    }
}

} // namespace paretoscope::core
