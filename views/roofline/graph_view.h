// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "views/roofline/network_graph.h"
#include "views/roofline/roofline_session.h"

#include <QGraphicsView>
#include <QWidget>

class QComboBox;
class QLabel;
class QLineEdit;

namespace paretoscope::views {

/// The network as a picture: the wheel zooms, dragging moves, a click selects, a double click on a folded section
/// unfolds it; arrows walk along the operations, plus, minus and 0 zoom.
class GraphCanvas : public QGraphicsView
{
    Q_OBJECT

public:
    explicit GraphCanvas(RooflineSession& session, QWidget* parent = nullptr);

    const NetworkGraph& graph() const { return m_graph; }
    void unfold(int section);
    void showNode(int node);
    QPoint pixelOf(int node) const; ///< its middle, on the viewport

public Q_SLOTS:
    void fit();

Q_SIGNALS:
    void unfolded();

protected:
    void mouseReleaseEvent(QMouseEvent* event) override;
    void mouseDoubleClickEvent(QMouseEvent* event) override;
    void wheelEvent(QWheelEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;
    void changeEvent(QEvent* event) override;

private:
    void takeAnalysis();
    void draw();
    void takeSelection();
    int nodeAt(QPoint position) const;
    void zoom(double factor);
    void walk(int step);

    RooflineSession& m_session;
    NetworkGraph m_graph;
    int m_wanted = -1; ///< section that the user unfolded
    bool m_fitted = true;
    std::vector<QGraphicsItem*> m_items; ///< by node; owned by the scene
};

/// The canvas with its search and choice of the unfolded section.
class GraphView : public QWidget
{
    Q_OBJECT

public:
    explicit GraphView(RooflineSession& session, QWidget* parent = nullptr);

    GraphCanvas& canvas() { return *m_canvas; }

private:
    void fillSections();
    void search(bool next);

    GraphCanvas* m_canvas;
    RooflineSession& m_session;
    QLineEdit* m_search;
    QLabel* m_found;
    QComboBox* m_sections;
};

} // namespace paretoscope::views
