// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/sweep_builder/sweep_builder.h"

#include "views/format/text.h"
#include "views/sweep_builder/driver_form.h"
#include "views/sweep_builder/pipelines_form.h"
#include "views/sweep_builder/workload_form.h"
#include "views/table/text_file.h"
#include "views/theme/icons.h"
#include "views/theme/theme.h"
#include "views/widgets/path_field.h"
#include "views/widgets/tab_order.h"

#include <QAction>
#include <QDir>
#include <QFileDialog>
#include <QFileInfo>
#include <QFormLayout>
#include <QGroupBox>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QSpinBox>
#include <QStandardPaths>
#include <QThread>
#include <QVBoxLayout>

#include <chrono>

using namespace std::chrono_literals;
using namespace Qt::Literals::StringLiterals;

namespace paretoscope::views {

namespace {

constexpr auto kCheckDelay = 120ms;

/// A file name out of a sweep's name.
QString fileNameOf(const QString& name)
{
    QString file;
    for (const QChar character : name.trimmed())
        file += character.isLetterOrNumber() || u"-_."_s.contains(character) ? character : '-'_L1;
    while (file.startsWith('.'_L1) || file.startsWith('-'_L1))
        file.remove(0, 1);
    return file.isEmpty() ? u"sweep"_s : file;
}

} // namespace

SweepBuilder::SweepBuilder(std::shared_ptr<const core::PluginCatalogue> plugins, const QString& demo, QWidget* parent)
    : QDialog(parent)
    , m_plugins(std::move(plugins))
    , m_demo(demo)
{
    setObjectName(u"sweepBuilder"_s);
    setWindowTitle(tr("New sweep"));
    resize(980, 700);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(16, 14, 16, 14);
    layout->setSpacing(10);
    createHead(*layout);
    m_workload = new WorkloadForm(m_editor, this);
    layout->addWidget(m_workload);
    auto* line = new QFrame(this);
    line->setFrameShape(QFrame::HLine);
    line->setForegroundRole(QPalette::Mid);
    layout->addWidget(line);
    m_pipelines = new PipelinesForm(m_editor, this);
    m_pipelines->setPlugins(m_plugins);
    layout->addWidget(m_pipelines, 1);
    m_driver = new DriverForm(m_editor, this);
    layout->addWidget(m_driver);
    createFoot(*layout);
    createUndo();
    m_checkSoon.setSingleShot(true);
    m_checkSoon.setInterval(kCheckDelay);
    connect(&m_checkSoon, &QTimer::timeout, this, [this] { check(); });
    connect(&m_editor, &DraftEditor::draftChanged, this, [this] {
        if (m_name->text() != m_editor.draft().name)
            m_name->setText(m_editor.draft().name);
        m_checkSoon.start();
    });
    check();
}

void SweepBuilder::createHead(QVBoxLayout& layout)
{
    auto* row = new QHBoxLayout;
    auto* label = new QLabel(tr("&Name"), this);
    m_name = new QLineEdit(this);
    m_name->setObjectName(u"sweepName"_s);
    m_name->setAccessibleName(tr("Name of the sweep"));
    m_name->setPlaceholderText(tr("sweep"));
    label->setBuddy(m_name);
    label->setMinimumWidth(fontMetrics().horizontalAdvance(tr("Perplexity on")) + 4); // in line with the form below
    connect(m_name, &QLineEdit::textEdited, this, [this](const QString& name) {
        m_editor.edit(tr("Rename sweep"), u"name"_s, [&](SweepDraft& draft) { draft.name = name; });
    });
    auto* load = new QPushButton(themedIcon(u"open"_s), tr("&Load…"), this);
    load->setObjectName(u"loadSweep"_s);
    load->setAutoDefault(false);
    load->setToolTip(tr("Fills the form from a sweep file"));
    connect(load, &QPushButton::clicked, this, [this] {
        auto* dialog = new QFileDialog(this, tr("Load sweep file"), {}, tr("Sweep files (*.yaml *.yml *.json)"));
        dialog->setAttribute(Qt::WA_DeleteOnClose);
        connect(dialog, &QFileDialog::fileSelected, this, &SweepBuilder::loadFile);
        dialog->open();
    });
    auto* demo = new QPushButton(themedIcon(u"run"_s), tr("&Demo: tiny-llama"), this);
    demo->setObjectName(u"demo"_s);
    demo->setAutoDefault(false);
    demo->setToolTip(
        tr("Fills the form with the bundled demo: a model of 1.3 M parameters, half a minute on two cores"));
    demo->setVisible(!m_demo.isEmpty());
    connect(demo, &QPushButton::clicked, this, &SweepBuilder::loadDemo);
    row->addWidget(label);
    row->addWidget(m_name, 1);
    row->addWidget(load);
    row->addWidget(demo);
    layout.addLayout(row);
}

void SweepBuilder::createFoot(QVBoxLayout& layout)
{
    m_preview = new QLabel(this);
    m_preview->setObjectName(u"preview"_s);
    m_preview->setWordWrap(true);
    m_preview->setTextFormat(Qt::PlainText);
    layout.addWidget(m_preview);
    auto* target = new QHBoxLayout;
    auto* projectLabel = new QLabel(tr("&Results into"), this);
    m_project = new PathField(PathField::Kind::NewFile, tr("Project file for the results"), this);
    m_project->setObjectName(u"project"_s);
    m_project->edit().setObjectName(u"project:edit"_s);
    m_project->setFilter(tr("Paretoscope projects (*.pscope)"));
    m_project->setToolTip(tr("A new project, or one that grows; trials that are in it already are not run again"));
    projectLabel->setBuddy(m_project);
    connect(m_project, &PathField::pathEdited, this, [this](const QString& path) {
        m_givenProject = path;
        showCheck();
    });
    auto* workersLabel = new QLabel(tr("&Workers"), this);
    m_workers = new QSpinBox(this);
    m_workers->setObjectName(u"workers"_s);
    m_workers->setAccessibleName(tr("Workers"));
    m_workers->setRange(0, 64);
    m_workers->setSpecialValueText(tr("automatic"));
    m_workers->setToolTip(tr("Processes that run trials side by side; the cores are shared out among them"));
    workersLabel->setBuddy(m_workers);
    target->addWidget(projectLabel);
    target->addWidget(m_project, 1);
    target->addSpacing(12);
    target->addWidget(workersLabel);
    target->addWidget(m_workers);
    layout.addLayout(target);

    auto* buttons = new QHBoxLayout;
    m_save = new QPushButton(themedIcon(u"save"_s), tr("&Save sweep file…"), this);
    m_save->setObjectName(u"saveSweep"_s);
    m_save->setAutoDefault(false);
    m_save->setToolTip(tr("Writes the YAML that “paretoscope --batch” runs"));
    connect(m_save, &QPushButton::clicked, this, &SweepBuilder::saveFile);
    auto* close = new QPushButton(tr("Close"), this);
    close->setObjectName(u"closeBuilder"_s);
    close->setAutoDefault(false);
    connect(close, &QPushButton::clicked, this, &QDialog::reject);
    m_start = new QPushButton(themedIcon(u"run"_s), tr("S&tart"), this);
    m_start->setObjectName(u"start"_s);
    m_start->setDefault(true);
    m_start->setMinimumWidth(120);
    connect(m_start, &QPushButton::clicked, this, &SweepBuilder::start);
    buttons->addWidget(m_save);
    buttons->addStretch();
    buttons->addWidget(close);
    buttons->addWidget(m_start);
    layout.addLayout(buttons);
}

void SweepBuilder::createUndo()
{
    QAction* undo = m_editor.undoStack().createUndoAction(this, tr("Undo"));
    undo->setObjectName(u"builder.undo"_s);
    undo->setShortcut(QKeySequence::Undo);
    QAction* redo = m_editor.undoStack().createRedoAction(this, tr("Redo"));
    redo->setObjectName(u"builder.redo"_s);
    redo->setShortcut(QKeySequence::Redo);
    addActions({undo, redo});
}

void SweepBuilder::setProject(const QString& project)
{
    m_givenProject = project;
    m_project->setPath(project);
    showCheck();
}

void SweepBuilder::setModel(const QString& model)
{
    m_editor.edit(tr("Change model"), {}, [&](SweepDraft& draft) {
        draft.model = model;
        if (draft.name.isEmpty())
            draft.name = QFileInfo(model).completeBaseName();
    });
    check();
}

void SweepBuilder::loadFile(const QString& sweepFile)
{
    const core::Result<core::Sweep> sweep = core::readSweep(toPath(sweepFile), *m_plugins);
    if (!sweep.ok())
        return showError(sweep.error());
    m_file = QFileInfo(sweepFile).absoluteFilePath();
    m_editor.reset(draftOf(sweep.value(), *m_plugins));
    check();
}

void SweepBuilder::loadDemo()
{
    loadFile(m_demo);
}

const CheckedDraft& SweepBuilder::check()
{
    m_checkSoon.stop();
    m_checked = checkDraft(m_editor.draft(), *m_plugins);
    showCheck();
    orderTabs({m_workload, m_pipelines, m_driver, m_project, m_workers, m_save}); // stages and options come and go
    return m_checked;
}

QString SweepBuilder::suggestedProject() const
{
    const QString documents = QStandardPaths::writableLocation(QStandardPaths::DocumentsLocation);
    const QString folder = QFileInfo(documents).isDir() ? documents : QDir::homePath();
    return QDir(folder).filePath(fileNameOf(m_editor.draft().name) + u".pscope"_s);
}

void SweepBuilder::showCheck()
{
    m_workload->setProblem(m_checked.problem);
    m_pipelines->setProblem(m_checked.problem);
    m_driver->setProblem(m_checked.problem);
    m_start->setEnabled(m_checked.sweep.has_value());
    m_save->setEnabled(m_checked.sweep.has_value());
    if (m_givenProject.isEmpty())
        m_project->setPath(suggestedProject());
    QPalette colours = palette();
    if (m_checked.problem) {
        colours.setColor(QPalette::WindowText, themeColours(palette()).error);
        m_preview->setText(toQString(m_checked.problem->error.sentence()));
    } else if (m_checked.sweep) {
        m_preview->setText(previewOf(*m_checked.sweep));
    }
    m_preview->setPalette(colours);
}

QString SweepBuilder::previewOf(const core::Sweep& sweep) const
{
    constexpr std::size_t kShown = 4;
    QStringList labels;
    for (std::size_t i = 0; i < std::min(kShown, sweep.pipelines.size()); ++i)
        labels << toQString(sweep.pipelines[i].label());
    int total = 0;
    for (const core::Pipeline& pipeline : sweep.pipelines) // the model itself is the same for every seed
        total += pipeline.stages.empty() ? 1 : 1 + int(sweep.repeatSeeds.size());
    const QString count = sweep.isAdaptive() ? tr("%n trial(s) first, others by their results: ", nullptr, total)
                                             : tr("%n trial(s): ", nullptr, total);
    return count + labels.join(u", "_s) + (sweep.pipelines.size() > kShown ? u", …"_s : QString());
}

void SweepBuilder::showError(const core::Error& error)
{
    m_checked = {std::nullopt, DraftProblem {DraftProblem::Place::Elsewhere, -1, error}};
    showCheck();
}

void SweepBuilder::refuse(const core::Error& error)
{
    showError(error);
    m_start->setEnabled(true); // after the remedy the same order may do
    show();
    raise();
}

void SweepBuilder::saveFile()
{
    auto* dialog = new QFileDialog(this, tr("Save sweep file"), {}, tr("Sweep files (*.yaml)"));
    dialog->setObjectName(u"saveSweepDialog"_s);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setAcceptMode(QFileDialog::AcceptSave);
    dialog->setDefaultSuffix(u"yaml"_s);
    dialog->selectFile(fileNameOf(m_editor.draft().name) + u".yaml"_s);
    connect(dialog, &QFileDialog::fileSelected, this, [this](const QString& file) {
        if (!check().sweep)
            return;
        const core::Status status = writeFile(file, QByteArray::fromStdString(core::writeSweep(*m_checked.sweep)));
        if (status.ok())
            Q_EMIT savedFile(file);
        else
            showError(status.error());
    });
    dialog->open();
}

void SweepBuilder::start()
{
    if (!check().sweep)
        return;
    QString project = m_project->path();
    if (!project.endsWith(".pscope"_L1))
        project += u".pscope"_s;
    jobs::SweepOptions options;
    options.jobs = m_workers->value();
    options.retry = jobs::RetryPolicy::Failed; // who presses Start wants it tried
    options.command = "paretoscope (window)";
    Q_EMIT startRequested({*m_checked.sweep, project, options, m_file, !m_editor.undoStack().isClean()});
    accept();
}

} // namespace paretoscope::views
