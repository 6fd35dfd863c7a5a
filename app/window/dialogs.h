// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QString>

#include <functional>

class QWidget;

namespace paretoscope::app {

enum class FileUse
{
    Open,
    Save
};

/// A file dialog that blocks nothing; `chosen` gets the file unless the user cancels or `parent` is gone.
void askForFile(QWidget* parent, const QString& title, const QString& filter, FileUse use,
                std::function<void(const QString&)> chosen);

/// Asks before a window with a running sweep is closed; `stop` is called when the user wants that.
void askWhetherToStop(QWidget* parent, std::function<void()> stop);

/// The bundled demo sweep; empty when this installation has none.
QString demoSweep();

} // namespace paretoscope::app
