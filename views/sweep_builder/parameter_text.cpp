// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/sweep_builder/parameter_text.h"

#include "core/sweep/marked_value.h"
#include "views/format/text.h"

#include <QCoreApplication>
#include <QStringList>

#include <algorithm>

using namespace Qt::Literals::StringLiterals;

namespace paretoscope::views {

namespace {

using core::Json;

struct Text
{
    Q_DECLARE_TR_FUNCTIONS(ParameterText)
};

Json valueOf(const core::ParameterSpec& spec, const QString& text)
{
    const std::string utf8 = text.toStdString();
    const bool wantsText = spec.type == core::ParameterType::Text || spec.type == core::ParameterType::Choice ||
                           (spec.type == core::ParameterType::List && spec.itemType == core::ParameterType::Text);
    if (wantsText)
        return utf8;
    Json parsed = Json::parse(utf8, nullptr, false);
    return parsed.is_discarded() || parsed.is_object() ? Json(utf8) : parsed;
}

QString textOf(const Json& value)
{
    return value.is_string() ? toQString(value.get_ref<const std::string&>()) : toQString(core::canonicalJson(value));
}

/// Nothing when the text is no JSON list.
std::optional<Json> jsonList(const QString& text)
{
    if (!text.trimmed().startsWith('['_L1))
        return std::nullopt;
    Json parsed = Json::parse(text.toStdString(), nullptr, false);
    return parsed.is_array() ? std::optional(std::move(parsed)) : std::nullopt;
}

bool isList(const core::ParameterSpec& spec)
{
    return spec.type == core::ParameterType::List;
}

/// Without brackets.
QString plainText(const core::ParameterSpec& spec, const std::vector<Json>& values)
{
    QStringList parts;
    for (const Json& value : values) {
        if (isList(spec) && value.is_array()) {
            for (const Json& item : value)
                parts << textOf(item);
        } else {
            parts << textOf(value);
        }
    }
    return parts.join(", "_L1);
}

} // namespace

QStringList commaParts(const QString& text)
{
    QStringList parts;
    QString part;
    int depth = 0;
    for (const QChar character : text) {
        if (character == ','_L1 && depth == 0) {
            parts << part.trimmed();
            part.clear();
            continue;
        }
        depth += u"[{"_s.contains(character) ? 1 : u"]}"_s.contains(character) ? -1 : 0;
        part += character;
    }
    parts << part.trimmed();
    return parts;
}

std::vector<Json> valuesOf(const core::ParameterSpec& spec, const QString& text)
{
    if (const std::optional<Json> list = jsonList(text)) {
        const bool holdsLists =
            !list->empty() && std::all_of(list->begin(), list->end(), [](const Json& item) { return item.is_array(); });
        if (isList(spec) && !holdsLists)
            return {*list};
        return list->get<std::vector<Json>>();
    }
    std::vector<Json> values;
    for (const QString& part : commaParts(text)) {
        if (!part.isEmpty())
            values.push_back(valueOf(spec, part));
    }
    if (isList(spec))
        return {Json(values)};
    if (values.empty())
        values.emplace_back(std::string());
    return values;
}

QString textOfValues(const core::ParameterSpec& spec, const std::vector<Json>& values)
{
    const QString plain = plainText(spec, values);
    if (valuesOf(spec, plain) == values && !isRange(plain))
        return plain;
    return toQString((isList(spec) && values.size() == 1 ? values.front() : Json(values)).dump());
}

bool isRange(const QString& text)
{
    return text.trimmed().startsWith('{'_L1);
}

std::optional<Json> rangeOf(const QString& text)
{
    const std::string utf8 = text.toStdString();
    const auto value = core::readYaml({"", utf8, {}});
    if (!value.ok() || !value.value().isMap() || !(value.value().find("from") || value.value().find("values")))
        return std::nullopt;
    return value.value().toJson();
}

QString problemOf(const core::PluginManifest& plugin, const core::ParameterSpec& spec, const QString& text)
{
    if (isRange(text))
        return rangeOf(text) ? QString() : Text::tr("This is no range such as {from: 2, to: 8}.");
    for (const Json& value : valuesOf(spec, text)) {
        const core::Result<Json> resolved = core::resolveParameter(plugin, spec, value);
        if (!resolved.ok())
            return toQString(resolved.error().message);
    }
    return {};
}

} // namespace paretoscope::views
