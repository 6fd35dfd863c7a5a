// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "views/pareto/pareto_data.h"
#include "views/selection/selection_model.h"

#include <QJsonObject>
#include <QWidget>

class QAction;
class QComboBox;
class QHBoxLayout;
class QLabel;
class QStackedLayout;
class QToolButton;

namespace paretoscope::views {

class EmptyState;
class ParetoLegend;
class ParetoPlot;
class PublishedChoice;
class WhatIfChoice;

/// The Pareto dock: choice of metrics, scales and protocols, legend, plot, export.
/// Its commands are the widget's actions(); the window puts them into the registry.
class ParetoView : public QWidget
{
    Q_OBJECT

public:
    explicit ParetoView(SelectionModel& selection, QWidget* parent = nullptr);

    void setSnapshot(const SnapshotPtr& snapshot);       ///< null: no project
    void setWhatIfSource(const WhatIfSourcePtr& source); ///< offers predicted axes for its devices
    EmptyState& emptyState() { return *m_empty; }
    ParetoPlot& plot() { return *m_plot; }
    std::vector<core::TrialId> front() const; ///< of what is plotted now

    QJsonObject saveState() const;               ///< axes, scales, hidden methods, published points
    void restoreState(const QJsonObject& state); ///< ignores what does not fit

Q_SIGNALS:
    void failed(const paretoscope::core::Error& error);
    void exported(const QString& file);

private:
    struct AxisControls
    {
        QComboBox* metric = nullptr;
        QComboBox* protocol = nullptr;
        QToolButton* log = nullptr;
        bool userChoseScale = false;
    };

    void createControls();
    AxisControls createAxis(Qt::Orientation axis, QHBoxLayout& row);
    QAction* addCommand(const QString& id, const QString& text, const QString& tip, const QString& icon);
    void createCommands(QHBoxLayout& row);
    void fillCombos();
    bool isKnown(const AxisChoice& choice) const;
    bool isPredictionChosen() const;
    void fillProtocols(AxisControls& controls, const std::string& wanted);
    AxisChoice choiceOf(const AxisControls& controls) const;
    void metricChosen(AxisControls& controls);
    void applyScales();
    void rebuild(); ///< data for the plot from snapshot, choices and filter
    QStringList publishedPlaces() const;
    void updateMessages();
    void showContextMenu(const QPoint& globalPosition);
    void exportAs(const QString& ending);
    void copyPicture();

    SelectionModel& m_selection;
    SnapshotPtr m_snapshot;
    AxisControls m_x;
    AxisControls m_y;
    AxisChoice m_wantedX; ///< remembered while the project has no such metric yet
    AxisChoice m_wantedY;
    ParetoPlot* m_plot;
    EmptyState* m_empty;
    QStackedLayout* m_stack = nullptr;
    QWidget* m_controls = nullptr;
    WhatIfChoice* m_whatIf = nullptr;
    PublishedChoice* m_published = nullptr;
    ParetoLegend* m_legend = nullptr;
    QLabel* m_note;
};

} // namespace paretoscope::views
