// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "views/pareto/axis_ticker.h"
#include "views/pareto/plot_frame.h"
#include "views/roofline/counted_marks.h"
#include "views/roofline/roofline_session.h"

#include "views/pareto/qcustomplot.h"

#include <functional>

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
    std::vector<CountedMark> counted;
    bool drawsLevels = true;          ///< of the memory: roofs, and further places of what was counted
    std::vector<QPointF> intensities; ///< the roofline as a machine was measured, by rising intensity
    std::optional<QPointF> knee;      ///< of these
    std::optional<int> selected;
    std::optional<int> hovered;
    std::optional<int> hoveredCounted; ///< index into `counted`

    bool isDrawn(int operation) const;
    bool isDrawn(const CountedMark& mark) const { return frame.shows(mark.place); }
    QPointF pixelOf(int operation) const { return frame.toPixel(places[std::size_t(operation)]); }
    /// The smallest marker at this pixel.
    std::optional<int> hit(QPointF position) const;
    std::optional<int> hitCounted(QPointF position) const;
    /// The operations of a name, as they are joined with what was measured of them.
    std::vector<int> drawnOperations(const QString& name) const;
    /// All places that are drawn: of operations, of what was measured and counted.
    std::vector<QPointF> marks() const;
};

/// Roofs, ridges, measured curve, points and legend of a ChartScene; `top` draws rings and labels of what is selected
/// and hovered.
class RooflineChartLayer : public QCPAbstractItem
{
    Q_OBJECT

public:
    RooflineChartLayer(QCustomPlot* plot, const ChartScene& scene, bool top);
    double selectTest(const QPointF&, bool, QVariant* = nullptr) const override { return -1; }

protected:
    void draw(QCPPainter* painter) override;

private:
    struct LegendLine
    {
        QString text;
        std::function<void(QPainter&, QPointF)> draw; ///< the marker around a place
    };

    void drawRoofs(QPainter& painter, std::vector<QRectF>& taken) const;
    void drawRoofLabel(QPainter& painter, const Roof& roof, bool withDevice, std::vector<QRectF>& taken) const;
    void drawBandwidth(QPainter& painter, const Roof& roof, QPointF place, QPointF way) const;
    void drawPoints(QPainter& painter, std::vector<QRectF>& taken) const;
    void drawMeasured(QPainter& painter) const;
    void drawCounted(QPainter& painter, std::vector<QRectF>& taken) const;
    void drawIntensities(QPainter& painter, std::vector<QRectF>& taken) const;
    void drawName(QPainter& painter, const QString& name, QPointF marker, double reach,
                  std::vector<QRectF>& taken) const;
    std::vector<LegendLine> legendLines() const;
    QPointF legendCorner(QSizeF size) const;
    void drawLegend(QPainter& painter) const;
    void drawMarks(QPainter& painter) const;
    void drawLabel(QPainter& painter, QPointF marker, double reach, const QStringList& lines) const;

    const ChartScene& m_scene;
    bool m_top;
};

/// The roofline chart: performance over arithmetic intensity. The wheel zooms, dragging moves, 0 or a double click
/// shows everything, a click selects an operation, Tab visits them by their share of the time, then what a profiler
/// counted.
class RooflineChart : public QCustomPlot
{
    Q_OBJECT

public:
    explicit RooflineChart(RooflineSession& session, QWidget* parent = nullptr);

    const ChartScene& scene() const { return m_scene; }
    bool isLogarithmic() const { return m_logarithmic; }

    void leavePoints(); ///< no label is shown any more

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
    void takeMeasuredCurve();
    void takeCounters();
    void takeMarks();
    void hover(std::optional<int> operation, std::optional<int> counted);
    void describe();
    void applyTitles(); ///< as long as there is room for
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
    QString m_performanceUnit = {};
    std::optional<Drag> m_drag;
    bool m_logarithmic = true;
    bool m_fitted = true;
};

/// Roofs and points as CSV, in base units.
QString chartCsv(const RooflineSession& session);

} // namespace paretoscope::views
