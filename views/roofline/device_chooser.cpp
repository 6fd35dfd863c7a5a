// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/roofline/device_chooser.h"

#include "views/format/scaled.h"
#include "views/format/text.h"
#include "views/theme/icons.h"
#include "views/widgets/plain_tip.h"
#include "views/widgets/roomy_delegate.h"

#include <QCheckBox>
#include <QLineEdit>
#include <QListWidget>
#include <QMenu>
#include <QSignalBlocker>
#include <QStandardItemModel>
#include <QVBoxLayout>
#include <QWidgetAction>

using namespace Qt::Literals::StringLiterals;

namespace paretoscope::views {

namespace {

QString originText(const roofline::Device& device)
{
    switch (device.origin) {
    case roofline::DeviceOrigin::Bundled:
        return {};
    case roofline::DeviceOrigin::Own:
        return DeviceChooser::tr("a device of your own");
    case roofline::DeviceOrigin::Machine:
        return DeviceChooser::tr("measured");
    case roofline::DeviceOrigin::Project:
        return DeviceChooser::tr("a device of the project");
    case roofline::DeviceOrigin::ProjectMachine:
        break;
    }
    return DeviceChooser::tr("measured, of the project");
}

QString summaryOf(const roofline::Device& chosen)
{
    const roofline::HardwareSpec& device = chosen.spec;
    QStringList parts;
    if (chosen.origin != roofline::DeviceOrigin::Bundled)
        parts << originText(chosen);
    if (device.memoryBytes)
        parts << format::scaled(*device.memoryBytes, u"B"_s);
    parts << format::scaled(device.bandwidthBytesPerSecond, u"B/s"_s);
    for (const roofline::NumberType type : {roofline::NumberType::Bf16, roofline::NumberType::Fp16}) {
        if (device.peak(type)) {
            parts << u"%1 %2"_s.arg(toQString(roofline::numberTypeName(type)),
                                    format::scaled(*device.peak(type), u"FLOP/s"_s));
            break;
        }
    }
    return parts.join(u", "_s);
}

} // namespace

DeviceChooser::DeviceChooser(RooflineSession& session, QWidget* parent)
    : QComboBox(parent)
    , m_session(session)
{
    setObjectName(u"rooflineDevice"_s);
    setAccessibleName(tr("Device"));
    setMinimumContentsLength(16);
    setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
    setMaxVisibleItems(20);
    connect(this, &QComboBox::activated, this, [this](int index) { m_session.setDevice(itemData(index).toString()); });
    connect(&m_session, &RooflineSession::devicesChanged, this, &DeviceChooser::fill);
    connect(&m_session, &RooflineSession::modelChanged, &m_session, &RooflineSession::findProblems);
    connect(&m_session, &RooflineSession::problemsFound, this, &DeviceChooser::markProblems);
    connect(&m_session, &RooflineSession::changed, this, [this] {
        const QSignalBlocker quiet(this);
        const QString name = toQString(m_session.device().spec.name);
        setCurrentIndex(findData(name));
        setToolTip(plainTip(u"%1\n%2"_s.arg(name, summaryOf(m_session.device()))));
    });
    fill();
}

void DeviceChooser::fill()
{
    const QSignalBlocker quiet(this);
    clear();
    for (const roofline::Device& device : m_session.devices())
        addItem(toQString(device.spec.name), toQString(device.spec.name));
    setCurrentIndex(findData(toQString(m_session.device().spec.name)));
    markProblems();
    m_session.findProblems();
}

void DeviceChooser::markProblems()
{
    auto* items = qobject_cast<QStandardItemModel*>(model());
    for (int i = 0; items && i < items->rowCount(); ++i) {
        const roofline::Device& device = m_session.devices()[std::size_t(i)];
        const auto problem = m_session.problems().find(toQString(device.spec.name));
        const bool isKnown = problem != m_session.problems().end();
        items->item(i)->setEnabled(!isKnown);
        items->item(i)->setToolTip(plainTip(isKnown ? problem->second : summaryOf(device)));
    }
}

void DeviceChooser::showPopup()
{
    m_session.findProblems();
    QComboBox::showPopup();
}

void DeviceChooser::focusInEvent(QFocusEvent* event)
{
    m_session.findProblems(); // arrow keys pass over those that cannot be chosen
    QComboBox::focusInEvent(event);
}

OtherDevicesButton::OtherDevicesButton(RooflineSession& session, QWidget* parent)
    : QToolButton(parent)
    , m_session(session)
    , m_search(new QLineEdit)
    , m_list(new QListWidget)
    , m_types(new QCheckBox(tr("Every number type of the device")))
{
    setObjectName(u"rooflineOtherDevices"_s);
    setIcon(themedIcon(u"add"_s));
    setToolTip(tr("Draw the roofs of other devices or number types, too"));
    setAccessibleName(toolTip());
    setAutoRaise(true);
    setPopupMode(QToolButton::InstantPopup);
    auto* page = new QWidget;
    auto* column = new QVBoxLayout(page);
    column->setContentsMargins(6, 6, 6, 6);
    column->addWidget(m_types);
    column->addWidget(m_search);
    column->addWidget(m_list);
    m_types->setObjectName(u"rooflineAllTypes"_s);
    connect(m_types, &QCheckBox::clicked, &m_session, &RooflineSession::setAllTypesDrawn);
    m_search->setPlaceholderText(tr("Search devices"));
    m_search->setAccessibleName(m_search->placeholderText());
    m_list->setObjectName(u"rooflineOtherDeviceList"_s);
    m_list->setAccessibleName(tr("Devices whose roofs are drawn, too"));
    m_list->setMinimumSize(280, 260);
    m_list->setItemDelegate(new RoomyDelegate(m_list));
    auto* menu = new QMenu(this);
    auto* action = new QWidgetAction(menu);
    action->setDefaultWidget(page);
    menu->addAction(action);
    setMenu(menu);
    connect(m_search, &QLineEdit::textChanged, this, [this](const QString& text) {
        for (int i = 0; i < m_list->count(); ++i)
            m_list->item(i)->setHidden(!m_list->item(i)->text().contains(text, Qt::CaseInsensitive));
    });
    connect(m_list, &QListWidget::itemChanged, this, &OtherDevicesButton::takeChecks);
    connect(&m_session, &RooflineSession::devicesChanged, this, &OtherDevicesButton::fill);
    fill();
}

void OtherDevicesButton::fill()
{
    const QSignalBlocker quiet(m_list);
    m_list->clear();
    for (const roofline::Device& device : m_session.devices()) {
        auto* item = new QListWidgetItem(toQString(device.spec.name), m_list);
        item->setFlags(Qt::ItemIsEnabled | Qt::ItemIsUserCheckable | Qt::ItemIsSelectable);
        item->setCheckState(m_session.otherDevices().contains(item->text()) ? Qt::Checked : Qt::Unchecked);
        item->setToolTip(plainTip(summaryOf(device)));
    }
}

void OtherDevicesButton::takeChecks()
{
    QStringList names;
    for (int i = 0; i < m_list->count(); ++i) {
        if (m_list->item(i)->checkState() == Qt::Checked)
            names << m_list->item(i)->text();
    }
    m_session.setOtherDevices(names);
}

} // namespace paretoscope::views
