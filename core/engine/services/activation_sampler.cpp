// SPDX-License-Identifier: Apache-2.0
#include "core/engine/services/activation_sampler.h"

#include "core/engine/device/transfer.h"
#include "core/engine/foreign_exception.h"

#include <algorithm>
#include <map>
#include <random>

namespace paretoscope::engine {

namespace {

core::Error invalid(const std::string& what, const std::string& hint)
{
    return {core::ErrorCode::InvalidArgument, what, hint};
}

/// One place with where it is and how wide.
struct Located
{
    int block = 0;
    std::int64_t width = 0;
};

/// What one sequence gives at one place.
struct Part
{
    at::Tensor values;
    std::vector<std::int64_t> rows;
};

/// One request on its way through the blocks.
class SamplingRun
{
public:
    SamplingRun(const LanguageModel& model, const SampleRequest& request,
                const std::vector<std::vector<std::int32_t>>& samples)
        : m_model(model)
        , m_request(request)
        , m_samples(samples)
    {}

    core::Result<std::vector<ActivationRows>> run(BlockInputs& inputs)
    {
        m_device = inputs.device();
        PSC_TRY(locate());
        PSC_TRY(choose());
        m_parts.assign(m_places.size(), std::vector<Part>(m_samples.size()));
        std::map<int, std::vector<std::size_t>> byBlock;
        for (std::size_t place = 0; place < m_places.size(); ++place)
            byBlock[m_places[place].block].push_back(place);
        for (const auto& [block, places] : byBlock) {
            const bool isLast = block == byBlock.rbegin()->first;
            PSC_TRY(inputs.visit(
                block, hooksFor(places),
                [&, here = places](std::size_t sample, const BlockPass& pass) { read(here, sample, pass); }, !isLast));
        }
        return join();
    }

private:
    core::Status locate();
    core::Status choose();
    void read(const std::vector<std::size_t>& places, std::size_t sample, const BlockPass& pass);
    Hooks hooksFor(const std::vector<std::size_t>& places);
    void keep(std::size_t place, std::size_t sample, const at::Tensor& value);
    std::vector<ActivationRows> join();

    at::Device m_device = at::kCPU;
    const LanguageModel& m_model;
    const SampleRequest& m_request;
    const std::vector<std::vector<std::int32_t>>& m_samples;
    std::vector<Located> m_places;                   ///< parallel to the request's
    std::vector<std::vector<std::int64_t>> m_chosen; ///< rows of every sequence
    std::vector<std::vector<Part>> m_parts;          ///< by place and sequence
};

core::Status SamplingRun::locate()
{
    const ModelView& view = m_model.view();
    for (const SamplePlace& place : m_request.places) {
        if (place.input.empty()) {
            const std::int64_t width =
                place.block >= 0 && place.block < view.blocks ? m_model.hookWidth(place.block, place.point) : -1;
            if (width < 0)
                return invalid("block " + std::to_string(place.block) + " has no such place to sample",
                               "the model has " + std::to_string(view.blocks) + " blocks");
            if (width == 0)
                return core::Error {core::ErrorCode::Unsupported, "attention probabilities are not sampled as rows",
                                    "read them with a hook"};
            m_places.push_back({place.block, width});
            continue;
        }
        const auto unit = std::find_if(view.units.begin(), view.units.end(),
                                       [&](const Unit& candidate) { return candidate.input == place.input; });
        if (unit == view.units.end() || unit->block < 0)
            return invalid("no unit inside the blocks reads " + place.input, "use the `input` of a unit of the model");
        m_places.push_back({unit->block, unit->inFeatures});
    }
    return core::success();
}

core::Status SamplingRun::choose()
{
    std::int64_t rowBytes = 0;
    for (const Located& place : m_places)
        rowBytes += place.width * 4;
    std::int64_t total = 0;
    for (const auto& sample : m_samples)
        total += static_cast<std::int64_t>(sample.size());
    const std::int64_t affordable = rowBytes > 0 ? m_request.budget.value / rowBytes : 0;
    if (affordable < 1 && rowBytes > 0)
        return invalid("a budget of " + std::to_string(m_request.budget.value) + " bytes holds no row of every place",
                       "one row of every place takes " + std::to_string(rowBytes) + " bytes");
    m_chosen.resize(m_samples.size());
    std::size_t sample = 0;
    std::int64_t first = 0; // row of the current sample among all
    for (const std::int64_t row : chooseRows(total, std::min(total, affordable), m_request.selection, m_request.seed)) {
        while (row >= first + static_cast<std::int64_t>(m_samples[sample].size()))
            first += static_cast<std::int64_t>(m_samples[sample++].size());
        m_chosen[sample].push_back(row - first);
    }
    return core::success();
}

void SamplingRun::keep(std::size_t place, std::size_t sample, const at::Tensor& value)
{
    // At an expert there are only as many rows as tokens were routed to it.
    Part& part = m_parts[place][sample];
    for (const std::int64_t row : m_chosen[sample]) {
        if (row < value.size(0))
            part.rows.push_back(row);
    }
    if (!part.rows.empty())
        part.values = value.flatten(1).index_select(0, toDevice(at::tensor(part.rows, at::kLong), value.device()));
}

void SamplingRun::read(const std::vector<std::size_t>& places, std::size_t sample, const BlockPass& pass)
{
    for (const StepInput& input : pass.inputs()) {
        for (const std::size_t place : places) {
            if (m_request.places[place].input == input.name)
                keep(place, sample, input.value);
        }
    }
}

Hooks SamplingRun::hooksFor(const std::vector<std::size_t>& places)
{
    Hooks hooks;
    for (const std::size_t place : places) {
        if (!m_request.places[place].input.empty())
            continue;
        hooks.push_back({m_request.places[place].point, [this, place](const HookSite& site, const at::Tensor& value) {
                             keep(place, static_cast<std::size_t>(site.sample), value);
                             return value;
                         }});
    }
    return hooks;
}

std::vector<ActivationRows> SamplingRun::join()
{
    std::vector<ActivationRows> results(m_places.size());
    for (std::size_t place = 0; place < m_places.size(); ++place) {
        std::vector<at::Tensor> values;
        for (std::size_t sample = 0; sample < m_samples.size(); ++sample) {
            Part& part = m_parts[place][sample];
            if (part.rows.empty())
                continue;
            values.push_back(std::move(part.values));
            results[place].row.insert(results[place].row.end(), part.rows.begin(), part.rows.end());
            results[place].index.insert(results[place].index.end(), part.rows.size(),
                                        static_cast<std::int64_t>(sample));
        }
        results[place].values =
            values.empty() ? at::empty({0, m_places[place].width}, at::TensorOptions(at::kFloat).device(m_device))
                           : at::cat(values);
    }
    return results;
}

} // namespace

std::vector<std::int64_t> chooseRows(std::int64_t total, std::int64_t count, SampleRequest::Selection selection,
                                     std::uint64_t seed)
{
    std::vector<std::int64_t> rows;
    if (selection == SampleRequest::Selection::Strided) {
        for (std::int64_t i = 0; i < count; ++i)
            rows.push_back(i * total / count);
        return rows;
    }
    std::mt19937_64 random(seed);
    std::int64_t left = count;
    for (std::int64_t row = 0; row < total && left > 0; ++row) {
        const double uniform = double(random() >> 11) * 0x1p-53; // [0, 1)
        if (uniform * double(total - row) >= double(left))
            continue;
        rows.push_back(row);
        --left;
    }
    return rows;
}

core::Result<std::vector<ActivationRows>> ActivationSampler::sample(const SampleRequest& request)
{
    return guarded("sampling activations", [&] {
        return SamplingRun(m_model, request, m_samples)
            .run(request.source == ActivationSource::Original ? m_original : m_current);
    });
}

} // namespace paretoscope::engine
