// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/theme/window_style.h"

#include "views/theme/icons.h"
#include "views/theme/theme.h"

#include <QDockWidget>
#include <QPainter>
#include <QStyleFactory>
#include <QStyleOption>

using namespace Qt::Literals::StringLiterals;

namespace paretoscope::views {

WindowStyle::WindowStyle()
    : QProxyStyle(u"Fusion"_s)
{}

void WindowStyle::drawControl(ControlElement element, const QStyleOption* option, QPainter* painter,
                              const QWidget* widget) const
{
    const auto* dock =
        element == CE_DockWidgetTitle ? qstyleoption_cast<const QStyleOptionDockWidget*>(option) : nullptr;
    if (!dock) {
        QProxyStyle::drawControl(element, option, painter, widget);
        return;
    }
    painter->save();
    painter->fillRect(dock->rect, dock->palette.color(QPalette::Window));
    painter->setPen(themeColours(dock->palette).border);
    painter->drawLine(dock->rect.bottomLeft(), dock->rect.bottomRight());
    QFont font = painter->font();
    font.setWeight(QFont::DemiBold);
    painter->setFont(font);
    painter->setPen(dock->palette.color(QPalette::WindowText));
    const QRect text = subElementRect(SE_DockWidgetTitleBarText, dock, widget).adjusted(2, 0, 0, 0);
    const QString title = QFontMetrics(font).elidedText(dock->title, Qt::ElideRight, text.width());
    painter->drawText(text, int(Qt::AlignLeft | Qt::AlignVCenter) | int(Qt::TextShowMnemonic), title);
    painter->restore();
}

void WindowStyle::drawPrimitive(PrimitiveElement element, const QStyleOption* option, QPainter* painter,
                                const QWidget* widget) const
{
    if (element == PE_IndicatorDockWidgetResizeHandle) // a hair line instead of Fusion's dotted grip
        return;
    QProxyStyle::drawPrimitive(element, option, painter, widget);
}

int WindowStyle::pixelMetric(PixelMetric metric, const QStyleOption* option, const QWidget* widget) const
{
    switch (metric) {
    case PM_DockWidgetTitleMargin:
        return 5;
    case PM_DockWidgetSeparatorExtent:
        return 5;
    case PM_SplitterWidth:
        return 5;
    case PM_DockWidgetTitleBarButtonMargin:
        return 3;
    case PM_HeaderMargin:
        return 7;
    case PM_FocusFrameHMargin: // of text in cells
        return 6;
    case PM_SmallIconSize:
        return 16;
    case PM_ToolBarIconSize:
        return 18;
    default:
        return QProxyStyle::pixelMetric(metric, option, widget);
    }
}

int WindowStyle::styleHint(StyleHint hint, const QStyleOption* option, const QWidget* widget,
                           QStyleHintReturn* returnData) const
{
    switch (hint) {
    case SH_ToolTip_WakeUpDelay:
        return 500;
    case SH_ItemView_ShowDecorationSelected:
        return 1;
    case SH_DialogButtonBox_ButtonsHaveIcons:
        return 0;
    default:
        return QProxyStyle::styleHint(hint, option, widget, returnData);
    }
}

QIcon WindowStyle::standardIcon(StandardPixmap icon, const QStyleOption* option, const QWidget* widget) const
{
    if (icon == SP_TitleBarCloseButton)
        return themedIcon(u"close"_s);
    if (icon == SP_TitleBarNormalButton)
        return themedIcon(u"float"_s);
    if (icon == SP_LineEditClearButton)
        return themedIcon(u"clear"_s);
    return QProxyStyle::standardIcon(icon, option, widget);
}

} // namespace paretoscope::views
