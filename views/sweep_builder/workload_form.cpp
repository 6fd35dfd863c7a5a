// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/sweep_builder/workload_form.h"

#include "views/format/text.h"
#include "views/sweep_builder/model_summary.h"
#include "views/theme/theme.h"
#include "views/widgets/path_field.h"

#include <QFormLayout>
#include <QHBoxLayout>
#include <QLabel>
#include <QLineEdit>
#include <QSpinBox>

using namespace Qt::Literals::StringLiterals;

namespace paretoscope::views {

WorkloadForm::WorkloadForm(DraftEditor& editor, QWidget* parent)
    : QWidget(parent)
    , m_editor(editor)
{
    auto* form = new QFormLayout(this);
    form->setContentsMargins(0, 0, 0, 0);
    form->setHorizontalSpacing(12);
    form->setVerticalSpacing(5);
    form->setFieldGrowthPolicy(QFormLayout::AllNonFixedFieldsGrow);
    m_model = addPath(*form, int(PathField::Kind::Model), u"model"_s, tr("Model"),
                      tr("A Hugging Face model folder with safetensors files, or a GGUF file"), &SweepDraft::model);
    m_summary = new ModelSummary(this);
    form->addRow(QString(), m_summary);

    m_evaluation =
        addPath(*form, int(PathField::Kind::ExistingFile), u"evaluationCorpus"_s, tr("Perplexity on"),
                tr("The text whose perplexity is measured; never the calibration text"), &SweepDraft::evaluationCorpus);
    auto* evaluation = new QHBoxLayout;
    evaluation->setSpacing(6);
    addNumber(*evaluation, u"evaluationWindows"_s, tr("windows"), tr("How many windows are evaluated; 0 takes all"),
              &SweepDraft::evaluationWindows, 0);
    addNumber(*evaluation, u"evaluationLength"_s, tr("of tokens"), tr("Tokens per window: the context length"),
              &SweepDraft::evaluationLength, 2);
    evaluation->addStretch();
    form->addRow(QString(), evaluation);

    m_calibration = addPath(*form, int(PathField::Kind::ExistingFile), u"calibrationCorpus"_s, tr("Calibrate on"),
                            tr("The text that methods such as GPTQ look at; may stay empty for those that need none"),
                            &SweepDraft::calibrationCorpus);
    auto* calibration = new QHBoxLayout;
    calibration->setSpacing(6);
    addNumber(*calibration, u"calibrationSamples"_s, tr("samples"), tr("Number of calibration windows"),
              &SweepDraft::calibrationSamples, 1);
    addNumber(*calibration, u"calibrationLength"_s, tr("of tokens"), tr("Tokens per calibration window"),
              &SweepDraft::calibrationLength, 2);
    calibration->addStretch();
    form->addRow(QString(), calibration);

    m_problem = new QLabel(this);
    m_problem->setObjectName(u"workloadProblem"_s);
    m_problem->setTextFormat(Qt::PlainText);
    m_problem->setWordWrap(true);
    m_problem->hide();
    form->addRow(m_problem);
    connect(&m_editor, &DraftEditor::draftChanged, this, &WorkloadForm::refresh);
    refresh();
}

PathField* WorkloadForm::addPath(QFormLayout& form, int kind, const QString& id, const QString& label,
                                 const QString& tip, QString SweepDraft::*member)
{
    auto* field = new PathField(PathField::Kind(kind), label, this);
    field->setObjectName(id);
    field->edit().setObjectName(id + u":edit"_s);
    field->setToolTip(tip);
    if (PathField::Kind(kind) == PathField::Kind::ExistingFile)
        field->setFilter(tr("Texts (*.txt *.raw *.tokens *.jsonl);;All files (*)"));
    auto* title = new QLabel(label, this);
    title->setBuddy(field);
    form.addRow(title, field);
    connect(field, &PathField::pathEdited, this, [this, label, id, member](const QString& path) {
        m_editor.edit(tr("Change “%1”").arg(label), id, [&](SweepDraft& draft) { draft.*member = path; });
    });
    return field;
}

QSpinBox* WorkloadForm::addNumber(QHBoxLayout& row, const QString& id, const QString& label, const QString& tip,
                                  int SweepDraft::*member, int minimum)
{
    auto* box = new QSpinBox(this);
    box->setObjectName(id);
    box->setRange(minimum, 1'000'000);
    box->setAccessibleName(tip);
    box->setToolTip(tip);
    box->setMinimumWidth(box->fontMetrics().averageCharWidth() * 13);
    auto* text = new QLabel(label, this);
    text->setForegroundRole(QPalette::PlaceholderText);
    if (member == &SweepDraft::evaluationLength || member == &SweepDraft::calibrationLength) {
        row.addWidget(text);
        row.addWidget(box);
        text->setText(tr("of"));
        auto* unit = new QLabel(tr("tokens"), this);
        unit->setForegroundRole(QPalette::PlaceholderText);
        row.addWidget(unit);
    } else {
        row.addWidget(box);
        row.addWidget(text);
    }
    connect(box, &QSpinBox::valueChanged, this, [this, id, tip, member](int value) {
        m_editor.edit(tr("Change “%1”").arg(tip), id, [&](SweepDraft& draft) { draft.*member = value; });
    });
    m_numbers << std::pair(box, member);
    return box;
}

void WorkloadForm::setProblem(const std::optional<DraftProblem>& problem)
{
    const bool ours = problem && problem->place == DraftProblem::Place::Workload;
    m_problem->setVisible(ours);
    if (!ours)
        return;
    QPalette colours = palette();
    colours.setColor(QPalette::WindowText, themeColours(palette()).error);
    m_problem->setPalette(colours);
    m_problem->setText(toQString(problem->error.sentence()));
}

void WorkloadForm::refresh()
{
    const SweepDraft& draft = m_editor.draft();
    m_model->setPath(draft.model);
    m_summary->describe(draft.model);
    m_calibration->setPath(draft.calibrationCorpus);
    m_evaluation->setPath(draft.evaluationCorpus);
    for (const auto& [box, member] : m_numbers) {
        const QSignalBlocker blocker(box);
        box->setValue(draft.*member);
    }
}

} // namespace paretoscope::views
