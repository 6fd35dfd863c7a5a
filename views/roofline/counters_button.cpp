// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/roofline/counters_button.h"

#include "views/widgets/plain_tip.h"

#include <QAction>
#include <QFileDialog>
#include <QMenu>

using namespace Qt::Literals::StringLiterals;

namespace paretoscope::views {

CountersButton::CountersButton(RooflineSession& session, QWidget* parent)
    : QToolButton(parent)
    , m_session(session)
    , m_open(new QAction(tr("Open profiler counters…"), this))
    , m_close(new QAction(tr("Take profiler counters off the chart"), this))
{
    setObjectName(u"rooflineCounters"_s);
    setText(tr("counters"));
    setAccessibleName(tr("Profiler counters"));
    setAutoRaise(true);
    setPopupMode(QToolButton::InstantPopup);
    m_open->setObjectName(u"roofline.counters"_s);
    m_open->setToolTip(tr("Draws what Nsight Compute counted (ncu --csv) beside the predictions; the file may also be "
                          "dropped on the dock"));
    connect(m_open, &QAction::triggered, this, &CountersButton::choose);
    m_close->setObjectName(u"roofline.close-counters"_s);
    m_close->setToolTip(tr("Leaves the predictions alone on the chart"));
    connect(m_close, &QAction::triggered, &m_session, &RooflineSession::closeCounters);
    addActions({m_open, m_close});
    auto* menu = new QMenu(this);
    menu->addActions(actions());
    setMenu(menu);
    connect(&m_session, &RooflineSession::countersChanged, this, &CountersButton::takeState);
    connect(&m_session, &RooflineSession::modelChanged, this, &CountersButton::takeState);
    takeState();
}

void CountersButton::choose()
{
    auto* dialog = new QFileDialog(this, tr("Open profiler counters"), {}, tr("Tables (*.csv *.txt);;All files (*)"));
    dialog->setObjectName(u"rooflineCountersDialog"_s);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setFileMode(QFileDialog::ExistingFile);
    connect(dialog, &QFileDialog::fileSelected, &m_session, &RooflineSession::openCounters);
    dialog->open();
}

void CountersButton::takeState()
{
    const std::optional<ShownCounters>& counters = m_session.counters();
    m_open->setEnabled(m_session.model() != nullptr); // they are drawn beside the operations of a model
    m_close->setEnabled(counters.has_value());
    setToolTip(plainTip(counters ? tr("Drawn: %1").arg(counters->file) : m_open->toolTip()));
}

} // namespace paretoscope::views
