// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/json.h"
#include "core/base/result.h"
#include "core/engine/plugin/unit.h"

#include <cstdint>
#include <map>

namespace paretoscope::engine {

/// floor(ratio · in · out / (in + out)): the rank at which two factors hold this share of the entries of the product.
std::int64_t rankOfRatio(std::int64_t out, std::int64_t in, double ratio);

/// The ranks that the parameters `ratio`, `rank_align`, `ranks` ("PATTERN=RANK", the last match wins), `include` and
/// `exclude` give, by index into ModelView::units. Units that ratio 1 leaves as they are, are absent.
/// Errors: InvalidArgument (a rank below 1 or above the smaller side, an entry of another form; names module and
/// remedy); as selectUnits.
core::Result<std::map<std::size_t, std::int64_t>> selectRanks(const ModelView& model, const core::Json& parameters);

/// Errors: InvalidArgument (rank above the smaller side of the unit).
core::Status requireRank(const Unit& unit, std::int64_t rank);

} // namespace paretoscope::engine
