// SPDX-License-Identifier: Apache-2.0
#include "core/engine/plugin/activation_samples.h"
#include "core/engine/plugin/plugin_api.h"
#include "core/engine/quantization/group_affine_tensor.h"
#include "core/engine/stage/calibrated_plan.h"
#include "core/engine/stage/channel_fold.h"
#include "core/engine/stage/seldom_expert.h"
#include "core/engine/stage/unit_selection.h"
#include "plugins/quantization/awq/awq.h"
#include "plugins/quantization/awq/module_error.h"

#include <algorithm>
#include <map>
#include <memory>
#include <set>

namespace {

using namespace paretoscope;
using namespace paretoscope::engine;

struct StageOptions
{
    awq::Options search;
    std::int64_t searchTokens = 512;
    std::int64_t minTokens = 64;
    bool clips = true;
    bool looksAtModules = true; ///< scales are searched on the error of attention and MLP as a whole
    ActivationSource source = ActivationSource::Original;
};

/// Query and key are not clipped: rounding errors of theirs go through a softmax (published code).
bool isClippable(const Unit& unit)
{
    return unit.role != "attention.query" && unit.role != "attention.key" && unit.role != "attention.qkv";
}

/// One block on its way from its weights to rounded ones.
class BlockRun
{
public:
    BlockRun(const ModelView& model, const StageOptions& options, StageTask& task)
        : m_model(model)
        , m_options(options)
        , m_task(task)
    {}

    core::Status run()
    {
        for (const Unit* unit : m_task.units())
            m_weights.emplace(unit->tensor, m_task.weight(*unit));
        PSC_TRY(sampleRows());
        chooseGuides();
        if (m_options.looksAtModules)
            PSC_TRY(openReplay());
        PSC_TRY(forEachFoldOf(m_task.units().front()->block, m_model.foldGroups, m_model,
                              [&](const FoldGroup& group) { return scale(group); }));
        for (const Unit* unit : m_task.units()) {
            if (const core::Status done = quantize(*unit); !done.ok())
                return done.error().withContext(unit->module);
        }
        return core::success();
    }

private:
    bool isTarget(const Unit& unit) const { return m_weights.contains(unit.tensor); }
    at::Tensor maskOf(const Unit& unit) const
    {
        const auto form = m_task.form(unit);
        return form ? form->mask() : at::Tensor();
    }
    /// Whether the searches listen to what this unit reads.
    bool isGuide(const Unit& unit) const { return m_guides.contains(unit.tensor); }

    void chooseGuides()
    {
        for (const Unit* unit : m_task.units()) {
            if (!isSeldomExpert(m_task, *unit, m_options.minTokens, "rounded to nearest") && m_task.tokens(*unit) > 0 &&
                m_rows.at(unit->input).size(0) > 0)
                m_guides.insert(unit->tensor);
        }
    }

    core::Status sampleRows()
    {
        SampleRequest request;
        std::int64_t width = 0;
        std::set<std::string> inputs;
        for (const Unit* unit : m_task.units()) {
            if (!inputs.insert(unit->input).second)
                continue;
            request.places.push_back({.input = unit->input});
            width += unit->inFeatures;
        }
        request.budget = {width * 4 * m_options.searchTokens};
        request.source = m_options.source;
        PSC_ASSIGN(const std::vector<ActivationRows> rows,
                   m_task.services().service<ActivationSamples>()->sample(request));
        for (std::size_t i = 0; i < rows.size(); ++i)
            m_rows.emplace(request.places[i].input, rows[i].values);
        return core::success();
    }

    /// Mean |x| per channel over what all targets of the group read, weighted by their tokens.
    core::Result<at::Tensor> magnitudes(const std::vector<const Unit*>& units) const
    {
        at::Tensor sum;
        std::int64_t tokens = 0;
        std::set<std::string> seen;
        for (const Unit* unit : units) {
            if (!seen.insert(unit->input).second)
                continue;
            PSC_ASSIGN(const StatisticValue mean, m_task.statistic(*unit, "column_abs_mean"));
            const at::Tensor part = mean.value * double(mean.samples);
            sum = sum.defined() ? sum + part : part;
            tokens += mean.samples;
        }
        return sum / double(tokens);
    }

    core::Status scale(const FoldGroup& group)
    {
        std::vector<const Unit*> guides;
        for (const std::size_t consumer : group.consumers) {
            if (isGuide(m_model.units[consumer]))
                guides.push_back(&m_model.units[consumer]);
        }
        if (guides.empty())
            return core::success();
        if (const auto why = whyNotFoldable(m_task, m_model, group, [&](const Unit& unit) { return isTarget(unit); })) {
            m_task.warn(*guides.front(), "its inputs are not scaled: " + *why);
            return core::success();
        }
        std::vector<awq::Consumer> consumers;
        for (const Unit* unit : guides)
            consumers.push_back({m_weights.at(unit->tensor), m_rows.at(unit->input), maskOf(*unit)});
        PSC_ASSIGN(const at::Tensor means, magnitudes(guides));
        PSC_ASSIGN(const awq::Scales found, search(group, guides, consumers, means));
        for (const Unit* unit : guides) {
            m_task.record(*unit, "scale_exponent", found.exponent);
            if (found.plainLoss > 0)
                m_task.record(*unit, "scaled_error_against_rtn", found.loss / found.plainLoss);
        }
        fold(group, found.factors);
        return core::success();
    }

    core::Status openReplay()
    {
        const int block = m_task.units().front()->block;
        PSC_ASSIGN(m_replay, m_task.services().service<Replay>()->open(block, m_options.source));
        std::int64_t tokens = 0;
        for (const Unit* unit : m_task.units())
            tokens = std::max(tokens, m_task.tokens(*unit));
        m_sequences = awq::chooseSequences(m_replay->samples(), tokens, m_options.searchTokens);
        return core::success();
    }

    core::Result<awq::Scales> search(const FoldGroup& group, const std::vector<const Unit*>& guides,
                                     const std::vector<awq::Consumer>& consumers, const at::Tensor& means)
    {
        // What reads a linear layer's output is one layer, with which its module ends.
        if (!m_replay || group.kind != FoldGroup::Producer::Norm)
            return awq::searchScales(consumers, means, m_options.search, awq::outputLoss(consumers, m_options.search));
        PSC_ASSIGN(const awq::ModuleError module, moduleOf(m_model.units[group.consumers.front()]));
        return awq::searchScales(consumers, means, m_options.search, [&](const at::Tensor& factors) {
            return moduleLoss(module, guides, consumers, factors);
        });
    }

    /// The error of the module with these layers rounded, in the block as it was before any factor was folded.
    core::Result<double> moduleLoss(const awq::ModuleError& module, const std::vector<const Unit*>& guides,
                                    const std::vector<awq::Consumer>& consumers, const at::Tensor& factors) const
    {
        NamedTensors weights;
        for (std::size_t i = 0; i < guides.size(); ++i) {
            PSC_ASSIGN(at::Tensor values, awq::roundedWithFactors(consumers[i], factors, m_options.search));
            if (const auto divided = m_rowDivisors.find(guides[i]->tensor); divided != m_rowDivisors.end())
                values = values * divided->second;
            weights.emplace(guides[i]->tensor, std::move(values));
        }
        return module.of(std::move(weights));
    }

    /// The attention or MLP that begins with this layer. Attention ends with its output projection; an MLP with the
    /// block, whose residual stream moves by what it gives.
    core::Result<awq::ModuleError> moduleOf(const Unit& reader)
    {
        PSC_ASSIGN(const int first, m_replay->stepOf(reader.input));
        if (reader.role.starts_with("attention.")) {
            const auto output = std::find_if(m_model.units.begin(), m_model.units.end(), [&](const Unit& unit) {
                return unit.block == reader.block && unit.role == "attention.output";
            });
            if (output != m_model.units.end()) {
                PSC_ASSIGN(const int end, m_replay->stepOf(output->input));
                return awq::ModuleError::open(*m_replay, {first, end}, m_replay->weights().at(output->tensor),
                                              m_sequences);
            }
        }
        return awq::ModuleError::open(*m_replay, {first, -1}, {}, m_sequences);
    }

    void fold(const FoldGroup& group, const at::Tensor& factors)
    {
        m_task.folded(group, factors);
        if (group.kind == FoldGroup::Producer::Norm) {
            foldIntoNorm(m_task, group, factors);
        } else {
            const auto weight = m_weights.find(group.producer);
            if (weight != m_weights.end()) {
                weight->second = divideChannels(weight->second, group, factors, 0);
                const at::Tensor ones = at::ones({weight->second.size(0), 1}, weight->second.options());
                m_rowDivisors[group.producer] = 1 / divideChannels(ones, group, factors, 0);
            } else {
                m_task.replaceTensor(group.producer, divideChannels(m_task.tensor(group.producer), group, factors, 0));
            }
            foldIntoBias(m_task, group, factors);
        }
        std::set<std::string> inputs;
        for (const std::size_t consumer : group.consumers) {
            const Unit& unit = m_model.units[consumer];
            if (!isTarget(unit)) {
                m_task.replaceTensor(unit.tensor, m_task.tensor(unit.tensor) * factors);
                continue;
            }
            m_weights.at(unit.tensor) = m_weights.at(unit.tensor) * factors;
            if (inputs.insert(unit.input).second)
                m_rows.at(unit.input) = m_rows.at(unit.input) / factors;
        }
    }

    core::Status quantize(const Unit& unit)
    {
        at::Tensor weight = m_weights.at(unit.tensor);
        const at::Tensor mask = maskOf(unit);
        if (m_options.clips && isClippable(unit) && isGuide(unit)) {
            PSC_ASSIGN(awq::Clipped clipped, awq::clipRanges({weight, m_rows.at(unit.input), mask}, m_options.search));
            if (clipped.plainError > 0)
                m_task.record(unit, "clipped_error_against_full_range", clipped.error / clipped.plainError);
            weight = std::move(clipped.weight);
        }
        PSC_ASSIGN(auto rounded, roundToNearest(weight.contiguous(), m_options.search.grid, mask));
        m_task.replace(unit, std::move(rounded));
        return core::success();
    }

    const ModelView& m_model;
    const StageOptions& m_options;
    StageTask& m_task;
    std::map<std::string, at::Tensor, std::less<>> m_weights;     ///< of the targets by tensor name, as scaled so far
    std::map<std::string, at::Tensor, std::less<>> m_rows;        ///< by Unit::input, divided by what was folded so far
    std::set<std::string, std::less<>> m_guides;                  ///< tensor names of targets with enough tokens
    std::map<std::string, at::Tensor, std::less<>> m_rowDivisors; ///< of targets whose outputs were divided, [out, 1]
    std::unique_ptr<BlockReplay> m_replay; ///< the block before any factor was folded; null: modules are not looked at
    std::vector<int> m_sequences;          ///< that modules are looked at with
};

class AwqStage : public Stage
{
public:
    explicit AwqStage(core::Json parameters)
        : m_parameters(std::move(parameters))
    {
        m_options.search.grid = AffineOptions::fromParameters(m_parameters);
        m_options.search.scaleGrid = m_parameters.at("scale_grid").get<int>();
        m_options.search.duoScaling = m_parameters.at("duo_scaling").get<bool>();
        m_options.search.clipGrid = m_parameters.at("clip_grid").get<int>();
        m_options.search.clipMaxShrink = m_parameters.at("clip_max_shrink").get<double>();
        m_options.searchTokens = m_parameters.at("search_tokens").get<std::int64_t>();
        m_options.minTokens = m_parameters.at("min_tokens").get<std::int64_t>();
        m_options.clips = m_parameters.at("clip_search").get<bool>();
        m_options.looksAtModules = m_parameters.at("scale_loss") == "module";
        m_options.source =
            propagateFrom(m_parameters) == Propagate::Original ? ActivationSource::Original : ActivationSource::Current;
    }

    core::Status validate(const ModelView& model) const override
    {
        PSC_TRY(selectUnits(model, m_parameters));
        return core::success();
    }

    core::Result<StagePlan> prepare(const ModelView& model) override
    {
        m_model = model;
        PSC_ASSIGN(std::vector<std::size_t> targets, selectUnits(model, m_parameters));
        StagePlan plan = calibratedPlan(std::move(targets), {{.id = "column_abs_mean"}}, m_parameters);
        plan.scope = StageScope::Block;
        return plan;
    }

    core::Status apply(StageTask& task) override { return BlockRun(m_model, m_options, task).run(); }

private:
    core::Json m_parameters;
    StageOptions m_options;
    ModelView m_model;
};

core::Result<std::unique_ptr<Stage>> makeAwq(const core::Json& parameters)
{
    return std::unique_ptr<Stage>(std::make_unique<AwqStage>(parameters));
}

} // namespace

PSC_EXPORT_PLUGIN({.manifestSha256 = PARETOSCOPE_MANIFEST_SHA256, .makeStage = &makeAwq})
