// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/widgets/tab_order.h"

#include <QWidget>

namespace paretoscope::views {

namespace {

/// The part and what is within it, as Tab visits them now.
QList<QWidget*> controlsOf(QWidget& part)
{
    QList<QWidget*> controls;
    QWidget* const window = part.window();
    QWidget* widget = window;
    do {
        const bool isWithin = widget == &part || part.isAncestorOf(widget);
        if (isWithin && (widget->focusPolicy() & Qt::TabFocus) != 0 && !widget->focusProxy())
            controls << widget;
        widget = widget->nextInFocusChain();
    } while (widget != window);
    return controls;
}

} // namespace

void orderTabs(const QList<QWidget*>& parts)
{
    QList<QWidget*> controls;
    for (QWidget* part : parts)
        controls << controlsOf(*part);
    for (qsizetype i = 1; i < controls.size(); ++i) {
        // Qt leaves a control where it is when it follows in the circle, even if that is across its beginning.
        QWidget::setTabOrder(controls.first(), controls[i]);
        QWidget::setTabOrder(controls[i - 1], controls[i]);
    }
}

} // namespace paretoscope::views
