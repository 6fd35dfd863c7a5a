// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "views/pareto/axis_ticker.h"
#include "views/pareto/plot_frame.h"
#include "views/roofline/roofline_session.h"

#include "views/pareto/qcustomplot.h"

namespace paretoscope::views {

/// What the chart draws, in pixels.
struct ChartScene
{
    PlotFrame frame;
    QPalette palette;
    QFont font;
    RooflineAnalysisPtr analysis; ///< null: nothing
    std::vector<Roof> roofs;
    std::vector<QPointF> places; ///< of the operations: intensity and performance; not finite: not drawn
    std::vector<double> diameters;
    std::optional<int> selected;
    std::optional<int> hovered;

    bool isDrawn(int operation) const;
    QPointF pixelOf(int operation) const { return frame.toPixel(places[std::size_t(operation)]); }
    /// The smallest marker at this pixel.
    std::optional<int> hit(QPointF position) const;
};

/// Roofs, ridges, points and legend of a ChartScene; `top` draws rings and labels of what is selected and hovered.
class RooflineChartLayer : public QCPAbstractItem
{
    Q_OBJECT

public:
    RooflineChartLayer(QCustomPlot* plot, const ChartScene& scene, bool top);
    double selectTest(const QPointF&, bool, QVariant* = nullptr) const override { return -1; }

protected:
    void draw(QCPPainter* painter) override;

private:
    void drawRoofs(QPainter& painter, std::vector<QRectF>& taken) const;
    void drawRoofLabel(QPainter& painter, const Roof& roof, bool withDevice, std::vector<QRectF>& taken) const;
    void drawBandwidth(QPainter& painter, const Roof& roof, QPointF place, QPointF way) const;
    void drawPoints(QPainter& painter, std::vector<QRectF>& taken) const;
    void drawMeasured(QPainter& painter) const;
    void drawLegend(QPainter& painter) const;
    void drawMarks(QPainter& painter) const;

    const ChartScene& m_scene;
    bool m_top;
};

/// The roofline chart: performance over arithmetic intensity. The wheel zooms, dragging moves, 0 or a double click
/// shows everything, a click selects an operation, Tab visits them by their share of the time.
class RooflineChart : public QCustomPlot
{
    Q_OBJECT

public:
    explicit RooflineChart(RooflineSession& session, QWidget* parent = nullptr);

    const ChartScene& scene() const { return m_scene; }
    bool isLogarithmic() const { return m_logarithmic; }

public Q_SLOTS:
    void setLogarithmic(bool logarithmic);
    void fit();

protected:
    void mousePressEvent(QMouseEvent* event) override;
    void mouseMoveEvent(QMouseEvent* event) override;
    void mouseReleaseEvent(QMouseEvent* event) override;
    void mouseDoubleClickEvent(QMouseEvent* event) override;
    void wheelEvent(QWheelEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;
    void leaveEvent(QEvent* event) override;
    void paintEvent(QPaintEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;
    void changeEvent(QEvent* event) override;
    bool focusNextPrevChild(bool next) override;

private:
    void takeAnalysis();
    void takeMarks();
    void takeFrame();
    void applyPalette();
    void setRanges(const AxisRange& x, const AxisRange& y);

    struct Drag
    {
        QPointF start;
        PlotFrame frame;
        bool moved = false;
    };

    RooflineSession& m_session;
    ChartScene m_scene;
    RooflineChartLayer* m_top = nullptr;
    QSharedPointer<MetricTicker> m_xTicker;
    QSharedPointer<MetricTicker> m_yTicker;
    std::optional<Drag> m_drag;
    bool m_logarithmic = true;
    bool m_fitted = true;
};

/// Roofs and points as CSV, in base units.
QString chartCsv(const RooflineSession& session);

} // namespace paretoscope::views
