// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/json.h"

#include <optional>
#include <string>
#include <string_view>

namespace paretoscope::core {

/// The text a JSON column keeps; null is kept as NULL. Broken UTF-8 (cut log tails) becomes U+FFFD.
std::optional<std::string> storedJson(const Json& value);

/// The value of a JSON column; NULL and "" give null. A damaged cell must not hide the rows around it: what cannot be
/// read, or is nested so deeply that working with it would overflow the stack, gives {"unreadable": reason}.
Json jsonFromStored(std::string_view text);

} // namespace paretoscope::core
