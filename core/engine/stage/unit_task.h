// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/engine/stage/derived_values.h"
#include "core/engine/stage/stage_executor.h"
#include "core/engine/stage/statistic_collector.h"

#include <map>

namespace paretoscope::engine {

/// One call of Stage::apply: hands out weights and statistics, takes replacements, keeps the records.
class UnitTask : public StageTask
{
public:
    /// `loaded`, when given, is kept in step with the replacements, so that the forward pass goes on with them.
    UnitTask(std::vector<const Unit*> units, const StatisticValues& values, DerivedValues& derived,
             const PipelineContext& context, LoadedTensors* loaded);

    /// Reads and checks the weights. Errors: Numerical (not finite: names the first row and column); reading errors.
    core::Status readWeights();
    /// Relative weight and output error of every replaced unit, and the kurtosis of its weight, for the layer metrics.
    void recordErrors();
    /// How long the call took; units that share a call share its time.
    void recordSeconds(double seconds);
    /// Instead of the errors recorded before: those of what a cut left, against the weights of the model.
    core::Status recordCutErrors();

    const std::vector<const Unit*>& units() const override { return m_units; }
    at::Tensor weight(const Unit& unit) const override;
    std::shared_ptr<const CompressedTensor> form(const Unit& unit) const override;
    at::ScalarType storedType(const Unit& unit) const override;
    at::Tensor originalWeight(const Unit& unit) const override;
    std::int64_t tokens(const Unit& unit) const override;
    core::Result<StatisticValue> statistic(const Unit& unit, std::string_view id) const override;
    core::Result<DerivedValue> derived(const Unit& unit, std::string_view statistic, const core::Json& recipe,
                                       const std::function<DerivedValue(const at::Tensor&)>& make) override;
    at::Tensor tensor(std::string_view name) const override;
    void replace(const Unit& unit, std::shared_ptr<const CompressedTensor> weight) override;
    void replaceTensor(std::string_view name, at::Tensor value) override;
    void replaceTensor(std::string_view name, std::shared_ptr<const CompressedTensor> value) override;
    void record(const Unit& unit, std::string_view name, double value) override;
    void warn(const Unit& unit, std::string_view text) override;
    std::uint64_t seed(const Unit& unit) const override;
    bool isCancelled() const override { return m_context.observer.isCancelled(); }
    HostServices& services() override { return m_context.services; }

private:
    std::vector<const Unit*> m_units;
    const StatisticValues& m_values;
    DerivedValues& m_derived;
    const PipelineContext& m_context;
    LoadedTensors* m_loaded;
    std::map<std::string, at::Tensor, std::less<>> m_weights; ///< by tensor name, before the stage
};

} // namespace paretoscope::engine
