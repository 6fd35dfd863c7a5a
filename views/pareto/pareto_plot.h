// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "views/pareto/axis_ticker.h"
#include "views/pareto/pareto_layers.h"
#include "views/selection/selection_model.h"

#include "views/pareto/qcustomplot.h"

class QToolButton;

namespace paretoscope::views {

/// The plot itself: mouse, keyboard and zoom. Shows ParetoData, brushes the shared selection.
/// The view changes by the user only: as long as it is fitted it follows new data, afterwards never.
class ParetoPlot : public QCustomPlot
{
    Q_OBJECT

public:
    enum class DragMode
    {
        Select,
        Pan
    };

    explicit ParetoPlot(SelectionModel& selection, QWidget* parent = nullptr);
    ~ParetoPlot() override;

    void setData(const ParetoDataPtr& data);
    const ParetoDataPtr& data() const { return m_scene.data; }
    PlotFrame frame() const;
    bool isFitted() const { return m_fitted; }
    int pointsOutside() const { return int(m_outside.size()); }
    void setLogarithmic(Qt::Orientation axis, bool logarithmic); ///< horizontal = x
    bool isLogarithmic(Qt::Orientation axis) const;
    void setDragMode(DragMode mode);
    DragMode dragMode() const { return m_dragMode; }
    void setDominatedShown(bool shown);
    /// Pixel of a point, for tests and assistive technology.
    QPointF pixelOf(const core::TrialId& id) const;
    const ParetoScene& scene() const { return m_scene; }
    /// Light colours and a legend inside, for pictures that leave the program.
    void setExporting(bool exporting);
    /// The point that is looked at; published ones are counted on behind the others.
    std::optional<int> stop() const;

public Q_SLOTS:
    void fit();
    void zoom(double factor);                     ///< around the middle
    void pan(double horizontal, double vertical); ///< fractions of the view

Q_SIGNALS:
    void viewChanged();
    void contextMenuRequested(const QPoint& globalPosition);

protected:
    void mousePressEvent(QMouseEvent* event) override;
    void mouseMoveEvent(QMouseEvent* event) override;
    void mouseReleaseEvent(QMouseEvent* event) override;
    void mouseDoubleClickEvent(QMouseEvent* event) override;
    void wheelEvent(QWheelEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;
    void contextMenuEvent(QContextMenuEvent* event) override;
    void leaveEvent(QEvent* event) override;
    void paintEvent(QPaintEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;
    void changeEvent(QEvent* event) override;
    void focusInEvent(QFocusEvent* event) override;
    void focusOutEvent(QFocusEvent* event) override;
    bool focusNextPrevChild(bool next) override;

private:
    struct Drag
    {
        QPointF start;
        PlotFrame frame;
        bool panning = false;
        bool moved = false;
    };

    void setRanges(const AxisRange& x, const AxisRange& y, bool byUser);
    void updateGeometry(); ///< after data, ranges or size changed
    void updateSelection();
    void updateHover();
    void hoverPublished(std::optional<int> mark);
    void repaintLayer(const QCPAbstractItem& item); ///< and nothing else
    void updateOutside();
    void applyPalette();
    void applyAxisTitles();
    AxisRange rangeOf(const QCPAxis& axis) const;
    void fitAxes(bool x, bool y);
    void finishClick(const QMouseEvent& event);
    void finishBand(bool adds);
    void step(bool forward); ///< hovers the next front point
    /// What Tab visits: front and baseline by rising x, then published points; these are counted on behind the points.
    std::vector<int> stops() const;

    SelectionModel& m_selection;
    ParetoScene m_scene;
    ParetoDataLayer* m_dataLayer = nullptr; ///< owned by QCustomPlot
    ParetoSelectionLayer* m_selectionLayer = nullptr;
    ParetoHoverLayer* m_hoverLayer = nullptr;
    QSharedPointer<MetricTicker> m_xTicker;
    QSharedPointer<MetricTicker> m_yTicker;
    QToolButton* m_outsideButton = nullptr;
    DragMode m_dragMode = DragMode::Select;
    std::optional<Drag> m_drag;
    bool m_fitted = true;
    bool m_exporting = false;
    TrialSet m_known; ///< points that were there when the user last changed the view, or have been seen since
    TrialSet m_outside;
};

/// "Perplexity ↓" with the unit; the arrow points to what is better.
QString axisTitle(const MetricSummary& metric, const QString& shownUnit, Qt::Orientation axis);

} // namespace paretoscope::views
