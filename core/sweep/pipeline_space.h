// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/search/search_space.h"
#include "core/sweep/pipeline.h"

#include <optional>
#include <string>
#include <vector>

namespace paretoscope::core {

/// What a parameter may be: some values, or any number of an interval.
struct ParameterValues
{
    std::vector<Json> levels; ///< empty: an interval
    double from = 0;
    double to = 0;
    bool isLogarithmic = false; ///< of an interval: equal factors are equally far apart

    bool isInterval() const { return levels.empty(); }
    SearchDimension dimension() const;
    Json at(double coordinate) const; ///< numbers of an interval with six significant digits
};

/// Part of `when`: a parameter that stands above must have one of these values.
struct ParameterCondition
{
    std::size_t stage = 0;
    std::string parameter;
    std::vector<Json> allowed; ///< empty: any number between the bounds
    std::optional<double> from;
    std::optional<double> to;

    bool holds(const Json& value) const;
};

/// A parameter of a stage that has several values, or one on conditions.
struct ParameterChoice
{
    std::size_t stage = 0;
    std::string parameter;
    ParameterValues values;
    std::vector<ParameterCondition> when; ///< all must hold; otherwise the parameter is left out
};

/// One entry of `pipelines`: a pipeline with what is to be chosen in it.
struct PipelineSpace
{
    Pipeline first;                       ///< with the first value of every choice that has no conditions
    std::vector<ParameterChoice> choices; ///< in the order of the file; conditions look at what is above

    /// The pipeline at these coordinates, one for every choice.
    Pipeline at(const double* coordinates) const;
    /// At most `limit` + 1; pipelines that conditions make equal are counted each.
    std::size_t count(std::size_t limit) const;
    /// The first choice that is an interval.
    const ParameterChoice* interval() const;
};

/// Several entries as one search space: which entry (when there are several), then the choices of each.
class SweepSpace
{
public:
    explicit SweepSpace(std::vector<PipelineSpace> entries);

    std::size_t dimensions() const { return m_dimensions.size(); }
    SearchSpace space() const; ///< does not refer to this object
    Pipeline pipelineAt(const SearchPoint& point) const;

private:
    std::size_t entryAt(const SearchPoint& point) const;

    std::vector<PipelineSpace> m_entries;
    std::vector<std::size_t> m_offsets; ///< by entry: its first dimension
    std::vector<SearchDimension> m_dimensions;
};

} // namespace paretoscope::core
