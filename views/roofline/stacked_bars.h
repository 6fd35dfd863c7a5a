// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "views/roofline/roofline_session.h"

#include <QWidget>

namespace paretoscope::views {

/// A part of a bar.
struct BarSegment
{
    QString name;
    double value = 0;
    QColor colour;
};

struct Bar
{
    QString title;
    QString unit;
    std::vector<BarSegment> segments;
    double capacity = 0; ///< a mark and its label; 0: none
    double total() const;
};

/// Where time and memory go: one bar per pass by kind of operation, one for the memory of the device. As high as all of
/// them need; stands in a scroll area.
class StackedBars : public QWidget
{
    Q_OBJECT

public:
    explicit StackedBars(RooflineSession& session, QWidget* parent = nullptr);

    const std::vector<Bar>& bars() const { return m_bars; }
    QSize minimumSizeHint() const override { return {240, 160}; }

protected:
    void paintEvent(QPaintEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;
    bool event(QEvent* event) override;

private:
    void takeAnalysis();
    void takeHeight();
    int drawBars(QPainter& painter);                         ///< @return the height they take
    int drawBar(QPainter& painter, const Bar& bar, int top); ///< @return the first free row of pixels below
    int drawLegend(QPainter& painter, const Bar& bar, int top);

    RooflineSession& m_session;
    std::vector<Bar> m_bars;
    std::vector<std::pair<QRectF, QString>> m_tips;
};

QString barsCsv(const std::vector<Bar>& bars); ///< in base units

} // namespace paretoscope::views
