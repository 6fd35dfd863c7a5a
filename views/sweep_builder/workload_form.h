// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "views/sweep_builder/draft_editor.h"

#include <QWidget>

class QFormLayout;
class QHBoxLayout;
class QLabel;
class QSpinBox;

namespace paretoscope::views {

class ModelSummary;
class PathField;

/// What is compressed and how its quality is measured: model, calibration, evaluation.
class WorkloadForm : public QWidget
{
    Q_OBJECT

public:
    explicit WorkloadForm(DraftEditor& editor, QWidget* parent = nullptr);

    void setProblem(const std::optional<DraftProblem>& problem);

private:
    PathField* addPath(QFormLayout& form, int kind, const QString& id, const QString& label, const QString& tip,
                       QString SweepDraft::*member);
    QSpinBox* addNumber(QHBoxLayout& row, const QString& id, const QString& label, const QString& tip,
                        int SweepDraft::*member, int minimum);
    void refresh();

    DraftEditor& m_editor;
    PathField* m_model = nullptr;
    ModelSummary* m_summary = nullptr;
    PathField* m_calibration = nullptr;
    PathField* m_evaluation = nullptr;
    QList<std::pair<QSpinBox*, int SweepDraft::*>> m_numbers;
    QLabel* m_problem = nullptr;
};

} // namespace paretoscope::views
