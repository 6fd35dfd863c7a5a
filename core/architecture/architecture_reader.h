// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/architecture/architecture.h"

namespace paretoscope::core {

/// Fills the values of `config` into one family file; `unsupported` and `modelType` are left empty.
/// Errors: as describeArchitecture. Throws Json::exception on a family file of a wrong form.
Result<Architecture> readArchitecture(const Json& family, const Json& config);

} // namespace paretoscope::core
