// SPDX-License-Identifier: Apache-2.0
// Mixture-of-experts and latent-attention families against Hugging Face transformers (tests/data/parity/README.md) or,
// where that does not read what published code reads, against the latter (tests/data/families/README.md): logits,
// hidden states, router choices and mean NLL, for both spellings of the configuration.
#include "core/base/mapped_file.h"
#include "core/checkpoint/safetensors_file.h"
#include "core/engine/kernels/router.h"
#include "core/engine/kernels/transformer.h"
#include "core/engine/model/language_model.h"
#include "core/engine/model/model_tensors.h"

#include <QTemporaryDir>
#include <QtTest>

#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>

#include <map>
#include <optional>

using namespace paretoscope;
using namespace paretoscope::engine;

namespace {

namespace fs = std::filesystem;

const fs::path kModels = PARETOSCOPE_TEST_DATA "/parity/models";
/// Variants that the parity models do not have (tests/data/families/README.md).
const fs::path kVariants = PARETOSCOPE_TEST_DATA "/families";
const fs::path kArchitectures = PARETOSCOPE_RESOURCES "/architectures";

/// A parity model with the configuration in one of its two spellings.
struct ParityModel
{
    QTemporaryDir folder; ///< holds the files when the spelling is not that of the folder in the repository
    std::shared_ptr<const core::Checkpoint> checkpoint;
    std::optional<LanguageModel> graph;
    std::optional<ModelTensors> tensors;

    core::Status open(const fs::path& source, const std::string& config)
    {
        const fs::path copy = folder.path().toStdString();
        for (const fs::directory_entry& entry : fs::directory_iterator(source)) {
            if (entry.path().filename().string().starts_with("model"))
                fs::copy(entry.path(), copy / entry.path().filename());
        }
        fs::copy(source / config, copy / "config.json");
        PSC_ASSIGN(std::unique_ptr<core::Checkpoint> opened, core::openCheckpoint(copy));
        PSC_ASSIGN(core::Architecture architecture, core::describeArchitecture(*opened, kArchitectures));
        PSC_TRY(core::requireSupported(architecture, *opened));
        for (const std::string& name : core::compareTensors(architecture, *opened).unknown) {
            if (!name.starts_with("vision_model.") && !name.starts_with("multi_modal_projector."))
                return core::Error {core::ErrorCode::Corrupt, "nobody reads " + name, ""};
        }
        checkpoint = std::move(opened);
        tensors.emplace(std::make_shared<CheckpointTensors>(checkpoint, architecture, core::Bytes {1 << 20}));
        graph.emplace(std::move(architecture));
        return core::success();
    }
};

at::Tensor golden(const core::SafetensorsFile& file, const std::string& name)
{
    const core::SafetensorsEntry* entry = file.find(name);
    if (!entry)
        return {};
    if (entry->type == core::ElementType::I32) {
        at::Tensor tensor = at::empty(entry->shape, at::kInt);
        std::memcpy(tensor.mutable_data_ptr(), entry->data.data(), entry->data.size());
        return tensor.to(at::kLong);
    }
    at::Tensor tensor = at::empty(entry->shape, at::kFloat);
    const auto read = file.readFloat32(name, {tensor.mutable_data_ptr<float>(), std::size_t(tensor.numel())});
    return read.ok() ? tensor : at::Tensor();
}

struct Run
{
    at::Tensor embedded;
    std::vector<at::Tensor> blocks;
    std::map<int, Routing> routings; ///< by block
    at::Tensor logits;
};

Run runModel(const ParityModel& model, const std::vector<std::int32_t>& ids)
{
    const c10::InferenceMode noGradients;
    Run run;
    const Hooks watch {{HookPoint::RouterExperts,
                        [&](const HookSite& site, const at::Tensor& value) {
                            const int block = site.block;
                            run.routings[block].experts = value;
                            return value;
                        }},
                       {HookPoint::RouterWeights, [&](const HookSite& site, const at::Tensor& value) {
                            const int block = site.block;
                            run.routings[block].weights = value;
                            return value;
                        }}};
    const LanguageModel& graph = *model.graph;
    at::Tensor state = graph.enter(ids, LoadedTensors::load(*model.tensors, graph.entryTensors()).value());
    run.embedded = state;
    for (int block = 0; block < graph.view().blocks; ++block) {
        const LoadedTensors tensors = LoadedTensors::load(*model.tensors, graph.blockTensors(block)).value();
        const auto pass = graph.begin(block, 0, state, tensors, watch);
        int steps = 0;
        for (; !pass->inputs().empty(); ++steps)
            pass->advance(tensors);
        if (steps != graph.steps(block))
            qFatal("block %d stops %d times, not %d", block, steps, graph.steps(block));
        state = pass->output();
        run.blocks.push_back(state);
    }
    run.logits = graph.logits(state, LoadedTensors::load(*model.tensors, graph.headTensors()).value());
    return run;
}

double meanNll(const at::Tensor& logits, const std::vector<std::int32_t>& ids)
{
    const auto later = static_cast<std::int64_t>(ids.size()) - 1;
    const at::Tensor targets = at::tensor(at::ArrayRef<std::int32_t>(ids), at::kLong).narrow(0, 1, later);
    return negativeLogLikelihood(logits.narrow(0, 0, later), targets).mean().item<double>();
}

double largest(const at::Tensor& found, const at::Tensor& expected)
{
    return (found - expected).abs().max().item<double>();
}

} // namespace

class TstMixtureParity : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void initTestCase() { at::set_num_threads(1); } // the models are too small for more

    void agreesWithTransformers_data()
    {
        QTest::addColumn<QString>("model");
        QTest::addColumn<QByteArray>("config");
        const auto rows = [](const fs::path& models, std::initializer_list<const char*> names) {
            for (const char* name : names) {
                for (const char* config : {"config.json", "config_new_spelling.json"}) {
                    if (fs::exists(models / name / config))
                        QTest::addRow("%s, %s", name, config)
                            << QString::fromStdString((models / name).string()) << QByteArray(config);
                }
            }
        };
        rows(kModels,
             {"mixtral", "qwen2_moe", "qwen3_moe", "olmoe", "granitemoe", "gpt_oss", "deepseek_v2", "deepseek_v3"});
        rows(kVariants, {"deepseek_v2_normalised", "deepseek_v3_frequency", "gpt_oss_mxfp4", "granitemoeshared",
                         "llama4", "llama4_text", "phimoe", "qwen2_moe_window", "qwen3_moe_window"});
    }
    void agreesWithTransformers()
    {
        QFETCH(QString, model);
        QFETCH(QByteArray, config);
        const fs::path folder = model.toStdString();
        ParityModel loaded;
        const core::Status opened = loaded.open(folder, config.toStdString());
        QVERIFY2(opened.ok(), opened.ok() ? "" : opened.error().sentence().c_str());
        const auto file = core::SafetensorsFile::open(folder / "golden.safetensors");
        QVERIFY2(file.ok(), file.ok() ? "" : file.error().sentence().c_str());
        const core::Json expected = core::Json::parse(core::readTextFile(folder / "golden.json").value());
        const core::Json& tolerance = expected.at("tolerance");
        const auto sequences = expected.at("sequences").get<std::vector<std::vector<std::int32_t>>>();
        for (std::size_t i = 0; i < sequences.size(); ++i) {
            const std::string index = std::to_string(i);
            const Run run = runModel(loaded, sequences[i]);
            int routers = 0;
            double worstWeight = 0;
            for (std::size_t block = 0; block < run.blocks.size(); ++block) {
                const std::string router = "router_" + index + "_layer_" + std::to_string(block);
                const at::Tensor experts = golden(file.value(), router + "_index");
                QCOMPARE(run.routings.contains(int(block)), experts.defined());
                if (!experts.defined())
                    continue;
                ++routers;
                QVERIFY2(at::equal(run.routings.at(int(block)).experts, experts), router.c_str());
                worstWeight = std::max(worstWeight, largest(run.routings.at(int(block)).weights,
                                                            golden(file.value(), router + "_weight")));
            }
            QVERIFY(routers > 0);
            QVERIFY(worstWeight <= tolerance.at("router_weight_abs").get<double>());

            const at::Tensor logits = golden(file.value(), "logits_" + index);
            const double allowed = tolerance.at("logits_abs").at(i).get<double>();
            const double worstLogit = largest(run.logits, logits);
            const double nll = meanNll(run.logits, sequences[i]);
            const double nllError = std::fabs(nll - expected.at("mean_nll").at(i).get<double>());
            double worstHidden = 0;
            for (std::size_t block = 0; i == 0 && block < run.blocks.size(); ++block) {
                const at::Tensor hidden = golden(file.value(), "hidden_0_block_" + std::to_string(block));
                worstHidden =
                    std::max(worstHidden, largest(run.blocks[block], hidden) / hidden.abs().max().item<double>());
            }
            qInfo("%-12s sequence %zu: logits %.2e (%.3f of the tolerance), hidden %.2e of the largest, "
                  "router weights %.2e, mean NLL %.2e",
                  folder.filename().c_str(), i, worstLogit, worstLogit / allowed, worstHidden, worstWeight, nllError);
            QVERIFY(worstLogit <= allowed);
            QVERIFY(worstHidden <= tolerance.at("hidden_rel_to_max").get<double>());
            QVERIFY(nllError <= tolerance.at("mean_nll_abs").get<double>());
            if (i == 0)
                QVERIFY(largest(run.embedded, golden(file.value(), "hidden_0_embed")) <= 1e-6);
        }
    }
};

QTEST_GUILESS_MAIN(TstMixtureParity)
#include "tst_mixture_parity.moc"
