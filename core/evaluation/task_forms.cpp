// SPDX-License-Identifier: Apache-2.0
#include "core/evaluation/task_forms.h"

#include "core/base/json_fields.h"
#include "core/evaluation/white_space.h"

#include <unicode/locid.h>
#include <unicode/unistr.h>

#include <algorithm>
#include <array>

namespace paretoscope::core {

namespace {

using Kind = TaskItems::Kind;

/// The fields of one line; the first problem is kept, so that a form reads like the table it comes from.
class Line
{
public:
    Line(const Json& json, const std::string& where)
        : m_json(json)
        , m_where(where)
    {}

    bool has(std::string_view key) const { return m_json.contains(key); }
    std::string text(std::string_view key)
    {
        const auto found = m_json.find(key);
        if (found != m_json.end() && found->is_string())
            return found->get<std::string>();
        fail(key, "is not a text");
        return {};
    }
    std::vector<std::string> texts(std::string_view key) { return textsIn(m_json, key); }
    std::vector<std::string> textsIn(const Json& object, std::string_view key)
    {
        std::vector<std::string> list;
        const auto found = object.is_object() ? object.find(key) : object.end();
        if (!object.is_object() || found == object.end() || !found->is_array()) {
            fail(key, "is not a list of texts");
            return list;
        }
        for (const Json& value : *found) {
            if (!value.is_string())
                fail(key, "is not a list of texts");
            else
                list.push_back(value.get<std::string>());
        }
        return list;
    }
    /// An index, written as a number or as a text of digits, as some of the Hub's files have it.
    int index(std::string_view key, int offset = 0)
    {
        const auto found = m_json.find(key);
        const Json value = found == m_json.end() ? Json() : *found;
        if (value.is_boolean())
            return value.get<bool>() ? 1 : 0;
        const std::string digits = value.is_string() ? value.get<std::string>() : value.dump();
        if (!digits.empty() && digits.size() < 6 &&
            std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; }))
            return std::stoi(digits) - offset;
        fail(key, "is not an index");
        return 0;
    }
    const Json& member(std::string_view key) const { return m_json.at(key); }
    void fail(std::string_view key, std::string_view problem)
    {
        if (!m_error)
            m_error = Error {ErrorCode::Corrupt, m_where + ": \"" + std::string(key) + "\" " + std::string(problem),
                             "correct that line; docs/sweep-file.md shows the forms"};
    }
    const std::optional<Error>& error() const { return m_error; }

private:
    const Json& m_json;
    const std::string& m_where;
    std::optional<Error> m_error;
};

TaskItem choices(const std::string& context, const std::vector<std::string>& answers, int gold)
{
    TaskItem item;
    for (const std::string& answer : answers)
        item.pairs.push_back({context, answer.empty() ? std::string() : " " + answer});
    item.gold = gold;
    return item;
}

ReadItem readPairs(Line& line)
{
    ReadItem read;
    const Json& pairs = line.member("pairs");
    for (const Json& pair : pairs.is_array() ? pairs : Json::array()) {
        if (!pair.is_array() || pair.size() != 2 || !pair[0].is_string() || !pair[1].is_string()) {
            line.fail("pairs", "is not a list of [context, continuation]");
            break;
        }
        read.item.pairs.push_back({pair[0].get<std::string>(), pair[1].get<std::string>()});
    }
    read.item.gold = line.index("gold");
    const bool sameContext = std::all_of(read.item.pairs.begin(), read.item.pairs.end(), [&](const TaskPair& pair) {
        return pair.context == read.item.pairs.front().context;
    });
    read.kind = sameContext ? Kind::Choice : Kind::ChoiceUnnormalised;
    return read;
}

ReadItem readChoices(Line& line)
{
    return {choices(line.text("context"), line.texts("choices"), line.index("gold")), Kind::Choice};
}

ReadItem readContexts(Line& line)
{
    ReadItem read {{}, Kind::ChoiceUnnormalised};
    const std::string continuation = line.text("continuation");
    for (const std::string& context : line.texts("contexts"))
        read.item.pairs.push_back({context, continuation.empty() ? std::string() : " " + continuation});
    read.item.gold = line.index("gold");
    return read;
}

ReadItem readCloze(Line& line)
{
    return {choices(line.text("context"), {line.text("target")}, 0), Kind::Cloze};
}

/// ARC and OpenBookQA: choices with labels, the answer as a label.
ReadItem readLabelled(Line& line, const std::string& context)
{
    const std::vector<std::string> answers = line.textsIn(line.member("choices"), "text");
    const std::vector<std::string> labels = line.textsIn(line.member("choices"), "label");
    const std::string key = line.text("answerKey");
    const auto place = std::find(labels.begin(), labels.end(), key);
    if (place == labels.end() || labels.size() != answers.size())
        line.fail("answerKey", "is none of the labels");
    return {choices(context, answers, static_cast<int>(place - labels.begin())), Kind::Choice};
}

ReadItem readArc(Line& line)
{
    return readLabelled(line, "Question: " + line.text("question") + "\nAnswer:");
}

ReadItem readOpenBook(Line& line)
{
    return readLabelled(line, line.text("question_stem"));
}

ReadItem readHellaSwag(Line& line)
{
    const std::string context = line.text("ctx_a") + " " + capitalized(line.text("ctx_b"));
    std::vector<std::string> endings = line.texts("endings");
    std::transform(endings.begin(), endings.end(), endings.begin(), cleanedHellaSwag);
    return {choices(cleanedHellaSwag(line.text("activity_label") + ": " + context), endings, line.index("label")),
            Kind::Choice};
}

ReadItem readPiqa(Line& line)
{
    return {choices("Question: " + line.text("goal") + "\nAnswer:", {line.text("sol1"), line.text("sol2")},
                    line.index("label")),
            Kind::Choice};
}

ReadItem readWinoGrande(Line& line)
{
    ReadItem read {{}, Kind::ChoiceUnnormalised};
    const std::string sentence = line.text("sentence");
    const std::size_t gap = sentence.find('_');
    if (gap == std::string::npos) {
        line.fail("sentence", "has no _");
        return read;
    }
    const std::string rest(stripped(std::string_view(sentence).substr(gap + 1)));
    for (const char* option : {"option1", "option2"})
        read.item.pairs.push_back({sentence.substr(0, gap) + line.text(option), " " + rest});
    read.item.gold = line.index("answer", 1);
    return read;
}

ReadItem readBoolQ(Line& line)
{
    const std::string context = line.text("passage") + "\nQuestion: " + line.text("question") + "?\nAnswer:";
    return {choices(context, {"no", "yes"}, line.index("label")), Kind::ChoiceUnnormalised};
}

ReadItem readLambada(Line& line)
{
    const std::string text = line.text("text");
    const std::size_t space = text.rfind(' ');
    if (space == std::string::npos) {
        line.fail("text", "has only one word");
        return {};
    }
    return {choices(text.substr(0, space), {text.substr(space + 1)}, 0), Kind::Cloze};
}

struct Form
{
    std::array<std::string_view, 2> keys; ///< a line that has both has this form
    ReadItem (*read)(Line& line);
};

constexpr std::array kForms {
    Form {{"pairs", "pairs"}, &readPairs},
    Form {{"contexts", "continuation"}, &readContexts},
    Form {{"context", "choices"}, &readChoices},
    Form {{"context", "target"}, &readCloze},
    Form {{"question_stem", "choices"}, &readOpenBook},
    Form {{"question", "answerKey"}, &readArc},
    Form {{"ctx_a", "endings"}, &readHellaSwag},
    Form {{"goal", "sol1"}, &readPiqa},
    Form {{"sentence", "option1"}, &readWinoGrande},
    Form {{"passage", "question"}, &readBoolQ},
    Form {{"text", "text"}, &readLambada},
};

void checkItem(Line& line, const ReadItem& read)
{
    const TaskItem& item = read.item;
    const std::size_t least = read.kind == Kind::Cloze ? 1 : 2;
    if (item.pairs.size() < least)
        line.fail(line.has("pairs") ? "pairs" : "choices", "has fewer than two choices");
    for (const TaskPair& pair : item.pairs) {
        if (stripped(pair.continuation).empty())
            line.fail(line.has("pairs")    ? "pairs"
                      : line.has("target") ? "target"
                                           : "choices",
                      "has an empty continuation");
    }
    if (item.gold < 0 || static_cast<std::size_t>(item.gold) >= item.pairs.size())
        line.fail(line.has("gold") ? "gold" : line.has("label") ? "label" : "answer", "is no index of a choice");
}

} // namespace

Result<ReadItem> readTaskItem(const Json& json, const std::string& where)
{
    if (!json.is_object())
        return Error {ErrorCode::Corrupt, where + " is not a JSON object", "write one object a line"};
    Line line(json, where);
    for (const Form& form : kForms) {
        if (!line.has(form.keys[0]) || !line.has(form.keys[1]))
            continue;
        ReadItem read = form.read(line);
        if (!line.error())
            checkItem(line, read);
        if (line.error())
            return *line.error();
        if (const auto id = json.find("id"); id != json.end())
            read.item.id = id->is_string() ? id->get<std::string>() : id->dump();
        return read;
    }
    return Error {ErrorCode::Corrupt, where + " has none of the known forms of a task item",
                  R"(write {"id", "context", "choices": [...], "gold": 0})"};
}

std::string cleanedHellaSwag(std::string_view given)
{
    std::string text(stripped(given));
    constexpr std::string_view kTitle = " [title]";
    for (std::size_t at = text.find(kTitle); at != std::string::npos; at = text.find(kTitle, at + 2))
        text.replace(at, kTitle.size(), ". ");
    std::string untagged;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = text[at] == '[' ? text.find(']', at) : std::string::npos;
        const bool isTag = end != std::string::npos && text.find('\n', at) > end; // the expression's dot is no newline
        if (!isTag)
            untagged += text[at];
        at = isTag ? end + 1 : at + 1;
    }
    std::string single;
    for (std::size_t at = 0; at < untagged.size(); ++at) {
        single += untagged[at];
        if (untagged[at] == ' ' && at + 1 < untagged.size() && untagged[at + 1] == ' ')
            ++at;
    }
    return single;
}

std::string capitalized(std::string_view text)
{
    icu::UnicodeString all = icu::UnicodeString::fromUTF8(icu::StringPiece(text.data(), static_cast<int>(text.size())));
    all.toLower(icu::Locale::getRoot());
    if (!all.isEmpty()) {
        icu::UnicodeString first(all, 0, all.moveIndex32(0, 1));
        first.toTitle(nullptr, icu::Locale::getRoot());
        all.replace(0, all.moveIndex32(0, 1), first);
    }
    std::string out;
    all.toUTF8String(out);
    return out;
}

} // namespace paretoscope::core
