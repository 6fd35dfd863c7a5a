// SPDX-License-Identifier: Apache-2.0
#include "core/engine/plugin/checkpoints.h"
#include "core/engine/plugin/commands.h"
#include "core/engine/plugin/plugin_api.h"
#include "core/engine/stage/whole_model.h"

#include <algorithm>
#include <chrono>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace {

using namespace paretoscope;
namespace fs = std::filesystem;

constexpr std::string_view kModel = "{model}";
constexpr std::string_view kOutput = "{output}";

std::string replaced(std::string word, std::string_view what, const std::string& by)
{
    for (std::size_t at = word.find(what); at != std::string::npos; at = word.find(what, at + by.size()))
        word.replace(at, what.size(), by);
    return word;
}

/// Every tensor of the model is replaced by that of a checkpoint which a command makes of it.
class ExternalStage : public engine::Stage
{
public:
    explicit ExternalStage(const core::Json& parameters)
        : m_command(parameters.at("command").get<std::vector<std::string>>())
        , m_inputs(parameters.at("inputs").get<std::vector<std::string>>())
        , m_limit(parameters.at("time_limit").get<double>())
    {}

    core::Status validate(const engine::ModelView& model) const override
    {
        static_cast<void>(model);
        for (const std::string_view place : {kModel, kOutput}) {
            const bool isNamed = std::any_of(m_command.begin(), m_command.end(), [&](const std::string& word) {
                return word.find(place) != std::string::npos;
            });
            if (!isNamed)
                return core::Error {core::ErrorCode::InvalidArgument, "command names no " + std::string(place),
                                    "write e.g. command: [python, \"{input1}\", \"{model}\", \"{output}\"]"};
        }
        for (const std::string& word : completeWords({}, {})) {
            if (const std::size_t at = word.find("{input"); at != std::string::npos)
                return core::Error {core::ErrorCode::InvalidArgument,
                                    "command names " + word.substr(at, word.find('}', at) - at + 1) +
                                        ", and inputs has " + std::to_string(m_inputs.size()) + " files",
                                    "the first file of inputs is {input1}"};
        }
        return core::success();
    }

    core::Result<engine::StagePlan> prepare(const engine::ModelView& model) override
    {
        m_units = engine::unitTensors(model);
        return engine::planOfWholeModel(model);
    }

    core::Status begin(engine::StageTask& task) override
    {
        auto& commands = *task.services().service<engine::Commands>();
        PSC_ASSIGN(m_folder, commands.makeFolder());
        const fs::path model = *m_folder / "model";
        const fs::path output = *m_folder / "output";
        PSC_TRY(commands.writeModel(model));
        PSC_TRY(commands.run(completeWords(model, output), *m_folder, m_limit));
        std::error_code failure;
        if (!fs::is_directory(output, failure))
            return core::Error {core::ErrorCode::NotFound, "the command ended, but it made no folder {output}",
                                "let it write config.json and the safetensors files there"};
        const auto opened = task.services().service<engine::Checkpoints>()->open(output);
        if (!opened.ok())
            return opened.error().withContext("what the command made");
        m_checkpoint = opened.value();
        // Norms, biases and embeddings are no units of compression.
        for (const std::string& name : m_checkpoint->tensors()) {
            if (m_units.contains(name))
                continue;
            PSC_ASSIGN(std::shared_ptr<const engine::CompressedTensor> tensor, m_checkpoint->copy(name));
            task.replaceTensor(name, std::move(tensor));
        }
        return core::success();
    }

    core::Status apply(engine::StageTask& task) override
    {
        const engine::Unit& unit = *task.units().front();
        PSC_ASSIGN(std::shared_ptr<const engine::CompressedTensor> weight, m_checkpoint->copy(unit.tensor));
        task.replace(unit, std::move(weight));
        return core::success();
    }

private:
    std::vector<std::string> completeWords(const fs::path& model, const fs::path& output) const
    {
        std::vector<std::string> words;
        for (const std::string& word : m_command) {
            std::string complete = replaced(replaced(word, kModel, model.string()), kOutput, output.string());
            for (std::size_t i = 0; i < m_inputs.size(); ++i)
                complete = replaced(complete, "{input" + std::to_string(i + 1) + '}', m_inputs[i]);
            words.push_back(std::move(complete));
        }
        return words;
    }

    std::vector<std::string> m_command;
    std::vector<std::string> m_inputs;
    std::chrono::duration<double> m_limit;
    std::set<std::string> m_units;            ///< names of their tensors
    std::shared_ptr<const fs::path> m_folder; ///< until all tensors are read
    std::shared_ptr<const engine::OtherCheckpoint> m_checkpoint;
};

core::Result<std::unique_ptr<engine::Stage>> makeExternal(const core::Json& parameters)
{
    return std::unique_ptr<engine::Stage>(std::make_unique<ExternalStage>(parameters));
}

} // namespace

PSC_EXPORT_PLUGIN({.manifestSha256 = PARETOSCOPE_MANIFEST_SHA256, .makeStage = &makeExternal})
