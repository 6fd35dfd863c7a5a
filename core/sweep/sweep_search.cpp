// SPDX-License-Identifier: Apache-2.0
#include "core/sweep/sweep_search.h"

#include "core/evaluation/metric_kind.h"
#include "core/search/grid_driver.h"
#include "core/search/sobol_sequence.h"
#include "core/sweep/trial_exchange.h"

#include <algorithm>
#include <numeric>
#include <unordered_set>

namespace paretoscope::core {

namespace {

/// Pipelines each once, in order.
class DistinctPipelines
{
public:
    void add(Pipeline pipeline)
    {
        if (m_seen.insert(canonicalJson(toJson(pipeline))).second)
            m_pipelines.push_back(std::move(pipeline));
    }
    std::vector<Pipeline> take() { return std::move(m_pipelines); }

private:
    std::unordered_set<std::string> m_seen;
    std::vector<Pipeline> m_pipelines;
};

SweepSpace spaceOf(const Sweep& sweep)
{
    std::vector<PipelineSpace> chosen;
    std::copy_if(sweep.entries.begin(), sweep.entries.end(), std::back_inserter(chosen),
                 [](const PipelineSpace& entry) { return !entry.choices.empty(); });
    return SweepSpace(std::move(chosen));
}

HalvingPlan halvingPlanOf(const Sweep& sweep);

std::unique_ptr<SearchDriver> driverOf(const Sweep& sweep, const SweepSpace& space)
{
    return makeDriver(sweep.driver, space.space(), sweep.seed, halvingPlanOf(sweep));
}

/// The first metric among these that gives a number.
std::optional<int> measurementOf(const WorkloadSpec& workload, const std::vector<int>& among, const std::string& number)
{
    for (const int index : among) {
        const Result<const MetricKind*> kind = findMetricKind(workload.evaluate[std::size_t(index)].name);
        if (kind.ok() && std::find(kind.value()->records.begin(), kind.value()->records.end(), number) !=
                             kind.value()->records.end())
            return index;
    }
    return std::nullopt;
}

std::vector<int> allMeasurements(const WorkloadSpec& workload)
{
    std::vector<int> all(workload.evaluate.size());
    std::iota(all.begin(), all.end(), 0);
    return all;
}

/// The metrics behind the objectives, by index. Errors: one that is not measured on a number of windows.
Result<std::vector<int>> metricsOnWindows(const Sweep& sweep)
{
    std::vector<int> metrics;
    for (const std::string& objective : sweep.objectives) {
        const std::optional<int> metric = measurementOf(sweep.workload, allMeasurements(sweep.workload), objective);
        if (!metric || std::find(metrics.begin(), metrics.end(), *metric) != metrics.end())
            continue; // a cost, or one that gives several objectives
        const MetricSpec& spec = sweep.workload.evaluate[std::size_t(*metric)];
        if (!spec.options.contains("windows"))
            return Error {ErrorCode::InvalidArgument,
                          "driver successive_halving begins with few windows, and the objective " + objective +
                              " comes from " + spec.name + ", which has none",
                          "name objectives that perplexity, bits_per_byte or kl_divergence give"};
        if (spec.options.at("windows") == 0)
            return Error {ErrorCode::InvalidArgument,
                          "driver successive_halving must know how many windows " + spec.name + " takes in the end",
                          "write e.g. windows: 32 to its options"};
        metrics.push_back(*metric);
    }
    if (metrics.empty())
        return Error {ErrorCode::InvalidArgument, "driver successive_halving has no objective that windows measure",
                      "name e.g. perplexity in objectives"};
    return metrics;
}

std::int64_t windowsOf(const MetricSpec& metric)
{
    return metric.options.at("windows").get<std::int64_t>();
}

/// Appends the metric with fewer windows to what the workload measures. @return its index
int addMeasurement(WorkloadSpec& workload, MetricSpec metric, std::int64_t windows)
{
    metric.options["windows"] = windows;
    for (std::size_t i = 0; i < workload.evaluate.size(); ++i) {
        if (workload.evaluate[i].name == metric.name && workload.evaluate[i].options == metric.options)
            return static_cast<int>(i);
    }
    workload.evaluate.push_back(std::move(metric));
    return static_cast<int>(workload.evaluate.size()) - 1;
}

Status addRungs(Sweep& sweep)
{
    PSC_ASSIGN(const std::vector<int> metrics, metricsOnWindows(sweep));
    const std::vector<int> last = allMeasurements(sweep.workload);
    sweep.rungs = {last};
    const HalvingPlan plan = halvingPlanOf(sweep);
    std::vector<std::vector<int>> rungs(plan.windows.size());
    rungs.back() = last;
    for (std::size_t rung = 0; rung + 1 < rungs.size(); ++rung) {
        for (const int index : metrics) {
            const MetricSpec metric = sweep.workload.evaluate[std::size_t(index)];
            const std::int64_t share = windowsOf(metric) * plan.windows[rung] / plan.windows.back();
            rungs[rung].push_back(addMeasurement(sweep.workload, metric, std::max<std::int64_t>(1, share)));
        }
    }
    sweep.rungs = std::move(rungs);
    return success();
}

/// By the metric with the fewest windows.
HalvingPlan halvingPlanOf(const Sweep& sweep)
{
    if (sweep.rungs.empty())
        return {};
    const Json& options = *sweep.driver.begin();
    std::int64_t windows = 0;
    for (const std::string& objective : sweep.objectives) {
        if (const auto metric = measurementOf(sweep.workload, sweep.rungs.back(), objective)) {
            const std::int64_t its = windowsOf(sweep.workload.evaluate[std::size_t(*metric)]);
            windows = windows == 0 ? its : std::min(windows, its);
        }
    }
    return planHalving(options.at("trials").get<std::size_t>(), windows, options.at("factor").get<std::int64_t>(),
                       options.at("min_windows").get<std::int64_t>());
}

} // namespace

bool Sweep::isGrid() const
{
    return kindOf(driver).name == "grid";
}

bool Sweep::isAdaptive() const
{
    return kindOf(driver).isAdaptive;
}

std::vector<Pipeline> Sweep::fixedPipelines() const
{
    DistinctPipelines fixed;
    for (const PipelineSpace& entry : entries) {
        if (entry.choices.empty())
            fixed.add(entry.first);
    }
    return fixed.take();
}

Status prepareDriver(Sweep& sweep)
{
    const std::string name(kindOf(sweep.driver).name);
    const SweepSpace space = spaceOf(sweep);
    if (space.dimensions() == 0)
        return Error {ErrorCode::InvalidArgument,
                      "driver " + name + " has nothing to choose: no parameter has several values",
                      "write a list or a range for a parameter, or driver: {grid: {}}"};
    if (name == "sobol" && space.dimensions() > SobolSequence::kMaxDimensions)
        return Error {ErrorCode::InvalidArgument,
                      "driver sobol chooses " + std::to_string(space.dimensions()) + " parameters; it can do " +
                          std::to_string(SobolSequence::kMaxDimensions),
                      "split the sweep, or take driver random"};
    const Json& options = *sweep.driver.begin();
    if (name == "nsga2" &&
        options.at("population").get<std::size_t>() * options.at("generations").get<std::size_t>() > kMaxTrials)
        return Error {ErrorCode::InvalidArgument,
                      "driver nsga2 asks for more than " + std::to_string(kMaxTrials) + " trials",
                      "choose a smaller population or fewer generations"};
    return name == "successive_halving" ? addRungs(sweep) : success();
}

std::vector<Pipeline> firstPipelines(const Sweep& sweep)
{
    DistinctPipelines pipelines;
    if (sweep.isGrid()) {
        for (const PipelineSpace& entry : sweep.entries) {
            const SweepSpace space({entry});
            for (const SearchCandidate& candidate : GridDriver(space.space()).ask())
                pipelines.add(space.pipelineAt(candidate.point));
        }
        return pipelines.take();
    }
    for (Pipeline& pipeline : sweep.fixedPipelines())
        pipelines.add(std::move(pipeline));
    const SweepSpace space = spaceOf(sweep);
    for (const SearchCandidate& candidate : driverOf(sweep, space)->ask())
        pipelines.add(space.pipelineAt(candidate.point));
    return pipelines.take();
}

SweepSearch::SweepSearch(const Sweep& sweep, const WorkloadIdentity& identity, std::string arithmetic)
    : m_sweep(sweep)
    , m_identity(identity)
    , m_arithmetic(std::move(arithmetic))
    , m_space(spaceOf(sweep))
    , m_driver(driverOf(sweep, m_space))
{}

std::vector<PlannedTrial> SweepSearch::ask()
{
    m_batch.clear();
    std::vector<PlannedTrial> trials;
    for (const SearchCandidate& candidate : m_driver->ask()) {
        Pipeline pipeline = m_space.pipelineAt(candidate.point);
        const TrialId id = trialId(m_sweep.workload, m_identity, pipeline, m_sweep.seed);
        const bool isTwice =
            std::any_of(m_batch.begin(), m_batch.end(), [&](const Asked& asked) { return asked.id == id; });
        m_batch.push_back({id, candidate.rung});
        if (isTwice)
            continue; // numbers of an interval that round to the same one
        const std::vector<int> measurements =
            m_sweep.rungs.empty() ? allMeasurements(m_sweep.workload) : m_sweep.rungs[std::size_t(candidate.rung)];
        trials.push_back({id, std::move(pipeline), m_sweep.seed, measurements});
    }
    return trials;
}

void SweepSearch::tell(const Records& records)
{
    std::vector<SearchResult> results;
    for (const Asked& asked : m_batch)
        results.push_back(resultOf(asked, records));
    m_driver->tell(results);
}

SearchResult SweepSearch::resultOf(const Asked& asked, const Records& records) const
{
    SearchResult result;
    const auto found = records.find(asked.id);
    if (found == records.end() || found->second->status != TrialStatus::Done)
        return result;
    std::vector<double> objectives;
    for (const std::string& objective : m_sweep.objectives) {
        const std::optional<double> value = valueOf(*found->second, objective, asked.rung);
        if (!value)
            return result;
        objectives.push_back(isMaximised(objective) ? -*value : *value);
    }
    for (const MetricConstraint& constraint : constraintsOf(m_sweep.driver)) {
        const std::optional<double> value = valueOf(*found->second, constraint.metric, asked.rung);
        if (!value)
            return result;
        result.violation += constraint.violationAt(*value);
    }
    result.objectives = std::move(objectives);
    return result;
}

std::optional<double> SweepSearch::valueOf(const TrialRecord& record, const std::string& number, int rung) const
{
    const std::vector<int> among =
        m_sweep.rungs.empty() ? allMeasurements(m_sweep.workload) : m_sweep.rungs[std::size_t(rung)];
    const std::optional<int> index = measurementOf(m_sweep.workload, among, number);
    const std::string protocol = index ? m_identity.protocolIds[std::size_t(*index)] : std::string();
    for (const MetricRecord& metric : record.metrics) {
        const bool isWanted =
            metric.name == number && (!index || (metric.protocol == protocol && isMeasuredIn(metric, m_arithmetic)));
        if (isWanted)
            return metric.value;
    }
    return std::nullopt;
}

} // namespace paretoscope::core
