// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/project/project_files.h"
#include "core/project/verify.h"

namespace paretoscope::core {

/// Looks at what lies beside a project. In `copy`, a private copy of it with its log and journal, those are played in
/// when they belong to it, and taken away when they do not: afterwards it is one file.
void foldSideFiles(const ProjectFiles& project, const ProjectFiles& copy, VerifyReport& report);

} // namespace paretoscope::core
