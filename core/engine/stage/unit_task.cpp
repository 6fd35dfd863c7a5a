// SPDX-License-Identifier: Apache-2.0
#include "core/engine/stage/unit_task.h"

#include "core/base/assert.h"
#include "core/base/sha256.h"
#include "core/engine/device/transfer.h"
#include "core/engine/foreign_exception.h"
#include "core/engine/kernels/gram.h"
#include "core/engine/layout/dense_tensor.h"
#include "core/engine/stage/channel_fold.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <optional>

namespace paretoscope::engine {

namespace {

/// Of the distribution of all values: 3 for a normal one, more the heavier its tails; nothing when all are equal.
std::optional<double> kurtosis(const at::Tensor& weight)
{
    const double mean = weight.mean(at::kDouble).item<double>();
    const at::Tensor squares = (weight - mean).square_();
    const double variance = squares.mean(at::kDouble).item<double>();
    if (!(variance > 0))
        return std::nullopt;
    return squares.square_().mean(at::kDouble).item<double>() / (variance * variance);
}

core::Status requireFinite(const Unit& unit, const at::Tensor& weight)
{
    // A sum that is finite has finite terms; only otherwise is the culprit looked for.
    if (std::isfinite(weight.sum(at::kDouble).item<double>()))
        return core::success();
    const at::Tensor bad = at::nonzero(at::isfinite(weight).logical_not());
    if (bad.size(0) == 0)
        return core::success();
    return core::Error {core::ErrorCode::Numerical,
                        unit.module + ": the weight at row " + std::to_string(bad[0][0].item<std::int64_t>()) +
                            ", column " + std::to_string(bad[0][1].item<std::int64_t>()) + " is not finite",
                        "check the model file, or exclude this module"};
}

} // namespace

UnitTask::UnitTask(std::vector<const Unit*> units, const StatisticValues& values, DerivedValues& derived,
                   const PipelineContext& context, LoadedTensors* loaded)
    : m_units(std::move(units))
    , m_values(values)
    , m_derived(derived)
    , m_context(context)
    , m_loaded(loaded)
{}

core::Status UnitTask::readWeights()
{
    for (const Unit* unit : m_units) {
        at::Tensor weight = m_loaded ? m_loaded->tensor(unit->tensor) : at::Tensor();
        if (!weight.defined()) {
            PSC_ASSIGN(weight, m_context.tensors.read(unit->tensor));
        }
        PSC_TRY(requireFinite(*unit, weight));
        m_weights.emplace(unit->tensor, std::move(weight));
        m_foldsBefore.emplace(unit->tensor, foldsOf(*unit));
        if (!m_context.tensors.replacement(unit->tensor))
            m_untouched.insert(unit->tensor);
    }
    return core::success();
}

at::Tensor UnitTask::weight(const Unit& unit) const
{
    const auto found = m_weights.find(unit.tensor);
    PSC_ASSERT(found != m_weights.end(), "a stage asked for the weight of a unit outside its scope");
    return found->second;
}

std::shared_ptr<const CompressedTensor> UnitTask::form(const Unit& unit) const
{
    return m_context.tensors.replacement(unit.tensor);
}

at::ScalarType UnitTask::storedType(const Unit& unit) const
{
    const core::TensorInfo* info = m_context.tensors.stored(unit.tensor);
    PSC_ASSERT(info, "a unit is a tensor of the checkpoint");
    return storedTypeOf(info->type);
}

at::Tensor UnitTask::originalWeight(const Unit& unit) const
{
    at::Tensor weight = uncompressed(unit);
    const Folds folds = foldsOf(unit);
    if (folds.rows.defined())
        weight = weight * folds.rows;
    return folds.columns.defined() ? weight * folds.columns : weight;
}

at::Tensor UnitTask::uncompressed(const Unit& unit) const
{
    if (m_untouched.contains(unit.tensor))
        return m_weights.find(unit.tensor)->second;
    core::Result<at::Tensor> original = m_context.tensors.readOriginal(unit.tensor);
    PSC_ASSERT(original.ok(), "a unit's tensor was readable before");
    return std::move(original).value();
}

void UnitTask::folded(const FoldGroup& group, const at::Tensor& factors)
{
    const at::Tensor values = toHost(factors).to(at::kFloat).contiguous();
    std::vector<float>& all = m_context.log.folds[group.producer];
    all.resize(static_cast<std::size_t>(values.numel()), 1.0F);
    std::transform(all.begin(), all.end(), values.const_data_ptr<float>(), all.begin(), std::multiplies<>());
}

UnitTask::Folds UnitTask::foldsOf(const Unit& unit) const
{
    Folds folds;
    if (m_context.log.folds.empty())
        return folds;
    const ModelView& view = m_context.model.view();
    for (const FoldGroup& group : view.foldGroups) {
        if (group.block != unit.block)
            continue;
        const auto known = m_context.log.folds.find(group.producer);
        if (known == m_context.log.folds.end())
            continue;
        const at::Tensor factors = toDevice(at::tensor(known->second), m_context.tensors.device());
        if (group.producer == unit.tensor)
            folds.rows = divideChannels(at::ones({unit.outFeatures, 1}, factors.options()), group, factors, 0);
        const bool isRead = std::any_of(group.consumers.begin(), group.consumers.end(), [&](std::size_t consumer) {
            return view.units[consumer].tensor == unit.tensor;
        });
        if (isRead)
            folds.columns = factors;
    }
    return folds;
}

/// Original minus replacement, with what was folded into the replacement taken out again.
at::Tensor UnitTask::difference(const Unit& unit, const at::Tensor& original, const CompressedTensor& replacement) const
{
    at::Tensor acting = toDevice(replacement.dequantize(), original.device());
    const Folds folds = foldsOf(unit);
    if (folds.rows.defined())
        acting = acting / folds.rows;
    if (folds.columns.defined())
        acting = acting / folds.columns;
    return original - acting;
}

std::int64_t UnitTask::tokens(const Unit& unit) const
{
    const auto first = m_values.lower_bound({unit.input, {}});
    return first == m_values.end() || first->first.first != unit.input ? 0 : first->second.samples;
}

core::Result<StatisticValue> UnitTask::statistic(const Unit& unit, std::string_view id) const
{
    const auto found = m_values.find({unit.input, std::string(id)});
    if (found == m_values.end() || found->second.samples == 0)
        return core::Error {core::ErrorCode::Numerical, "no calibration token reached this layer",
                            "use more calibration sequences, or exclude this module"};
    if (!std::isfinite(found->second.value.sum(at::kDouble).item<double>()))
        return core::Error {core::ErrorCode::Numerical, "the " + std::string(id) + " of its input is not finite",
                            "an earlier stage broke the model, or an activation overflows: exclude this module"};
    return found->second;
}

DerivedValue UnitTask::derived(const Unit& unit, std::string_view statistic, const core::Json& recipe,
                               const std::function<DerivedValue()>& make)
{
    return m_derived.get(unit.input, std::string(statistic), recipe, make);
}

at::Tensor UnitTask::tensor(std::string_view name) const
{
    core::Result<at::Tensor> value = m_context.tensors.read(name);
    PSC_ASSERT(value.ok(), "a stage asked for a tensor that the model does not have");
    return std::move(value).value();
}

void UnitTask::replace(const Unit& unit, std::shared_ptr<const CompressedTensor> weight)
{
    if (m_loaded)
        m_loaded->set(unit.tensor, toDevice(weight->dequantize(), m_context.tensors.device()));
    m_context.tensors.replace(unit.tensor, std::move(weight));
}

void UnitTask::replaceTensor(std::string_view name, at::Tensor value)
{
    if (m_loaded)
        m_loaded->set(name, toDevice(value, m_context.tensors.device()));
    const core::TensorInfo* info = m_context.tensors.stored(name);
    PSC_ASSERT(info, "a stage replaced a tensor that the model does not have");
    m_context.tensors.replace(name, std::make_shared<DenseTensor>(std::move(value), info->type));
}

void UnitTask::replaceTensor(std::string_view name, std::shared_ptr<const CompressedTensor> value)
{
    if (m_loaded)
        m_loaded->set(name, toDevice(value->dequantize(), m_context.tensors.device()));
    m_context.tensors.replace(name, std::move(value));
}

void UnitTask::record(const Unit& unit, std::string_view name, double value)
{
    m_context.log.layerMetrics.push_back(
        {unit.module, unit.block, std::string(name), std::isfinite(value) ? std::optional(value) : std::nullopt});
}

void UnitTask::warn(const Unit& unit, std::string_view text)
{
    m_context.log.warnings.push_back(unit.module + ": " + std::string(text));
}

std::uint64_t UnitTask::seed(const Unit& unit) const
{
    const core::Sha256Digest digest = core::sha256(std::to_string(m_context.seed) + '/' + unit.module);
    std::uint64_t seed = 0;
    std::memcpy(&seed, digest.bytes.data(), sizeof seed);
    return seed;
}

void UnitTask::recordErrors()
{
    for (const Unit* unit : m_units) {
        const auto replacement = m_context.tensors.replacement(unit->tensor);
        if (!replacement)
            continue;
        if (const std::optional<double> value = kurtosis(m_weights.find(unit->tensor)->second))
            record(*unit, "kurtosis", *value);
        at::Tensor original = uncompressed(*unit);
        at::Tensor lost = difference(*unit, original, *replacement);
        recordWeightError(*unit, original, lost);
        const auto hessian = m_values.find({unit->input, "hessian"});
        if (hessian == m_values.end() || hessian->second.samples == 0)
            continue;
        // It is of the inputs as they were before this stage, divided by what was folded until then.
        if (const at::Tensor& columns = m_foldsBefore.find(unit->tensor)->second.columns; columns.defined()) {
            original = original * columns;
            lost = lost * columns;
        }
        const double outputNorm = weightedSquareNorm(original, hessian->second.value);
        if (outputNorm > 0)
            record(*unit, "relative_output_error", weightedSquareNorm(lost, hessian->second.value) / outputNorm);
    }
}

void UnitTask::recordWeightError(const Unit& unit, const at::Tensor& original, const at::Tensor& difference)
{
    const double norm = original.square().sum(at::kDouble).item<double>();
    if (norm > 0)
        record(unit, "relative_weight_error", difference.square().sum(at::kDouble).item<double>() / norm);
}

void UnitTask::recordSeconds(double seconds)
{
    const std::string name = m_context.stage.empty() ? "seconds" : m_context.stage + "_seconds";
    for (const Unit* unit : m_units)
        record(*unit, name, seconds / static_cast<double>(m_units.size()));
}

core::Status UnitTask::recordCutErrors()
{
    for (const Unit* unit : m_units) {
        const auto left = m_context.tensors.replacement(unit->tensor);
        if (!left)
            continue;
        std::erase_if(m_context.log.layerMetrics, [&](const core::LayerMetricRecord& record) {
            return record.module == unit->module &&
                   (record.name == "relative_weight_error" || record.name == "relative_output_error");
        });
        PSC_ASSIGN(const at::Tensor original, m_context.tensors.readOriginal(unit->tensor));
        recordWeightError(*unit, original, difference(*unit, original, *left));
    }
    return core::success();
}

} // namespace paretoscope::engine
