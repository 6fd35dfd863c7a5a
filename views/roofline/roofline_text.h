// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "views/roofline/roofline_analysis.h"

#include <QString>
#include <QStringList>

/// The words of the roofline dock for what the library counts.
namespace paretoscope::views {

QString boundText(roofline::Bound bound);             ///< "memory"
QString kindText(roofline::OperationKind kind);       ///< "MLP and experts"
QString quantityText(std::string_view quantity);      ///< "Time to first token" for "time_to_first_token"
QString valueText(const roofline::Derivation& value); ///< with its unit
QString modeText(RooflineMode mode);
QString stageText(RooflineStage stage);
QString timeBarText(const std::string& id);
/// "layers 0 …, 32 times", "entry", "head".
QString placeText(const AnalysedOperation& operation);
QString shapeText(const AnalysedOperation& operation); ///< "1 × 4096"; empty: not told
/// "Llama, 16/16/16 bit, batch 1, …" for titles and comparisons.
QString settingText(const RooflineSetting& setting);
/// All numbers of an operation, one line each: labels of points, nodes and assistive technology.
QStringList describeOperation(const AnalysedOperation& operation);

/// Whether less of a quantity is better.
bool isBetterWhenSmaller(std::string_view quantity);

} // namespace paretoscope::views
