// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/search/driver_kind.h"
#include "views/sweep_builder/draft_editor.h"

#include <QWidget>

class QComboBox;
class QGridLayout;
class QLabel;
class QLineEdit;

namespace paretoscope::views {

/// Who chooses among the pipelines and how, what counts, and with which seeds.
class DriverForm : public QWidget
{
    Q_OBJECT

public:
    explicit DriverForm(DraftEditor& editor, QWidget* parent = nullptr);

    void setProblem(const std::optional<DraftProblem>& problem);

private:
    QLineEdit* addField(QGridLayout& grid, int place, const QString& id, const QString& label, const QString& tip);
    void chooseDriver(const QString& name);
    void editOption(const QString& name, const QString& text);
    void createOptions(const core::DriverKind& kind);
    void refresh();

    DraftEditor& m_editor;
    QComboBox* m_driver;
    QLineEdit* m_objectives = nullptr;
    QLineEdit* m_seeds = nullptr;
    QWidget* m_options = nullptr; ///< of the driver that is shown
    QString m_shownDriver;
    QMap<QString, QLineEdit*> m_optionEdits;
    QLabel* m_problem;
};

} // namespace paretoscope::views
