// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "views/roofline/roofline_setting.h"

#include <QJsonObject>

namespace paretoscope::views {

QJsonObject toJson(const RooflineSetting& setting);
/// What does not fit is as in `otherwise`.
RooflineSetting settingFrom(const QJsonObject& state, RooflineSetting otherwise);

} // namespace paretoscope::views
