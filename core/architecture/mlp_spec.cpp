// SPDX-License-Identifier: Apache-2.0
#include "core/architecture/mlp_spec.h"

#include "core/architecture/part_reader.h"

namespace paretoscope::core {

Result<MlpSpec> readMlp(const Json& spec, const PartReader& reader)
{
    PSC_TRY(reader.values().requireMembers(
        spec, "mlp",
        {"kind", "gate_proj", "up_proj", "gate_up_proj", "down_proj", "bias", "transposed", "activation", "width"}));
    MlpSpec result;
    PSC_ASSIGN(const bool bias, reader.boolean(spec, "bias", false));
    PSC_ASSIGN(const bool transposed, reader.boolean(spec, "transposed", false));
    PSC_ASSIGN(const std::int64_t width, reader.size(spec, "width", reader.sizes().intermediate));
    PSC_ASSIGN(result.activation, reader.activation(spec.at("activation")));
    const std::int64_t hidden = reader.sizes().hidden;
    result.down = {reader.named(spec.at("down_proj")), hidden, width, bias, transposed};
    if (spec.contains("gate_up_proj")) {
        result.form = MlpForm::FusedGated;
        result.gateUp = {reader.named(spec.at("gate_up_proj")), 2 * width, hidden, bias, transposed};
        return result;
    }
    result.up = {reader.named(spec.at("up_proj")), width, hidden, bias, transposed};
    result.form = spec.contains("gate_proj") ? MlpForm::Gated : MlpForm::Plain;
    if (result.form == MlpForm::Gated)
        result.gate = {reader.named(spec.at("gate_proj")), width, hidden, bias, transposed};
    return result;
}

void appendTensors(std::vector<ExpectedTensor>& tensors, const MlpSpec& mlp)
{
    if (mlp.form == MlpForm::Gated)
        appendTensors(tensors, mlp.gate);
    appendTensors(tensors, mlp.form == MlpForm::FusedGated ? mlp.gateUp : mlp.up);
    appendTensors(tensors, mlp.down);
}

} // namespace paretoscope::core
