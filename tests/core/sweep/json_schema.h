// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/json.h"

#include <QtGlobal>

#include <algorithm>
#include <cmath>
#include <map>
#include <regex>
#include <string>
#include <vector>

/// The part of JSON Schema (draft 7) that resources/sweep.schema.json uses; another keyword ends the test.
class JsonSchema
{
public:
    using Json = paretoscope::core::Json;

    explicit JsonSchema(Json schema)
        : m_schema(std::move(schema))
    {}

    bool accepts(const Json& value) const { return fits(m_schema, value); }

private:
    bool fits(const Json& schema, const Json& value) const
    {
        if (schema.is_boolean())
            return schema.get<bool>();
        for (const auto& [keyword, rule] : schema.items()) {
            if (!keeps(keyword, rule, schema, value))
                return false;
        }
        return true;
    }

    bool keeps(const std::string& keyword, const Json& rule, const Json& schema, const Json& value) const
    {
        const auto any = [&](const Json& list, const Json& item) {
            return std::any_of(list.begin(), list.end(), [&](const Json& each) { return fits(each, item); });
        };
        if (keyword == "$ref")
            return fits(m_schema.at(Json::json_pointer(rule.get<std::string>().substr(1))), value);
        if (keyword == "type")
            return hasType(rule, value);
        if (keyword == "const")
            return value == rule;
        if (keyword == "enum")
            return std::find(rule.begin(), rule.end(), value) != rule.end();
        if (keyword == "anyOf")
            return any(rule, value);
        if (keyword == "allOf")
            return std::all_of(rule.begin(), rule.end(), [&](const Json& each) { return fits(each, value); });
        if (keyword == "not")
            return !fits(rule, value);
        if (keyword == "if")
            return fits(rule, value) || fits(schema.value("else", Json(true)), value);
        if (keyword == "minimum")
            return !value.is_number() || value.get<double>() >= rule.get<double>();
        if (keyword == "exclusiveMinimum")
            return !value.is_number() || value.get<double>() > rule.get<double>();
        if (keyword == "maximum")
            return !value.is_number() || value.get<double>() <= rule.get<double>();
        if (keyword == "minLength")
            return !value.is_string() || value.get<std::string>().size() >= rule.get<std::size_t>();
        if (keyword == "pattern")
            return !value.is_string() ||
                   std::regex_search(value.get<std::string>(), std::regex(rule.get<std::string>()));
        if (keyword == "items")
            return !value.is_array() ||
                   std::all_of(value.begin(), value.end(), [&](const Json& item) { return fits(rule, item); });
        if (keyword == "minItems")
            return !value.is_array() || value.size() >= rule.get<std::size_t>();
        if (keyword == "uniqueItems")
            return !value.is_array() || isUnique(value);
        if (keyword == "required")
            return !value.is_object() || std::all_of(rule.begin(), rule.end(), [&](const Json& name) {
                return value.contains(name.get<std::string>());
            });
        if (keyword == "minProperties")
            return !value.is_object() || value.size() >= rule.get<std::size_t>();
        if (keyword == "maxProperties")
            return !value.is_object() || value.size() <= rule.get<std::size_t>();
        if (keyword == "properties" || keyword == "additionalProperties")
            return keyword == "properties" ? keepsProperties(rule, value) : keepsOthers(rule, schema, value);
        static const std::vector<std::string> kRemarks {"$schema", "title",       "description",
                                                        "default", "definitions", "else"};
        if (std::find(kRemarks.begin(), kRemarks.end(), keyword) == kRemarks.end())
            qFatal("the schema uses %s, which this test does not know", keyword.c_str());
        return true;
    }

    static bool hasType(const Json& rule, const Json& value)
    {
        const auto is = [&](const std::string& type) {
            const bool isWhole = value.is_number_float() && value.get<double>() == std::floor(value.get<double>());
            const std::map<std::string, bool> types {
                {"null", value.is_null()},     {"boolean", value.is_boolean()},
                {"object", value.is_object()}, {"array", value.is_array()},
                {"number", value.is_number()}, {"integer", value.is_number_integer() || isWhole},
                {"string", value.is_string()}};
            return types.at(type);
        };
        return rule.is_string() ? is(rule.get<std::string>())
                                : std::any_of(rule.begin(), rule.end(),
                                              [&](const Json& type) { return is(type.get<std::string>()); });
    }

    static bool isUnique(const Json& list)
    {
        for (auto item = list.begin(); item != list.end(); ++item) {
            if (std::find(std::next(item), list.end(), *item) != list.end())
                return false;
        }
        return true;
    }

    bool keepsProperties(const Json& rules, const Json& value) const
    {
        for (const auto& [name, rule] : rules.items()) {
            if (value.is_object() && value.contains(name) && !fits(rule, value.at(name)))
                return false;
        }
        return true;
    }

    bool keepsOthers(const Json& rule, const Json& schema, const Json& value) const
    {
        if (!value.is_object())
            return true;
        const Json named = schema.value("properties", Json::object());
        for (const auto& [name, item] : value.items()) {
            if (!named.contains(name) && !fits(rule, item))
                return false;
        }
        return true;
    }

    Json m_schema;
};
