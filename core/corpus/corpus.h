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
    int windows = 0; ///< 0 = all
    int first = 0; ///< index of the first window
    int stride = 0; ///< 0 = length (windows do not overlap)
    std::string bos = "none"; ///< none | first | each
    std::string join = "raw"; ///< raw | rows (specs: evaluation 1.1)
    std::string score = "all"; ///< all | second-half (llama.cpp)

    /// From the options of a sweep file or of `--perplexity`. Errors: InvalidArgument (unknown key with the near one,
    /// wrong type, out of range).
    static Result<WindowProtocol> fromJson(const Json& options);
    Json toJson() const;
    /// e.g. "perplexity.window/wiki.test.tokens#d790b833/512/first0+32/bos-none/join-raw/score-all".
    std::string id(std::string_view metric, const Sha256Digest& corpusDigest) const;
};

/// Which tokens calibrate.
struct CalibrationSpec
{
    std::filesystem::path corpus;
    int samples = 128;
    int length = 2048;
    std::string select = "first"; ///< first: consecutive windows from token 0 | random: CPython's randint with `seed`
    std::uint64_t seed = 0;

    static Result<CalibrationSpec> fromJson(const Json& options);
    Json toJson() const;
};

/// Equally or unequally long token sequences together with where they came from.
struct TokenSequences
{
    std::vector<std::vector<std::int32_t>> sequences;
    Sha256Digest corpusDigest; ///< of the file
    Sha256Digest idsDigest; ///< of all ids as little-endian int32
};

/// Errors: NotFound, Io, Corrupt (not UTF-8), InvalidArgument (fewer tokens than one window or than `first + windows`).
Result<TokenSequences> readWindows(const WindowProtocol& protocol, const Tokenizer& tokenizer);
/// Errors: as above.
Result<TokenSequences> readCalibration(const CalibrationSpec& spec, const Tokenizer& tokenizer);

} // namespace paretoscope::core
