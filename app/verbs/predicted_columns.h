// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "app/verbs/hardware_option.h"
#include "core/project/project_store.h"

#include <span>
#include <string>
#include <vector>

namespace paretoscope::app {

/// Columns, axes and fields of filters that are predicted when they are asked for: predicted_tpot@DEVICE, or
/// predicted_tpot@DEVICE/batch-8/prompt-2048/generate-64/realistic with as many of these parts as differ.
class PredictedColumns
{
public:
    /// The option --hardware-file.
    void declare(OptionTable& options) { m_hardware.declare(options); }

    /// Gives the trials what `columns` and `where` name, as metrics whose protocol is the device with all conditions.
    /// Trials that cannot be predicted stay without it; a note says how many, and why.
    /// Errors: NotFound (the device), InvalidArgument (no such quantity, no device), Unsupported (for no trial at all).
    core::Status addTo(std::vector<core::TrialRecord>& trials, std::span<const std::string> columns,
                       const std::string& where, const core::ProjectStore& project, Session& session) const;

private:
    HardwareOption m_hardware;
};

/// Whether the name of a column or field is that of a prediction.
bool isPredicted(std::string_view column);
/// predicted_tpot@"NVIDIA A100" without the quotation marks, as it stands in filters too.
std::string withoutQuotes(const std::string& column);

} // namespace paretoscope::app
