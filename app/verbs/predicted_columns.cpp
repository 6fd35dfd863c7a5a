// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/verbs/predicted_columns.h"

#include "app/format/number.h"
#include "core/base/near_miss.h"
#include "core/query/query_lexer.h"
#include "core/query/trial_query.h"
#include "roofline/trial/trial_predictor.h"

#include <map>
#include <set>

namespace paretoscope::app {

namespace {

using core::Error;
using core::ErrorCode;

constexpr std::string_view kPrefix = "predicted_";

/// What is to be predicted for one device and load.
struct Wanted
{
    roofline::WhatIf whatIf;
    std::set<const roofline::PredictedQuantity*> quantities;
};
using WantedById = std::map<std::string, Wanted>;

std::vector<std::string> predictedNames(std::span<const std::string> columns, const std::string& where)
{
    std::vector<std::string> names;
    const auto take = [&names](std::string name) {
        if (name.starts_with(core::kBaselinePrefix))
            name.erase(0, core::kBaselinePrefix.size());
        if (isPredicted(name))
            names.push_back(std::move(name));
    };
    for (const std::string& column : columns)
        take(column);
    const auto tokens = core::queryTokens(where); // a filter that cannot be read is refused by whoever applies it
    for (const core::QueryToken& token : tokens.ok() ? tokens.value() : std::vector<core::QueryToken>()) {
        if (token.kind == core::QueryToken::Kind::Word)
            take(token.text);
    }
    return names;
}

core::Status want(WantedById& wanted, const std::string& name, const roofline::HardwareTable& devices)
{
    const std::size_t at = name.find('@');
    const roofline::PredictedQuantity* quantity = roofline::predictedQuantity(name.substr(0, at));
    if (!quantity) {
        std::vector<std::string> known;
        for (const roofline::PredictedQuantity& one : roofline::predictedQuantities())
            known.emplace_back(one.name);
        return Error {ErrorCode::InvalidArgument, "nothing is predicted under the name " + name.substr(0, at),
                      core::suggestion(name.substr(0, at), known)};
    }
    if (at == std::string::npos)
        return Error {ErrorCode::InvalidArgument, name + " does not say for which device",
                      "write " + name + "@DEVICE; \"paretoscope hardware list\" prints the names"};
    const std::string id = name.substr(at + 1);
    PSC_ASSIGN(const roofline::WhatIf whatIf, roofline::WhatIf::read(id, devices));
    if (!whatIf.id().starts_with(id))
        return Error {ErrorCode::InvalidArgument, "the device of " + name + " is spelled otherwise",
                      "write it as in the list of devices: " + whatIf.hardware.name};
    Wanted& entry = wanted[whatIf.id()];
    entry.whatIf = whatIf;
    entry.quantities.insert(quantity);
    return core::success();
}

void addMetrics(core::TrialRecord& trial, const Wanted& wanted, const roofline::TrialPrediction& prediction)
{
    for (const roofline::PredictedQuantity* quantity : wanted.quantities) {
        core::MetricRecord metric;
        metric.name = quantity->name;
        metric.value = quantity->valueIn(prediction);
        metric.unit = quantity->unit;
        metric.minimise = quantity->minimise;
        metric.protocol = wanted.whatIf.id();
        if (metric.value)
            trial.metrics.push_back(std::move(metric));
    }
}

/// The finished trials; others have no model to predict for.
core::Status predictAll(std::vector<core::TrialRecord>& trials, const Wanted& wanted,
                        roofline::TrialPredictor& predictor, Console& console)
{
    int predicted = 0;
    int missing = 0;
    std::optional<Error> first;
    for (core::TrialRecord& trial : trials) {
        if (trial.status != core::TrialStatus::Done)
            continue;
        const core::Result<roofline::TrialPrediction> prediction = predictor.predict(trial, wanted.whatIf);
        if (prediction.ok()) {
            addMetrics(trial, wanted, prediction.value());
            ++predicted;
            continue;
        }
        ++missing;
        if (!first)
            first = prediction.error();
    }
    if (first && predicted == 0)
        return *first;
    if (first)
        console.note(counted(missing, "trial") + " without a prediction for " + wanted.whatIf.hardware.name + ": " +
                     first->sentence());
    return core::success();
}

} // namespace

bool isPredicted(std::string_view column)
{
    return column.starts_with(kPrefix);
}

std::string withoutQuotes(const std::string& column)
{
    const std::size_t at = column.find('@');
    const bool isQuoted = isPredicted(column) && at != std::string::npos && column.size() > at + 2 &&
                          (column[at + 1] == '"' || column[at + 1] == '\'') && column.back() == column[at + 1];
    return isQuoted ? column.substr(0, at + 1) + column.substr(at + 2, column.size() - at - 3) : column;
}

core::Status PredictedColumns::addTo(std::vector<core::TrialRecord>& trials, std::span<const std::string> columns,
                                     const std::string& where, const core::ProjectStore& project,
                                     Session& session) const
{
    const std::vector<std::string> names = predictedNames(columns, where);
    if (names.empty())
        return core::success();
    PSC_ASSIGN(const roofline::DeviceList known, m_hardware.load(session, &project));
    const roofline::HardwareTable devices = known.table();
    WantedById wanted;
    for (const std::string& name : names)
        PSC_TRY(want(wanted, name, devices));
    PSC_ASSIGN(const std::vector<core::WorkloadRecord> workloads, project.workloads());
    roofline::TrialPredictor predictor(workloads, session.installation.architectures());
    for (const auto& [id, entry] : wanted)
        PSC_TRY(predictAll(trials, entry, predictor, session.console));
    return core::success();
}

} // namespace paretoscope::app
