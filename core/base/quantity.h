// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <cstdint>

namespace paretoscope::core {

/// A number that cannot be mixed up with one of another unit or kind.
template <typename Tag, typename Rep>
struct Quantity
{
    Rep value {};
    auto operator<=>(const Quantity&) const = default;
    Quantity& operator+=(Quantity other)
    {
        value += other.value;
        return *this;
    }
    friend Quantity operator+(Quantity a, Quantity b) { return {a.value + b.value}; }
    friend Quantity operator-(Quantity a, Quantity b) { return {a.value - b.value}; }
};

using Bytes = Quantity<struct BytesTag, std::int64_t>;
using Bits = Quantity<struct BitsTag, std::int64_t>;
using Seconds = Quantity<struct SecondsTag, double>;
using RowId = Quantity<struct RowIdTag, std::int64_t>; ///< a database row; a TrialId is a hash type of its own

} // namespace paretoscope::core
