// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "views/roofline/roofline_session.h"

#include <QComboBox>
#include <QToolButton>

class QCheckBox;
class QLineEdit;
class QListWidget;

namespace paretoscope::views {

/// The device that is predicted for. One that states too little for the model and setting is greyed, with the reason as
/// its tip; which ones these are is computed in the background.
class DeviceChooser : public QComboBox
{
    Q_OBJECT

public:
    explicit DeviceChooser(RooflineSession& session, QWidget* parent = nullptr);

    void showPopup() override;

protected:
    void focusInEvent(QFocusEvent* event) override;

private:
    void fill();
    void markProblems(); ///< as far as they are known

    RooflineSession& m_session;
};

/// Which roofs are drawn beside: of other devices, of other number types.
class OtherDevicesButton : public QToolButton
{
    Q_OBJECT

public:
    explicit OtherDevicesButton(RooflineSession& session, QWidget* parent = nullptr);

private:
    void fill();
    void takeChecks();

    RooflineSession& m_session;
    QLineEdit* m_search;
    QListWidget* m_list;
    QCheckBox* m_types;
};

} // namespace paretoscope::views
