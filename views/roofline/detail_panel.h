// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "views/roofline/roofline_session.h"

#include <QTabWidget>

class QLabel;
class QTextBrowser;
class QTreeWidget;

namespace paretoscope::views {

/// Two pages: why the stage is not faster and what would help, and how the numbers of the selected operation come
/// about.
class DetailPanel : public QTabWidget
{
    Q_OBJECT

public:
    explicit DetailPanel(RooflineSession& session, QWidget* parent = nullptr);

private:
    void explain();
    void derive();

    RooflineSession& m_session;
    QLabel* m_sentence;
    QTreeWidget* m_changes;
    QTextBrowser* m_derivation;
};

} // namespace paretoscope::views
