// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/json.h"
#include "core/base/result.h"
#include "core/base/sha256.h"
#include "core/tokenizer/tokenizer.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace paretoscope::core {

/// How perplexity-like metrics read a text; every field changes the number and stands in the protocol id.
struct WindowProtocol
{
    std::filesystem::path corpus;
    int length = 512; ///< tokens per window
    int windows = 0;  ///< 0 = all
    int first = 0;    ///< index of the first window
    int stride = 0;   ///< tokens from one window's beginning to the next one's; 0 = length (windows do not overlap)
    /// none | first (one BOS before the whole text, as a tokenizer that adds BOS does) | each (the first token of each
    /// window is replaced by BOS) | auto (none when the tokenizer adds no BOS by itself; else `first`, and with score
    /// second-half also `each`, as llama.cpp does). The default is auto with score second-half, none without.
    std::string bos = "none";
    std::string join = "raw";  ///< raw | rows (the lines of a text file joined as the WikiText data set's rows)
    std::string score = "all"; ///< all | second-half (llama.cpp); changes what is scored, not the tokens

    /// From the options of a sweep file or of `--perplexity`. Errors: InvalidArgument (unknown key with the near one,
    /// wrong type, out of range, options that exclude each other).
    static Result<WindowProtocol> fromJson(const Json& options);
    Json toJson() const; ///< every field
    /// e.g. "perplexity.window/wiki.test.tokens#d790b833/512/first0+32/bos-none/join-raw/score-all";
    /// "/stride256" follows the length when windows overlap, "first0+all" stands for all windows.
    std::string id(std::string_view metric, const Sha256Digest& corpusDigest) const;
};

/// Which tokens calibrate.
struct CalibrationSpec
{
    std::filesystem::path corpus;
    int samples = 128;
    int length = 2048;
    std::string select = "first"; ///< first: consecutive windows from token 0 | random: CPython's randint with `seed`
    std::uint64_t seed = 0;       ///< of `select` random
    std::string join = "raw";     ///< as in WindowProtocol

    /// Errors: as WindowProtocol::fromJson.
    static Result<CalibrationSpec> fromJson(const Json& options);
    Json toJson() const; ///< every field that decides which tokens are taken (`seed` only with random)
};

/// Equally or unequally long token sequences together with where they came from.
struct TokenSequences
{
    std::vector<std::vector<std::int32_t>> sequences;
    Sha256Digest corpusDigest;        ///< of the file
    Sha256Digest idsDigest;           ///< of the ids of all sequences, one after another, as little-endian int32
    std::vector<std::int64_t> starts; ///< index of each sequence's first token in the tokenised text
};

/// The text is tokenised once as a whole, then cut; the rest behind the last whole window is dropped.
/// A .jsonl corpus holds one object with a string `text` per line; any other file is plain text.
/// Errors: NotFound, Io, Corrupt (not UTF-8, with the byte position; JSON lines), Unsupported (corpus above 1 GiB),
/// InvalidArgument (fewer tokens than one window or than `first + windows`; BOS asked of a tokenizer without one).
Result<TokenSequences> readWindows(const WindowProtocol& protocol, const Tokenizer& tokenizer);
/// Random starts are `randint(0, tokens - length - 1)`, drawn one after another; windows may overlap.
/// Errors: as above.
Result<TokenSequences> readCalibration(const CalibrationSpec& spec, const Tokenizer& tokenizer);

/// SHA-256 of the ids of all sequences, one after another, as little-endian int32.
Sha256Digest digestOfIds(const std::vector<std::vector<std::int32_t>>& sequences);

} // namespace paretoscope::core
