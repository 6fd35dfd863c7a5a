// SPDX-License-Identifier: Apache-2.0
#include "core/accounting/stored_model.h"
#include "core/engine/plugin/plugin_api.h"
#include "core/engine/quantization/group_affine_tensor.h"
#include "core/engine/stage/unit_selection.h"
#include "plugins/quantization/int8/activation_places.h"
#include "plugins/quantization/int8/activation_quantizer.h"
#include "plugins/quantization/int8/activation_statistics.h"

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <set>

namespace {

using namespace paretoscope;
using namespace paretoscope::engine;

/// What the hooks know: filled while the stage is applied, read in every forward after it.
struct Activations
{
    int8::ActivationRule rule;
    std::map<int8::Place, double> magnitudes; ///< of every quantised place; 0 unless static
};

/// int8 codes per output channel: scale absmax/127.
AffineOptions weightGrid(const core::Json& parameters)
{
    AffineOptions grid = AffineOptions::fromParameters(parameters);
    grid.bits = 8;
    grid.groupSize = -1;
    grid.symmetric = true;
    grid.divisor = SymmetricDivisor::QMax;
    return grid;
}

int8::Granularity granularityNamed(const std::string& name)
{
    return name == "token"    ? int8::Granularity::Token
           : name == "group"  ? int8::Granularity::Group
           : name == "tensor" ? int8::Granularity::Tensor
                              : int8::Granularity::None;
}

class Int8Stage : public Stage
{
public:
    explicit Int8Stage(core::Json parameters)
        : m_parameters(std::move(parameters))
        , m_grid(weightGrid(m_parameters))
        , m_activations(std::make_shared<Activations>())
    {
        int8::ActivationRule& rule = m_activations->rule;
        rule.granularity = granularityNamed(m_parameters.at("activations").get<std::string>());
        rule.symmetric = m_parameters.at("activation_symmetric").get<bool>();
        rule.divisor = m_parameters.at("activation_divisor").get<double>();
        rule.groupSize = m_parameters.at("activation_group_size").get<std::int64_t>();
        m_threshold = m_parameters.at("outlier_threshold").get<double>();
        if (m_threshold >= 0)
            rule.outlierThreshold = m_threshold;
    }

    core::Status validate(const ModelView& model) const override
    {
        const auto refuse = [](const char* what, const char* hint) {
            return core::Error {core::ErrorCode::InvalidArgument, what, hint};
        };
        const int8::ActivationRule& rule = m_activations->rule;
        if (m_threshold >= 0 && rule.granularity != int8::Granularity::Token)
            return refuse("outlier_threshold takes columns out of what is quantised per token, and activations are not",
                          "choose activations: token, or outlier_threshold: -1");
        if (!rule.symmetric && rule.granularity == int8::Granularity::Tensor)
            return refuse("activations: tensor stores one magnitude, which has no place for a zero point",
                          "choose activation_symmetric: true, or activations: token");
        PSC_ASSIGN(const std::vector<std::size_t> targets, targetsOf(model));
        if (rule.granularity != int8::Granularity::None)
            PSC_TRY(int8::placesOf(model, targets));
        return core::success();
    }

    core::Result<StagePlan> prepare(const ModelView& model) override
    {
        StagePlan plan;
        PSC_ASSIGN(plan.targets, targetsOf(model));
        const int8::ActivationRule& rule = m_activations->rule;
        if (rule.granularity == int8::Granularity::None)
            return plan;
        PSC_ASSIGN(m_places, int8::placesOf(model, plan.targets));
        for (const auto& [place, input] : m_places) {
            m_activations->magnitudes[place] = 0;
            m_quantised.insert(input);
        }
        if (rule.granularity == int8::Granularity::Tensor)
            plan.statistics.push_back({.id = std::string(int8::ActivationMagnitude::kId),
                                       .options = {{"percentile", m_parameters.at("static_percentile")}}});
        if (m_threshold >= 0)
            plan.statistics.push_back(
                {.id = std::string(int8::OutlierShares::kId), .options = {{"threshold", m_threshold}}});
        plan.evaluationHooks = hooks();
        return plan;
    }

    core::Status apply(StageTask& task) override
    {
        const Unit& unit = *task.units().front();
        const auto form = task.form(unit);
        PSC_ASSIGN(auto rounded, roundToNearest(task.weight(unit), m_grid, form ? form->mask() : at::Tensor()));
        task.replace(unit, std::move(rounded));
        if (m_activations->rule.granularity == int8::Granularity::None)
            return core::success();
        if (!m_quantised.contains(unit.input)) {
            task.warn(unit, "what it reads is not quantised: a router reads along, or it passes no place of its own");
            return core::success();
        }
        if (m_activations->rule.granularity == int8::Granularity::Tensor)
            PSC_TRY(keepMagnitude(unit, task));
        else
            task.record(unit, core::kActivationBits, 8);
        return m_threshold >= 0 ? recordOutliers(unit, task) : core::success();
    }

private:
    core::Result<std::vector<std::size_t>> targetsOf(const ModelView& model) const
    {
        PSC_ASSIGN(std::vector<std::size_t> targets, selectUnits(model, m_parameters));
        if (m_parameters.at("skip_down_proj").get<bool>())
            std::erase_if(targets, [&](std::size_t unit) { return model.units[unit].role.ends_with(".down"); });
        if (targets.empty())
            return core::Error {core::ErrorCode::InvalidArgument, "skip_down_proj leaves no weight to work on",
                                "choose skip_down_proj: false, or include other layers"};
        return targets;
    }

    core::Status keepMagnitude(const Unit& unit, StageTask& task) const
    {
        if (task.tokens(unit) == 0) {
            task.warn(unit, "no calibration token was routed to this expert; what it reads is not quantised");
            std::erase_if(m_activations->magnitudes, [&](const auto& entry) {
                const auto place = m_places.find(entry.first);
                return place != m_places.end() && place->second == unit.input;
            });
            return core::success();
        }
        PSC_ASSIGN(const StatisticValue seen, task.statistic(unit, int8::ActivationMagnitude::kId));
        const double magnitude = seen.value.item<double>();
        for (const auto& [place, input] : m_places) {
            if (input == unit.input)
                m_activations->magnitudes[place] = magnitude;
        }
        task.record(unit, "activation_magnitude", magnitude);
        task.record(unit, core::kActivationBits, 8);
        return core::success();
    }

    static core::Status recordOutliers(const Unit& unit, StageTask& task)
    {
        if (task.tokens(unit) == 0)
            return core::success();
        PSC_ASSIGN(const StatisticValue shares, task.statistic(unit, int8::OutlierShares::kId));
        task.record(unit, "outlier_share_median", shares.value.median().item<double>());
        task.record(unit, "outlier_share_max", shares.value.max().item<double>());
        return core::success();
    }

    Hooks hooks() const
    {
        std::set<HookPoint> points;
        for (const auto& [place, input] : m_places)
            points.insert(place.point);
        Hooks hooks;
        for (const HookPoint point : points)
            hooks.push_back({point, [point, known = m_activations](const HookSite& site, const at::Tensor& value) {
                                 const auto place = known->magnitudes.find({point, site.block, site.expert});
                                 return place == known->magnitudes.end()
                                            ? value
                                            : int8::quantizeActivations(value, known->rule, place->second);
                             }});
        return hooks;
    }

    core::Json m_parameters;
    AffineOptions m_grid;
    std::shared_ptr<Activations> m_activations;
    double m_threshold = -1;
    std::map<int8::Place, std::string> m_places; ///< with the name of what passes there
    std::set<std::string> m_quantised;           ///< names of what passes at any of them
};

core::Result<std::unique_ptr<Stage>> makeInt8(const core::Json& parameters)
{
    return std::unique_ptr<Stage>(std::make_unique<Int8Stage>(parameters));
}

constexpr std::array kStatistics {
    StatisticFactory {int8::ActivationMagnitude::kId, 1, &int8::ActivationMagnitude::make},
    StatisticFactory {int8::OutlierShares::kId, 1, &int8::OutlierShares::make},
};

} // namespace

PSC_EXPORT_PLUGIN({.manifestSha256 = PARETOSCOPE_MANIFEST_SHA256, .makeStage = &makeInt8, .statistics = kStatistics})
