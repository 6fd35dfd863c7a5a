// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/base/mapped_file.h"
#include "core/sweep/sweep.h"

#include <QTemporaryDir>
#include <QtGlobal>

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

/// A folder with a (pretended) model and corpora, and a catalogue of three shipped plugins (quantization/rtn,
/// quantization/gptq, bridge/import) plus a few of its own: compensation/eora (rank), search/nothing (no stage),
/// vision/blur (other workloads), quantization/must (a parameter without default, a text, a list of integers).
class SweepFixture
{
public:
    SweepFixture()
    {
        put("models/tiny/config.json", "{}");
        put("data/train.txt", "training text\n");
        put("data/test.txt", "test text\n");
        putPlugin("compensation/eora", R"("kind": "stage", "needs": {"calibration": true}, "parameters": [
            {"name": "rank", "type": "integer", "default": 16, "minimum": 1, "maximum": 4096, "doc": "Rank."}])");
        putPlugin("search/nothing", R"("kind": "search")");
        putPlugin("vision/blur", R"("kind": "stage", "applies_to": {"workloads": ["image-classifier"]})");
        putPlugin("quantization/must", R"("kind": "stage", "parameters": [
            {"name": "checkpoint", "type": "string", "doc": "Checkpoint."},
            {"name": "ranks", "type": "array", "items": "integer", "default": [], "doc": "Ranks."}])");
        for (const char* shipped : {"quantization/rtn", "quantization/gptq", "bridge/import"}) {
            const std::filesystem::path source = std::filesystem::path(PARETOSCOPE_PLUGIN_SOURCES) / shipped;
            std::filesystem::create_directories(root() / "plugins" / shipped);
            std::filesystem::copy_file(source / "manifest.json", root() / "plugins" / shipped / "manifest.json");
        }
        m_plugins = paretoscope::core::PluginCatalogue::scan({root() / "plugins"});
        if (!m_plugins.problems().empty())
            qFatal("%s", m_plugins.problems()[0].sentence().c_str());
    }

    std::filesystem::path root() const { return m_folder.path().toStdString(); }
    const paretoscope::core::PluginCatalogue& plugins() const { return m_plugins; }

    std::filesystem::path put(const std::string& name, std::string_view text) const
    {
        const std::filesystem::path file = root() / name;
        std::filesystem::create_directories(file.parent_path());
        if (!paretoscope::core::writeFileAtomically(file, text).ok())
            qFatal("cannot write %s", file.c_str());
        return file;
    }

    paretoscope::core::Result<paretoscope::core::Sweep> parse(std::string_view text,
                                                              const std::vector<std::string>& overrides = {},
                                                              const std::string& name = "sweep.yaml") const
    {
        return paretoscope::core::parseSweep(text, root() / name, m_plugins, overrides);
    }

    /// A whole sweep file around these pipelines.
    static std::string withPipelines(std::string_view pipelines)
    {
        return "paretoscope: 1\n"
               "workload:\n"
               "  model: models/tiny\n"
               "  calibration: {corpus: data/train.txt, samples: 4, length: 16}\n"
               "  evaluate: [perplexity: {corpus: data/test.txt, length: 16}]\n"
               "pipelines:\n" +
               std::string(pipelines);
    }

    /// Labels of all pipelines, one a line.
    static std::string labels(const paretoscope::core::Sweep& sweep)
    {
        std::string text;
        for (const paretoscope::core::Pipeline& pipeline : sweep.pipelines)
            text += pipeline.label() + "\n";
        return text;
    }

private:
    void putPlugin(const std::string& id, const std::string& rest) const
    {
        put("plugins/" + id + "/manifest.json",
            "{\"id\": \"" + id + "\", \"name\": \"N\", \"version\": \"1.0\", \"summary\": \"S.\", " + rest + "}");
    }

    QTemporaryDir m_folder;
    paretoscope::core::PluginCatalogue m_plugins;
};
