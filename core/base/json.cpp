// SPDX-License-Identifier: Apache-2.0
#include "core/base/json.h"

#include <charconv>
#include <cmath>
#include <set>
#include <vector>

namespace paretoscope::core {

Result<Json> parseJson(std::string_view text, std::string_view what, int maxDepth)
{
    std::vector<std::set<std::string>> keysOfOpenObjects;
    std::string problem;
    const Json::parser_callback_t watch = [&](int depth, Json::parse_event_t event, Json& parsed) {
        switch (event) {
        case Json::parse_event_t::object_start:
            keysOfOpenObjects.emplace_back();
            [[fallthrough]];
        case Json::parse_event_t::array_start:
            if (depth >= maxDepth && problem.empty())
                problem = "nested deeper than " + std::to_string(maxDepth) + " levels";
            break;
        case Json::parse_event_t::key:
            if (!keysOfOpenObjects.back().insert(parsed.get<std::string>()).second && problem.empty())
                problem = "duplicate key \"" + parsed.get<std::string>() + "\"";
            break;
        case Json::parse_event_t::object_end:
            keysOfOpenObjects.pop_back();
            break;
        default:
            break;
        }
        return problem.empty();
    };
    try {
        Json value = Json::parse(text, watch);
        if (!problem.empty())
            return Error {ErrorCode::Corrupt, std::string(what) + " is not valid JSON: " + problem, "correct the file"};
        return value;
    } catch (const Json::exception& failure) {
        const std::string detail = problem.empty() ? failure.what() : problem;
        return Error {ErrorCode::Corrupt, std::string(what) + " is not valid JSON: " + detail, "correct the file"};
    }
}

namespace {

void writeNumber(double number, std::string& out)
{
    constexpr double kExactIntegers = 9007199254740992.0; // 2^53
    if (std::isfinite(number) && number == std::trunc(number) && std::fabs(number) < kExactIntegers) {
        out += std::to_string(static_cast<long long>(number));
        return;
    }
    if (!std::isfinite(number)) {
        out += "null";
        return;
    }
    char buffer[40];
    const auto end = std::to_chars(buffer, buffer + sizeof buffer, number).ptr;
    out.append(buffer, end);
}

void write(const Json& value, std::string& out)
{
    if (value.is_object()) {
        out += '{';
        bool first = true;
        for (const auto& [key, item] : value.items()) {
            if (!first)
                out += ',';
            first = false;
            out += Json(key).dump();
            out += ':';
            write(item, out);
        }
        out += '}';
    } else if (value.is_array()) {
        out += '[';
        for (std::size_t i = 0; i < value.size(); ++i) {
            if (i > 0)
                out += ',';
            write(value[i], out);
        }
        out += ']';
    } else if (value.is_number_float()) {
        writeNumber(value.get<double>(), out);
    } else {
        out += value.dump();
    }
}

} // namespace

std::string canonicalJson(const Json& value)
{
    std::string out;
    write(value, out);
    return out;
}

} // namespace paretoscope::core
