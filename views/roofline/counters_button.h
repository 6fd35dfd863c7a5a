// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "views/roofline/roofline_session.h"

#include <QToolButton>

namespace paretoscope::views {

/// Loads what a profiler counted, and takes it off the chart again. Its commands are the widget's actions().
class CountersButton : public QToolButton
{
    Q_OBJECT

public:
    explicit CountersButton(RooflineSession& session, QWidget* parent = nullptr);

private:
    void choose();
    void takeState();

    RooflineSession& m_session;
    QAction* m_open;
    QAction* m_close;
};

} // namespace paretoscope::views
