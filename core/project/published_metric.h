// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/project/published_point.h"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace paretoscope::core {

/// A number that papers report, and the metric of ours that it may stand beside when a user asks for it.
struct PublishedMetric
{
    std::string_view name;        ///< without context: "model_size_GB"; "*_ppl": every name that ends so
    std::string_view beside;      ///< "stored_bytes"
    std::string_view unit = {};   ///< that the number counts, where its table has no column `unit`
    std::string_view source = {}; ///< part of the source that it holds for; empty: every one
};

/// To give a published metric a place: a line in this table. The first line that fits counts.
std::span<const PublishedMetric> publishedMetrics();

/// A number of a published point: its value, its second value, or a condition.
struct PublishedNumber
{
    std::string name;
    double value = 0;
    std::string unit = {}; ///< as the point gives it; may be empty

    /// Without the context: "wikitext2_ppl" of "wikitext2_ppl@2048".
    std::string_view plainName() const { return std::string_view(name).substr(0, name.find('@')); }
};

/// The value first, then the second value, then every condition that is a number.
std::vector<PublishedNumber> numbersOf(const PublishedPoint& point);

/// The line for a number of this source; null when there is none.
const PublishedMetric* publishedMetric(const PublishedNumber& number, std::string_view source);

/// A number in the unit of a metric of ours.
struct StandingNumber
{
    double value = 0;
    std::string unit; ///< that the source counts in: "MiB"
};

/// What `number` is on an axis of the metric `metric` in `unit`: by the table above, or because it has the name of the
/// metric. Nothing where it may not stand there, or where the units do not convert.
std::optional<StandingNumber> standingBeside(const PublishedNumber& number, std::string_view source,
                                             std::string_view metric, std::string_view unit);

/// The unit of which all others are multiples: "B" of "GiB"; one that is not known is its own.
std::string_view baseUnit(std::string_view unit);

} // namespace paretoscope::core
