// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/json.h"
#include "core/base/result.h"

#include <string>

namespace paretoscope::roofline {

/// A configuration and what to call it.
struct NamedConfig
{
    std::string name = {};
    core::Json config = {};
};

/// Reads a config.json, the one of a folder (weights need not be there), or what a GGUF file says in its place.
/// Errors: those of core::resolveModel and core::openCheckpoint.
core::Result<NamedConfig> readConfig(const std::string& model);

} // namespace paretoscope::roofline
