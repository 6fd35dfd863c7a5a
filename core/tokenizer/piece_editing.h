// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/tokenizer/split_behavior.h"
#include "core/tokenizer/utf8.h"
#include "core/tokenizer/workspace.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace paretoscope::core {

/// Cuts each piece at the delimiters that `find(text, found)` reports by calling `found(ByteRange)` from left to right.
/// `invert` makes what lies between them the delimiters.
template <typename Find>
void splitAll(Workspace& workspace, SplitBehavior behavior, bool invert, Find&& find)
{
    std::vector<Piece>& out = workspace.next.pieces;
    std::vector<Segment>& segments = workspace.segments;
    out.clear();
    for (const Piece& piece : workspace.pieces.pieces) {
        segments.clear();
        std::size_t done = 0;
        const std::string_view text = workspace.pieces.view(piece);
        find(text, [&](ByteRange match) {
            if (done != match.begin)
                segments.push_back({{done, match.begin}, invert});
            segments.push_back({match, !invert});
            done = match.end;
        });
        if (done != text.size())
            segments.push_back({{done, text.size()}, invert});
        splitPiece(piece, segments, behavior, out);
    }
    std::swap(workspace.pieces.pieces, out);
}

/// Delimiters are the single characters for which `isDelimiter(code point)` holds.
template <typename Predicate>
void splitAtCharacters(Workspace& workspace, SplitBehavior behavior, Predicate&& isDelimiter)
{
    splitAll(workspace, behavior, false, [&](std::string_view text, auto&& found) {
        for (std::size_t at = 0; at < text.size();) {
            const std::size_t begin = at;
            if (isDelimiter(nextCodePoint(text, at)))
                found(ByteRange {begin, at});
        }
    });
}

/// Replaces the text of each piece by what `write(text, startsText, out)` appends.
template <typename Write>
void rewriteAll(Workspace& workspace, Write&& write)
{
    PieceList& out = workspace.next;
    out.clear();
    for (const Piece& piece : workspace.pieces.pieces) {
        const std::size_t begin = out.text.size();
        write(workspace.pieces.view(piece), piece.startsText, out.text);
        if (out.text.size() > begin)
            out.pieces.push_back({begin, out.text.size(), piece.startsText});
    }
    std::swap(workspace.pieces, out);
}

} // namespace paretoscope::core
