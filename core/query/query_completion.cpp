// SPDX-License-Identifier: Apache-2.0
#include "core/query/query_completion.h"

#include "core/query/query_lexer.h"
#include "core/query/trial_fields.h"
#include "core/query/trial_query.h"

#include <algorithm>
#include <cctype>
#include <set>

namespace paretoscope::core {

namespace {

constexpr std::size_t kMostCandidates = 100;

bool beginsWith(std::string_view text, std::string_view prefix)
{
    return text.size() >= prefix.size() && std::equal(prefix.begin(), prefix.end(), text.begin(), [](char a, char b) {
               return std::tolower(static_cast<unsigned char>(a)) == std::tolower(static_cast<unsigned char>(b));
           });
}

std::string asWord(const std::string& text)
{
    const bool plain =
        !text.empty() && isQueryWordStart(text.front()) && std::all_of(text.begin(), text.end(), isQueryWordPart);
    return plain ? text : "\"" + text + "\"";
}

/// The field whose value is expected after these tokens: "plugin =", "plugin in (gptq,"; empty for none.
std::string fieldBefore(const std::vector<QueryToken>& tokens)
{
    std::size_t at = tokens.size();
    while (at > 0 && (tokens[at - 1].isSign(",") || tokens[at - 1].kind == QueryToken::Kind::Text ||
                      (tokens[at - 1].kind == QueryToken::Kind::Word && at > 1 &&
                       (tokens[at - 2].isSign(",") || tokens[at - 2].isSign("(")))))
        --at;
    const bool inList = at >= 3 && tokens[at - 1].isSign("(") && tokens[at - 2].isWord("in");
    if (inList)
        return tokens[at - 3].text;
    if (tokens.size() < 2)
        return {};
    const QueryToken& sign = tokens.back();
    for (const std::string_view comparison : {"=", "==", "!=", "<>", "~", "!~"}) {
        if (sign.isSign(comparison))
            return tokens[tokens.size() - 2].text;
    }
    return {};
}

bool endsAValue(const std::vector<QueryToken>& tokens)
{
    if (tokens.empty())
        return false;
    const QueryToken& last = tokens.back();
    if (last.kind == QueryToken::Kind::Word)
        return !last.isWord("and") && !last.isWord("or") && !last.isWord("not") && !last.isWord("in");
    return last.kind != QueryToken::Kind::Sign || last.isSign(")");
}

std::set<std::string> textsOf(const std::string& field, std::span<const TrialRecord> trials)
{
    std::set<std::string> texts;
    for (const TrialRecord& trial : trials) {
        for (const FieldValue& value : fieldValues(trial, field)) {
            if (const auto* text = std::get_if<std::string>(&value))
                texts.insert(*text);
        }
    }
    return texts;
}

std::set<std::string> namesFor(std::string_view word, std::span<const TrialRecord> trials)
{
    std::set<std::string> names;
    const bool ofBaseline = word.starts_with(kBaselinePrefix);
    for (const std::string& name : fieldNames(trials))
        names.insert(ofBaseline ? std::string(kBaselinePrefix) + name : name);
    if (!ofBaseline)
        names.insert({std::string(kBaselinePrefix), "not"});
    return names;
}

} // namespace

QueryCompletion completeQuery(std::string_view text, std::size_t cursor, std::span<const TrialRecord> trials)
{
    QueryCompletion completion {cursor, cursor, {}};
    while (completion.begin > 0 && isQueryWordPart(text[completion.begin - 1]))
        --completion.begin;
    const std::string_view word = text.substr(completion.begin, cursor - completion.begin);
    auto before = queryTokens(text.substr(0, completion.begin));
    if (!before.ok())
        return completion; // inside quotation marks
    std::vector<QueryToken>& tokens = before.value();
    tokens.pop_back();

    const std::string field = fieldBefore(tokens);
    std::set<std::string> possible;
    if (!field.empty())
        possible = textsOf(field, trials);
    else if (endsAValue(tokens))
        possible = {"and", "or", "in"};
    else
        possible = namesFor(word, trials);
    for (const std::string& candidate : possible) {
        if (beginsWith(candidate, word) && completion.candidates.size() < kMostCandidates)
            completion.candidates.push_back(field.empty() ? candidate : asWord(candidate));
    }
    return completion;
}

} // namespace paretoscope::core
