// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/json.h"
#include "core/base/quantity.h"
#include "core/base/result.h"

#include <functional>
#include <string>
#include <vector>

namespace paretoscope::jobs {

/// What each process takes of a card beside its tensors: the driver's context and the libraries' kernels.
inline constexpr core::Bytes kProcessBytesOnCard {std::int64_t(512) << 20};

/// A card as this machine numbers it.
struct Card
{
    std::string id; ///< "cuda:0"
    core::Bytes memory;
};

/// The cards in the description of a worker program (describeWorker).
std::vector<Card> cardsIn(const core::Json& description);

/// Which worker computes where.
struct Placement
{
    std::vector<std::string> devices; ///< of each worker, by its number; may be fewer than were asked for
    std::vector<std::string> remarks; ///< one sentence for each card that is left out or shared by fewer than asked for
};

/// Places workers one after the other on the device that has fewest of them, among those the one with most memory left,
/// as long as a card has room for what a worker of this sweep takes. Devices that are no cards always have room.
/// @param wanted  never empty; a device that is named twice is one device
/// @param needOn  memory that a worker takes on a card, kProcessBytesOnCard not counted
/// Errors: NotFound (a card that does not exist; names those that do); OutOfMemory (no card has room for a worker).
core::Result<Placement> placeWorkers(const std::vector<std::string>& wanted, int workers,
                                     const std::vector<Card>& cards,
                                     const std::function<core::Bytes(const Card&)>& needOn);

} // namespace paretoscope::jobs
