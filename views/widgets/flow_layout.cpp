// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/widgets/flow_layout.h"

#include <QWidget>

#include <algorithm>

namespace paretoscope::views {

QSize FlowLayout::minimumSize() const
{
    QSize size;
    for (const QLayoutItem* item : m_items)
        size = size.expandedTo(item->minimumSize());
    const QMargins margins = contentsMargins();
    return size + QSize(margins.left() + margins.right(), margins.top() + margins.bottom());
}

void FlowLayout::setGeometry(const QRect& rect)
{
    QLayout::setGeometry(rect);
    arrange(rect, true);
}

int FlowLayout::arrange(const QRect& rect, bool apply) const
{
    const QRect area = rect.marginsRemoved(contentsMargins());
    QList<QLayoutItem*> line;
    int y = area.top();
    int width = 0;
    int height = 0;
    const auto sizeOf = [&](const QLayoutItem* item) {
        const QSize size = item->sizeHint();
        return size.boundedTo({area.width(), size.height()});
    };
    const auto endLine = [&] { // small ones stand in its middle
        int x = area.left();
        for (QLayoutItem* item : line) {
            const QSize size = sizeOf(item);
            if (apply)
                item->setGeometry(QRect(QPoint(x, y + (height - size.height()) / 2), size));
            x += size.width() + spacing();
        }
    };
    for (QLayoutItem* item : m_items) {
        if (item->isEmpty())
            continue;
        const QSize size = sizeOf(item);
        if (!line.isEmpty() && width + size.width() > area.width()) {
            endLine();
            y += height + spacing();
            line.clear();
            width = height = 0;
        }
        line << item;
        width += size.width() + spacing();
        height = std::max(height, size.height());
    }
    endLine();
    return y + height - rect.top() + contentsMargins().bottom();
}

} // namespace paretoscope::views
