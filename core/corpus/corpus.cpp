// SPDX-License-Identifier: Apache-2.0
#include "core/corpus/corpus.h"

#include "core/corpus/corpus_text.h"
#include "core/corpus/python_random.h"

#include <algorithm>
#include <limits>

namespace paretoscope::core {

namespace {

using Ids = std::vector<std::int32_t>;

void cut(const Ids& ids, const std::vector<std::int64_t>& starts, std::int64_t length, TokenSequences& out)
{
    for (const std::int64_t start : starts)
        out.sequences.emplace_back(ids.begin() + start, ids.begin() + start + length);
    out.starts = starts;
}

/// "9000 tokens with this tokenizer", the beginning of each complaint about a short corpus.
std::string has(const std::filesystem::path& corpus, std::int64_t tokens)
{
    return corpus.string() + " has " + std::to_string(tokens) + " tokens with this tokenizer";
}

Result<std::vector<std::int64_t>> windowStarts(const WindowProtocol& protocol, std::int64_t tokens)
{
    const std::int64_t length = protocol.length;
    const std::int64_t stride = protocol.stride > 0 ? protocol.stride : length;
    if (tokens < length)
        return Error {ErrorCode::InvalidArgument,
                      has(protocol.corpus, tokens) + ", but one window of length " + std::to_string(length) +
                          " needs as many",
                      "use a longer corpus or a length of at most " + std::to_string(tokens)};
    if (protocol.score == "second-half" && tokens < 2 * length) // as llama.cpp has it
        return Error {ErrorCode::InvalidArgument,
                      has(protocol.corpus, tokens) + ", but score second-half needs two windows of length " +
                          std::to_string(length),
                      "use a longer corpus or a length of at most " + std::to_string(tokens / 2)};
    const std::int64_t available = (tokens - length) / stride + 1;
    const std::int64_t first = protocol.first;
    const std::int64_t wanted = protocol.windows > 0 ? protocol.windows : std::max<std::int64_t>(1, available - first);
    if (first + wanted > available)
        return Error {
            ErrorCode::InvalidArgument,
            has(protocol.corpus, tokens) + ", which give " + std::to_string(available) + " windows of length " +
                std::to_string(length) + "; first " + std::to_string(first) + " and windows " +
                std::to_string(protocol.windows) + " ask for " + std::to_string(first + wanted),
            first < available
                ? "use windows of at most " + std::to_string(available - first) + ", or 0 for all, or a longer corpus"
                : "use a first of at most " + std::to_string(available - 1)};
    std::vector<std::int64_t> starts;
    for (std::int64_t i = first; i < first + wanted; ++i)
        starts.push_back(i * stride);
    return starts;
}

Result<std::vector<std::int64_t>> calibrationStarts(const CalibrationSpec& spec, std::int64_t tokens)
{
    const std::int64_t length = spec.length;
    const std::int64_t samples = spec.samples;
    const bool random = spec.select == "random";
    const std::int64_t needed = random ? length + 1 : samples * length;
    if (tokens < needed) {
        const std::int64_t most = tokens / length;
        return Error {ErrorCode::InvalidArgument,
                      has(spec.corpus, tokens) + ", but calibration on " + std::to_string(samples) +
                          " samples of length " + std::to_string(length) + " (select " + spec.select + ") needs " +
                          std::to_string(needed),
                      !random && most > 0 ? "use samples of at most " + std::to_string(most) + ", or a longer corpus"
                                          : std::string("use a longer corpus or a smaller length")};
    }
    std::vector<std::int64_t> starts;
    PythonRandom generator(spec.seed);
    for (std::int64_t i = 0; i < samples; ++i)
        starts.push_back(random ? generator.randint(0, tokens - length - 1) : i * length);
    return starts;
}

/// Which BOS tokens a protocol puts where, with this tokenizer.
struct BosRule
{
    bool first = false;
    bool each = false;
};

BosRule bosRule(const WindowProtocol& protocol, const Tokenizer& tokenizer)
{
    if (protocol.bos != "auto")
        return {protocol.bos == "first", protocol.bos == "each"};
    const Ids added = tokenizer.encode("", true);
    const bool adds = tokenizer.bosId() && !added.empty() && added.front() == *tokenizer.bosId();
    return {adds, adds && protocol.score == "second-half"};
}

} // namespace

Result<TokenSequences> readWindows(const WindowProtocol& protocol, const Tokenizer& tokenizer)
{
    const auto bos = tokenizer.bosId();
    const BosRule rule = bosRule(protocol, tokenizer);
    if ((protocol.bos == "first" || protocol.bos == "each") && !bos)
        return Error {ErrorCode::InvalidArgument,
                      "bos: " + protocol.bos + " needs a tokenizer with a BOS token, but this one names none",
                      "use bos: none"};
    PSC_ASSIGN(const CorpusText corpus, readCorpusText(protocol.corpus, protocol.join));
    Ids ids = tokenizer.encode(corpus.text);
    if (rule.first)
        ids.insert(ids.begin(), *bos);
    PSC_ASSIGN(const auto starts, windowStarts(protocol, static_cast<std::int64_t>(ids.size())));
    TokenSequences result;
    result.corpusDigest = corpus.digest;
    cut(ids, starts, protocol.length, result);
    if (rule.each) {
        for (Ids& window : result.sequences)
            window.front() = *bos;
    }
    result.idsDigest = digestOfIds(result.sequences);
    return result;
}

Result<TokenSequences> readCalibration(const CalibrationSpec& spec, const Tokenizer& tokenizer)
{
    PSC_ASSIGN(const CorpusText corpus, readCorpusText(spec.corpus, spec.join));
    const Ids ids = tokenizer.encode(corpus.text);
    PSC_ASSIGN(const auto starts, calibrationStarts(spec, static_cast<std::int64_t>(ids.size())));
    TokenSequences result;
    result.corpusDigest = corpus.digest;
    cut(ids, starts, spec.length, result);
    result.idsDigest = digestOfIds(result.sequences);
    return result;
}

Sha256Digest digestOfIds(const std::vector<Ids>& sequences)
{
    Sha256 hash;
    std::vector<std::byte> bytes;
    for (const Ids& ids : sequences) {
        bytes.clear();
        for (const std::int32_t id : ids) {
            for (int shift = 0; shift < 32; shift += 8)
                bytes.push_back(static_cast<std::byte>((static_cast<std::uint32_t>(id) >> shift) & 0xffU));
        }
        hash.update(bytes);
    }
    return hash.finish();
}

} // namespace paretoscope::core
