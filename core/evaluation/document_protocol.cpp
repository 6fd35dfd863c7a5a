// SPDX-License-Identifier: Apache-2.0
#include "core/evaluation/document_protocol.h"

#include "core/corpus/corpus_text.h"
#include "core/corpus/option_reader.h"

#include <algorithm>
#include <numeric>

namespace paretoscope::core {

namespace {

constexpr std::int64_t kLongestWindow = std::int64_t(1) << 20;
constexpr std::int64_t kMostWindows = 1'000'000'000;
constexpr std::string_view kReplacement = "\xef\xbf\xbd";

using Ids = std::vector<std::int32_t>;

Result<std::int32_t> prefixOf(const DocumentProtocol& protocol, const Tokenizer& tokenizer)
{
    const auto prefix = tokenizer.bosId() ? tokenizer.bosId() : tokenizer.eosId();
    if (protocol.bos == "none" || prefix)
        return prefix.value_or(0);
    return Error {ErrorCode::InvalidArgument,
                  "bos: first needs a tokenizer with a BOS or EOS token, but this one names neither",
                  "use bos: none; the first token of a document is then not predicted"};
}

/// Where in `text` the first tokens of it end: the tokens decoded are a beginning of it.
class TextPositions
{
public:
    TextPositions(std::string_view text, const Ids& ids, const Tokenizer& tokenizer)
        : m_text(text)
        , m_ids(ids)
        , m_tokenizer(tokenizer)
    {}

    /// Bytes that the first `tokens` tokens stand for; a character counts with the token that completes it.
    Result<std::int64_t> after(std::size_t tokens)
    {
        if (tokens == 0)
            return std::int64_t(0);
        if (tokens == m_ids.size())
            return static_cast<std::int64_t>(m_text.size());
        PSC_ASSIGN(std::string decoded, decode(0, tokens));
        const std::size_t whole = decoded.size();
        for (;;) {
            if (m_text.starts_with(decoded))
                return static_cast<std::int64_t>(decoded.size());
            if (!decoded.ends_with(kReplacement))
                break;
            decoded.resize(decoded.size() - kReplacement.size()); // a character that the next token completes
        }
        exact = false;
        PSC_ASSIGN(const std::string all, decode(0, m_ids.size()));
        const double share = all.empty() ? 0.0 : double(whole) / double(all.size());
        return static_cast<std::int64_t>(share * double(m_text.size()) + 0.5);
    }
    Result<std::string> decode(std::size_t begin, std::size_t end) const
    {
        return m_tokenizer.decode(std::span(m_ids).subspan(begin, end - begin));
    }

    bool exact = true;

private:
    std::string_view m_text;
    const Ids& m_ids;
    const Tokenizer& m_tokenizer;
};

/// The windows of one document that lie in the wanted range, with their bytes.
class DocumentCutter
{
public:
    DocumentCutter(const DocumentProtocol& protocol, const Tokenizer& tokenizer, std::int32_t prefix)
        : m_protocol(protocol)
        , m_tokenizer(tokenizer)
        , m_prefix(prefix)
    {}

    bool isComplete() const { return m_protocol.windows > 0 && m_seen >= m_protocol.first + m_protocol.windows; }
    std::int64_t seen() const { return m_seen; }

    Status cut(std::string_view text, const Ids& ids, std::size_t document, DocumentWindows& out)
    {
        const std::size_t lead = m_protocol.bos == "none" ? 1 : 0; // tokens that nothing predicts
        if (ids.size() <= lead)
            return success();
        const std::span<const std::int32_t> scored = std::span(ids).subspan(lead);
        std::vector<RollingWindow> windows =
            rollingWindows(scored, lead == 1 ? ids.front() : m_prefix, static_cast<std::size_t>(m_protocol.length));
        const std::size_t firstOfThis = out.windows.size();
        std::size_t position = lead;
        std::size_t begin = ids.size();
        std::size_t end = 0;
        TextPositions positions(text, ids, m_tokenizer);
        for (RollingWindow& window : windows) {
            const std::size_t next = position + window.targets.size() - window.firstScored;
            if (m_seen++ >= m_protocol.first && !isPast()) {
                begin = std::min(begin, position);
                end = next;
                PSC_ASSIGN(const std::string decoded, positions.decode(position, next));
                out.windows.push_back({std::move(window), document, double(decoded.size())});
            }
            position = next;
        }
        if (begin >= end)
            return success();
        PSC_ASSIGN(const std::int64_t from, positions.after(begin));
        PSC_ASSIGN(const std::int64_t to, positions.after(end));
        share(double(to - from), std::span(out.windows).subspan(firstOfThis));
        out.exactBytes = out.exactBytes && positions.exact;
        return success();
    }

private:
    bool isPast() const { return m_protocol.windows > 0 && m_seen > m_protocol.first + m_protocol.windows; }

    /// The bytes of a document's windows are exact together; each gets its part by the length of what it decodes to.
    static void share(double bytes, std::span<DocumentWindow> windows)
    {
        const double decoded = std::accumulate(windows.begin(), windows.end(), 0.0,
                                               [](double sum, const DocumentWindow& w) { return sum + w.bytes; });
        for (DocumentWindow& window : windows)
            window.bytes = decoded > 0 ? bytes * window.bytes / decoded : bytes / double(windows.size());
    }

    const DocumentProtocol& m_protocol;
    const Tokenizer& m_tokenizer;
    std::int32_t m_prefix;
    std::int64_t m_seen = 0;
};

} // namespace

Result<DocumentProtocol> DocumentProtocol::fromJson(const Json& options)
{
    OptionReader reader(options, "document options");
    DocumentProtocol protocol;
    protocol.corpus = reader.text("corpus");
    protocol.length = static_cast<int>(reader.integer("length", protocol.length, 1, kLongestWindow));
    protocol.windows = static_cast<int>(reader.integer("windows", protocol.windows, 0, kMostWindows));
    protocol.first = static_cast<int>(reader.integer("first", protocol.first, 0, kMostWindows));
    protocol.bos = reader.choice("bos", {"first", "none"});
    protocol.join = reader.choice("join", {"raw", "rows"});
    PSC_TRY(reader.finish());
    return protocol;
}

Json DocumentProtocol::toJson() const
{
    return {{"corpus", corpus.string()},
            {"length", length},
            {"windows", windows},
            {"first", first},
            {"bos", bos},
            {"join", join}};
}

std::string DocumentProtocol::id(const Sha256Digest& corpusDigest) const
{
    return "bits_per_byte.document/" + corpus.filename().string() + "#" + corpusDigest.hex().substr(0, 8) + "/" +
           std::to_string(length) + "/first" + std::to_string(first) + "+" +
           (windows == 0 ? "all" : std::to_string(windows)) + "/bos-" + bos + "/join-" + join;
}

Result<DocumentWindows> readDocumentWindows(const DocumentProtocol& protocol, const Tokenizer& tokenizer)
{
    PSC_ASSIGN(const std::int32_t prefix, prefixOf(protocol, tokenizer));
    PSC_ASSIGN(const CorpusDocuments corpus, readCorpusDocuments(protocol.corpus, protocol.join));
    DocumentWindows result;
    result.corpusDigest = corpus.digest;
    DocumentCutter cutter(protocol, tokenizer, prefix);
    std::vector<Ids> read;
    for (std::size_t i = 0; i < corpus.documents.size() && !cutter.isComplete(); ++i) {
        Ids ids = tokenizer.encode(corpus.documents[i]);
        PSC_TRY(cutter.cut(corpus.documents[i], ids, i, result));
        read.push_back(std::move(ids));
    }
    if (result.windows.empty() || (protocol.windows > 0 && !cutter.isComplete()))
        return Error {ErrorCode::InvalidArgument,
                      protocol.corpus.string() + " gives " + std::to_string(cutter.seen()) + " windows of length " +
                          std::to_string(protocol.length) + "; first " + std::to_string(protocol.first) +
                          " and windows " + std::to_string(protocol.windows) + " ask for more",
                      "use fewer windows, 0 for all, or a longer corpus"};
    result.idsDigest = digestOfIds(read);
    return result;
}

} // namespace paretoscope::core
