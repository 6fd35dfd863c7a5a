// SPDX-License-Identifier: Apache-2.0
#include "core/query/trial_query.h"

#include "core/base/near_miss.h"
#include "core/evaluation/baselines.h"
#include "core/query/query_lexer.h"
#include "core/query/query_parser.h"

#include <algorithm>
#include <cctype>
#include <cmath>

namespace paretoscope::core {

namespace {

using Kind = QueryNode::Kind;

/// What a value of a filter comes to for one trial. A literal number is a text, too.
struct Reading
{
    std::optional<double> number;
    std::optional<std::string> text;
    std::vector<const MetricRecord*> metrics; ///< that it was calculated from
};

struct Subject
{
    const TrialRecord& trial;
    const TrialRecord* baseline;
};

bool isBaselineField(const std::string& name)
{
    return name.starts_with(kBaselinePrefix);
}

std::string fieldName(const std::string& name)
{
    return isBaselineField(name) ? name.substr(kBaselinePrefix.size()) : name;
}

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

/// Numbers of one metric under unlike protocols say nothing about each other.
bool areComparable(const Reading& a, const Reading& b)
{
    return std::all_of(a.metrics.begin(), a.metrics.end(), [&](const MetricRecord* one) {
        return std::all_of(b.metrics.begin(), b.metrics.end(), [&](const MetricRecord* other) {
            return one->name != other->name || one->protocol == other->protocol;
        });
    });
}

bool fulfils(const Reading& value, QueryComparison comparison, const Reading& other)
{
    if (!areComparable(value, other))
        return false;
    if (comparison == QueryComparison::Contains)
        return value.text && other.text && contains(*value.text, *other.text);
    if (value.number && other.number)
        return compared(*value.number, comparison, *other.number);
    return value.text && other.text && compared(*value.text, comparison, *other.text);
}

double calculated(Kind kind, double left, double right)
{
    switch (kind) {
    case Kind::Add:
        return left + right;
    case Kind::Subtract:
        return left - right;
    case Kind::Multiply:
        return left * right;
    default:
        return left / right;
    }
}

std::vector<Reading> readField(const std::string& name, const Subject& subject)
{
    const TrialRecord* trial = isBaselineField(name) ? subject.baseline : &subject.trial;
    std::vector<Reading> readings;
    if (!trial)
        return readings;
    for (FieldReading& field : fieldReadings(*trial, fieldName(name))) {
        Reading reading;
        if (auto* text = std::get_if<std::string>(&field.value))
            reading.text = std::move(*text);
        else
            reading.number = std::get<double>(field.value);
        if (field.metric)
            reading.metrics.push_back(field.metric);
        readings.push_back(std::move(reading));
    }
    return readings;
}

std::vector<Reading> read(const QueryNode& node, const Subject& subject)
{
    if (node.kind == Kind::Literal)
        return {Reading {node.number, node.text, {}}};
    if (node.kind == Kind::Field)
        return readField(node.text, subject);
    std::vector<Reading> readings;
    const std::vector<Reading> right = read(*node.right, subject);
    for (const Reading& a : read(*node.left, subject)) {
        for (const Reading& b : right) {
            if (!a.number || !b.number || !areComparable(a, b))
                continue;
            Reading reading {calculated(node.kind, *a.number, *b.number), std::nullopt, a.metrics};
            reading.metrics.insert(reading.metrics.end(), b.metrics.begin(), b.metrics.end());
            if (std::isfinite(*reading.number))
                readings.push_back(std::move(reading));
        }
    }
    return readings;
}

bool evaluate(const QueryNode& node, const Subject& subject)
{
    switch (node.kind) {
    case Kind::And:
        return evaluate(*node.left, subject) && evaluate(*node.right, subject);
    case Kind::Or:
        return evaluate(*node.left, subject) || evaluate(*node.right, subject);
    case Kind::Not:
        return !evaluate(*node.left, subject);
    case Kind::Has: {
        const std::vector<Reading> readings = readField(node.text, subject);
        return std::any_of(readings.begin(), readings.end(),
                           [](const Reading& reading) { return !reading.text || *reading.text != "false"; });
    }
    default:
        break;
    }
    const std::vector<Reading> values = read(*node.left, subject);
    for (const QueryNodePtr& other : node.others) {
        for (const Reading& wanted : read(*other, subject)) {
            if (std::any_of(values.begin(), values.end(),
                            [&](const Reading& value) { return fulfils(value, node.comparison, wanted); }))
                return true;
        }
    }
    return false;
}

/// Holds a filter against the trials it is to filter.
class Checker
{
public:
    explicit Checker(std::span<const TrialRecord> trials)
        : m_trials(trials)
        , m_known(fieldNames(trials))
    {}

    Status check(const QueryNode& node) const
    {
        if (node.kind == Kind::Has)
            return asStatus(typeOfField(node));
        if (node.kind != Kind::Compare) {
            PSC_TRY(check(*node.left));
            return node.right ? check(*node.right) : success();
        }
        PSC_ASSIGN(const Type left, typeOf(*node.left));
        for (const QueryNodePtr& other : node.others) {
            PSC_ASSIGN(const Type right, typeOf(*other));
            PSC_TRY(checkComparison(node, left, *other, right));
        }
        return success();
    }

private:
    struct Type
    {
        bool number = false;
        bool text = false;
        bool isOnlyNumber() const { return number && !text; }
        bool isOnlyText() const { return text && !number; }
    };

    static Status asStatus(const Result<Type>& type) { return type.ok() ? success() : Status(type.error()); }

    static std::string quoted(const QueryNode& node)
    {
        return node.text.empty() ? std::string("the calculation") : "\"" + node.text + "\"";
    }

    static Status checkComparison(const QueryNode& compare, Type left, const QueryNode& other, Type right)
    {
        const QueryNode& subject = *compare.left;
        if (compare.comparison == QueryComparison::Contains && left.isOnlyNumber())
            return querySyntaxError(subject.column, quoted(subject) + " is a number, and ~ looks into texts");
        if (left.isOnlyNumber() && right.isOnlyText())
            return querySyntaxError(other.column, quoted(other) + " is no number, but " + quoted(subject) + " is one");
        if (left.isOnlyText() && right.isOnlyNumber())
            return querySyntaxError(other.column,
                                    quoted(other) + " is a number, but " + quoted(subject) + " is a text");
        return success();
    }

    Result<Type> typeOf(const QueryNode& node) const
    {
        if (node.kind == Kind::Literal)
            return Type {node.number.has_value(), true};
        if (node.kind == Kind::Field)
            return typeOfField(node);
        for (const QueryNodePtr& operand : {node.left, node.right}) {
            PSC_ASSIGN(const Type type, typeOf(*operand));
            if (!type.number)
                return querySyntaxError(operand->column,
                                        quoted(*operand) + " is a text, and only numbers can be calculated with");
        }
        return Type {true, false};
    }

    Result<Type> typeOfField(const QueryNode& node) const
    {
        const bool ofBaseline = isBaselineField(node.text);
        const std::string name = fieldName(node.text);
        Type type;
        bool anyBaseline = false;
        for (const TrialRecord& trial : m_trials) {
            if (ofBaseline && (!isBaseline(trial) || trial.status != TrialStatus::Done))
                continue;
            anyBaseline = true;
            for (const FieldValue& value : fieldValues(trial, name))
                (std::holds_alternative<double>(value) ? type.number : type.text) = true;
        }
        if (type.number || type.text)
            return type;
        if (ofBaseline && !anyBaseline) {
            Error missing = querySyntaxError(node.column, quoted(node) + " needs a finished baseline; there is none");
            missing.hint = "run the empty pipeline [] once";
            return missing;
        }
        if (std::find(m_known.begin(), m_known.end(), name.substr(0, name.find('@'))) != m_known.end())
            return Type {true, true}; // a field that none of these happens to have
        Error unknown = querySyntaxError(node.column, "no trial has a \"" + name + "\"");
        unknown.hint = name.find_first_of("+-/") == std::string::npos ? suggestion(name, m_known)
                                                                      : "to calculate, write spaces around + - and /";
        return unknown;
    }

    std::span<const TrialRecord> m_trials;
    std::vector<std::string> m_known;
};

} // namespace

Result<TrialQuery> TrialQuery::parse(std::string_view text)
{
    TrialQuery query;
    PSC_ASSIGN(query.m_root, parseQuery(text));
    return query;
}

bool TrialQuery::matches(const TrialRecord& trial, const TrialRecord* baseline) const
{
    return !m_root || evaluate(*m_root, {trial, baseline});
}

Status TrialQuery::check(std::span<const TrialRecord> trials) const
{
    return m_root && !trials.empty() ? Checker(trials).check(*m_root) : success();
}

} // namespace paretoscope::core
