// SPDX-License-Identifier: Apache-2.0
#include "core/evaluation/task_items.h"

#include "core/base/mapped_file.h"
#include "core/corpus/python_random.h"
#include "core/evaluation/task_forms.h"
#include "core/evaluation/white_space.h"
#include "core/tokenizer/utf8.h"

#include <algorithm>
#include <numeric>
#include <set>

namespace paretoscope::core {

namespace {

constexpr std::size_t kLargestFile = std::size_t(1) << 30;
constexpr std::size_t kLongestLine = std::size_t(64) << 20;

using Ids = std::vector<std::int32_t>;

/// Which items are asked: all in the order of the file, or the first of CPython's random.Random(0).shuffle.
std::vector<std::size_t> orderOf(const TaskProtocol& protocol, std::size_t count)
{
    std::vector<std::size_t> order(count);
    std::iota(order.begin(), order.end(), std::size_t(0));
    if (protocol.order == "shuffled") {
        PythonRandom random(0);
        for (std::size_t i = count; i-- > 1;)
            std::swap(order[i], order[static_cast<std::size_t>(random.randint(0, static_cast<std::int64_t>(i)))]);
    }
    if (protocol.limit > 0 && static_cast<std::size_t>(protocol.limit) < count)
        order.resize(static_cast<std::size_t>(protocol.limit));
    return order;
}

Result<std::vector<ReadItem>> readLines(std::string_view text, const std::filesystem::path& file)
{
    constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
    if (text.starts_with(kByteOrderMark))
        text.remove_prefix(kByteOrderMark.size());
    std::vector<ReadItem> items;
    for (std::size_t number = 1; !text.empty(); ++number) {
        const std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), line.size() + 1));
        const std::string where = file.string() + " line " + std::to_string(number);
        if (line.size() > kLongestLine)
            return Error {ErrorCode::Unsupported, where + " has more than 64 MiB", "split the item"};
        if (const auto bad = firstInvalidUtf8(line))
            return Error {ErrorCode::Corrupt, where + " is not UTF-8 at byte " + std::to_string(*bad),
                          "convert it, e.g. iconv -f ISO-8859-1 -t UTF-8"};
        if (stripped(line).empty())
            continue;
        PSC_ASSIGN(const Json json, parseJson(line, where));
        PSC_ASSIGN(ReadItem item, readTaskItem(json, where));
        // One item with equal contexts does not make the file another task, but a question is no cloze.
        if (!items.empty() && (items.front().kind == TaskItems::Kind::Cloze) != (item.kind == TaskItems::Kind::Cloze))
            return Error {ErrorCode::Corrupt, where + " is of another kind than the lines before it",
                          "put choices and continuations into files of their own"};
        items.push_back(std::move(item));
    }
    return items;
}

Error needsPrefix()
{
    return {ErrorCode::InvalidArgument, "an empty context needs a tokenizer with a BOS or EOS token",
            "give the items a context"};
}

/// What stands before the continuation, and the continuation: as one list of ids and where the latter begins.
Result<std::pair<Ids, std::size_t>> joined(const std::string& context, const std::string& continuation,
                                           const Tokenizer& tokenizer, const std::string& bos)
{
    const bool addSpecial = bos == "auto";
    Ids before;
    if (bos == "first" && !tokenizer.bosId())
        return Error {ErrorCode::InvalidArgument, "bos: first needs a tokenizer with a BOS token", "use bos: none"};
    if (bos == "first")
        before.push_back(*tokenizer.bosId());
    if (!context.empty()) {
        const std::size_t contextTokens = before.size() + tokenizer.encode(context, addSpecial).size();
        const Ids whole = tokenizer.encode(context + continuation, addSpecial);
        before.insert(before.end(), whole.begin(), whole.end());
        if (contextTokens > 0)
            return std::pair(std::move(before), contextTokens);
    }
    const auto prefix = tokenizer.bosId() ? tokenizer.bosId() : tokenizer.eosId();
    if (!prefix)
        return needsPrefix();
    Ids whole = tokenizer.encode(continuation);
    if (whole.empty() || whole.front() != *prefix)
        whole.insert(whole.begin(), *prefix);
    return std::pair(std::move(whole), std::size_t(1));
}

} // namespace

Result<TaskItems> readTaskItems(const TaskProtocol& protocol)
{
    PSC_ASSIGN(const std::string text, readTextFile(protocol.file, kLargestFile));
    PSC_ASSIGN(std::vector<ReadItem> read, readLines(text, protocol.file));
    if (read.empty())
        return Error {ErrorCode::Corrupt, protocol.file.string() + " holds no items", "write one JSON object a line"};
    TaskItems task;
    task.fileDigest = sha256(text);
    task.inFile = read.size();
    std::set<std::string> ids;
    for (std::size_t i = 0; i < read.size(); ++i) {
        if (read[i].kind != TaskItems::Kind::Choice)
            task.kind = read[i].kind;
        std::string& id = read[i].item.id;
        if (id.empty())
            id = protocol.file.stem().string() + "-" + std::to_string(i);
        if (!ids.insert(id).second)
            task.duplicateIds.push_back(id);
    }
    for (const std::size_t index : orderOf(protocol, read.size()))
        task.items.push_back(std::move(read[index].item));
    return task;
}

Result<EncodedPair> encodePair(const TaskPair& pair, const Tokenizer& tokenizer, const std::string& bos,
                               std::int64_t maxTokens)
{
    const std::size_t kept = lengthWithoutTrailingSpace(pair.context);
    const std::string context = pair.context.substr(0, kept);
    PSC_ASSIGN(auto whole, joined(context, pair.context.substr(kept) + pair.continuation, tokenizer, bos));
    auto& [ids, begin] = whole;
    if (ids.size() <= begin)
        return Error {ErrorCode::InvalidArgument, "no token is the continuation's own: it merges into the context",
                      "end the context before a word"};
    EncodedPair encoded;
    encoded.targets.assign(ids.begin() + static_cast<std::ptrdiff_t>(begin), ids.end());
    ids.pop_back();
    if (maxTokens > 0 && static_cast<std::int64_t>(ids.size()) > maxTokens) {
        const auto excess = ids.size() - static_cast<std::size_t>(maxTokens);
        if (excess >= begin)
            return Error {ErrorCode::InvalidArgument,
                          "the continuation alone has " + std::to_string(encoded.targets.size()) +
                              " tokens; the model reads at most " + std::to_string(maxTokens),
                          "shorten it"};
        ids.erase(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(excess));
        begin -= excess;
    }
    encoded.firstScored = begin - 1;
    encoded.input = std::move(ids);
    return encoded;
}

std::size_t charactersOf(std::string_view continuation)
{
    if (continuation.starts_with(' '))
        continuation.remove_prefix(1);
    return static_cast<std::size_t>(std::count_if(continuation.begin(), continuation.end(), [](char c) {
        return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U;
    }));
}

} // namespace paretoscope::core
