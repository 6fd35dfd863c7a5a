// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/architecture/family_file.h"

#include <map>
#include <string>

namespace paretoscope::core {

/// What varies from layer to layer, from `layer_kinds` of a family file:
///
///   "attention": {"key": "layer_types", "rules": [{"nth": 6, "kind": "full_attention"}, {"kind":
///   "sliding_attention"}]}
///
/// The list at `key` of the configuration names the kind of every layer; where it is absent, the first rule decides
/// all of whose conditions hold:
///   "before": n   layers below n                "from": n    layer n and later
///   "nth": n      layers n-1, 2n-1, ...         "multiple_of": n   layers 0, n, 2n, ...
///   "in": [..]    the layers listed             "empty": [..]      the list has no entries
///   "marked": [..]   layers whose entry in the list is true or not 0
///   "if": value   a switch of the configuration that is true, or a number other than 0
/// @return name of the list ("attention") to kind. Errors: Corrupt (a list of a wrong length or type).
Result<std::map<std::string, std::string, std::less<>>> layerKinds(const Json& family, const FamilyValues& values,
                                                                   std::int64_t layer, std::int64_t layers);

} // namespace paretoscope::core
