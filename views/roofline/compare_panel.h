// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "views/roofline/roofline_session.h"

#include <QList>
#include <QStringList>
#include <QWidget>

class QLabel;
class QPushButton;
class QTableWidget;

namespace paretoscope::views {

/// A line of the comparison: a result, or the time of an operation.
struct ComparedValue
{
    QString title;
    std::string quantity;
    std::string unit;
    double a = kUnknown;
    double b = kUnknown;
};

/// The results of both, then the times of the operations that either has.
std::vector<ComparedValue> compared(const RooflineAnalysis& a, const RooflineAnalysis& b);

/// The setting that was put aside as A beside the current one, B, with ratios.
class ComparePanel : public QWidget
{
    Q_OBJECT

public:
    explicit ComparePanel(RooflineSession& session, QWidget* parent = nullptr);

    QList<QStringList> cells() const; ///< with a header, exact numbers in base units

protected:
    bool event(QEvent* event) override;

private:
    void refresh();

    RooflineSession& m_session;
    QLabel* m_heading;
    QPushButton* m_pin;
    QPushButton* m_unpin;
    QTableWidget* m_table;
};

} // namespace paretoscope::views
