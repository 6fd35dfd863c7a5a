// SPDX-License-Identifier: GPL-3.0-or-later
#include "views/pareto/what_if_choice.h"

#include "views/format/text.h"
#include "views/widgets/plain_tip.h"

#include <QComboBox>
#include <QHBoxLayout>
#include <QLabel>
#include <QSignalBlocker>

using namespace Qt::Literals::StringLiterals;

namespace paretoscope::views {

namespace {

/// Chosen at first, where it is known: its maker states all of its rates.
constexpr std::string_view kUsualDevice = "NVIDIA A100 SXM 80GB";

} // namespace

WhatIfChoice::WhatIfChoice(QWidget* parent)
    : QWidget(parent)
    , m_request(this,
                [this](const WhatIfAxesPtr& axes) {
                    m_axes = axes;
                    Q_EMIT predicted();
                })
    , m_device(new QComboBox(this))
{
    auto* on = new QLabel(tr("on"), this);
    on->setForegroundRole(QPalette::PlaceholderText);
    on->setBuddy(m_device);
    m_device->setObjectName(u"paretoDevice"_s);
    m_device->setAccessibleName(tr("Device of the predictions"));
    m_device->setMinimumContentsLength(18);
    m_device->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
    auto* row = new QHBoxLayout(this);
    row->setContentsMargins(0, 0, 0, 0);
    row->setSpacing(6);
    row->addWidget(on);
    row->addWidget(m_device);
    connect(m_device, &QComboBox::activated, this, [this](int index) {
        takeDevice(m_source->devices.all()[std::size_t(index)]);
        m_wanted = id();
        Q_EMIT deviceChosen();
    });
}

void WhatIfChoice::setSource(const WhatIfSourcePtr& source)
{
    m_source = source;
    m_request.cancel(); // the numbers of a device may be others now
    m_axes.reset();
    m_asked.reset();
    const QSignalBlocker blocker(m_device);
    m_device->clear();
    if (!hasDevices())
        return;
    for (const roofline::HardwareSpec& device : source->devices.all())
        m_device->addItem(toQString(device.name));
    const auto wanted = roofline::WhatIf::read(m_wanted, source->devices);
    const auto usual = source->devices.find(kUsualDevice);
    takeDevice(wanted.ok() ? wanted.value().hardware : usual.ok() ? *usual.value() : source->devices.all().front());
}

void WhatIfChoice::choose(const std::string& id)
{
    m_wanted = id;
    if (!hasDevices())
        return;
    if (const auto whatIf = roofline::WhatIf::read(id, m_source->devices); whatIf.ok())
        takeDevice(whatIf.value().hardware);
}

void WhatIfChoice::takeDevice(const roofline::HardwareSpec& device)
{
    m_whatIf.hardware = device;
    const QSignalBlocker blocker(m_device);
    m_device->setCurrentIndex(m_device->findText(toQString(device.name)));
    m_device->setToolTip(plainTip(tr("Predicted for %1: one sequence, %2 tokens of prompt, %3 generated, at the full "
                                     "rates of the device")
                                      .arg(toQString(device.name))
                                      .arg(int(m_whatIf.request.prompt))
                                      .arg(int(m_whatIf.request.generated))));
}

WhatIfAxesPtr WhatIfChoice::axesFor(const SnapshotPtr& snapshot)
{
    if (!hasDevices())
        return nullptr;
    if (m_axes && m_axes->snapshot == snapshot && m_axes->id == id())
        return m_axes;
    if (m_asked != snapshot || m_askedId != id() || !m_request.isPending()) {
        m_asked = snapshot;
        m_askedId = id();
        m_request.start([snapshot, source = m_source, whatIf = m_whatIf](QPromise<WhatIfAxesPtr>& promise) {
            predictAxes(promise, snapshot, source, whatIf);
        });
    }
    const bool isOlder = m_axes && m_axes->id == id() && m_axes->snapshot->path == snapshot->path;
    return isOlder ? m_axes : nullptr;
}

} // namespace paretoscope::views
