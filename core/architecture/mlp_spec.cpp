// SPDX-License-Identifier: Apache-2.0
#include "core/architecture/mlp_spec.h"

#include "core/architecture/part_reader.h"

namespace paretoscope::core {

namespace {

/// What the linears of one MLP have in common.
struct LinearForm
{
    bool bias = false;
    bool transposed = false;
    const Json* stacked = nullptr; ///< names of the tensors that hold the weights of all experts
};

LinearSpec readLinear(const Json& spec, const char* member, std::int64_t out, std::int64_t in, const LinearForm& form,
                      const PartReader& reader)
{
    LinearSpec result {.module = reader.named(spec.at(member)),
                       .outFeatures = out,
                       .inFeatures = in,
                       .bias = form.bias,
                       .transposed = form.transposed};
    if (form.stacked) {
        result.stack = StackPlace {.weight = reader.named(form.stacked->at(member).at("weight")),
                                   .index = reader.expert(),
                                   .count = reader.experts()};
        if (form.bias)
            result.stack->bias = reader.named(form.stacked->at(member).at("bias"));
    }
    return result;
}

Result<std::optional<ClampedSwiglu>> readClamped(const Json& spec, const PartReader& reader)
{
    if (!spec.contains("clamped"))
        return std::optional<ClampedSwiglu>();
    const Json& clamped = spec.at("clamped");
    PSC_TRY(reader.values().requireMembers(clamped, "clamped", {"limit", "gain"}));
    ClampedSwiglu result;
    PSC_ASSIGN(result.limit, reader.values().number(clamped.at("limit")));
    PSC_ASSIGN(result.gain, reader.values().number(clamped.at("gain")));
    return std::optional(result);
}

} // namespace

Result<MlpSpec> readMlp(const Json& spec, const PartReader& reader)
{
    PSC_TRY(reader.values().requireMembers(spec, "mlp",
                                           {"kind", "gate_proj", "up_proj", "gate_up_proj", "interleaved", "down_proj",
                                            "bias", "transposed", "stacked", "activation", "clamped", "width"}));
    MlpSpec result;
    LinearForm form;
    PSC_ASSIGN(form.bias, reader.boolean(spec, "bias", false));
    PSC_ASSIGN(form.transposed, reader.boolean(spec, "transposed", false));
    if (spec.contains("stacked"))
        form.stacked = &spec.at("stacked");
    PSC_ASSIGN(const std::int64_t width, reader.size(spec, "width", reader.sizes().intermediate));
    PSC_ASSIGN(result.activation, reader.activation(spec.at("activation")));
    PSC_ASSIGN(result.clamped, readClamped(spec, reader));
    const std::int64_t hidden = reader.sizes().hidden;
    result.down = readLinear(spec, "down_proj", hidden, width, form, reader);
    if (spec.contains("gate_up_proj")) {
        result.form = MlpForm::FusedGated;
        PSC_ASSIGN(result.interleaved, reader.boolean(spec, "interleaved", false));
        result.gateUp = readLinear(spec, "gate_up_proj", 2 * width, hidden, form, reader);
        return result;
    }
    result.up = readLinear(spec, "up_proj", width, hidden, form, reader);
    result.form = spec.contains("gate_proj") ? MlpForm::Gated : MlpForm::Plain;
    if (result.form == MlpForm::Gated)
        result.gate = readLinear(spec, "gate_proj", width, hidden, form, reader);
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
