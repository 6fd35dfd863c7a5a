// SPDX-License-Identifier: Apache-2.0
#include "core/corpus/corpus_text.h"

#include "core/base/json.h"
#include "core/base/mapped_file.h"
#include "core/tokenizer/utf8.h"

#include <algorithm>
#include <cstdio>

namespace paretoscope::core {

namespace {

constexpr std::size_t kLargestCorpus = std::size_t(1) << 30;
constexpr std::size_t kLongestLine = std::size_t(64) << 20;
constexpr std::string_view kSeparator = "\n\n";

/// What Python's str.strip() removes: White_Space and the four separators U+001C to U+001F.
bool isBlank(std::string_view line)
{
    std::size_t at = 0;
    while (at < line.size()) {
        const char32_t point = nextCodePoint(line, at);
        if (!isWhiteSpace(point) && !(point >= 0x1c && point <= 0x1f))
            return false;
    }
    return true;
}

Status checkUtf8(std::string_view text, const std::filesystem::path& path)
{
    const auto bad = firstInvalidUtf8(text);
    if (!bad)
        return success();
    char byte[8] = {};
    std::snprintf(byte, sizeof byte, "0x%02x", static_cast<unsigned>(static_cast<unsigned char>(text[*bad])));
    const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(*bad), '\n');
    return Error {ErrorCode::Corrupt,
                  path.string() + " is not UTF-8: byte " + byte + " at position " + std::to_string(*bad) + " (line " +
                      std::to_string(line) + ")",
                  "convert it, e.g. iconv -f ISO-8859-1 -t UTF-8"};
}

/// Calls `visit(line with its final newline)` for each line.
template <typename Visit>
void forEachLine(std::string_view text, Visit&& visit)
{
    while (!text.empty()) {
        const std::size_t newline = text.find('\n');
        const std::size_t length = newline == std::string_view::npos ? text.size() : newline + 1;
        visit(text.substr(0, length));
        text.remove_prefix(length);
    }
}

Result<std::string> readDocument(std::string_view line, const std::string& place)
{
    if (line.size() > kLongestLine)
        return Error {ErrorCode::Unsupported,
                      place + " has " + std::to_string(line.size()) + " bytes; at most 64 MiB a line are read",
                      "split the document"};
    PSC_ASSIGN(const Json object, parseJson(line, place));
    const auto text = object.is_object() ? object.find("text") : object.end();
    if (!object.is_object() || text == object.end() || !text->is_string())
        return Error {ErrorCode::Corrupt, place + " has no field \"text\" with a string",
                      "each line must be an object like {\"text\": \"...\"}"};
    return text->get<std::string>();
}

Result<std::vector<std::string>> documentsOf(std::string_view lines, const std::filesystem::path& path)
{
    constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
    if (lines.starts_with(kByteOrderMark))
        lines.remove_prefix(kByteOrderMark.size());
    std::vector<std::string> documents;
    std::size_t number = 0;
    Status status = success();
    forEachLine(lines, [&](std::string_view line) {
        ++number;
        if (!status.ok() || isBlank(line))
            return;
        auto document = readDocument(line, path.string() + " line " + std::to_string(number));
        if (document.ok())
            documents.push_back(std::move(document).value());
        else
            status = document.error();
    });
    PSC_TRY(status);
    return documents;
}

} // namespace

std::string joinRows(std::string_view text)
{
    std::string joined;
    bool first = true;
    forEachLine(text, [&](std::string_view line) {
        if (!first)
            joined += kSeparator;
        first = false;
        if (!isBlank(line))
            joined += line;
    });
    return joined;
}

Result<CorpusDocuments> readCorpusDocuments(const std::filesystem::path& path, std::string_view join)
{
    const bool isJsonl = path.extension() == ".jsonl";
    if (isJsonl && join == "rows")
        return Error {ErrorCode::InvalidArgument,
                      path.string() + " holds one document a line, so join: rows does not apply",
                      "leave join out; documents are joined by two newlines"};
    PSC_ASSIGN(std::string bytes, readTextFile(path, kLargestCorpus));
    PSC_TRY(checkUtf8(bytes, path));
    CorpusDocuments corpus;
    corpus.digest = sha256(bytes);
    if (isJsonl) {
        PSC_ASSIGN(corpus.documents, documentsOf(bytes, path));
    } else {
        corpus.documents.push_back(join == "rows" ? joinRows(bytes) : std::move(bytes));
    }
    return corpus;
}

Result<CorpusText> readCorpusText(const std::filesystem::path& path, std::string_view join)
{
    PSC_ASSIGN(CorpusDocuments corpus, readCorpusDocuments(path, join));
    CorpusText whole {{}, corpus.digest};
    if (corpus.documents.size() == 1)
        whole.text = std::move(corpus.documents.front());
    for (std::size_t i = 0; corpus.documents.size() > 1 && i < corpus.documents.size(); ++i) {
        whole.text += i == 0 ? std::string_view() : kSeparator;
        whole.text += corpus.documents[i];
    }
    return whole;
}

} // namespace paretoscope::core
