// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/command_line/console.h"
#include "core/plugin/manifest.h"

#include <string>

namespace paretoscope::app {

/// A manifest as data, without the program's private keys.
core::Json pluginJson(const core::PluginManifest& plugin);
/// A manifest for reading: what it does, parameters with range and default, papers.
std::string pluginText(const core::PluginManifest& plugin, const Stream& stream);

} // namespace paretoscope::app
