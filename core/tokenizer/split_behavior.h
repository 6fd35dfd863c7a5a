// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/result.h"
#include "core/tokenizer/pieces.h"

#include <string>
#include <string_view>
#include <vector>

namespace paretoscope::core {

/// What becomes of the delimiters that a pre-tokenizer finds.
enum class SplitBehavior
{
    Removed,
    Isolated, ///< a piece of its own
    MergedWithPrevious,
    MergedWithNext,
    Contiguous, ///< neighbouring delimiters form one piece
};

/// Errors: Corrupt.
Result<SplitBehavior> splitBehaviorFromName(std::string_view name, std::string_view place);

/// Appends the parts of `piece` to `out`. `segments` cover the piece from left to right, in byte ranges counted from
/// its beginning.
void splitPiece(const Piece& piece, const std::vector<Segment>& segments, SplitBehavior behavior,
                std::vector<Piece>& out);

} // namespace paretoscope::core
