// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QString>
#include <QTextDocument>

namespace paretoscope::views {

/// `text` as a tooltip that shows it as it is: Qt takes what looks like HTML for HTML, and names in a project may come
/// from a stranger.
inline QString plainTip(const QString& text)
{
    return Qt::mightBeRichText(text) ? Qt::convertFromPlainText(text, Qt::WhiteSpaceNormal) : text;
}

} // namespace paretoscope::views
