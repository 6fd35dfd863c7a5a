// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QList>

class QWidget;

namespace paretoscope::views {

/// Tab visits the controls of these widgets of one window in this order, those within each in the order they have. Qt's
/// own order is that of creation, which need not be the one they are seen in.
void orderTabs(const QList<QWidget*>& parts);

} // namespace paretoscope::views
