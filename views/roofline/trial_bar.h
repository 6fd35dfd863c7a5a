// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QWidget>

class QLabel;
class QToolButton;

namespace paretoscope::views {

class RooflineSession;
class TrialLink;

/// Says that the roofline shows a trial, or why it does not show the selected one, with the way back. Hidden while the
/// free what-if is all there is.
class TrialBar : public QWidget
{
    Q_OBJECT

public:
    TrialBar(const RooflineSession& session, const TrialLink& link, QWidget* parent = nullptr);

Q_SIGNALS:
    void backRequested(); ///< to the model that was opened, with the weights of the setting

private:
    void refresh();

    const RooflineSession& m_session;
    const TrialLink& m_link;
    QLabel* m_text;
    QToolButton* m_back;
};

} // namespace paretoscope::views
