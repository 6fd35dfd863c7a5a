// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QAbstractButton>

namespace paretoscope::views {

/// One method in the legend: its marker and name; unchecked = hidden in the plot.
class LegendChip : public QAbstractButton
{
    Q_OBJECT

public:
    explicit LegendChip(QWidget* parent = nullptr);

    QSize sizeHint() const override;
    QSize minimumSizeHint() const override { return sizeHint(); }

protected:
    void paintEvent(QPaintEvent* event) override;
    void enterEvent(QEnterEvent* event) override;
    void leaveEvent(QEvent* event) override;
};

} // namespace paretoscope::views
