// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/json.h"

#include <optional>
#include <string>

namespace paretoscope::core {

/// A number from a paper or repository, shown beside the trials and never mixed with them.
struct PublishedPoint
{
    std::string method;
    std::string model;   ///< may be empty
    std::string dataSet; ///< may be empty; as the source puts it
    std::string metric;  ///< as the source names it, with its context: "wikitext2_ppl@2048"
    double value = 0;
    std::string unit;
    std::string xMetric; ///< "bpp"; empty without a second axis
    std::optional<double> xValue;
    Json conditions = Json::object(); ///< what else its table says: bits, group, setting
    std::string source;               ///< paper or repository, and table
    std::string url;
    std::string confidence;  ///< how the number was obtained: "readme", "abstract"
    std::string recordedUtc; ///< when it came into the project; empty means now

    /// Whether nobody said that the number was written down from memory: source and confidence contain neither
    /// "unverified" nor "recalled" nor "from memory", in any case.
    bool isVerified() const;
    /// Whether the two were measured alike, so that their numbers may stand on one axis: metric with its context, unit,
    /// data set and second axis are equal.
    bool sharesAxesWith(const PublishedPoint& other) const;
};

} // namespace paretoscope::core
