// SPDX-License-Identifier: Apache-2.0
#include "core/sweep/rounded_number.h"
#include "core/sweep/sweep_parts.h"

#include <algorithm>
#include <cmath>
#include <tuple>

namespace paretoscope::core {

namespace {

constexpr int kDigits = 12;      ///< of a value of a range: 0.1 + 2 * 0.1 is 0.3
constexpr double kLeeway = 1e-9; ///< of a step, by which the last value may miss the end
constexpr double kMostValues = 100'000;

/// One range being read.
class RangeReader
{
public:
    RangeReader(const SweepContext& context, const ParameterPlace& place)
        : m_context(context)
        , m_place(place)
    {}

    Result<ParameterValues> read(MarkedFields& fields)
    {
        PSC_ASSIGN(const MarkedValue* const from, fields.required("from", "write {from: 1, to: 8} or {values: [...]}"));
        const MarkedValue* const to = fields.find("to");
        m_step = fields.find("step");
        m_factor = fields.find("factor");
        m_count = fields.find("count");
        const MarkedValue* const log = fields.find("log");
        PSC_TRY(fields.refuseUnknown());
        PSC_TRY(fields.required("to", "a range has both ends: {from: 1, to: 8}"));
        const ParameterType type = m_place.spec.type;
        if (type != ParameterType::Integer && type != ParameterType::Number)
            return error(from->place, "is no number, so it has no range", "give " + m_place.spec.allowedText());
        PSC_ASSIGN(m_from, bound(*from));
        PSC_ASSIGN(m_to, bound(*to));
        if (!(m_from < m_to))
            return error(to->place, "ends at " + to->shown() + ", which is not above " + from->shown(),
                         "write the smaller number at from");
        if (log && !log->scalar.is_boolean())
            return error(log->place, "log is " + log->shown() + ", not true or false", "write log: true");
        m_isLog = log && log->scalar.get<bool>();
        PSC_TRY(checkSteps(*from));
        return values(*from);
    }

private:
    Error error(Place place, const std::string& message, std::string hint) const
    {
        return m_context.source.error(place, m_place.what() + " " + message, std::move(hint));
    }

    Result<double> bound(const MarkedValue& value) const
    {
        const Result<Json> number =
            resolveParameter(m_place.manifest, m_place.spec, plainParameter(m_place.spec, value));
        if (!number.ok())
            return m_context.source.error(value.place, number.error());
        return number.value().get<double>();
    }

    /// One of step, factor and count, each suiting what it is for.
    Status checkSteps(const MarkedValue& from) const
    {
        const MarkedValue* first = nullptr;
        for (const MarkedValue* each : {m_step, m_factor, m_count}) {
            if (each && first)
                return error(each->place, "has two of step, factor and count", "give one of them");
            first = each ? each : first;
        }
        if (m_isLog && (m_step || m_factor))
            return error(first->place, "has log beside step or factor", "log goes with count, or alone");
        const bool isInteger = m_place.spec.type == ParameterType::Integer;
        if (m_isLog && isInteger && !m_count)
            return error(from.place, "is an integer range with log and without values", "add count, or use factor");
        if ((m_isLog || m_factor) && m_from <= 0)
            return error(from.place, "begins at " + from.shown() + ", and factors lead nowhere from there",
                         "begin above 0");
        for (const auto& [value, least, name] :
             {std::tuple(m_step, 0.0, "step"), std::tuple(m_factor, 1.0, "factor")}) {
            if (!value)
                continue;
            const bool isNumber = value->scalar.is_number() && value->scalar.get<double>() > least;
            const bool fits = isNumber && (!isInteger || std::floor(number(value)) == number(value));
            if (!fits)
                return error(value->place,
                             std::string(name) + " is " + value->shown() + ", not " +
                                 (isInteger ? "an integer" : "a number") + " above " + (least > 0 ? "1" : "0"),
                             "write e.g. " + std::string(name) + ": 2");
        }
        if (m_count && !(m_count->scalar.is_number_integer() && number(m_count) >= 2 && number(m_count) <= kMostValues))
            return error(m_count->place, "count is " + m_count->shown() + ", not an integer from 2 to 100000",
                         "say how many values the range stands for");
        return success();
    }

    Result<ParameterValues> values(const MarkedValue& from) const
    {
        ParameterValues range;
        const bool isInteger = m_place.spec.type == ParameterType::Integer;
        if (!isInteger && !m_step && !m_factor && !m_count) {
            range.from = m_from;
            range.to = m_to;
            range.isLogarithmic = m_isLog;
            return range;
        }
        const double span = m_factor  ? std::log(m_to / m_from) / std::log(number(m_factor))
                            : m_count ? number(m_count) - 1
                                      : (m_to - m_from) / (m_step ? number(m_step) : 1);
        if (!(span < kMostValues))
            return error(from.place, "stands for more than 100000 values", "take a larger step");
        const auto last = static_cast<int>(span + kLeeway);
        for (int i = 0; i <= last; ++i) {
            const double value = roundedNumber(valueAt(i, last), kDigits);
            const Result<Json> resolved =
                resolveParameter(m_place.manifest, m_place.spec, isInteger ? std::round(value) : value);
            if (!resolved.ok())
                return m_context.source.error(from.place, resolved.error());
            if (range.levels.empty() || range.levels.back() != resolved.value())
                range.levels.push_back(resolved.value());
        }
        return range;
    }

    double valueAt(int i, int last) const
    {
        const double share = m_count ? double(i) / last : 0;
        if (m_count)
            return m_isLog ? m_from * std::pow(m_to / m_from, share) : m_from + (m_to - m_from) * share;
        return m_factor ? m_from * std::pow(number(m_factor), i) : m_from + i * (m_step ? number(m_step) : 1);
    }

    static double number(const MarkedValue* value) { return value->scalar.get<double>(); }

    const SweepContext& m_context;
    const ParameterPlace& m_place;
    const MarkedValue* m_step = nullptr;
    const MarkedValue* m_factor = nullptr;
    const MarkedValue* m_count = nullptr;
    double m_from = 0;
    double m_to = 0;
    bool m_isLog = false;
};

} // namespace

Result<ParameterValues> readRange(const SweepContext& context, const ParameterPlace& place, MarkedFields& fields)
{
    return RangeReader(context, place).read(fields);
}

} // namespace paretoscope::core
