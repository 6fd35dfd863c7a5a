// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/roofline/hardware_editor.h"

#include "views/format/text.h"
#include "views/roofline/own_devices.h"
#include "views/theme/theme.h"
#include "views/widgets/roomy_delegate.h"

#include <QCheckBox>
#include <QFileDialog>
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

/// As it stands in the list.
QString marked(const roofline::Device& device)
{
    const QString name = toQString(device.spec.name);
    switch (device.origin) {
    case roofline::DeviceOrigin::Bundled:
    case roofline::DeviceOrigin::Project: // whose name says it where it matters
        break;
    case roofline::DeviceOrigin::Own:
        return HardwareEditor::tr("%1 (mine)").arg(name);
    case roofline::DeviceOrigin::Machine:
    case roofline::DeviceOrigin::ProjectMachine:
        return HardwareEditor::tr("%1 (measured)").arg(name);
    }
    return name;
}

QString described(const roofline::Device& device)
{
    switch (device.origin) {
    case roofline::DeviceOrigin::Bundled:
        return HardwareEditor::tr("A bundled device; change it and save it as your own.");
    case roofline::DeviceOrigin::Own:
        return HardwareEditor::tr("A device of your own.");
    case roofline::DeviceOrigin::Project:
        return HardwareEditor::tr("A device of the project; save it to have it in others, too.");
    case roofline::DeviceOrigin::Machine:
    case roofline::DeviceOrigin::ProjectMachine:
        break;
    }
    const roofline::MachineProfile& machine = *device.machine;
    const QString what = HardwareEditor::tr("%1, measured %2 on %3 threads")
                             .arg(toQString(machine.deviceName), toQString(machine.measuredUtc).left(10),
                                  QString::number(machine.threads));
    return machine.model ? HardwareEditor::tr("%1, calibrated with %2.").arg(what, toQString(machine.model->name))
                         : HardwareEditor::tr("%1, without a model.").arg(what);
}

} // namespace

HardwareEditor::HardwareEditor(RooflineSession& session, QWidget* parent)
    : QWidget(parent)
    , m_session(session)
    , m_search(new QLineEdit(this))
    , m_list(new QListWidget(this))
    , m_state(new QLabel(this))
    , m_remove(new QPushButton(tr("Delete"), this))
    , m_import(new QPushButton(tr("Import machine profile…"), this))
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
    save->setToolTip(tr("Writes it to hardware.csv in the settings folder, which the terminal knows, too, and into the "
                        "project that is open"));
    m_remove->setObjectName(u"hardwareRemove"_s);
    m_remove->setToolTip(tr("Removes a device of your own or of the project, or a machine profile of yours"));
    m_import->setObjectName(u"machineImport"_s);
    m_import->setToolTip(tr("Takes the JSON file of “paretoscope roofline --measure” on another machine"));
    auto* buttons = new QHBoxLayout;
    buttons->addWidget(m_import);
    buttons->addStretch(1);
    buttons->addWidget(m_remove);
    buttons->addWidget(save);
    auto* right = new QVBoxLayout;
    right->addWidget(scroll, 1);
    right->addWidget(m_state);
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
    connect(m_import, &QPushButton::clicked, this, &HardwareEditor::chooseProfile);
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
    const QString wanted = current().isEmpty() ? toQString(m_session.device().spec.name) : current();
    const QSignalBlocker quiet(m_list);
    m_list->clear();
    for (const roofline::Device& device : m_session.devices()) {
        const QString name = toQString(device.spec.name);
        auto* item = new QListWidgetItem(marked(device), m_list);
        item->setData(Qt::UserRole, name);
        if (name == wanted)
            m_list->setCurrentItem(item);
    }
    if (!m_list->currentItem())
        m_list->setCurrentRow(0);
    showDevice(current());
    const auto own = readOwnDevices(m_session.ownDevicesFile());
    if (!own.ok())
        tell(toQString(own.error().sentence()), true);
}

const roofline::Device* HardwareEditor::find(const QString& name) const
{
    const auto& devices = m_session.devices();
    const auto found = std::find_if(devices.begin(), devices.end(),
                                    [&](const roofline::Device& each) { return toQString(each.spec.name) == name; });
    return found == devices.end() ? nullptr : &*found;
}

void HardwareEditor::showDevice(const QString& name)
{
    const roofline::Device* device = find(name);
    if (!device)
        return;
    for (const auto& [column, field] : m_fields) {
        const std::string text = column == "name" ? device->keptName : roofline::hardwareCell(device->spec, column);
        field->setText(toQString(text));
        field->setCursorPosition(0);
    }
    m_sparse->setChecked(device->spec.sparse24);
    m_remove->setEnabled(device->origin != roofline::DeviceOrigin::Bundled &&
                         device->origin != roofline::DeviceOrigin::ProjectMachine);
    tell(described(*device), false);
}

void HardwareEditor::select(const QString& name)
{
    for (int i = 0; i < m_list->count(); ++i) {
        if (m_list->item(i)->data(Qt::UserRole).toString() == name)
            m_list->setCurrentRow(i);
    }
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
    m_session.reloadDevices();
    select(toQString(device.value().name));
    const QString file = pathText(m_session.ownDevicesFile());
    tell(m_session.hasProject() ? tr("Saved in %1; it is written into the project, too.").arg(file)
                                : tr("Saved in %1.").arg(file),
         false);
    Q_EMIT m_session.deviceSaved(roofline::deviceRecordOf(device.value()));
}

void HardwareEditor::remove()
{
    const roofline::Device* device = find(current());
    if (!device)
        return;
    const std::string name = device->keptName;
    if (device->origin == roofline::DeviceOrigin::Project) {
        Q_EMIT m_session.deviceRemoved(toQString(name));
        return; // the project tells when it is gone
    }
    const bool isMachine = device->origin == roofline::DeviceOrigin::Machine;
    const core::Status removed =
        isMachine ? m_session.removeMachine(name) : removeOwnDevice(m_session.ownDevicesFile(), name);
    if (!removed.ok())
        return tell(toQString(removed.error().sentence()), true);
    if (!isMachine)
        m_session.reloadDevices();
}

void HardwareEditor::chooseProfile()
{
    auto* dialog =
        new QFileDialog(this, tr("Import machine profile"), {}, tr("Machine profiles (*.json);;All files (*)"));
    dialog->setObjectName(u"machineDialog"_s);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setFileMode(QFileDialog::ExistingFile);
    connect(dialog, &QFileDialog::fileSelected, this, &HardwareEditor::importProfile);
    dialog->open();
}

void HardwareEditor::importProfile(const QString& file)
{
    const core::Result<QString> name = m_session.importMachine(toPath(file));
    if (!name.ok())
        return tell(toQString(name.error().sentence()), true);
    select(name.value());
    tell(tr("Imported as %1.").arg(name.value()), false);
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
