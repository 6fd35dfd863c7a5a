// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/sweep_builder/pipelines_form.h"

#include "views/format/text.h"
#include "views/sweep_builder/parameter_form.h"
#include "views/theme/icons.h"
#include "views/theme/theme.h"
#include "views/widgets/plain_tip.h"
#include "views/widgets/roomy_delegate.h"

#include <QHBoxLayout>
#include <QLabel>
#include <QListWidget>
#include <QMenu>
#include <QScrollArea>
#include <QSignalBlocker>
#include <QToolButton>

#include <algorithm>

using namespace Qt::Literals::StringLiterals;

namespace paretoscope::views {

namespace {

QToolButton* iconButton(const QString& id, const QString& icon, const QString& tip, QWidget* parent)
{
    auto* button = new QToolButton(parent);
    button->setObjectName(id);
    button->setIcon(themedIcon(icon));
    button->setAutoRaise(true);
    button->setToolTip(tip);
    button->setAccessibleName(tip);
    return button;
}

} // namespace

PipelinesForm::PipelinesForm(DraftEditor& editor, QWidget* parent)
    : QWidget(parent)
    , m_editor(editor)
    , m_list(new QListWidget(this))
    , m_problem(new QLabel(this))
{
    auto* layout = new QHBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(12);
    auto* left = new QVBoxLayout;
    left->setSpacing(4);
    left->addWidget(m_list, 1);
    auto* buttons = new QHBoxLayout;
    buttons->setSpacing(2);
    auto* add = new QToolButton(this);
    add->setObjectName(u"addPipeline"_s);
    add->setText(tr("Add pipeline"));
    add->setIcon(themedIcon(u"add"_s));
    add->setToolTip(tr("Adds a pipeline that starts with a plugin"));
    add->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
    add->setPopupMode(QToolButton::InstantPopup);
    auto* menu = new QMenu(add);
    connect(menu, &QMenu::aboutToShow, this, [this, menu] { fillPluginMenu(*menu, true); });
    add->setMenu(menu);
    QToolButton* copy = iconButton(u"duplicatePipeline"_s, u"copy"_s, tr("Duplicate the pipeline"), this);
    QToolButton* remove = iconButton(u"removePipeline"_s, u"remove"_s, tr("Remove the pipeline"), this);
    buttons->addWidget(add);
    buttons->addStretch();
    buttons->addWidget(copy);
    buttons->addWidget(remove);
    left->addLayout(buttons);
    layout->addLayout(left, 2);
    createList();

    m_stages = new QWidget;
    m_stageLayout = new QVBoxLayout(m_stages);
    m_stageLayout->setContentsMargins(0, 0, 4, 0);
    m_stageLayout->setSpacing(10);
    auto* scroll = new QScrollArea(this);
    scroll->setObjectName(u"stageScroll"_s);
    scroll->setAccessibleName(tr("Stages of the pipeline"));
    scroll->setFrameShape(QFrame::NoFrame);
    scroll->setWidgetResizable(true);
    scroll->setWidget(m_stages);
    auto* right = new QVBoxLayout;
    right->addWidget(scroll, 1);
    m_problem->setObjectName(u"pipelineProblem"_s);
    m_problem->setTextFormat(Qt::PlainText);
    m_problem->setWordWrap(true);
    m_problem->hide();
    right->addWidget(m_problem);
    layout->addLayout(right, 3);

    connect(copy, &QToolButton::clicked, this, [this] {
        if (const PipelineDraft* pipeline = current() >= 0 ? &m_editor.draft().pipelines[current()] : nullptr)
            addPipeline(*pipeline);
    });
    connect(remove, &QToolButton::clicked, this, [this] {
        if (const int at = current(); at >= 0)
            m_editor.edit(tr("Remove pipeline"), {}, [at](SweepDraft& draft) { draft.pipelines.removeAt(at); });
    });
    connect(&m_editor, &DraftEditor::draftChanged, this, &PipelinesForm::refresh);
    refresh();
}

void PipelinesForm::createList()
{
    m_list->setObjectName(u"pipelineList"_s);
    m_list->setAccessibleName(tr("Pipelines"));
    m_list->setMinimumWidth(200);
    m_list->setItemDelegate(new RoomyDelegate(m_list));
    m_list->setTextElideMode(Qt::ElideRight);
    m_list->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    connect(m_list, &QListWidget::currentRowChanged, this, &PipelinesForm::refreshStages);
}

void PipelinesForm::setPlugins(std::shared_ptr<const core::PluginCatalogue> plugins)
{
    m_plugins = std::move(plugins);
    m_shownPipeline = -1;
    refresh();
}

void PipelinesForm::setProblem(const std::optional<DraftProblem>& problem)
{
    const bool ours = problem && problem->place == DraftProblem::Place::Pipeline;
    for (int row = 0; row < m_list->count(); ++row)
        m_list->item(row)->setIcon(
            ours && problem->pipeline == row ? themedIcon(u"error"_s, themeColours(palette()).error) : QIcon());
    m_problem->setVisible(ours && problem->pipeline == current());
    if (ours)
        m_problem->setText(toQString(problem->error.sentence()));
    QPalette colours = palette();
    colours.setColor(QPalette::WindowText, themeColours(palette()).error);
    m_problem->setPalette(colours);
}

int PipelinesForm::current() const
{
    return m_list->currentRow();
}

void PipelinesForm::fillPluginMenu(QMenu& menu, bool newPipeline)
{
    menu.clear();
    if (newPipeline)
        menu.addAction(tr("Baseline (nothing is compressed)"), this, [this] { addPipeline({}); });
    if (!m_plugins || m_plugins->all().empty()) {
        menu.addAction(tr("No plugins were found"))->setEnabled(false);
        return;
    }
    QString family;
    for (const core::PluginManifest& plugin : m_plugins->all()) {
        if (plugin.kind != core::PluginKind::Stage)
            continue;
        const QString id = toQString(plugin.id);
        if (id.section('/'_L1, 0, 0) != family) {
            family = id.section('/'_L1, 0, 0);
            menu.addSection(family);
        }
        QAction* entry = menu.addAction(toQString(plugin.name), this, [this, id, newPipeline] {
            if (newPipeline)
                addPipeline({{StageDraft {id, {}}}});
            else
                editPipeline(tr("Add stage"), {}, [id](PipelineDraft& pipeline) {
                    pipeline.stages << StageDraft {id, {}};
                });
        });
        entry->setObjectName(u"plugin:%1"_s.arg(id));
        entry->setToolTip(toQString(plugin.summary));
    }
    menu.setToolTipsVisible(true);
}

void PipelinesForm::addPipeline(const PipelineDraft& pipeline)
{
    m_editor.edit(tr("Add pipeline"), {}, [&](SweepDraft& draft) { draft.pipelines << pipeline; });
    m_list->setCurrentRow(m_list->count() - 1);
}

void PipelinesForm::editPipeline(const QString& text, const QString& field,
                                 const std::function<void(PipelineDraft&)>& change)
{
    const int at = current();
    if (at < 0 || at >= m_editor.draft().pipelines.size())
        return;
    m_editor.edit(text, field.isEmpty() ? field : u"%1:%2"_s.arg(at).arg(field),
                  [&](SweepDraft& draft) { change(draft.pipelines[at]); });
}

QString PipelinesForm::labelOf(const PipelineDraft& pipeline) const
{
    if (pipeline.stages.isEmpty())
        return tr("baseline");
    QStringList stages;
    for (const StageDraft& stage : pipeline.stages) {
        QStringList values;
        for (auto it = stage.values.begin(); it != stage.values.end(); ++it)
            values << u"%1=%2"_s.arg(it.key(), it.value());
        const QString name = stage.plugin.section('/'_L1, -1);
        stages << (values.isEmpty() ? name : u"%1(%2)"_s.arg(name, values.join("; "_L1)));
    }
    return stages.join(" + "_L1);
}

void PipelinesForm::refresh()
{
    const QList<PipelineDraft>& pipelines = m_editor.draft().pipelines;
    const int row = m_list->currentRow();
    {
        const QSignalBlocker blocker(m_list);
        while (m_list->count() > pipelines.size())
            delete m_list->takeItem(m_list->count() - 1);
        while (m_list->count() < pipelines.size())
            m_list->addItem(QString());
        for (int i = 0; i < m_list->count(); ++i) {
            m_list->item(i)->setText(labelOf(pipelines[i]));
            m_list->item(i)->setToolTip(plainTip(labelOf(pipelines[i])));
        }
        m_list->setCurrentRow(std::clamp(row, pipelines.isEmpty() ? -1 : 0, int(pipelines.size()) - 1));
    }
    refreshStages();
}

void PipelinesForm::refreshStages()
{
    const int at = current();
    const PipelineDraft pipeline = at >= 0 ? m_editor.draft().pipelines[at] : PipelineDraft {};
    QStringList plugins;
    for (const StageDraft& stage : pipeline.stages)
        plugins << stage.plugin;
    if (at != m_shownPipeline || plugins != m_shownPlugins) { // else the forms stay, and with them the cursor
        m_shownPipeline = at;
        m_shownPlugins = plugins;
        m_forms.clear();
        while (QLayoutItem* item = m_stageLayout->takeAt(0)) {
            if (item->widget()) {
                item->widget()->hide();
                item->widget()->deleteLater();
            }
            delete item;
        }
        for (int i = 0; i < pipeline.stages.size(); ++i)
            m_stageLayout->addWidget(createStage(i, pipeline.stages[i]));
        auto* hint = new QLabel(at < 0                      ? tr("Add a pipeline to compress the model with.")
                                : pipeline.stages.isEmpty() ? tr("The uncompressed model, to compare with.")
                                                            : QString(),
                                m_stages);
        hint->setForegroundRole(QPalette::PlaceholderText);
        hint->setVisible(!hint->text().isEmpty());
        m_stageLayout->addWidget(hint);
        m_addStage = new QToolButton(m_stages);
        m_addStage->setObjectName(u"addStage"_s);
        m_addStage->setText(tr("Add stage"));
        m_addStage->setToolTip(tr("Adds a plugin that works on what the stages before leave"));
        m_addStage->setIcon(themedIcon(u"add"_s));
        m_addStage->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
        m_addStage->setPopupMode(QToolButton::InstantPopup);
        auto* menu = new QMenu(m_addStage);
        connect(menu, &QMenu::aboutToShow, this, [this, menu] { fillPluginMenu(*menu, false); });
        m_addStage->setMenu(menu);
        m_addStage->setVisible(at >= 0);
        m_stageLayout->addWidget(m_addStage, 0, Qt::AlignLeft);
        m_stageLayout->addStretch(1);
    }
    for (int i = 0; i < m_forms.size(); ++i) {
        if (m_forms[i])
            m_forms[i]->setValues(pipeline.stages[i].values);
    }
}

QWidget* PipelinesForm::createStage(int index, const StageDraft& stage)
{
    auto* box = new QFrame(m_stages);
    box->setObjectName(u"stage:%1"_s.arg(index));
    box->setFrameShape(QFrame::StyledPanel);
    auto* layout = new QVBoxLayout(box);
    layout->setContentsMargins(10, 6, 6, 8);
    auto* head = new QHBoxLayout;
    const auto plugin = m_plugins ? m_plugins->find(stage.plugin.toStdString())
                                  : core::Result<const core::PluginManifest*>(core::Error {});
    auto* title = new QLabel(plugin.ok() ? toQString(plugin.value()->name) : stage.plugin, box);
    title->setTextFormat(Qt::PlainText);
    QFont bold = font();
    bold.setWeight(QFont::DemiBold);
    title->setFont(bold);
    title->setToolTip(plugin.ok() ? toQString(plugin.value()->summary) : QString());
    head->addWidget(title);
    head->addStretch();
    QToolButton* up = iconButton(u"stageUp:%1"_s.arg(index), u"up"_s, tr("Run this stage earlier"), box);
    QToolButton* remove = iconButton(u"stageRemove:%1"_s.arg(index), u"remove"_s, tr("Remove the stage"), box);
    up->setVisible(index > 0);
    head->addWidget(up);
    head->addWidget(remove);
    layout->addLayout(head);
    connect(up, &QToolButton::clicked, this, [this, index] {
        editPipeline(tr("Move stage"), {},
                     [index](PipelineDraft& pipeline) { pipeline.stages.swapItemsAt(index, index - 1); });
    });
    connect(remove, &QToolButton::clicked, this, [this, index] {
        editPipeline(tr("Remove stage"), {}, [index](PipelineDraft& pipeline) { pipeline.stages.removeAt(index); });
    });
    if (!plugin.ok()) {
        layout->addWidget(new QLabel(tr("This plugin is not installed here."), box));
        m_forms << nullptr;
        return box;
    }
    auto* form = new ParameterForm(*plugin.value(), box);
    connect(form, &ParameterForm::valueEdited, this, [this, index](const QString& name, const QString& text) {
        editPipeline(tr("Change %1").arg(name), u"%1:%2"_s.arg(index).arg(name), [&](PipelineDraft& pipeline) {
            if (text.isEmpty())
                pipeline.stages[index].values.remove(name);
            else
                pipeline.stages[index].values[name] = text;
        });
    });
    layout->addWidget(form);
    m_forms << form;
    return box;
}

} // namespace paretoscope::views
