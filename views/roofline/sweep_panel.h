// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "views/background/newest_request.h"
#include "views/pareto/axis_ticker.h"
#include "views/roofline/roofline_session.h"
#include "views/roofline/roofline_sweep.h"

#include "views/pareto/qcustomplot.h"

class QComboBox;
class QLabel;

namespace paretoscope::views {

/// A result of the setting over one of its values, several curves at once; what does not fit into the memory of the
/// device is drawn hollow. The capacity is a line for memory; ridge and knee of the device are for arithmetic
/// intensity.
class SweepPanel : public QWidget
{
    Q_OBJECT

public:
    explicit SweepPanel(RooflineSession& session, QWidget* parent = nullptr);

    QCustomPlot& plot() { return *m_plot; }
    const SweepResult& result() const { return m_result; } ///< what is drawn
    bool isComputing() const { return m_isDirty || m_computation.isPending(); }
    QString csv() const; ///< in base units

protected:
    bool event(QEvent* event) override;
    void showEvent(QShowEvent* event) override;
    void changeEvent(QEvent* event) override;

private:
    QComboBox* addAxis(QLayout& row, const QString& name, const QString& label, bool isSeries);
    void fillQuantities();
    void markDirty();
    void compute(); ///< off the window's thread, and only while it is seen
    void take(const SweepResult& result);
    void draw();
    void applyTitle(); ///< of the vertical axis, as long as there is room for

    /// A horizontal line that means something for the curves.
    struct Limit
    {
        double value = 0;
        QString text;
        QColor colour;
    };
    std::vector<Limit> limits() const;

    RooflineSession& m_session;
    QComboBox* m_quantity = nullptr;
    QComboBox* m_x = nullptr;
    QComboBox* m_series = nullptr;
    QCustomPlot* m_plot;
    QLabel* m_note;
    QSharedPointer<MetricTicker> m_xTicker;
    QSharedPointer<MetricTicker> m_yTicker;
    QString m_yUnit = {};
    SweepResult m_result;
    SweepRequest m_request;
    NewestRequest<SweepResult> m_computation;
    bool m_isDirty = true;
};

QString axisText(SweepAxis axis);
QString axisValueText(SweepAxis axis, double value);

} // namespace paretoscope::views
