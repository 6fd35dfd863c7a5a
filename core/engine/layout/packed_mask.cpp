// SPDX-License-Identifier: Apache-2.0
#include "core/engine/layout/packed_mask.h"

#include "core/engine/device/transfer.h"
#include "core/engine/layout/bit_stream.h"

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>

namespace paretoscope::engine {

namespace {

using Packing = PackedMask::Packing;

constexpr std::array<std::pair<Packing, std::string_view>, 4> kNames {
    {{Packing::NOfM, "n_of_m"}, {Packing::Rows, "rows"}, {Packing::Bitmask, "bitmask"}, {Packing::Columns, "columns"}}};
constexpr std::array<std::int64_t, 4> kGroups {2, 4, 8, 16};
constexpr std::string_view kStream = "mask";
constexpr std::string_view kPointers = "mask_row_pointers";
constexpr std::int64_t kMostEntries = std::int64_t(1) << 33; ///< beyond it a description is taken as damaged

/// Bits that tell `count` places apart; one at least, so that a stream never has width 0.
int bitsFor(std::int64_t count)
{
    return std::max(1, static_cast<int>(std::bit_width(static_cast<std::uint64_t>(count - 1))));
}

/// n when every `group` neighbours hold exactly n ones.
std::optional<std::int64_t> keptOfEvery(std::int64_t group, const std::uint8_t* mask, std::int64_t entries)
{
    const std::int64_t first = std::count(mask, mask + group, std::uint8_t(1));
    for (std::int64_t i = group; i < entries; i += group) {
        if (std::count(mask + i, mask + i + group, std::uint8_t(1)) != first)
            return std::nullopt;
    }
    return first;
}

bool areRowsUniform(const std::uint8_t* mask, std::int64_t rows, std::int64_t columns)
{
    for (std::int64_t row = 0; row < rows; ++row) {
        const std::uint8_t* line = mask + row * columns;
        if (std::any_of(line, line + columns, [&](std::uint8_t entry) { return entry != *line; }))
            return false;
    }
    return true;
}

const std::uint8_t* bytesOf(const at::Tensor& mask)
{
    return static_cast<const std::uint8_t*>(mask.const_data_ptr());
}

/// Places of the ones among every `group` neighbours, in rising order. @return int32 [ones]
at::Tensor placesWithin(const at::Tensor& mask, std::int64_t group, std::int64_t ones)
{
    at::Tensor places = at::empty({ones}, at::kInt);
    auto* out = places.mutable_data_ptr<std::int32_t>();
    const std::uint8_t* in = bytesOf(mask);
    for (std::int64_t first = 0; first < mask.numel(); first += group) {
        for (std::int64_t place = 0; place < group; ++place) {
            if (in[first + place])
                *out++ = static_cast<std::int32_t>(place);
        }
    }
    return places;
}

/// The inverse: `counts(i)` places of group i, strictly rising, each below `group`. @return undefined when they are not
template <typename Counts>
at::Tensor maskOfPlaces(const at::Tensor& places, std::int64_t rows, std::int64_t columns, std::int64_t group,
                        Counts&& counts)
{
    at::Tensor mask = at::zeros({rows, columns}, at::kBool);
    bool* out = mask.mutable_data_ptr<bool>();
    const auto* in = places.const_data_ptr<std::int32_t>();
    for (std::int64_t index = 0; index < rows * columns / group; ++index) {
        std::int32_t before = -1;
        for (std::int64_t i = 0; i < counts(index); ++i) {
            const std::int32_t place = *in++;
            if (place <= before || place >= group)
                return {};
            out[index * group + place] = true;
            before = place;
        }
    }
    return mask;
}

bool isStream(const at::Tensor& words, std::int64_t count, int bits)
{
    return hasShape(words, at::kInt, {wordsFor(count, bits)});
}

at::Tensor readNOfM(std::int64_t kept, std::int64_t group, std::int64_t rows, std::int64_t columns,
                    const at::Tensor& stream)
{
    const bool isGroup = std::find(kGroups.begin(), kGroups.end(), group) != kGroups.end();
    if (!isGroup || columns % group != 0 || kept < 1 || kept > group)
        return {};
    const std::int64_t count = rows * columns / group * kept;
    if (!isStream(stream, count, bitsFor(group)))
        return {};
    return maskOfPlaces(unpackStream(stream, count, bitsFor(group)), rows, columns, group,
                        [&](std::int64_t) { return kept; });
}

at::Tensor readBits(std::int64_t count, const at::Tensor& stream)
{
    return isStream(stream, count, 1) ? unpackStream(stream, count, 1).to(at::kBool) : at::Tensor();
}

at::Tensor readColumns(std::int64_t rows, std::int64_t columns, const at::Tensor& stream, const at::Tensor& pointers)
{
    if (!hasShape(pointers, at::kInt, {rows + 1}))
        return {};
    const auto* pointer = pointers.const_data_ptr<std::int32_t>();
    if (pointer[0] != 0 || !std::is_sorted(pointer, pointer + rows + 1) ||
        !isStream(stream, pointer[rows], bitsFor(columns)))
        return {};
    return maskOfPlaces(unpackStream(stream, pointer[rows], bitsFor(columns)), rows, columns, columns,
                        [&](std::int64_t row) { return std::int64_t(pointer[row + 1]) - pointer[row]; });
}

} // namespace

PackedMask::PackedMask(at::Tensor mask)
    : m_mask(mask.contiguous())
{
    const at::Tensor onHost = toHost(m_mask);
    m_kept = std::count(bytesOf(onHost), bytesOf(onHost) + onHost.numel(), std::uint8_t(1));
    choosePacking(onHost);
}

void PackedMask::choosePacking(const at::Tensor& onHost)
{
    std::vector<Packing> possible {Packing::Bitmask};
    const std::uint8_t* entries = bytesOf(onHost);
    if (areRowsUniform(entries, rows(), columns()))
        possible.push_back(Packing::Rows);
    if (m_kept <= std::numeric_limits<std::int32_t>::max())
        possible.push_back(Packing::Columns);
    const auto bitsOfGroup = [&](std::int64_t kept, std::int64_t group) { return kept * bitsFor(group) * 16 / group; };
    for (const std::int64_t group : kGroups) {
        if (m_kept == 0 || columns() % group != 0)
            continue;
        const auto kept = keptOfEvery(group, entries, onHost.numel());
        if (kept && (m_group == 0 || bitsOfGroup(*kept, group) < bitsOfGroup(m_keptOfGroup, m_group))) {
            m_keptOfGroup = *kept;
            m_group = group;
        }
    }
    if (m_group > 0)
        possible.insert(possible.begin(), Packing::NOfM); // the first of equals is taken
    m_packing = *std::min_element(possible.begin(), possible.end(),
                                  [&](Packing a, Packing b) { return streamBits(a) < streamBits(b); });
}

std::int64_t PackedMask::streamBits(Packing packing) const
{
    switch (packing) {
    case Packing::NOfM:
        return wordsFor(m_kept, bitsFor(m_group)) * 32;
    case Packing::Rows:
        return wordsFor(rows(), 1) * 32;
    case Packing::Columns:
        return (wordsFor(m_kept, bitsFor(columns())) + rows() + 1) * 32;
    case Packing::Bitmask:
        break;
    }
    return wordsFor(rows() * columns(), 1) * 32;
}

std::vector<StoredPart> PackedMask::storedParts() const
{
    const void* storage = m_mask.storage().data();
    const std::int64_t bits = streamBits(m_packing);
    if (m_packing != Packing::Columns)
        return {{std::string(kStream), {bits}, storage}};
    const std::int64_t pointerBits = (rows() + 1) * 32;
    // One piece of memory holds both, so only the stream may name it: equal names would count once.
    return {{std::string(kStream), {bits - pointerBits}, storage}, {std::string(kPointers), {pointerBits}, nullptr}};
}

TensorParts PackedMask::serialise() const
{
    const at::Tensor mask = toHost(m_mask);
    const std::string stream(kStream);
    switch (m_packing) {
    case Packing::NOfM:
        return {{stream, packStream(placesWithin(mask, m_group, m_kept), bitsFor(m_group))}};
    case Packing::Rows:
        return {{stream, packStream(mask.select(1, 0).to(at::kByte), 1)}};
    case Packing::Columns: {
        at::Tensor pointers = at::zeros({rows() + 1}, at::kInt);
        pointers.narrow(0, 1, rows()).copy_(mask.sum(1).cumsum(0));
        return {{stream, packStream(placesWithin(mask, columns(), m_kept), bitsFor(columns()))},
                {std::string(kPointers), std::move(pointers)}};
    }
    case Packing::Bitmask:
        break;
    }
    return {{stream, packStream(mask.view(at::kByte), 1)}};
}

core::Json PackedMask::description() const
{
    const auto name =
        std::find_if(kNames.begin(), kNames.end(), [&](const auto& entry) { return entry.first == m_packing; });
    core::Json description {{"packing", name->second}};
    if (m_packing == Packing::NOfM) {
        description["n"] = m_keptOfGroup;
        description["m"] = m_group;
    }
    return description;
}

core::Result<PackedMask> PackedMask::fromParts(const core::Json& description, std::int64_t rows, std::int64_t columns,
                                               const TensorParts& parts)
{
    const std::string wanted = description.value("packing", "");
    const auto name =
        std::find_if(kNames.begin(), kNames.end(), [&](const auto& entry) { return entry.second == wanted; });
    if (name == kNames.end() || rows < 1 || columns < 1 || rows > kMostEntries / columns)
        return damagedParts("mask");
    const at::Tensor stream = partNamed(parts, kStream);
    at::Tensor mask;
    switch (name->first) {
    case Packing::NOfM:
        mask = readNOfM(description.value("n", std::int64_t(0)), description.value("m", std::int64_t(0)), rows, columns,
                        stream);
        break;
    case Packing::Rows:
        mask = readBits(rows, stream);
        mask = mask.defined() ? mask.unsqueeze(1).expand({rows, columns}) : mask;
        break;
    case Packing::Columns:
        mask = readColumns(rows, columns, stream, partNamed(parts, kPointers));
        break;
    case Packing::Bitmask:
        mask = readBits(rows * columns, stream);
        mask = mask.defined() ? mask.view({rows, columns}) : mask;
        break;
    }
    if (!mask.defined())
        return damagedParts("mask");
    PackedMask read(mask);
    if (read.description() != description)
        return damagedParts("mask");
    return read;
}

} // namespace paretoscope::engine
