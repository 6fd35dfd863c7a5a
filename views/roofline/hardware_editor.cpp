// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/roofline/hardware_editor.h"

#include "views/format/text.h"
#include "views/roofline/own_devices.h"
#include "views/theme/theme.h"
#include "views/widgets/roomy_delegate.h"

#include <QCheckBox>
#include <QFormLayout>
#include <QHBoxLayout>
#include <QLabel>
#include <QLineEdit>
#include <QListWidget>
#include <QPushButton>
#include <QScrollArea>
#include <QSignalBlocker>

#include <algorithm>

using namespace Qt::Literals::StringLiterals;

namespace paretoscope::views {

namespace {

constexpr std::string_view kSparse = "sparse_2_4";

/// What a column of hardware.csv is called, with its unit.
QString labelOf(const std::string& column)
{
    static const QHash<QString, QString> labels {
        {u"name"_s, HardwareEditor::tr("Name")},
        {u"vendor"_s, HardwareEditor::tr("Vendor")},
        {u"kind"_s, HardwareEditor::tr("Kind (gpu, cpu, npu)")},
        {u"memory_GB"_s, HardwareEditor::tr("Memory (GB)")},
        {u"bandwidth_GBps"_s, HardwareEditor::tr("Memory bandwidth (GB/s)")},
        {u"fp64_TFLOPS"_s, HardwareEditor::tr("fp64 (TFLOP/s)")},
        {u"fp32_TFLOPS"_s, HardwareEditor::tr("fp32 (TFLOP/s)")},
        {u"tf32_TFLOPS"_s, HardwareEditor::tr("tf32, dense (TFLOP/s)")},
        {u"bf16_TFLOPS"_s, HardwareEditor::tr("bf16, dense (TFLOP/s)")},
        {u"fp16_TFLOPS"_s, HardwareEditor::tr("fp16, dense (TFLOP/s)")},
        {u"fp8_TFLOPS"_s, HardwareEditor::tr("fp8, dense (TFLOP/s)")},
        {u"int8_TOPS"_s, HardwareEditor::tr("int8, dense (TOP/s)")},
        {u"fp4_TFLOPS"_s, HardwareEditor::tr("fp4, dense (TFLOP/s)")},
        {u"int4_TOPS"_s, HardwareEditor::tr("int4, dense (TOP/s)")},
        {u"onchip_buffer_KB"_s, HardwareEditor::tr("On-chip buffer (kB)")},
        {u"interconnect_GBps"_s, HardwareEditor::tr("Interconnect, both directions (GB/s)")},
        {u"TDP_W"_s, HardwareEditor::tr("Power (W)")},
        {u"l2_MB"_s, HardwareEditor::tr("L2 cache (MB)")},
        {u"l2_bandwidth_GBps"_s, HardwareEditor::tr("L2 bandwidth (GB/s)")},
        {u"l1_bandwidth_GBps"_s, HardwareEditor::tr("L1 bandwidth (GB/s)")},
        {u"processors"_s, HardwareEditor::tr("Processors (SM, CU, cores)")},
        {u"year"_s, HardwareEditor::tr("Year")},
        {u"source"_s, HardwareEditor::tr("Source of the numbers")},
    };
    return labels.value(toQString(column), toQString(column));
}

} // namespace

HardwareEditor::HardwareEditor(RooflineSession& session, QWidget* parent)
    : QWidget(parent)
    , m_session(session)
    , m_search(new QLineEdit(this))
    , m_list(new QListWidget(this))
    , m_state(new QLabel(this))
    , m_remove(new QPushButton(tr("Delete"), this))
{
    setObjectName(u"hardwareEditor"_s);
    m_search->setPlaceholderText(tr("Search devices"));
    m_search->setAccessibleName(m_search->placeholderText());
    m_list->setObjectName(u"hardwareList"_s);
    m_list->setAccessibleName(tr("Devices"));
    m_list->setFrameShape(QFrame::NoFrame);
    m_list->setItemDelegate(new RoomyDelegate(m_list));
    m_list->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    m_state->setObjectName(u"hardwareState"_s);
    m_state->setTextFormat(Qt::PlainText);
    m_state->setWordWrap(true);
    auto* left = new QVBoxLayout;
    left->addWidget(m_search);
    left->addWidget(m_list, 1);

    auto* fields = new QWidget;
    auto* form = new QFormLayout(fields);
    form->setFieldGrowthPolicy(QFormLayout::AllNonFixedFieldsGrow);
    for (const std::string& column : roofline::hardwareColumns())
        addField(*form, column);
    auto* scroll = new QScrollArea(this);
    scroll->setWidget(fields);
    scroll->setWidgetResizable(true);
    scroll->setFrameShape(QFrame::NoFrame);
    auto* save = new QPushButton(tr("Save as my device"), this);
    save->setObjectName(u"hardwareSave"_s);
    save->setToolTip(tr("Writes it to hardware.csv in the settings folder; the terminal knows it, too"));
    m_remove->setObjectName(u"hardwareRemove"_s);
    m_remove->setToolTip(tr("Removes a device of your own"));
    auto* buttons = new QHBoxLayout;
    buttons->addWidget(m_state, 1);
    buttons->addWidget(m_remove);
    buttons->addWidget(save);
    auto* right = new QVBoxLayout;
    right->addWidget(scroll, 1);
    right->addLayout(buttons);
    auto* row = new QHBoxLayout(this);
    row->setContentsMargins(8, 6, 8, 6);
    row->addLayout(left, 2);
    row->addLayout(right, 3);
    connect(m_search, &QLineEdit::textChanged, this, [this](const QString& text) {
        for (int i = 0; i < m_list->count(); ++i)
            m_list->item(i)->setHidden(!m_list->item(i)->text().contains(text, Qt::CaseInsensitive));
    });
    connect(m_list, &QListWidget::currentItemChanged, this, [this] { showDevice(current()); });
    connect(save, &QPushButton::clicked, this, &HardwareEditor::save);
    connect(m_remove, &QPushButton::clicked, this, &HardwareEditor::remove);
    connect(&m_session, &RooflineSession::devicesChanged, this, &HardwareEditor::fill);
    fill();
}

void HardwareEditor::addField(QFormLayout& form, const std::string& column)
{
    if (column == kSparse) {
        m_sparse = new QCheckBox(tr("2:4 sparsity runs faster"), this);
        m_sparse->setObjectName(u"hardware:sparse_2_4"_s);
        form.addRow(QString(), m_sparse);
        return;
    }
    auto* field = new QLineEdit(this);
    field->setObjectName(u"hardware:"_s + toQString(column));
    field->setAccessibleName(labelOf(column));
    field->setPlaceholderText(column == "name" || column == "bandwidth_GBps" ? tr("needed") : tr("not known"));
    form.addRow(labelOf(column), field);
    m_fields[column] = field;
}

QString HardwareEditor::current() const
{
    return m_list->currentItem() ? m_list->currentItem()->data(Qt::UserRole).toString() : QString();
}

void HardwareEditor::fill()
{
    m_own.clear();
    const auto own = readOwnDevices(m_session.ownDevicesFile());
    if (own.ok()) {
        for (const roofline::HardwareSpec& device : own.value())
            m_own << toQString(device.name);
    }
    const QString wanted = current().isEmpty() ? toQString(m_session.device().name) : current();
    const QSignalBlocker quiet(m_list);
    m_list->clear();
    for (const roofline::HardwareSpec& device : m_session.devices()) {
        const QString name = toQString(device.name);
        auto* item = new QListWidgetItem(m_own.contains(name) ? tr("%1 (mine)").arg(name) : name, m_list);
        item->setData(Qt::UserRole, name);
        if (name == wanted)
            m_list->setCurrentItem(item);
    }
    if (!m_list->currentItem())
        m_list->setCurrentRow(0);
    showDevice(current());
    if (!own.ok())
        tell(toQString(own.error().sentence()), true);
}

void HardwareEditor::showDevice(const QString& name)
{
    const auto& devices = m_session.devices();
    const auto found = std::find_if(devices.begin(), devices.end(),
                                    [&](const roofline::HardwareSpec& each) { return toQString(each.name) == name; });
    if (found == devices.end())
        return;
    for (const auto& [column, field] : m_fields) {
        field->setText(toQString(roofline::hardwareCell(*found, column)));
        field->setCursorPosition(0);
    }
    m_sparse->setChecked(found->sparse24);
    const bool isOwn = m_own.contains(name);
    m_remove->setEnabled(isOwn);
    tell(isOwn ? tr("A device of your own.") : tr("A bundled device; change it and save it as your own."), false);
}

void HardwareEditor::save()
{
    std::map<std::string, std::string> cells {{std::string(kSparse), m_sparse->isChecked() ? "1" : "0"}};
    for (const auto& [column, field] : m_fields)
        cells[column] = field->text().trimmed().toStdString();
    const core::Result<roofline::HardwareSpec> device = roofline::hardwareFromCells(cells);
    if (!device.ok())
        return tell(toQString(device.error().sentence()), true);
    const core::Status saved = saveOwnDevice(m_session.ownDevicesFile(), device.value());
    if (!saved.ok())
        return tell(toQString(saved.error().sentence()), true);
    const QString name = toQString(device.value().name);
    m_session.reloadDevices();
    for (int i = 0; i < m_list->count(); ++i) {
        if (m_list->item(i)->data(Qt::UserRole).toString() == name)
            m_list->setCurrentRow(i);
    }
    tell(tr("Saved in %1.").arg(pathText(m_session.ownDevicesFile())), false);
}

void HardwareEditor::remove()
{
    const core::Status removed = removeOwnDevice(m_session.ownDevicesFile(), current().toStdString());
    if (!removed.ok())
        return tell(toQString(removed.error().sentence()), true);
    m_session.reloadDevices();
}

void HardwareEditor::tell(const QString& text, bool isProblem)
{
    m_state->setText(text);
    QPalette colours;
    if (isProblem)
        colours.setColor(QPalette::WindowText, themeColours(palette()).error);
    m_state->setPalette(colours);
}

} // namespace paretoscope::views
