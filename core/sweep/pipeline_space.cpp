// SPDX-License-Identifier: Apache-2.0
#include "core/sweep/pipeline_space.h"

#include "core/sweep/rounded_number.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace paretoscope::core {

namespace {

constexpr int kDigits = 6; ///< of a number of an interval: labels stay readable

bool isMonotone(const std::vector<Json>& values)
{
    const bool areNumbers =
        std::all_of(values.begin(), values.end(), [](const Json& value) { return value.is_number(); });
    const auto falls = [](const Json& a, const Json& b) { return a.get<double>() >= b.get<double>(); };
    const auto rises = [](const Json& a, const Json& b) { return a.get<double>() <= b.get<double>(); };
    return areNumbers && (std::adjacent_find(values.begin(), values.end(), falls) == values.end() ||
                          std::adjacent_find(values.begin(), values.end(), rises) == values.end());
}

/// Whether a choice counts in the pipeline as it is up to it.
bool isActive(const ParameterChoice& choice, const Pipeline& pipeline)
{
    return std::all_of(choice.when.begin(), choice.when.end(), [&](const ParameterCondition& condition) {
        return condition.holds(pipeline.stages[condition.stage].parameters.at(condition.parameter));
    });
}

void choose(Pipeline& pipeline, const ParameterChoice& choice, double coordinate)
{
    StageSpec& stage = pipeline.stages[choice.stage];
    const Json value = choice.values.at(coordinate);
    stage.parameters[choice.parameter] = value;
    stage.given[choice.parameter] = value;
}

/// Whether choice `index` counts at these coordinates.
bool isActiveAt(const PipelineSpace& entry, const double* coordinates, std::size_t index)
{
    if (entry.choices[index].when.empty())
        return true;
    Pipeline pipeline = entry.first;
    for (std::size_t i = 0; i < index; ++i) {
        if (isActive(entry.choices[i], pipeline))
            choose(pipeline, entry.choices[i], coordinates[i]);
    }
    return isActive(entry.choices[index], pipeline);
}

} // namespace

SearchDimension ParameterValues::dimension() const
{
    return {levels.size(), isInterval() || isMonotone(levels)};
}

Json ParameterValues::at(double coordinate) const
{
    if (!isInterval())
        return levels[dimension().levelAt(coordinate)];
    const double number = isLogarithmic ? from * std::pow(to / from, coordinate) : from + (to - from) * coordinate;
    return std::clamp(roundedNumber(number, kDigits), from, to);
}

bool ParameterCondition::holds(const Json& value) const
{
    if (!allowed.empty())
        return std::find(allowed.begin(), allowed.end(), value) != allowed.end();
    return value.is_number() && (!from || value.get<double>() >= *from) && (!to || value.get<double>() <= *to);
}

Pipeline PipelineSpace::at(const double* coordinates) const
{
    Pipeline pipeline = first;
    for (std::size_t i = 0; i < choices.size(); ++i) {
        if (isActive(choices[i], pipeline))
            choose(pipeline, choices[i], coordinates[i]);
    }
    return pipeline;
}

std::size_t PipelineSpace::count(std::size_t limit) const
{
    std::size_t product = 1;
    for (const ParameterChoice& choice : choices) // both are small: no overflow
        product = product > limit ? product : product * std::max<std::size_t>(1, choice.values.levels.size());
    return std::min(product, limit + 1);
}

const ParameterChoice* PipelineSpace::interval() const
{
    const auto found = std::find_if(choices.begin(), choices.end(),
                                    [](const ParameterChoice& choice) { return choice.values.isInterval(); });
    return found == choices.end() ? nullptr : &*found;
}

SweepSpace::SweepSpace(std::vector<PipelineSpace> entries)
    : m_entries(std::move(entries))
{
    if (m_entries.size() > 1)
        m_dimensions.push_back({m_entries.size(), false});
    for (const PipelineSpace& entry : m_entries) {
        m_offsets.push_back(m_dimensions.size());
        for (const ParameterChoice& choice : entry.choices)
            m_dimensions.push_back(choice.values.dimension());
    }
}

std::size_t SweepSpace::entryAt(const SearchPoint& point) const
{
    return m_entries.size() > 1 ? m_dimensions[0].levelAt(point[0]) : 0;
}

SearchSpace SweepSpace::space() const
{
    return SearchSpace(m_dimensions, [spaces = *this](const SearchPoint& point, std::size_t dimension) {
        const std::size_t entry = spaces.entryAt(point);
        const std::size_t offset = spaces.m_offsets[entry];
        if (dimension < spaces.m_offsets[0])
            return true;
        const PipelineSpace& chosen = spaces.m_entries[entry];
        return dimension >= offset && dimension < offset + chosen.choices.size() &&
               isActiveAt(chosen, point.data() + offset, dimension - offset);
    });
}

Pipeline SweepSpace::pipelineAt(const SearchPoint& point) const
{
    const std::size_t entry = entryAt(point);
    return m_entries[entry].at(point.data() + m_offsets[entry]);
}

} // namespace paretoscope::core
