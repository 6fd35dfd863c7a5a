// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/pareto/legend_chip.h"

#include "views/theme/theme.h"

#include <QPainter>

namespace paretoscope::views {

namespace {
constexpr int kMargin = 5;
constexpr int kMarker = 18;
} // namespace

LegendChip::LegendChip(QWidget* parent)
    : QAbstractButton(parent)
{
    setCheckable(true);
    setIconSize({kMarker, kMarker});
    setFocusPolicy(Qt::TabFocus);
    setSizePolicy(QSizePolicy::Preferred, QSizePolicy::Fixed);
}

QSize LegendChip::sizeHint() const
{
    const QFontMetrics metrics(font());
    return {kMarker + 2 + metrics.horizontalAdvance(text()) + 2 * kMargin, std::max(kMarker, metrics.height()) + 4};
}

void LegendChip::paintEvent(QPaintEvent*)
{
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    const QRectF box = QRectF(rect()).adjusted(0.5, 0.5, -0.5, -0.5);
    if (underMouse() || hasFocus()) {
        painter.setPen(hasFocus() ? palette().color(QPalette::Highlight) : themeColours(palette()).border);
        painter.setBrush(palette().color(QPalette::Base));
        painter.drawRoundedRect(box, 4, 4);
    }
    QRect marker(kMargin, (height() - kMarker) / 2, kMarker, kMarker);
    painter.setOpacity(isChecked() ? 1.0 : 0.35);
    icon().paint(&painter, marker);
    painter.setOpacity(1.0);
    QFont name = font();
    name.setStrikeOut(!isChecked());
    painter.setFont(name);
    painter.setPen(isChecked() ? palette().color(QPalette::WindowText) : themeColours(palette()).mutedText);
    const QRect room = rect().adjusted(kMargin + kMarker + 2, 0, -kMargin, 0);
    painter.drawText(room, Qt::AlignVCenter,
                     painter.fontMetrics().elidedText(text(), Qt::ElideMiddle, room.width() + 1));
}

void LegendChip::enterEvent(QEnterEvent* event)
{
    update();
    QAbstractButton::enterEvent(event);
}

void LegendChip::leaveEvent(QEvent* event)
{
    update();
    QAbstractButton::leaveEvent(event);
}

} // namespace paretoscope::views
