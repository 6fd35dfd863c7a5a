// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/tokenizer/pattern.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace paretoscope::core {

/// A part of the text that the model encodes by itself.
struct Piece
{
    std::size_t begin = 0; ///< byte range in PieceList::text
    std::size_t end = 0;
    bool startsText = false; ///< nothing of the encoded text lies before it
};

/// Text that is cut further and rewritten from one pre-tokenizer to the next.
struct PieceList
{
    std::string text;
    std::vector<Piece> pieces; ///< in order, none empty

    std::string_view view(const Piece& piece) const
    {
        return std::string_view(text).substr(piece.begin, piece.end - piece.begin);
    }
    void clear()
    {
        text.clear();
        pieces.clear();
    }
};

/// A stretch of one piece that a delimiter matched, or one between two matches.
struct Segment
{
    ByteRange range;
    bool isMatch = false;
};

} // namespace paretoscope::core
