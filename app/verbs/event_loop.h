// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <memory>

class QCoreApplication;

namespace paretoscope::app {

/// What Qt needs for processes and timers, without a display. Numbers keep being read and written as in C, whatever
/// the user's locale.
class EventLoopGuard
{
public:
    EventLoopGuard();
    ~EventLoopGuard();

private:
    std::unique_ptr<QCoreApplication> m_application;
};

} // namespace paretoscope::app
