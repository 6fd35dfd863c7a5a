// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "views/background/newest_request.h"
#include "views/pareto/what_if_axes.h"

#include <QWidget>

class QComboBox;

namespace paretoscope::views {

/// Choice of the device that trials are predicted for; computes the predictions off the GUI thread, and only the newest
/// request delivers.
class WhatIfChoice : public QWidget
{
    Q_OBJECT

public:
    explicit WhatIfChoice(QWidget* parent = nullptr);

    /// Null: there are no devices. The one that was chosen stays where it is known, and comes back when it is again.
    void setSource(const WhatIfSourcePtr& source);
    bool hasDevices() const { return m_source && !m_source->devices.all().empty(); }
    std::string id() const { return m_whatIf.id(); } ///< protocol of the predicted axes
    /// The device of such an id; an id of an unknown one is ignored.
    void choose(const std::string& id);

    /// Null while they are computed, which predicted() ends. While a project grows, those of the snapshot before.
    WhatIfAxesPtr axesFor(const SnapshotPtr& snapshot);

Q_SIGNALS:
    void deviceChosen();
    void predicted();

private:
    void takeDevice(const roofline::HardwareSpec& device);

    WhatIfSourcePtr m_source;
    roofline::WhatIf m_whatIf;
    std::string m_wanted;  ///< id of what was chosen last; its device may not be known
    SnapshotPtr m_asked;   ///< what is being computed,
    std::string m_askedId; ///< and for which device
    WhatIfAxesPtr m_axes;
    NewestRequest<WhatIfAxesPtr> m_request;
    QComboBox* m_device;
};

} // namespace paretoscope::views
