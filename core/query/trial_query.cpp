// SPDX-License-Identifier: Apache-2.0
#include "core/query/trial_query.h"

#include "core/base/near_miss.h"
#include "core/query/query_parser.h"

#include <algorithm>
#include <cctype>

namespace paretoscope::core {

namespace {

template <typename T>
bool compared(const T& value, QueryComparison comparison, const T& other)
{
    switch (comparison) {
    case QueryComparison::Equal:
        return value == other;
    case QueryComparison::Less:
        return value < other;
    case QueryComparison::LessEqual:
        return value <= other;
    case QueryComparison::Greater:
        return value > other;
    case QueryComparison::GreaterEqual:
        return value >= other;
    case QueryComparison::Contains:
        break;
    }
    return false;
}

bool contains(const std::string& text, const std::string& part)
{
    const auto sameLetter = [](char a, char b) {
        return std::tolower(static_cast<unsigned char>(a)) == std::tolower(static_cast<unsigned char>(b));
    };
    return std::search(text.begin(), text.end(), part.begin(), part.end(), sameLetter) != text.end();
}

bool fulfils(const FieldValue& value, QueryComparison comparison, const QueryLiteral& literal)
{
    if (const auto* text = std::get_if<std::string>(&value)) {
        return comparison == QueryComparison::Contains ? contains(*text, literal.text)
                                                       : compared(*text, comparison, literal.text);
    }
    return literal.number && compared(std::get<double>(value), comparison, *literal.number);
}

bool evaluate(const QueryNode& node, const TrialRecord& trial)
{
    switch (node.kind) {
    case QueryNode::Kind::And:
        return evaluate(*node.left, trial) && evaluate(*node.right, trial);
    case QueryNode::Kind::Or:
        return evaluate(*node.left, trial) || evaluate(*node.right, trial);
    case QueryNode::Kind::Not:
        return !evaluate(*node.left, trial);
    case QueryNode::Kind::Has: {
        const auto values = fieldValues(trial, node.name);
        return std::any_of(values.begin(), values.end(), [](const FieldValue& value) {
            const auto* text = std::get_if<std::string>(&value);
            return !text || *text != "false";
        });
    }
    case QueryNode::Kind::Compare:
        break;
    }
    for (const FieldValue& value : fieldValues(trial, node.name)) {
        for (const QueryLiteral& literal : node.literals) {
            if (fulfils(value, node.comparison, literal))
                return true;
        }
    }
    return false;
}

} // namespace

Result<TrialQuery> TrialQuery::parse(std::string_view text)
{
    PSC_ASSIGN(ParsedQuery parsed, parseQuery(text));
    TrialQuery query;
    query.m_root = std::move(parsed.root);
    query.m_names = std::move(parsed.names);
    return query;
}

bool TrialQuery::matches(const TrialRecord& trial) const
{
    return !m_root || evaluate(*m_root, trial);
}

Status TrialQuery::checkNames(std::span<const TrialRecord> trials) const
{
    if (trials.empty())
        return success();
    const std::vector<std::string> known = fieldNames(trials);
    for (const std::string& name : m_names) {
        const std::string plain = name.substr(0, name.find('@'));
        if (std::find(known.begin(), known.end(), plain) == known.end() &&
            std::all_of(trials.begin(), trials.end(),
                        [&](const TrialRecord& trial) { return fieldValues(trial, name).empty(); }))
            return Error {ErrorCode::InvalidArgument, "filter: no trial has a \"" + name + "\"",
                          suggestion(name, known)};
    }
    return success();
}

} // namespace paretoscope::core
