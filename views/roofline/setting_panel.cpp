// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/roofline/setting_panel.h"

#include "views/format/text.h"
#include "views/roofline/count_control.h"
#include "views/roofline/roofline_text.h"
#include "views/widgets/plain_tip.h"

#include <QCheckBox>
#include <QComboBox>
#include <QFormLayout>
#include <QHeaderView>
#include <QLabel>
#include <QMenu>
#include <QScrollArea>
#include <QSignalBlocker>
#include <QSpinBox>
#include <QTableWidget>
#include <QToolButton>

using namespace Qt::Literals::StringLiterals;

namespace paretoscope::views {

namespace {

/// Selects the entry with this data, or adds one.
void choose(QComboBox& box, const QVariant& data, const QString& text)
{
    const QSignalBlocker quiet(box);
    int index = box.findData(data);
    if (index < 0) {
        box.addItem(text, data);
        index = box.count() - 1;
    }
    box.setCurrentIndex(index);
}

QString tipOf(const roofline::Derivation& result)
{
    QStringList lines {u"%1 = %2"_s.arg(quantityText(result.quantity), toQString(result.formula))};
    if (!result.inputs.empty())
        lines << u"= %1"_s.arg(toQString(result.inputs));
    lines << u"= %1"_s.arg(valueText(result));
    return plainTip(lines.join('\n'_L1));
}

} // namespace

SettingPanel::SettingPanel(RooflineSession& session, QWidget* parent)
    : QWidget(parent)
    , m_session(session)
{
    setObjectName(u"rooflineSetting"_s);
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(8, 4, 8, 8);
    auto* controls = new QWidget;
    auto* form = m_form = new QFormLayout(controls);
    form->setContentsMargins(0, 0, 4, 0);
    form->setRowWrapPolicy(QFormLayout::DontWrapRows);
    form->setFieldGrowthPolicy(QFormLayout::AllNonFixedFieldsGrow);
    form->setVerticalSpacing(4);
    m_scroll = new QScrollArea(this); // the results below stay in sight
    m_scroll->setWidgetResizable(true);
    m_scroll->setFrameShape(QFrame::NoFrame);
    m_scroll->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    column->addWidget(m_scroll, 3);
    m_batch = addCount(*form, u"batch"_s, tr("Batch"), int(kMostBatch));
    m_prompt = addCount(*form, u"prompt"_s, tr("Prompt"), int(kMostPrompt));
    m_generated = addCount(*form, u"generated"_s, tr("Answer"), int(kMostGenerated));
    m_batch->setToolTip(tr("Sequences at once; of a model of images the images"));
    m_prompt->setToolTip(tr("Tokens of the prompt; as LLM-Viewer, of the sequence"));
    m_generated->setToolTip(tr("Tokens that are generated; the prefill yields the first"));
    connect(m_batch, &CountControl::valueChanged, this,
            [this](int value) { change([value](RooflineSetting& setting) { setting.batch = value; }); });
    connect(m_prompt, &CountControl::valueChanged, this,
            [this](int value) { change([value](RooflineSetting& setting) { setting.prompt = value; }); });
    connect(m_generated, &CountControl::valueChanged, this,
            [this](int value) { change([value](RooflineSetting& setting) { setting.generated = value; }); });

    m_weights = addChoice(*form, u"weights"_s, tr("Weights"));
    m_activations = addChoice(*form, u"activations"_s, tr("Activations"));
    m_cache = addChoice(*form, u"cache"_s, tr("Cache"));
    m_parallel = addChoice(*form, u"parallel"_s, tr("Devices"));
    addParallelism();
    m_efficiency = addChoice(*form, u"efficiency"_s, tr("Efficiency"));
    for (const int bits : {32, 16, 8, 4, 2, 1})
        m_activations->addItem(tr("%1 bit").arg(bits), double(bits));
    for (const int bits : {16, 8, 4, 2, 1})
        m_cache->addItem(tr("%1 bit").arg(bits), double(bits));
    for (int devices = 1; devices <= kMostTensorParallel; devices *= 2)
        m_parallel->addItem(tr("%n device(s)", nullptr, devices), devices);
    m_efficiency->addItem(tr("ideal"), int(RooflineEfficiency::Ideal));
    m_efficiency->addItem(tr("realistic"), int(RooflineEfficiency::Realistic));
    m_efficiency->addItem(tr("with CUDA graphs"), int(RooflineEfficiency::Graphs));
    m_weights->setToolTip(tr("How linears are stored; below 16 bits in groups of 128 with 16-bit scales"));
    m_activations->setToolTip(tr("What enters matrix products"));
    m_cache->setToolTip(tr("An element of keys and values"));
    m_parallel->setToolTip(tr("Devices that share every layer (tensor parallel)"));
    m_efficiency->setToolTip(
        tr("Realistic: 0.7 of compute, 0.9 of the bandwidth, 4 µs per kernel; with graphs 1.5 µs"));
    fillWeights();
    m_flash = new QCheckBox(tr("Fused attention"), this);
    m_flash->setObjectName(u"rooflineFlash"_s);
    m_flash->setToolTip(tr("FlashAttention: scores are never written to memory"));
    form->addRow(QString(), m_flash);
    addDraft();
    connect(m_weights, &QComboBox::activated, this, [this] {
        const QVariant chosen = m_weights->currentData();
        change([&](RooflineSetting& setting) {
            const bool isNamed = chosen.typeId() == QMetaType::QString;
            setting.weightFormat = isNamed ? chosen.toString().toStdString() : std::string();
            if (!isNamed)
                setting.weightBits = chosen.toDouble();
        });
    });
    bind(*m_activations,
         [](RooflineSetting& setting, const QVariant& chosen) { setting.activationBits = chosen.toDouble(); });
    bind(*m_cache, [](RooflineSetting& setting, const QVariant& chosen) { setting.kvBits = chosen.toDouble(); });
    bind(*m_parallel,
         [](RooflineSetting& setting, const QVariant& chosen) { setting.tensorParallel = chosen.toInt(); });
    bind(*m_efficiency, [](RooflineSetting& setting, const QVariant& chosen) {
        setting.efficiency = RooflineEfficiency(chosen.toInt());
    });
    connect(m_flash, &QCheckBox::clicked, this,
            [this](bool checked) { change([checked](RooflineSetting& setting) { setting.flash = checked; }); });

    m_results = new QTableWidget(0, 2, this);
    m_results->setObjectName(u"rooflineResults"_s);
    m_results->setAccessibleName(tr("Results of the setting"));
    m_results->horizontalHeader()->hide();
    m_results->verticalHeader()->hide();
    m_results->verticalHeader()->setMinimumSectionSize(1);
    m_results->verticalHeader()->setDefaultSectionSize(fontMetrics().height() + 6);
    m_results->horizontalHeader()->setSectionResizeMode(0, QHeaderView::Stretch);
    m_results->horizontalHeader()->setSectionResizeMode(1, QHeaderView::ResizeToContents);
    m_results->setShowGrid(false);
    m_results->setAlternatingRowColors(true);
    m_results->setEditTriggers(QAbstractItemView::NoEditTriggers);
    m_results->setSelectionBehavior(QAbstractItemView::SelectRows);
    m_results->setTabKeyNavigation(false);
    m_results->setFrameShape(QFrame::NoFrame);
    m_results->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    m_results->setMinimumHeight(80);
    column->addWidget(m_results, 2);
    m_scroll->setWidget(controls);
    m_scroll->setMinimumWidth(controls->minimumSizeHint().width() + 16);
    connect(&m_session, &RooflineSession::changed, this, &SettingPanel::takeSetting);
    takeSetting();
}

template <typename Apply>
void SettingPanel::bind(QComboBox& box, Apply apply)
{
    connect(&box, &QComboBox::activated, this, [this, &box, apply] {
        const QVariant chosen = box.currentData();
        change([&](RooflineSetting& setting) { apply(setting, chosen); });
    });
}

/// Devices that work together in other ways than by sharing every layer.
void SettingPanel::addParallelism()
{
    m_pipeline = addChoice(*m_form, u"pipeline"_s, tr("Pipeline"));
    m_microBatches = addChoice(*m_form, u"microBatches"_s, tr("Micro-batches"));
    m_experts = addChoice(*m_form, u"experts"_s, tr("Experts on"));
    for (int devices = 1; devices <= kMostTensorParallel; devices *= 2) {
        for (QComboBox* box : {m_pipeline, m_experts})
            box->addItem(tr("%n device(s)", nullptr, devices), devices);
        m_microBatches->addItem(QString::number(devices), devices);
    }
    m_pipeline->setToolTip(tr("Devices one behind the other, each with a part of the layers (pipeline parallel)"));
    m_microBatches->setToolTip(tr("Parts of the batch that follow each other through the pipeline"));
    m_experts->setToolTip(tr("Devices that share the experts, each with a batch of its own (expert parallel)"));
    bind(*m_pipeline, [](RooflineSetting& setting, const QVariant& chosen) {
        setting.pipelineParallel = chosen.toInt();
        if (setting.pipelineParallel == 1)
            setting.microBatches = 1;
    });
    bind(*m_microBatches,
         [](RooflineSetting& setting, const QVariant& chosen) { setting.microBatches = chosen.toInt(); });
    bind(*m_experts, [](RooflineSetting& setting, const QVariant& chosen) { setting.expertParallel = chosen.toInt(); });
}

/// Speculative decoding.
void SettingPanel::addDraft()
{
    m_draft = new QToolButton(this);
    m_draft->setObjectName(u"roofline:draft"_s);
    m_draft->setToolTip(tr("A smaller model that proposes tokens, which the model accepts or replaces (speculative "
                           "decoding); the results below say what that saves"));
    m_draft->setPopupMode(QToolButton::InstantPopup);
    m_draft->setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);
    m_draftMenu = new QMenu(m_draft);
    m_draft->setMenu(m_draftMenu);
    m_form->addRow(tr("Draft model"), m_draft);
    m_drafted = addNumber(u"drafted"_s, tr("Draft length"), 1, kMostDrafted);
    m_drafted->setToolTip(tr("Tokens that the draft model proposes at once"));
    m_acceptance = addNumber(u"acceptance"_s, tr("Accepted"), 0, 100);
    m_acceptance->setSuffix(tr(" %"));
    m_acceptance->setToolTip(tr("Probability that a proposed token is accepted"));
    connect(m_drafted, &QSpinBox::valueChanged, this,
            [this](int value) { change([value](RooflineSetting& setting) { setting.drafted = value; }); });
    connect(m_acceptance, &QSpinBox::valueChanged, this,
            [this](int value) { change([value](RooflineSetting& setting) { setting.acceptance = value; }); });
}

QSpinBox* SettingPanel::addNumber(const QString& name, const QString& label, int least, int most)
{
    auto* box = new QSpinBox(this);
    box->setObjectName(u"roofline:"_s + name);
    box->setAccessibleName(label);
    box->setRange(least, most);
    m_form->addRow(label, box);
    return box;
}

QComboBox* SettingPanel::addChoice(QFormLayout& form, const QString& name, const QString& label)
{
    auto* box = new QComboBox(this);
    box->setObjectName(u"roofline:"_s + name);
    box->setAccessibleName(label);
    box->setMinimumContentsLength(8);
    box->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
    form.addRow(label, box);
    return box;
}

CountControl* SettingPanel::addCount(QFormLayout& form, const QString& name, const QString& label, int most)
{
    auto* control = new CountControl(label, most, this);
    control->setObjectName(u"roofline:"_s + name);
    control->spinBox().setObjectName(u"roofline:%1:box"_s.arg(name));
    control->slider().setObjectName(u"roofline:%1:slider"_s.arg(name));
    form.addRow(label, control);
    return control;
}

void SettingPanel::fillWeights()
{
    m_weightsAreCompatible = m_session.setting().isCompatible();
    m_weights->clear();
    for (const int bits : {32, 16, 8, 4, 3, 2, 1})
        m_weights->addItem(tr("%1 bit").arg(bits), double(bits));
    if (m_weightsAreCompatible)
        return;
    m_weights->insertSeparator(m_weights->count());
    for (const std::string& name : roofline::weightFormatNames())
        m_weights->addItem(toQString(name), toQString(name));
}

template <typename Change>
void SettingPanel::change(Change apply)
{
    RooflineSetting setting = m_session.setting();
    apply(setting);
    m_session.setSetting(setting);
}

void SettingPanel::takeSetting()
{
    const RooflineSetting& setting = m_session.setting();
    const bool hasAnswers = !m_session.model() || m_session.model()->hasAnswers();
    m_batch->setValue(int(setting.batch));
    m_prompt->setValue(int(setting.prompt));
    m_generated->setValue(int(setting.generated));
    m_generated->setEnabled(hasAnswers && (!setting.isCompatible() || setting.stage == RooflineStage::Chat));
    if (setting.isCompatible() != m_weightsAreCompatible)
        fillWeights();
    if (setting.weightFormat.empty() || setting.isCompatible())
        choose(*m_weights, setting.weightBits, tr("%1 bit").arg(setting.weightBits));
    else
        choose(*m_weights, toQString(setting.weightFormat), toQString(setting.weightFormat));
    choose(*m_activations, setting.activationBits, tr("%1 bit").arg(setting.activationBits));
    choose(*m_cache, setting.kvBits, tr("%1 bit").arg(setting.kvBits));
    choose(*m_parallel, setting.tensorParallel, tr("%n device(s)", nullptr, setting.tensorParallel));
    choose(*m_pipeline, setting.pipelineParallel, tr("%n device(s)", nullptr, setting.pipelineParallel));
    choose(*m_microBatches, setting.microBatches, QString::number(setting.microBatches));
    choose(*m_experts, setting.expertParallel, tr("%n device(s)", nullptr, setting.expertParallel));
    choose(*m_efficiency, int(setting.efficiency), QString());
    const QSignalBlocker quietDrafted(m_drafted);
    m_drafted->setValue(setting.drafted);
    const QSignalBlocker quietAcceptance(m_acceptance);
    m_acceptance->setValue(setting.acceptance);
    const RooflineModelPtr& draft = m_session.draft();
    m_draft->setText(draft ? toQString(draft->name) : tr("none"));
    m_draft->setAccessibleName(tr("Draft model: %1").arg(m_draft->text()));
    showApplicable();
    const QSignalBlocker quiet(m_flash);
    m_flash->setChecked(setting.flash);
    showResults();
}

void SettingPanel::showApplicable()
{
    const RooflineSetting& setting = m_session.setting();
    const RooflineModel* model = m_session.model();
    const bool isCalibrated = setting.mode == RooflineMode::Calibrated;
    const bool isAccurate = setting.mode == RooflineMode::Accurate;
    const bool hasAnswers = !model || model->hasAnswers();
    const bool drafts = isAccurate && hasAnswers && m_session.draft();
    const std::initializer_list<std::pair<QWidget*, bool>> rows {
        {m_weights, !isCalibrated && !m_session.trial()}, // they are as the trial stores them
        {m_activations, !isCalibrated},
        {m_cache, !isCalibrated},
        {m_parallel, !isCalibrated},
        {m_flash, !isCalibrated},
        {m_efficiency, isAccurate},
        {m_pipeline, isAccurate && hasAnswers},
        {m_microBatches, isAccurate && hasAnswers && setting.pipelineParallel > 1},
        {m_experts, isAccurate && model && model->hasExperts()},
        {m_draft, isAccurate && hasAnswers},
        {m_drafted, drafts},
        {m_acceptance, drafts}};
    for (const auto& [control, isShown] : rows)
        m_form->setRowVisible(control, isShown);
    m_scroll->setMaximumHeight(m_form->sizeHint().height()); // all else is for the results
}

void SettingPanel::showResults()
{
    const RooflineAnalysisPtr& analysis = m_session.analysis();
    m_results->setRowCount(analysis ? int(analysis->results.size()) : 0);
    for (int row = 0; row < m_results->rowCount(); ++row) {
        const roofline::Derivation& result = analysis->results[std::size_t(row)];
        for (int column = 0; column < 2; ++column) {
            QTableWidgetItem* item = m_results->item(row, column);
            if (!item)
                m_results->setItem(row, column, item = new QTableWidgetItem);
            item->setText(column == 0 ? quantityText(result.quantity) : valueText(result));
            item->setToolTip(tipOf(result));
            if (column == 1)
                item->setTextAlignment(Qt::AlignRight | Qt::AlignVCenter);
        }
    }
}

} // namespace paretoscope::views
