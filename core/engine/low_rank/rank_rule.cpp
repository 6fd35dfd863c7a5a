// SPDX-License-Identifier: Apache-2.0
#include "core/engine/low_rank/rank_rule.h"

#include "core/engine/stage/unit_selection.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string>

namespace paretoscope::engine {

namespace {

std::string sizesOf(const Unit& unit)
{
    return std::to_string(unit.outFeatures) + " x " + std::to_string(unit.inFeatures);
}

struct NamedRank
{
    std::string pattern;
    std::int64_t rank = 0;
};

core::Result<NamedRank> parse(const std::string& entry)
{
    NamedRank named;
    const std::size_t equals = entry.rfind('=');
    if (equals != std::string::npos) {
        named.pattern = entry.substr(0, equals);
        const char* end = entry.data() + entry.size();
        const auto [stop, failure] = std::from_chars(entry.data() + equals + 1, end, named.rank);
        if (failure == std::errc() && stop == end && named.rank >= 1)
            return named;
    }
    return core::Error {core::ErrorCode::InvalidArgument, "ranks: \"" + entry + "\" is not of the form PATTERN=RANK",
                        "write for example *.k_proj=32"};
}

} // namespace

std::int64_t rankOfRatio(std::int64_t out, std::int64_t in, double ratio)
{
    return static_cast<std::int64_t>(std::floor(ratio * double(in) * double(out) / double(in + out)));
}

core::Status requireRank(const Unit& unit, std::int64_t rank)
{
    if (rank <= std::min(unit.outFeatures, unit.inFeatures))
        return core::success();
    return core::Error {core::ErrorCode::InvalidArgument,
                        unit.module + ": rank " + std::to_string(rank) + " is above the smaller side of its " +
                            sizesOf(unit) + " weight",
                        "use at most " + std::to_string(std::min(unit.outFeatures, unit.inFeatures)) +
                            ", or exclude this module"};
}

core::Result<std::map<std::size_t, std::int64_t>> selectRanks(const ModelView& model, const core::Json& parameters)
{
    PSC_ASSIGN(const std::vector<std::size_t> targets, selectUnits(model, parameters));
    const double ratio = parameters.at("ratio").get<double>();
    const auto align = parameters.at("rank_align").get<std::int64_t>();
    std::map<std::size_t, std::int64_t> named;
    for (const core::Json& entry : parameters.at("ranks")) {
        PSC_ASSIGN(const NamedRank rank, parse(entry.get<std::string>()));
        PSC_ASSIGN(const std::vector<std::size_t> matches,
                   selectUnits(model, {{"include", core::Json::array({rank.pattern})}}));
        for (const std::size_t match : matches)
            named[match] = rank.rank;
    }
    std::map<std::size_t, std::int64_t> ranks;
    for (const std::size_t target : targets) {
        const Unit& unit = model.units[target];
        if (const auto found = named.find(target); found != named.end()) {
            PSC_TRY(requireRank(unit, found->second));
            ranks[target] = found->second;
        } else if (ratio < 1) {
            const std::int64_t rank = rankOfRatio(unit.outFeatures, unit.inFeatures, ratio) / align * align;
            if (rank < 1)
                return core::Error {core::ErrorCode::InvalidArgument,
                                    unit.module + ": ratio " + core::Json(ratio).dump() + " leaves its " +
                                        sizesOf(unit) + " weight no rank",
                                    "raise ratio, lower rank_align, or exclude this module"};
            ranks[target] = rank;
        }
    }
    return ranks;
}

} // namespace paretoscope::engine
