// SPDX-License-Identifier: Apache-2.0
#include "core/engine/plugin/gradients.h"
#include "core/engine/plugin/plugin_api.h"
#include "core/engine/stage/calibrated_plan.h"
#include "core/engine/stage/unit_selection.h"
#include "plugins/quantization/bitstack/block_importance.h"
#include "plugins/quantization/bitstack/decompose.h"
#include "plugins/quantization/bitstack/universal_stack.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <limits>

namespace {

using namespace paretoscope;
using bitstack::StackTensor;
using Stacks = std::vector<std::shared_ptr<const StackTensor>>;

constexpr std::size_t kMostEvaluations = 1000; ///< of the model, to sort by perplexity

core::Error cancelled()
{
    return {core::ErrorCode::Cancelled, "cancelled", "run the same sweep again to go on"};
}

std::string inDecimals(double bits)
{
    std::array<char, 32> text {};
    std::snprintf(text.data(), text.size(), "%.3f", std::ceil(bits * 1000) / 1000);
    return text.data();
}

class BitStackStage : public engine::Stage
{
public:
    explicit BitStackStage(core::Json parameters)
        : m_parameters(std::move(parameters))
    {
        m_options.blocks = m_parameters.at("blocks").get<std::int64_t>();
        m_options.rank = m_parameters.at("rank").get<std::int64_t>();
        m_scalesColumns = m_parameters.at("activation_scaling").get<bool>();
        m_sortsByLoss = m_parameters.at("sort").get<std::string>() == "perplexity";
        m_sortSamples = m_parameters.at("sort_samples").get<std::size_t>();
        m_targetSize = m_parameters.at("target_size").get<double>();
    }

    core::Status validate(const engine::ModelView& model) const override
    {
        PSC_ASSIGN(const std::vector<std::size_t> targets, engine::selectUnits(model, m_parameters));
        const std::size_t evaluations = targets.size() * static_cast<std::size_t>(m_options.blocks - 1);
        if (m_sortsByLoss && evaluations > kMostEvaluations)
            return core::Error {core::ErrorCode::InvalidArgument,
                                "sorting " + std::to_string(m_options.blocks) + " blocks of " +
                                    std::to_string(targets.size()) + " layers by perplexity takes " +
                                    std::to_string(evaluations) + " evaluations of the model, of which " +
                                    std::to_string(kMostEvaluations) + " are allowed",
                                "take sort: error, fewer blocks, or fewer layers"};
        return core::success();
    }

    core::Result<engine::StagePlan> prepare(const engine::ModelView& model) override
    {
        PSC_ASSIGN(std::vector<std::size_t> targets, engine::selectUnits(model, m_parameters));
        std::vector<engine::StatisticRequest> statistics;
        if (m_scalesColumns)
            statistics.push_back({.id = "column_square_mean"});
        engine::StagePlan plan = engine::calibratedPlan(std::move(targets), std::move(statistics), m_parameters);
        plan.scope = m_sortsByLoss ? engine::StageScope::Model : engine::StageScope::Tensor;
        return plan;
    }

    core::Status apply(engine::StageTask& task) override
    {
        Stacks stacks;
        for (const engine::Unit* unit : task.units()) {
            if (task.isCancelled())
                return cancelled();
            core::Result<std::shared_ptr<const StackTensor>> stack = stackOf(*unit, task);
            if (!stack.ok()) // of a single unit the engine tells the name
                return task.units().size() > 1 ? stack.error().withContext(unit->module) : stack.error();
            stacks.push_back(std::move(stack).value());
        }
        if (m_sortsByLoss) {
            PSC_ASSIGN(stacks, sortedByLoss(stacks, task));
        }
        for (std::size_t i = 0; i < stacks.size(); ++i)
            task.replace(*task.units()[i], stacks[i]);
        return core::success();
    }

    core::Status cut(engine::StageTask& task) override
    {
        Stacks stacks;
        std::vector<bitstack::StackedLayer> layers;
        std::int64_t weights = 0;
        for (const engine::Unit* unit : task.units()) {
            PSC_ASSIGN(stacks.emplace_back(), StackTensor::of(*task.form(*unit)));
            const StackTensor& stack = *stacks.back();
            layers.push_back({stack.fixedBits(), stack.blockBits(), stack.blocks(), stack.parts().importance});
            weights += stack.rows() * stack.columns();
        }
        const double smallest = double(bitstack::smallestBits(layers)) / double(weights);
        if (m_targetSize < smallest)
            return core::Error {core::ErrorCode::InvalidArgument,
                                core::Json(m_targetSize).dump() +
                                    " bits per weight do not hold one block of every layer, which takes " +
                                    inDecimals(smallest),
                                "raise target_size to at least " + inDecimals(smallest) + ", or lower rank"};
        const std::vector<std::int64_t> loaded = bitstack::blocksWithin(layers, m_targetSize * double(weights));
        for (std::size_t i = 0; i < stacks.size(); ++i) {
            const engine::Unit& unit = *task.units()[i];
            task.record(unit, "blocks", double(loaded[i]));
            task.replace(unit, stacks[i]->prefix(loaded[i]));
        }
        return core::success();
    }

private:
    core::Result<std::shared_ptr<const StackTensor>> stackOf(const engine::Unit& unit, engine::StageTask& task) const
    {
        if (const auto form = task.form(unit); form && form->mask().defined())
            return core::Error {core::ErrorCode::InvalidArgument,
                                "an earlier stage pruned this weight, and blocks of signs hold no zeros",
                                "quantise it with rtn, gptq or spqr, or exclude it"};
        PSC_ASSIGN(const at::Tensor scales, scalesOf(unit, task));
        const at::Tensor weight = task.weight(unit);
        PSC_ASSIGN(bitstack::StackParts parts, bitstack::decompose(weight, scales, m_options, task.seed(unit)));
        return std::make_shared<const StackTensor>(std::move(parts), weight.size(1));
    }

    core::Result<at::Tensor> scalesOf(const engine::Unit& unit, engine::StageTask& task) const
    {
        if (!m_scalesColumns)
            return at::Tensor();
        if (task.tokens(unit) == 0 && unit.expert >= 0) {
            task.warn(unit, "no calibration token was routed to this expert; its columns count alike");
            return at::Tensor();
        }
        PSC_ASSIGN(const engine::StatisticValue squareMean, task.statistic(unit, "column_square_mean"));
        return bitstack::activationScales(squareMean.value);
    }

    /// The stacks with the importance that the loss of the model gives their blocks.
    core::Result<Stacks> sortedByLoss(const Stacks& stacks, engine::StageTask& task) const
    {
        auto* service = task.services().service<engine::Gradients>();
        engine::LossRequest request {service->calibrationSequences(), {}};
        if (request.sequences.empty())
            return core::Error {core::ErrorCode::InvalidArgument,
                                "sorting blocks by perplexity needs calibration data, and the sweep names none",
                                "add `calibration: {corpus: FILE}` to the workload, or take sort: error"};
        request.sequences.resize(std::min(m_sortSamples, request.sequences.size()));
        std::int64_t level = 0; // blocks of which request.replaced is made
        const auto lossWithOneMore = [&](std::int64_t blocks, std::size_t layer) -> core::Result<double> {
            if (task.isCancelled())
                return cancelled();
            if (level != blocks) {
                for (std::size_t i = 0; i < stacks.size(); ++i)
                    request.replaced.insert_or_assign(task.units()[i]->tensor, stacks[i]->prefix(blocks)->dequantize());
                level = blocks;
            }
            engine::LossRequest one = request;
            one.replaced.insert_or_assign(task.units()[layer]->tensor, stacks[layer]->prefix(blocks + 1)->dequantize());
            core::Result<double> loss = service->loss(one);
            if (!loss.ok() && loss.error().code == core::ErrorCode::Numerical)
                return std::numeric_limits<double>::quiet_NaN();
            return loss;
        };
        PSC_ASSIGN(const auto importance, bitstack::importanceByLoss(stacks.size(), m_options.blocks, lossWithOneMore));
        Stacks sorted;
        for (std::size_t i = 0; i < stacks.size(); ++i) {
            bitstack::StackParts parts = stacks[i]->parts();
            parts.importance = importance[i];
            sorted.push_back(std::make_shared<const StackTensor>(std::move(parts), stacks[i]->columns()));
        }
        return sorted;
    }

    core::Json m_parameters;
    bitstack::Options m_options;
    bool m_scalesColumns = true;
    bool m_sortsByLoss = false;
    std::size_t m_sortSamples = 0;
    double m_targetSize = 0;
};

core::Result<std::unique_ptr<engine::Stage>> makeBitStack(const core::Json& parameters)
{
    return std::unique_ptr<engine::Stage>(std::make_unique<BitStackStage>(parameters));
}

constexpr std::array kLayouts {engine::TensorLayout {StackTensor::kLayout, &StackTensor::fromParts}};

} // namespace

PSC_EXPORT_PLUGIN({.manifestSha256 = PARETOSCOPE_MANIFEST_SHA256, .makeStage = &makeBitStack, .layouts = kLayouts})
