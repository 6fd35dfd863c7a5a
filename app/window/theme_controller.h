// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "views/theme/theme.h"

#include <QObject>
#include <QPalette>

class QDBusVariant;

namespace paretoscope::app {

/// Gives the application its style and palette and follows the desktop's light or dark when asked to.
class ThemeController : public QObject
{
    Q_OBJECT

public:
    /// Takes over the application's style. Call before the first widget.
    explicit ThemeController(QObject* parent = nullptr);

    void setTheme(views::Theme theme);
    views::Theme theme() const { return m_theme; }
    /// Asks the desktop portal, without waiting, and follows it. Call after the window is shown.
    void followDesktop();

private Q_SLOTS:
    void takeSetting(const QString& space, const QString& key, const QDBusVariant& value);

private:
    void apply();
    void takeScheme(uint scheme);

    views::Theme m_theme = views::Theme::System;
    bool m_desktopIsDark = false;
};

} // namespace paretoscope::app
