// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "jobs/command_approval.h"
#include "views/sweep_builder/sweep_builder.h"

#include <functional>

namespace paretoscope::app {

/// What the user has to read before commands of others run: of each the program, its arguments, where it comes from
/// and which trials run it.
QString commandsText(const views::SweepOrder& order, const std::vector<jobs::SweepCommand>& commands);

/// Shows the commands that trials of an order are to run on this machine, whole, with Cancel as the default. `run` gets
/// a copy of the order that allows them: an approval is for these commands and for one run. `cancelled` is called when
/// the user does not allow them.
void askAboutCommands(QWidget* parent, const views::SweepOrder& order, const std::vector<jobs::SweepCommand>& commands,
                      std::function<void(const views::SweepOrder&)> run, std::function<void()> cancelled);

} // namespace paretoscope::app
