// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/result.h"
#include "core/base/sha256.h"

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace paretoscope::core {

struct CorpusText
{
    std::string text;    ///< valid UTF-8
    Sha256Digest digest; ///< of the file
};

/// The text of a corpus file. A .jsonl file holds one object with a string `text` per line; its documents are joined by
/// "\n\n". Any other file is text: `join` "raw" takes it as it stands (no newline or byte-order mark is touched),
/// "rows" as specs of WikiText have it (`joinRows`). Errors: NotFound, Io, Unsupported (larger than 1 GiB), Corrupt
/// (not UTF-8: position and line; JSON: line and key), InvalidArgument (`join` rows with a .jsonl file).
Result<CorpusText> readCorpusText(const std::filesystem::path& path, std::string_view join);

struct CorpusDocuments
{
    std::vector<std::string> documents; ///< each valid UTF-8
    Sha256Digest digest;                ///< of the file
};

/// The same text as documents: one per line of a .jsonl file, one for any other file. Errors: as readCorpusText.
Result<CorpusDocuments> readCorpusDocuments(const std::filesystem::path& path, std::string_view join);

/// The lines of `text`, each with its final "\n" (a blank line, white space only, counts as an empty row), joined by
/// "\n\n": the text that the WikiText data set gives when its rows are joined, as quantization papers do.
std::string joinRows(std::string_view text);

} // namespace paretoscope::core
