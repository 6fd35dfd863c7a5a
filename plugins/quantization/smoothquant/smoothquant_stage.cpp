// SPDX-License-Identifier: Apache-2.0
#include "core/engine/plugin/plugin_api.h"
#include "core/engine/stage/channel_fold.h"
#include "core/engine/stage/unit_selection.h"
#include "plugins/quantization/smoothquant/column_extremes.h"
#include "plugins/quantization/smoothquant/smoothquant.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>

namespace {

using namespace paretoscope;
using namespace paretoscope::engine;

/// One block: its groups one after the other, on weights as folded so far.
class BlockRun
{
public:
    BlockRun(const ModelView& model, const smoothquant::Options& options, StageTask& task)
        : m_model(model)
        , m_options(options)
        , m_task(task)
    {
        for (const Unit* unit : task.units())
            m_weights.emplace(unit->tensor, task.weight(*unit));
    }

    core::Status fold(const FoldGroup& group)
    {
        std::vector<const Unit*> readers; // whose inputs were seen
        for (const std::size_t consumer : group.consumers) {
            const Unit& unit = m_model.units[consumer];
            if (m_weights.contains(unit.tensor) && m_task.tokens(unit) > 0)
                readers.push_back(&unit);
        }
        if (readers.empty())
            return core::success();
        if (const auto why = whyNotFoldable(m_task, m_model, group, [](const Unit&) { return false; })) {
            m_task.warn(*readers.front(), "its inputs are not smoothed: " + *why);
            return core::success();
        }
        PSC_ASSIGN(const at::Tensor extremes, extremesOf(readers));
        std::vector<at::Tensor> weights;
        for (const std::size_t consumer : group.consumers)
            weights.push_back(weight(m_model.units[consumer].tensor));
        const at::Tensor factors = smoothquant::smoothingFactors(extremes, weights, m_options);
        if (!factors.isfinite().all().item<bool>())
            return core::Error {core::ErrorCode::Numerical, "a smoothing factor is not finite",
                                "an activation overflows: exclude this module"};
        for (const Unit* unit : readers)
            m_task.record(*unit, "largest_factor", factors.max().item<double>());
        if (group.kind == FoldGroup::Producer::Norm) {
            foldIntoNorm(m_task, group, factors);
        } else {
            put(group.producer, divideChannels(weight(group.producer), group, factors, 0));
            foldIntoBias(m_task, group, factors);
        }
        for (std::size_t i = 0; i < weights.size(); ++i)
            put(m_model.units[group.consumers[i]].tensor, weights[i] * factors);
        m_task.folded(group, factors);
        return core::success();
    }

private:
    /// Over everything that the units read.
    core::Result<at::Tensor> extremesOf(const std::vector<const Unit*>& units) const
    {
        smoothquant::ColumnExtremes all;
        std::set<std::string> seen;
        for (const Unit* unit : units) {
            if (!seen.insert(unit->input).second)
                continue;
            PSC_ASSIGN(const StatisticValue extremes, m_task.statistic(*unit, smoothquant::ColumnExtremes::kId));
            all.add(extremes.value);
        }
        return all.value();
    }
    at::Tensor weight(const std::string& name) const
    {
        const auto found = m_weights.find(name);
        return found == m_weights.end() ? m_task.tensor(name) : found->second;
    }
    void put(const std::string& name, at::Tensor value)
    {
        m_weights[name] = value;
        m_task.replaceTensor(name, std::move(value));
    }

    const ModelView& m_model;
    const smoothquant::Options& m_options;
    StageTask& m_task;
    std::map<std::string, at::Tensor, std::less<>> m_weights; ///< by tensor name
};

class SmoothQuantStage : public Stage
{
public:
    explicit SmoothQuantStage(core::Json parameters)
        : m_parameters(std::move(parameters))
    {
        m_options.alpha = m_parameters.at("alpha").get<double>();
        m_options.minScale = m_parameters.at("min_scale").get<double>();
        m_options.statistic = m_parameters.at("activation_statistic") == "range"
                                  ? smoothquant::ActivationStatistic::Range
                                  : smoothquant::ActivationStatistic::AbsoluteMaximum;
    }

    core::Status validate(const ModelView& model) const override
    {
        PSC_TRY(selectGroups(model));
        return core::success();
    }

    core::Result<StagePlan> prepare(const ModelView& model) override
    {
        m_model = model;
        PSC_ASSIGN(m_groups, selectGroups(model));
        StagePlan plan;
        plan.scope = StageScope::Block;
        std::set<std::size_t> targets;
        for (const FoldGroup& group : m_groups) {
            for (const std::size_t consumer : group.consumers) {
                if (model.units[consumer].byDefault)
                    targets.insert(consumer);
            }
        }
        plan.targets.assign(targets.begin(), targets.end());
        plan.statistics = {{.id = std::string(smoothquant::ColumnExtremes::kId)}};
        plan.propagate = Propagate::Block;
        return plan;
    }

    core::Status apply(StageTask& task) override
    {
        BlockRun run(m_model, m_options, task);
        return forEachFoldOf(task.units().front()->block, m_groups, m_model,
                             [&](const FoldGroup& group) { return run.fold(group); });
    }

private:
    /// Groups of which every reader is selected; routers come along with the layers that read what they read.
    core::Result<std::vector<FoldGroup>> selectGroups(const ModelView& model) const
    {
        PSC_ASSIGN(const std::vector<std::size_t> units, selectUnits(model, m_parameters));
        const bool takesLinears = m_parameters.at("linear_producers").get<bool>();
        std::vector<FoldGroup> groups;
        for (const FoldGroup& group : model.foldGroups) {
            const bool isWanted =
                group.kind == FoldGroup::Producer::Norm || (takesLinears && group.kind == FoldGroup::Producer::Linear);
            const bool isSelected =
                std::all_of(group.consumers.begin(), group.consumers.end(), [&](std::size_t consumer) {
                    return !model.units[consumer].byDefault || std::binary_search(units.begin(), units.end(), consumer);
                });
            if (isWanted && isSelected)
                groups.push_back(group);
        }
        if (groups.empty())
            return core::Error {core::ErrorCode::InvalidArgument,
                                "no norm is read by selected layers alone, so there is nothing to smooth",
                                "include all layers that read one input, such as q_proj, k_proj and v_proj"};
        return groups;
    }

    core::Json m_parameters;
    smoothquant::Options m_options;
    ModelView m_model;
    std::vector<FoldGroup> m_groups;
};

core::Result<std::unique_ptr<Stage>> makeSmoothQuant(const core::Json& parameters)
{
    return std::unique_ptr<Stage>(std::make_unique<SmoothQuantStage>(parameters));
}

constexpr std::array kStatistics {
    StatisticFactory {smoothquant::ColumnExtremes::kId, 1, &smoothquant::ColumnExtremes::make}};

} // namespace

PSC_EXPORT_PLUGIN({.manifestSha256 = PARETOSCOPE_MANIFEST_SHA256,
                   .makeStage = &makeSmoothQuant,
                   .statistics = kStatistics})
