// SPDX-License-Identifier: Apache-2.0
#include "core/architecture/moe_spec.h"

#include "core/architecture/part_reader.h"

namespace paretoscope::core {

namespace {

/// The limit keeps a hostile configuration from making us build millions of descriptions.
constexpr std::int64_t kMaxExperts = std::int64_t(1) << 18;

Error unfit(const std::string& what)
{
    return {ErrorCode::Corrupt, "config.json: " + what, kConfigHint};
}

Status checkRule(const RoutingRule& rule, std::int64_t layers)
{
    const std::string experts = std::to_string(rule.experts) + " experts";
    if (rule.experts < 1 || rule.experts * layers > kMaxExperts)
        return unfit(experts + " in each of " + std::to_string(layers) + " layers are no mixture of experts");
    if (rule.chosen < 1 || rule.chosen > rule.experts)
        return unfit(std::to_string(rule.chosen) + " of " + experts + " cannot be chosen for a token");
    if (rule.groups < 1 || rule.experts % rule.groups != 0 || rule.keptGroups < 1 || rule.keptGroups > rule.groups)
        return unfit("of " + experts + " no " + std::to_string(rule.keptGroups) + " of " + std::to_string(rule.groups) +
                     " equal groups can be kept");
    if (rule.score == RouterScore::SparseMixer && rule.chosen != 2)
        return unfit(std::to_string(rule.chosen) + " of " + experts + " cannot be chosen by SparseMixer, only 2");
    if (rule.keptGroups * (rule.experts / rule.groups) < rule.chosen)
        return unfit(std::to_string(rule.chosen) + " experts are chosen from " + std::to_string(rule.keptGroups) +
                     " groups of " + std::to_string(rule.experts / rule.groups));
    return success();
}

Result<RouterScore> readScore(const Json& spec, const PartReader& reader)
{
    const std::string name = spec.get<std::string>();
    if (name == "softmax")
        return RouterScore::Softmax;
    if (name == "sigmoid")
        return RouterScore::Sigmoid;
    if (name == "softmax_of_chosen")
        return RouterScore::SoftmaxOfChosen;
    if (name == "sparsemixer")
        return RouterScore::SparseMixer;
    if (name == "sigmoid_of_chosen")
        return RouterScore::SigmoidOfChosen;
    return reader.values().familyError("\"" + name + "\" is no score of a router");
}

Result<RoutingRule> readRule(const Json& spec, const PartReader& reader)
{
    const FamilyValues& values = reader.values();
    PSC_TRY(values.requireMembers(spec, "routing",
                                  {"experts", "chosen", "score", "normalise", "normalise_epsilon", "scale",
                                   "scale_normalised", "jitter", "groups", "kept_groups", "group_score"}));
    RoutingRule rule;
    PSC_ASSIGN(const std::int64_t experts, values.size(spec.at("experts")));
    PSC_ASSIGN(const std::int64_t chosen, values.size(spec.at("chosen")));
    PSC_ASSIGN(rule.score, readScore(spec.at("score"), reader));
    PSC_ASSIGN(rule.normalise, reader.boolean(spec, "normalise", false));
    PSC_ASSIGN(rule.normaliseEpsilon, reader.number(spec, "normalise_epsilon", 0));
    PSC_ASSIGN(rule.scale, reader.number(spec, "scale", 1));
    PSC_ASSIGN(const bool scalesNormalised, reader.boolean(spec, "scale_normalised", true));
    PSC_ASSIGN(rule.jitter, reader.number(spec, "jitter", 0));
    PSC_ASSIGN(const std::int64_t groups, reader.size(spec, "groups", 1));
    PSC_ASSIGN(const std::int64_t kept, reader.size(spec, "kept_groups", 1));
    const std::string groupScore = spec.value("group_score", "maximum");
    if (groupScore != "maximum" && groupScore != "sum_of_top_two")
        return values.familyError("\"" + groupScore + "\" is no score of a group of experts");
    rule.experts = static_cast<int>(experts);
    rule.chosen = static_cast<int>(chosen);
    rule.groups = static_cast<int>(groups);
    rule.keptGroups = static_cast<int>(kept);
    rule.groupScore = groupScore == "maximum" ? GroupScore::Maximum : GroupScore::SumOfTopTwo;
    if (!scalesNormalised && rule.normalise) { // either, as DeepSeek-V2; a single weight is scaled
        rule.normalise = rule.chosen > 1;
        rule.scale = rule.normalise ? 1 : rule.scale;
    }
    PSC_ASSIGN(const std::int64_t layers, values.size("layers"));
    PSC_TRY(checkRule(rule, layers));
    return rule;
}

Status readShared(const Json& spec, const PartReader& reader, MoeSpec& result)
{
    if (!spec.contains("shared"))
        return success();
    PSC_ASSIGN(const std::int64_t width, reader.values().size(spec.at("shared").at("width")));
    if (width == 0)
        return success();
    PSC_ASSIGN(result.shared, readMlp(spec.at("shared"), reader));
    if (spec.contains("shared_gate"))
        result.sharedGate = LinearSpec {reader.named(spec.at("shared_gate")), 1, reader.sizes().hidden};
    return success();
}

} // namespace

Result<MoeSpec> readMoe(const Json& spec, const PartReader& reader)
{
    PSC_TRY(reader.values().requireMembers(
        spec, "moe",
        {"kind", "router", "router_bias", "choice_bias", "routing", "weighted", "expert", "shared", "shared_gate"}));
    MoeSpec result;
    PSC_ASSIGN(result.rule, readRule(spec.at("routing"), reader));
    const std::string weighted = spec.value("weighted", "output");
    if (weighted != "output" && weighted != "input")
        return reader.values().familyError("\"" + weighted + "\" of an expert cannot be weighted");
    result.weighsInput = weighted == "input";
    PSC_ASSIGN(const bool bias, reader.boolean(spec, "router_bias", false));
    result.router = {reader.named(spec.at("router")), result.rule.experts, reader.sizes().hidden, bias};
    if (spec.contains("choice_bias"))
        result.choiceBias = reader.named(spec.at("choice_bias"));
    for (int expert = 0; expert < result.rule.experts; ++expert) {
        PSC_ASSIGN(MlpSpec mlp, readMlp(spec.at("expert"), reader.forExpert(expert, result.rule.experts)));
        result.experts.push_back(std::move(mlp));
    }
    PSC_TRY(readShared(spec, reader, result));
    return result;
}

void appendTensors(std::vector<ExpectedTensor>& tensors, const MoeSpec& moe)
{
    appendTensors(tensors, moe.router);
    if (!moe.choiceBias.empty())
        tensors.push_back({moe.choiceBias, {moe.rule.experts}});
    for (const MlpSpec& expert : moe.experts)
        appendTensors(tensors, expert);
    if (moe.shared)
        appendTensors(tensors, *moe.shared);
    if (moe.sharedGate)
        appendTensors(tensors, *moe.sharedGate);
}

} // namespace paretoscope::core
