// SPDX-License-Identifier: Apache-2.0
// Evaluations of small models through TrialRunner, and the logits of the same models for computing numbers again.
#pragma once

#include "bystanders.h"
#include "core/base/mapped_file.h"
#include "core/checkpoint/checkpoint.h"
#include "core/checkpoint/safetensors_file.h"
#include "core/checkpoint/safetensors_writer.h"
#include "core/engine/trial_runner.h"

#include <QTemporaryDir>
#include <QtGlobal>

#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

namespace paretoscope::tests {

inline const std::filesystem::path kResources = PARETOSCOPE_RESOURCES;
inline const std::filesystem::path kTestData = PARETOSCOPE_TEST_DATA;
inline const std::filesystem::path kTinyLlama = kResources / "models/tiny-llama";
inline const std::string kWikiText = (kResources / "demo/corpora/wiki.test.tokens").string();

inline engine::RunnerOptions runnerOptions(int threads = 1, const std::filesystem::path& cache = {})
{
    engine::RunnerOptions options;
    options.threads = threads;
    options.cacheFolder = cache;
    options.pluginFolders = {PARETOSCOPE_BUILD_TREE "/lib/paretoscope/plugins"};
    options.architectures = kResources / "architectures";
    return options;
}

/// The document of one evaluation. `metrics` is [{"name", "options"}, ...].
inline core::Json evaluated(engine::TrialRunner& runner, const std::filesystem::path& model, const core::Json& metrics)
{
    SilentObserver observer;
    const auto done = runner.evaluate({{"model", model.string()}, {"metrics", metrics}}, observer);
    if (!done.ok())
        qFatal("%s", done.error().sentence().c_str());
    return done.value();
}

inline core::Json evaluated(const std::filesystem::path& model, const core::Json& metrics, int threads = 1,
                            const std::filesystem::path& cache = {})
{
    engine::TrialRunner runner(runnerOptions(threads, cache));
    return evaluated(runner, model, metrics);
}

inline const core::Json& metricNamed(const core::Json& document, std::string_view name)
{
    for (const core::Json& metric : document.at("metrics")) {
        if (metric.at("name") == name)
            return metric;
    }
    qFatal("no metric %s", std::string(name).c_str());
}

/// float32 logits of one sequence, row by row.
struct Logits
{
    std::vector<float> values;
    std::size_t vocabulary = 0;

    const float* row(std::size_t position) const { return values.data() + position * vocabulary; }
    /// ln Σ exp in float64.
    double logSum(std::size_t position) const
    {
        const float* logits = row(position);
        double largest = logits[0];
        for (std::size_t i = 1; i < vocabulary; ++i)
            largest = std::max(largest, double(logits[i]));
        double sum = 0;
        for (std::size_t i = 0; i < vocabulary; ++i)
            sum += std::exp(double(logits[i]) - largest);
        return largest + std::log(sum);
    }
    double logProbability(std::size_t position, std::int32_t token) const
    {
        return double(row(position)[token]) - logSum(position);
    }
    std::size_t likeliest(std::size_t position) const
    {
        return std::size_t(std::max_element(row(position), row(position) + vocabulary) - row(position));
    }
};

/// What `evaluate --logits` writes for these sequences.
inline std::vector<Logits> logitsOf(const std::filesystem::path& model,
                                    const std::vector<std::vector<std::int32_t>>& sequences)
{
    const QTemporaryDir folder;
    const std::filesystem::path tokens = (folder.path() + QStringLiteral("/tokens.json")).toStdString();
    const std::filesystem::path out = (folder.path() + QStringLiteral("/logits.safetensors")).toStdString();
    if (!core::writeFileAtomically(tokens, core::Json {{"sequences", sequences}}.dump()).ok())
        qFatal("cannot write the tokens");
    engine::TrialRunner runner(runnerOptions());
    SilentObserver observer;
    const auto done =
        runner.evaluate({{"model", model.string()},
                         {"logits", {{"tokens", tokens.string()}, {"out", out.string()}, {"hidden_states", false}}}},
                        observer);
    if (!done.ok())
        qFatal("%s", done.error().sentence().c_str());
    const auto file = core::SafetensorsFile::open(out);
    std::vector<Logits> logits;
    for (std::size_t i = 0; i < sequences.size(); ++i) {
        const std::string name = "logits_" + std::to_string(i);
        logits.push_back({file.value().readFloat32(name).value(), std::size_t(file.value().find(name)->shape[1])});
    }
    return logits;
}

/// A Hugging Face folder with the weights of `model` after `change`, stored as bfloat16, and the tokenizer files of
/// another folder.
template <typename Change>
void writeChangedModel(const std::filesystem::path& model, const std::filesystem::path& tokenizer,
                       const std::filesystem::path& folder, const Change& change)
{
    std::filesystem::create_directories(folder);
    const auto checkpoint = core::openCheckpoint(model).value();
    std::vector<core::TensorDeclaration> tensors;
    for (const core::TensorInfo& tensor : checkpoint->tensors())
        tensors.push_back({tensor.name, core::ElementType::BF16, tensor.shape});
    auto writer = core::SafetensorsWriter::create(folder / "model.safetensors", tensors).value();
    for (const core::TensorInfo& tensor : checkpoint->tensors()) {
        std::vector<float> values(std::size_t(tensor.elements()));
        if (!checkpoint->readFloat32(tensor.name, values).ok())
            qFatal("cannot read %s", tensor.name.c_str());
        for (float& value : values)
            value = change(value);
        if (!writer.appendFloat32(tensor.name, values).ok())
            qFatal("cannot write %s", tensor.name.c_str());
    }
    if (!writer.finish().ok() || !core::writeFileAtomically(folder / "config.json", checkpoint->config().dump()).ok())
        qFatal("cannot write the model");
    for (const char* name : {"tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"}) {
        if (std::filesystem::exists(tokenizer / name))
            std::filesystem::copy_file(tokenizer / name, folder / name);
    }
}

/// Tiny-llama with every weight cut to a few bits: the same family and tokenizer, other predictions.
inline void writeCoarseModel(const std::filesystem::path& folder)
{
    writeChangedModel(kTinyLlama, kTinyLlama, folder, [](float value) { return std::round(value * 64.0F) / 64.0F; });
}

} // namespace paretoscope::tests
