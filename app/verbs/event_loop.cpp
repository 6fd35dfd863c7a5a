// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/verbs/event_loop.h"

#include <QCoreApplication>

#include <array>
#include <clocale>

namespace paretoscope::app {

EventLoopGuard::EventLoopGuard()
{
    static int count = 1; // QCoreApplication keeps references to both
    static std::array<char, 12> name {"paretoscope"};
    static std::array<char*, 2> arguments {name.data(), nullptr};
    m_application = std::make_unique<QCoreApplication>(count, arguments.data());
    std::setlocale(LC_NUMERIC, "C"); // Qt has just set the user's
}

EventLoopGuard::~EventLoopGuard() = default;

} // namespace paretoscope::app
