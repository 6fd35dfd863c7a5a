// SPDX-License-Identifier: Apache-2.0
#include "jobs/device_placement.h"

#include "jobs/worker_settings.h"

#include <algorithm>
#include <cstdio>
#include <limits>

namespace paretoscope::jobs {

namespace {

using core::Bytes;
using core::Error;
using core::ErrorCode;

/// A device with the workers placed on it so far.
struct Place
{
    std::string device;
    bool isCard = false;
    Bytes memory;
    Bytes need; ///< of one worker
    int workers = 0;

    Bytes left() const
    {
        return isCard ? Bytes {memory.value - workers * need.value} : Bytes {std::numeric_limits<std::int64_t>::max()};
    }
    bool hasRoom() const { return left() >= need; }
};

std::string gibibytes(Bytes bytes)
{
    char text[32];
    std::snprintf(text, sizeof text, "%.1f GiB", double(bytes.value) / double(1 << 30));
    return text;
}

Error missingCard(const std::string& device, const std::vector<Card>& cards)
{
    std::string known;
    for (const Card& card : cards)
        known += (known.empty() ? "" : ", ") + card.id;
    return {ErrorCode::NotFound, "the card " + device + " does not exist",
            known.empty() ? "no card is visible here; `paretoscope doctor` says why" : "there are " + known};
}

core::Result<std::vector<Place>> placesOf(const std::vector<std::string>& wanted, const std::vector<Card>& cards,
                                          const std::function<Bytes(const Card&)>& needOn)
{
    std::vector<Place> places;
    for (const std::string& device : wanted) {
        const auto isHere = [&](const auto& known) { return known.device == device; };
        if (std::any_of(places.begin(), places.end(), isHere))
            continue;
        Place place {device, isCard(device), {}, {}, 0};
        if (place.isCard) {
            const auto card =
                std::find_if(cards.begin(), cards.end(), [&](const Card& known) { return known.id == device; });
            if (card == cards.end())
                return missingCard(device, cards);
            place.memory = card->memory;
            place.need = needOn(*card) + kProcessBytesOnCard;
        }
        places.push_back(std::move(place));
    }
    return places;
}

/// Fewest workers first, then most memory, then the order of the user.
Place* nextPlace(std::vector<Place>& places)
{
    Place* best = nullptr;
    for (Place& place : places) {
        if (!place.hasRoom())
            continue;
        const bool isBetter =
            !best || place.workers < best->workers || (place.workers == best->workers && place.left() > best->left());
        if (isBetter)
            best = &place;
    }
    return best;
}

std::string tooSmall(const Place& place)
{
    return place.device + " has " + gibibytes(place.memory) + ", a worker of this sweep takes " +
           gibibytes(place.need) + " there";
}

} // namespace

std::vector<Card> cardsIn(const core::Json& description)
{
    std::vector<Card> cards;
    for (const core::Json& device : description.value("devices", core::Json::array())) {
        const std::string id = device.value("id", "");
        if (isCard(id))
            cards.push_back({id, {device.value("memory_bytes", std::int64_t(0))}});
    }
    return cards;
}

core::Result<Placement> placeWorkers(const std::vector<std::string>& wanted, int workers,
                                     const std::vector<Card>& cards, const std::function<Bytes(const Card&)>& needOn)
{
    PSC_ASSIGN(std::vector<Place> places, placesOf(wanted, cards, needOn));
    Placement placement;
    for (int worker = 0; worker < workers; ++worker) {
        Place* place = nextPlace(places);
        if (!place)
            break;
        ++place->workers;
        placement.devices.push_back(place->device);
    }
    if (placement.devices.empty())
        return Error {ErrorCode::OutOfMemory, tooSmall(places.front()),
                      "give a --memory-budget that fits, shorter sequences, or a card with more memory"};
    for (const Place& place : places) {
        if (place.workers == 0 && !place.hasRoom())
            placement.remarks.push_back(tooSmall(place) + ": no worker runs there");
    }
    if (const auto placed = static_cast<int>(placement.devices.size()); placed < workers)
        placement.remarks.push_back("the cards have room for " + std::to_string(placed) + " of " +
                                    std::to_string(workers) + " workers; a --memory-budget makes room for more");
    return placement;
}

} // namespace paretoscope::jobs
