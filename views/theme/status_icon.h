// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/project/records.h"

#include <QIcon>

namespace paretoscope::views {

/// Shape and colour of a trial's status; the text stands beside it.
QIcon statusIcon(core::TrialStatus status);

} // namespace paretoscope::views
