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

/// All devices with their numbers, units and sources. What is changed is saved as a device of one's own, and in the
/// project that is open; one with the name of a bundled device takes its place.
class HardwareEditor : public QWidget
{
    Q_OBJECT

public:
    explicit HardwareEditor(RooflineSession& session, QWidget* parent = nullptr);

    void importProfile(const QString& file); ///< of a machine; tells how it went

private:
    void addField(QFormLayout& form, const std::string& column);
    void fill();
    void showDevice(const QString& name);
    void save();
    void remove();
    void chooseProfile();
    void select(const QString& name);
    const roofline::Device* find(const QString& name) const;
    void tell(const QString& text, bool isProblem);
    QString current() const;

    RooflineSession& m_session;
    QLineEdit* m_search;
    QListWidget* m_list;
    QLabel* m_state;
    QPushButton* m_remove;
    QPushButton* m_import;
    std::map<std::string, QLineEdit*> m_fields;
    QCheckBox* m_sparse = nullptr;
};

} // namespace paretoscope::views
