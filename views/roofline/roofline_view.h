// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "views/roofline/picture_export.h"
#include "views/roofline/roofline_session.h"
#include "views/selection/selection_model.h"
#include "views/snapshot/project_snapshot.h"

#include <QJsonObject>
#include <QWidget>

#include <functional>

class QAction;
class QButtonGroup;
class QComboBox;
class QLabel;
class QMenu;
class QSortFilterProxyModel;
class QStackedLayout;
class QTabWidget;
class QTableView;
class QToolButton;

namespace paretoscope::views {

class ComparePanel;
class EmptyState;
class FlowLayout;
class GraphView;
class HardwareEditor;
class RooflineChart;
class StackedBars;
class SweepPanel;
class TrialBar;
class TrialLink;

/// The Roofline dock: model, device and mode above, the setting at the left, chart, graph, bars, curves, comparison and
/// devices as pages, the table of operations and their explanation below. All of them show one RooflineSession. While
/// it is seen it follows the selected trial. Its commands are the widget's actions(); the window puts them into the
/// registry.
class RooflineView : public QWidget
{
    Q_OBJECT

public:
    enum class Page
    {
        Chart,
        Graph,
        Bars,
        Sweep,
        Compare,
        Devices
    };

    /// @param resources folder of hardware.csv @param ownDevices the user's file of the same form
    RooflineView(const SelectionModel& selection, const std::filesystem::path& resources,
                 const std::filesystem::path& ownDevices, QWidget* parent = nullptr);

    RooflineSession& session() { return *m_session; }
    void showPage(Page page);
    void setSnapshot(const SnapshotPtr& snapshot); ///< whose models, machines and devices are offered; null: none
    /// The operations as cells with a header; exact: base units and full precision.
    QList<QStringList> cells(bool exact) const;
    QJsonArray operationsJson() const;
    /// The page that is shown, in light colours; its numbers where the name ends in .csv. Errors: Io, InvalidArgument.
    core::Status exportTo(const QString& file);

    QJsonObject saveState() const;               ///< device, setting, recent models
    void restoreState(const QJsonObject& state); ///< ignores what does not fit

public Q_SLOTS:
    void openModel(const QString& path);

Q_SIGNALS:
    void failed(const paretoscope::core::Error& error);
    void exported(const QString& file);
    void deviceSaved(const paretoscope::core::DeviceRecord& device); ///< for the project
    void deviceRemoved(const QString& name);                         ///< from the project

protected:
    void showEvent(QShowEvent* event) override;
    void dragEnterEvent(QDragEnterEvent* event) override;
    void dropEvent(QDropEvent* event) override;
    bool eventFilter(QObject* watched, QEvent* event) override;

private:
    void createHeader(FlowLayout& row);
    void createCommands(FlowLayout& row);
    void addTextButton(FlowLayout& row, QAction* action, const QString& text, const QString& name);
    QWidget* createTable();
    QAction* addCommand(const QString& id, const QString& text, const QString& tip, const QString& icon);
    void chooseModel(const std::function<void(const QString&)>& open);
    /// Of the project, recently opened ones, those that come with the program.
    void fillModels(QMenu& menu, const std::function<void(const QString&)>& open);
    void fillDrafts(QMenu& menu);
    void chooseMode();
    void chooseExport(const QString& ending);
    QString pageCsv() const;
    Picture pagePicture(); ///< in the colours the page has now
    void takeAnalysis();
    void showSelectedRow();

    RooflineSession* m_session;
    const SelectionModel& m_selection;
    TrialLink* m_link;
    TrialBar* m_trialBar;
    QAction* m_follow = nullptr;
    QToolButton* m_model = nullptr;
    QComboBox* m_mode = nullptr;
    QButtonGroup* m_stages = nullptr;
    QAction* m_linear = nullptr;
    QAction* m_levels = nullptr;
    EmptyState* m_empty;
    QStackedLayout* m_stack = nullptr;
    QLabel* m_note;
    QTabWidget* m_pages;
    RooflineChart* m_chart;
    GraphView* m_graph;
    StackedBars* m_bars;
    SweepPanel* m_sweep;
    ComparePanel* m_compare;
    HardwareEditor* m_devices;
    QTableView* m_table = nullptr;
    QSortFilterProxyModel* m_sorted = nullptr;
    bool m_isSyncing = false;
    std::filesystem::path m_resources;
    SnapshotPtr m_snapshot;
    QStringList m_recent; ///< paths of models, the last one first
};

} // namespace paretoscope::views
