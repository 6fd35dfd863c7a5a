// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/plugin/manifest.h"

#include <QString>

#include <optional>
#include <vector>

namespace paretoscope::views {

/// Parts between commas that are in no bracket, trimmed.
QStringList commaParts(const QString& text);

/// The values a text stands for: "2, 3" are two of a number, texts need no quotes. A parameter that is a list itself
/// gets one value, the list. What could be misread so stands in brackets, as JSON: ["a,b"], [["*.mlp.*"], []].
std::vector<core::Json> valuesOf(const core::ParameterSpec& spec, const QString& text);
/// Reverse of valuesOf().
QString textOfValues(const core::ParameterSpec& spec, const std::vector<core::Json>& values);

/// Whether a text is meant as a range or as values on a condition, as sweep files have them: {from: 2, to: 8},
/// {values: [none, mse], when: {bits: 2}}.
bool isRange(const QString& text);
/// What stands in the braces; nothing when that is neither of the two.
std::optional<core::Json> rangeOf(const QString& text);

/// What is wrong with the text of one parameter, as far as it alone tells; empty: nothing.
QString problemOf(const core::PluginManifest& plugin, const core::ParameterSpec& spec, const QString& text);

} // namespace paretoscope::views
