// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "views/pareto/marker_painter.h"
#include "views/pareto/plot_frame.h"

#include "views/pareto/qcustomplot.h"

#include <optional>
#include <vector>

namespace paretoscope::views {

/// What the two layers draw; owned by ParetoPlot, which keeps it up to date.
struct ParetoScene
{
    ParetoDataPtr data; ///< never null
    ParetoGeometry geometry;
    QPalette palette;
    QFont font;
    bool showDominated = true;
    bool legendInside = false; ///< exported pictures carry their legend
    std::vector<int> selected;
    std::optional<int> hovered;
    std::optional<int> hoveredPublished; ///< index into ParetoData::published
    std::optional<QRectF> band;          ///< rubber band, pixels
};

/// Points, error bars, front, references and published points. Repainted when data or axes change.
class ParetoDataLayer : public QCPAbstractItem
{
    Q_OBJECT

public:
    ParetoDataLayer(QCustomPlot* plot, const ParetoScene& scene);
    double selectTest(const QPointF&, bool, QVariant* = nullptr) const override { return -1; }
    void forgetSprites() { m_markers.clear(); }

protected:
    void draw(QCPPainter* painter) override;

private:
    void drawErrorBars(QCPPainter& painter, const ParetoPoint& point, QPointF pixel) const;
    void drawFront(QCPPainter& painter) const;
    void drawBaselines(QCPPainter& painter) const;
    void drawReferences(QCPPainter& painter) const;
    void drawPublished(QCPPainter& painter) const;
    void drawPoints(QCPPainter& painter, MarkerState state);
    void drawLegend(QCPPainter& painter);

    const ParetoScene& m_scene;
    MarkerPainter m_markers;
};

/// Rings around the selected points. Like the hover layer it has a buffer of its own: neither repaints the points, and
/// the mouse does not repaint the rings.
class ParetoSelectionLayer : public QCPAbstractItem
{
    Q_OBJECT

public:
    ParetoSelectionLayer(QCustomPlot* plot, const ParetoScene& scene);
    double selectTest(const QPointF&, bool, QVariant* = nullptr) const override { return -1; }

protected:
    void draw(QCPPainter* painter) override;

private:
    const ParetoScene& m_scene;
};

/// Ring and label of the hovered point, and the rubber band.
class ParetoHoverLayer : public QCPAbstractItem
{
    Q_OBJECT

public:
    ParetoHoverLayer(QCustomPlot* plot, const ParetoScene& scene);
    double selectTest(const QPointF&, bool, QVariant* = nullptr) const override { return -1; }

protected:
    void draw(QCPPainter* painter) override;

private:
    void drawHoverLabel(QCPPainter& painter, QPointF anchor, const QStringList& lines) const;

    const ParetoScene& m_scene;
};

/// Pipeline and numbers of a point, one line each; the text of the hover label and of assistive technology.
QStringList describePoint(const ParetoData& data, const ParetoPoint& point);

} // namespace paretoscope::views
