// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/project/project_files.h"
#include "core/project/verify.h"

namespace paretoscope::core {

/// Holds the first 100 bytes of a project against https://www.sqlite.org/fileformat2.html, section 1.3, and mends in
/// `copy` what is wrong there, so that SQLite can read the rest.
/// @param copy a private copy of the project that may be written
/// Errors: Io; Corrupt when so much is wrong that it cannot have been a project.
Status checkAndMendHeader(const ProjectFiles& copy, const std::string& name, VerifyReport& report);

/// The same for the size of the file, once logs and journals are played in.
Status checkAndMendSize(const ProjectFiles& copy, const std::string& name, VerifyReport& report);

} // namespace paretoscope::core
