// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/theme/status_icon.h"

#include "views/theme/icons.h"
#include "views/theme/theme.h"

#include <QGuiApplication>

using namespace Qt::Literals::StringLiterals;

namespace paretoscope::views {

QIcon statusIcon(core::TrialStatus status)
{
    const ThemeColours& colours = themeColours(QGuiApplication::palette());
    switch (status) {
    case core::TrialStatus::Queued:
        return themedIcon(u"queued"_s, colours.mutedText);
    case core::TrialStatus::Running:
        return themedIcon(u"running"_s, QGuiApplication::palette().color(QPalette::Link));
    case core::TrialStatus::Done:
        return themedIcon(u"done"_s, colours.good);
    case core::TrialStatus::Failed:
        return themedIcon(u"error"_s, colours.error);
    case core::TrialStatus::Interrupted:
        return themedIcon(u"interrupted"_s, colours.warning);
    }
    return {};
}

} // namespace paretoscope::views
