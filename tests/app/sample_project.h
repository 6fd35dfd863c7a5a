// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/project/project_store.h"

#include <QString>

#include <vector>

/// A finished trial with perplexity and size; everything about it is made up.
paretoscope::core::TrialRecord sampleTrial(const std::string& label, paretoscope::core::Json pipeline,
                                           double perplexity, double storedBytes);

/// Six trials: a baseline, four quantised ones (one dominated), one failed. In the order of the labels
/// baseline, rtn(bits=4), rtn(bits=3), gptq(bits=4), gptq(bits=3), gptq(bits=2).
std::vector<paretoscope::core::TrialRecord> sampleTrials();

/// Writes them, a workload, a sweep and an event into a new project. Errors: those of the store.
paretoscope::core::Status writeSampleProject(const QString& file);
