// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "views/roofline/roofline_session.h"

#include <QWidget>

#include <map>

class QCheckBox;
class QFormLayout;
class QLabel;
class QLineEdit;
class QListWidget;
class QPushButton;

namespace paretoscope::views {

/// All devices with their numbers, units and sources. What is changed is saved as a device of one's own; one with the
/// name of a bundled device takes its place.
class HardwareEditor : public QWidget
{
    Q_OBJECT

public:
    explicit HardwareEditor(RooflineSession& session, QWidget* parent = nullptr);

private:
    void addField(QFormLayout& form, const std::string& column);
    void fill();
    void showDevice(const QString& name);
    void save();
    void remove();
    void tell(const QString& text, bool isProblem);
    QString current() const;

    RooflineSession& m_session;
    QLineEdit* m_search;
    QListWidget* m_list;
    QLabel* m_state;
    QPushButton* m_remove;
    std::map<std::string, QLineEdit*> m_fields;
    QCheckBox* m_sparse = nullptr;
    QStringList m_own; ///< names of the user's devices
};

} // namespace paretoscope::views
