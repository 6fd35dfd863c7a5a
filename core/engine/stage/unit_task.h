// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/engine/stage/derived_values.h"
#include "core/engine/stage/stage_executor.h"
#include "core/engine/stage/statistic_collector.h"

#include <map>
#include <set>

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
    /// Of every replaced unit, for the layer metrics: how far the weight as it acts is from that of the uncompressed
    /// model, by itself and at the output, and the kurtosis of the weight before.
    void recordErrors();
    /// How long the call took, under the name of the stage; units that share a call share its time.
    void recordSeconds(double seconds);
    /// Instead of the errors recorded before: those of what a cut left, against the weights of the model.
    core::Status recordCutErrors();

    const std::vector<const Unit*>& units() const override { return m_units; }
    at::Tensor weight(const Unit& unit) const override;
    std::shared_ptr<const CompressedTensor> form(const Unit& unit) const override;
    at::ScalarType storedType(const Unit& unit) const override;
    at::Tensor originalWeight(const Unit& unit) const override;
    at::Tensor foldedColumns(const Unit& unit) const override { return foldsOf(unit).columns; }
    void folded(const FoldGroup& group, const at::Tensor& factors) override;
    std::int64_t tokens(const Unit& unit) const override;
    core::Result<StatisticValue> statistic(const Unit& unit, std::string_view id) const override;
    DerivedValue derived(const Unit& unit, std::string_view statistic, const core::Json& recipe,
                         const std::function<DerivedValue()>& make) override;
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
    /// What stages folded into a weight: W became diag(rows) W diag(columns). Undefined: ones.
    struct Folds
    {
        at::Tensor rows;    ///< [out, 1]
        at::Tensor columns; ///< [in]
    };
    Folds foldsOf(const Unit& unit) const;
    at::Tensor uncompressed(const Unit& unit) const;
    at::Tensor difference(const Unit& unit, const at::Tensor& original, const CompressedTensor& replacement) const;
    void recordWeightError(const Unit& unit, const at::Tensor& original, const at::Tensor& difference);

    std::vector<const Unit*> m_units;
    const StatisticValues& m_values;
    DerivedValues& m_derived;
    const PipelineContext& m_context;
    LoadedTensors* m_loaded;
    std::map<std::string, at::Tensor, std::less<>> m_weights; ///< by tensor name, before the stage
    std::set<std::string, std::less<>> m_untouched;           ///< those among them that no stage replaced before
    std::map<std::string, Folds, std::less<>> m_foldsBefore;  ///< likewise; of the inputs that statistics saw
};

} // namespace paretoscope::engine
