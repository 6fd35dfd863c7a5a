// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QAbstractButton>

namespace paretoscope::views {

/// An entry of the legend: its marker and name, shortened where there is no room; unchecked = hidden in the plot.
class LegendChip : public QAbstractButton
{
    Q_OBJECT

public:
    explicit LegendChip(QWidget* parent = nullptr);

    QSize sizeHint() const override;
    QSize minimumSizeHint() const override { return sizeHint().boundedTo({160, sizeHint().height()}); }

protected:
    void paintEvent(QPaintEvent* event) override;
    void enterEvent(QEnterEvent* event) override;
    void leaveEvent(QEvent* event) override;
};

} // namespace paretoscope::views
