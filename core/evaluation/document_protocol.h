// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/corpus/corpus.h"
#include "core/corpus/rolling_windows.h"

namespace paretoscope::core {

/// How bits per byte reads a text: documents are scored in full with rolling windows, so that every token is predicted
/// exactly once (specs evaluation 3). `windows` and `first` take a part of them, counted over all documents.
struct DocumentProtocol
{
    std::filesystem::path corpus;
    int length = 512; ///< tokens per window
    int windows = 0;  ///< 0 = all
    int first = 0;    ///< index of the first window
    /// first: the first token of a document is predicted from BOS, else EOS | none: it is not predicted, and its bytes
    /// do not count
    std::string bos = "first";
    std::string join = "raw"; ///< as in WindowProtocol

    /// Errors: as WindowProtocol::fromJson.
    static Result<DocumentProtocol> fromJson(const Json& options);
    Json toJson() const;
    /// "bits_per_byte.document/wiki.test.tokens#d790b833/512/first0+32/bos-first/join-raw"
    std::string id(const Sha256Digest& corpusDigest) const;
};

/// A window that is scored, and which document it belongs to.
struct DocumentWindow
{
    RollingWindow window;
    std::size_t document = 0;
    double bytes = 0; ///< of UTF-8 that the scored tokens stand for; the sum over a document is exact
};

struct DocumentWindows
{
    std::vector<DocumentWindow> windows;
    Sha256Digest corpusDigest;
    Sha256Digest idsDigest; ///< of the tokens of the windows' documents
    /// False: the tokenizer changes the text (or cannot spell all of it), so that where a window ends in the text had
    /// to be taken from the decoded tokens. Whole documents are exact in any case.
    bool exactBytes = true;
};

/// A .jsonl corpus has one document per line, any other file is one.
/// Errors: those of readWindows; InvalidArgument when `bos` is first and the tokenizer has neither BOS nor EOS.
Result<DocumentWindows> readDocumentWindows(const DocumentProtocol& protocol, const Tokenizer& tokenizer);

} // namespace paretoscope::core
