// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QIcon>
#include <QString>

namespace paretoscope::views {

/// A symbolic icon of resources/icons: takes the text colour of the palette in use, sharp at any resolution, drawn when
/// it is first shown. `colour` replaces the text colour where it carries meaning (status).
QIcon themedIcon(const QString& name, const QColor& colour = {});

QIcon applicationIcon();

} // namespace paretoscope::views
