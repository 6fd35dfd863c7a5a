// SPDX-License-Identifier: Apache-2.0
// Logits and hidden states against Hugging Face transformers (tests/data/parity/README.md).
#include "core/base/mapped_file.h"
#include "core/checkpoint/safetensors_file.h"
#include "core/engine/layout/dense_tensor.h"
#include "core/engine/model/language_model.h"
#include "core/engine/model/model_tensors.h"

#include <QtTest>

#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>

#include <cmath>

using namespace paretoscope;
using namespace paretoscope::engine;

namespace {

const std::filesystem::path kParity = PARETOSCOPE_TEST_DATA "/parity/models";
/// Variants that the parity models do not have (tests/data/families/README.md).
const std::filesystem::path kVariants = PARETOSCOPE_TEST_DATA "/families";
const std::filesystem::path kArchitectures = PARETOSCOPE_RESOURCES "/architectures";

struct Loaded
{
    LanguageModel graph;
    ModelTensors tensors;
    std::vector<std::string> unread; ///< tensors of the file that the graph does not use
};

core::Result<Loaded> loadModel(const std::filesystem::path& folder)
{
    PSC_ASSIGN(std::unique_ptr<core::Checkpoint> opened, core::openCheckpoint(folder));
    PSC_ASSIGN(core::Architecture architecture, core::describeArchitecture(*opened, kArchitectures));
    PSC_TRY(core::requireSupported(architecture, *opened));
    const std::shared_ptr<const core::Checkpoint> checkpoint = std::move(opened);
    ModelTensors tensors(std::make_shared<CheckpointTensors>(checkpoint, architecture, core::Bytes {1 << 20}));
    std::vector<std::string> unread = core::compareTensors(architecture, *checkpoint).unknown;
    return Loaded {LanguageModel(std::move(architecture)), std::move(tensors), std::move(unread)};
}

at::Tensor golden(const core::SafetensorsFile& file, const std::string& name)
{
    const core::SafetensorsEntry* info = file.find(name);
    if (!info)
        return {};
    at::Tensor tensor = at::empty(info->shape, at::kFloat);
    const auto read = file.readFloat32(name, {tensor.mutable_data_ptr<float>(), std::size_t(tensor.numel())});
    return read.ok() ? tensor : at::Tensor();
}

/// Largest difference as a share of what is allowed.
double shareOf(const at::Tensor& found, const at::Tensor& expected, double allowed)
{
    return (found - expected).abs().max().item<double>() / allowed;
}

struct Run
{
    at::Tensor embedded;
    std::vector<at::Tensor> blocks;
    at::Tensor logits;
};

Run runModel(const Loaded& model, const std::vector<std::int32_t>& ids)
{
    const c10::InferenceMode noGradients;
    const Hooks none;
    Run run;
    at::Tensor state = model.graph.enter(ids, LoadedTensors::load(model.tensors, model.graph.entryTensors()).value());
    run.embedded = state;
    for (int block = 0; block < model.graph.view().blocks; ++block) {
        const LoadedTensors tensors = LoadedTensors::load(model.tensors, model.graph.blockTensors(block)).value();
        const auto pass = model.graph.begin(block, 0, state, tensors, none);
        while (!pass->inputs().empty())
            pass->advance(tensors);
        state = pass->output();
        run.blocks.push_back(state);
    }
    run.logits = model.graph.logits(state, LoadedTensors::load(model.tensors, model.graph.headTensors()).value());
    return run;
}

void replace(ModelTensors& tensors, const std::string& name, const at::Tensor& value)
{
    tensors.replace(name, std::make_shared<DenseTensor>(value, core::ElementType::F32));
}

/// Divides the producer's channels by factors between 1/2 and 2 and multiplies the columns of the consumers.
void fold(ModelTensors& tensors, const ModelView& view, const FoldGroup& group)
{
    const std::int64_t channels = view.units[group.consumers.front()].inFeatures;
    const at::Tensor factor = at::pow(2.0, at::sin(at::arange(channels, at::kFloat)));
    const auto divided = [&](const at::Tensor& value, double offset) {
        at::Tensor result = value.clone();
        const at::Tensor rows = group.producerRows.empty() ? at::arange(value.size(0), at::kLong)
                                                           : at::tensor(group.producerRows, at::kLong);
        const at::Tensor factors = value.dim() == 2 ? factor.unsqueeze(1) : factor;
        return result.index_copy_(0, rows, (value.index_select(0, rows) + offset) / factors - offset);
    };
    replace(tensors, group.producer, divided(tensors.read(group.producer).value(), group.producerOffset));
    if (!group.producerBias.empty())
        replace(tensors, group.producerBias, divided(tensors.read(group.producerBias).value(), 0));
    for (const std::size_t consumer : group.consumers) {
        const std::string& weight = view.units[consumer].tensor;
        replace(tensors, weight, tensors.read(weight).value() * factor);
    }
}

/// Mean over the predicted tokens, in float64.
double meanNll(const at::Tensor& logits, const std::vector<std::int32_t>& ids)
{
    const at::Tensor logProbabilities = at::log_softmax(logits.to(at::kDouble), 1);
    double sum = 0;
    for (std::size_t t = 1; t < ids.size(); ++t)
        sum -= logProbabilities[std::int64_t(t) - 1][ids[t]].item<double>();
    return sum / double(ids.size() - 1);
}

/// Positions whose two largest logits are closer than `margin` may differ.
bool sameArgmaxWhereClear(const at::Tensor& found, const at::Tensor& expected, double margin)
{
    const at::Tensor largest = std::get<0>(expected.topk(2, 1));
    const at::Tensor isClear = (largest.select(1, 0) - largest.select(1, 1)) > margin;
    return (found.argmax(1) == expected.argmax(1)).logical_or(isClear.logical_not()).all().item<bool>();
}

/// A copy of a model of the parity data whose config.json is the file `spelling` of it.
class ModelFolder
{
public:
    ModelFolder(const std::filesystem::path& source, const std::string& spelling)
    {
        for (const auto& entry : std::filesystem::directory_iterator(source)) {
            if (entry.path().filename().string().starts_with("model"))
                std::filesystem::copy(entry.path(), path() / entry.path().filename());
        }
        std::filesystem::copy(source / spelling, path() / "config.json");
    }
    std::filesystem::path path() const { return m_folder.path().toStdString(); }

private:
    QTemporaryDir m_folder;
};

} // namespace

class TstLanguageModel : public QObject
{
    Q_OBJECT

    /// What enters block 0 and what leaves every block.
    void compareHidden(const Run& run, const core::SafetensorsFile& file, double relative)
    {
        const at::Tensor embedded = golden(file, "hidden_0_embed");
        QVERIFY(shareOf(run.embedded, embedded, relative * embedded.abs().max().item<double>()) <= 1);
        for (std::size_t block = 0; block < run.blocks.size(); ++block) {
            const at::Tensor hidden = golden(file, "hidden_0_block_" + std::to_string(block));
            QVERIFY2(hidden.defined(), "the parity data has no such block");
            const double share = shareOf(run.blocks[block], hidden, relative * hidden.abs().max().item<double>());
            QVERIFY2(share <= 1,
                     qPrintable(QStringLiteral("block %1 differs by %2 of the tolerance").arg(block).arg(share)));
        }
    }

private Q_SLOTS:
    void initTestCase() { at::set_num_threads(1); } // tiny models: threads only cost

    void agreesWithTransformers_data()
    {
        QTest::addColumn<QString>("folder");
        QTest::addColumn<QString>("spelling");
        const auto rows = [](const std::filesystem::path& models, std::initializer_list<const char*> names) {
            for (const char* name : names) {
                const auto folder = QString::fromStdString((models / name).string());
                for (const char* spelling : {"config.json", "config_new_spelling.json"}) {
                    if (QFile::exists(folder + QLatin1Char('/') + QLatin1String(spelling)))
                        QTest::addRow("%s, %s", name, spelling) << folder << QString::fromLatin1(spelling);
                }
            }
        };
        rows(kParity, {"gemma", "gemma2", "gemma3_text", "gpt2", "gpt_neox", "granite", "llama_linear", "llama_rope3",
                       "llama_rope3_new_spelling", "mistral", "opt", "phi3", "qwen2", "qwen3"});
        rows(kVariants, {"gemma3_linear", "gpt2_prefixed", "gpt2_scaled", "gpt_neox_sequential", "llama_biased",
                         "llama_dynamic", "opt_post_norm", "phi3_longrope", "qwen2_yarn"});
    }
    void agreesWithTransformers()
    {
        QFETCH(QString, folder);
        QFETCH(QString, spelling);
        const std::filesystem::path source = folder.toStdString();
        const ModelFolder copy(source, spelling.toStdString());
        const auto loaded = loadModel(copy.path());
        QVERIFY2(loaded.ok(), loaded.ok() ? "" : loaded.error().sentence().c_str());
        QCOMPARE(loaded.value().unread, std::vector<std::string>());
        const auto file = core::SafetensorsFile::open(source / "golden.safetensors");
        QVERIFY2(file.ok(), file.ok() ? "" : file.error().sentence().c_str());
        const auto text = core::readTextFile(source / "golden.json");
        const core::Json expected = core::Json::parse(text.value());
        const auto sequences = expected.at("sequences").get<std::vector<std::vector<std::int32_t>>>();
        QVERIFY(!sequences.empty());
        for (std::size_t i = 0; i < sequences.size(); ++i) {
            const Run run = runModel(loaded.value(), sequences[i]);
            const at::Tensor logits = golden(file.value(), "logits_" + std::to_string(i));
            const double tolerance = expected.at("tolerance").at("logits_abs").at(i).get<double>();
            const double share = shareOf(run.logits, logits, tolerance);
            const double nll =
                std::fabs(meanNll(run.logits, sequences[i]) - expected.at("mean_nll").at(i).get<double>());
            qInfo("sequence %zu: logits differ by %.3f of the tolerance, mean NLL by %.1e", i, share, nll);
            QVERIFY(share <= 1);
            QVERIFY(nll <= expected.at("tolerance").at("mean_nll_abs").get<double>());
            QVERIFY(sameArgmaxWhereClear(run.logits, logits, 2 * tolerance));
            if (i == 0)
                compareHidden(run, file.value(), expected.at("tolerance").at("hidden_rel_to_max").get<double>());
        }
    }

    void viewNamesEveryLinearOnce()
    {
        const auto loaded = loadModel(PARETOSCOPE_RESOURCES "/models/tiny-llama");
        QVERIFY2(loaded.ok(), loaded.ok() ? "" : loaded.error().sentence().c_str());
        const ModelView& view = loaded.value().graph.view();
        QCOMPARE(view.blocks, 4);
        QCOMPARE(view.units.size(), std::size_t(4 * 7));
        QCOMPARE(view.units[0].module, std::string("model.layers.0.self_attn.q_proj"));
        QCOMPARE(view.units[0].input, view.units[2].input); // q and v read the same
        QCOMPARE(view.units[6].role, std::string("mlp.down"));
        // Heads share keys and values, so value -> output is no fold group.
        QCOMPARE(view.foldGroups.size(), std::size_t(4 * 3));
    }

    /// A factor moved from the producer of a fold group to its consumers leaves the function as it was.
    void foldGroupsKeepTheFunction_data()
    {
        QTest::addColumn<QString>("model");
        QTest::addColumn<int>("groups"); // per block
        const auto row = [](const char* name, int groups) {
            QTest::addRow("%s", name) << QString::fromLatin1(name) << groups;
        };
        row("gemma", 3);        // 1 + weight; heads share keys and values
        row("gemma3_text", 3);  // the norms behind the parts are no producers
        row("gpt2", 3);         // value rows of a fused, transposed weight; GELU lets no factor pass
        row("gpt_neox", 3);     // value rows head by head
        row("opt", 4);          // ReLU lets a positive factor pass
        row("phi3", 4);         // up rows of a fused weight
        row("llama_linear", 4); // all separate
    }
    void foldGroupsKeepTheFunction()
    {
        QFETCH(QString, model);
        QFETCH(int, groups);
        const c10::InferenceMode noGradients;
        auto loaded = loadModel(kParity / model.toStdString());
        QVERIFY2(loaded.ok(), loaded.ok() ? "" : loaded.error().sentence().c_str());
        Loaded& changed = loaded.value();
        const ModelView& view = changed.graph.view();
        QCOMPARE(view.foldGroups.size(), std::size_t(groups * view.blocks));
        const std::vector<std::int32_t> ids {3, 1, 4, 1, 5, 9, 2, 6};
        const at::Tensor before = runModel(changed, ids).logits;
        for (const FoldGroup& group : view.foldGroups)
            fold(changed.tensors, view, group);
        const at::Tensor after = runModel(changed, ids).logits;
        QVERIFY(!at::equal(before, after));
        QVERIFY(shareOf(after, before, 5e-5 * before.abs().max().item<double>()) <= 1);
    }

    void learnedPositionsEnd()
    {
        const auto loaded = loadModel(kParity / "opt");
        QVERIFY(loaded.ok());
        QVERIFY(loaded.value().graph.requireLength(64).ok());
        const core::Status tooLong = loaded.value().graph.requireLength(65);
        QVERIFY(!tooLong.ok());
        QVERIFY(tooLong.error().message.find("65 tokens does not fit the 64 positions") != std::string::npos);
        QVERIFY(loadModel(kParity / "mistral").value().graph.requireLength(100000).ok());
    }

    void hooksReadAndReplace()
    {
        const auto loaded = loadModel(PARETOSCOPE_RESOURCES "/models/tiny-llama");
        QVERIFY(loaded.ok());
        const LanguageModel& graph = loaded.value().graph;
        const c10::InferenceMode noGradients;
        const LoadedTensors entry = LoadedTensors::load(loaded.value().tensors, graph.entryTensors()).value();
        const LoadedTensors tensors = LoadedTensors::load(loaded.value().tensors, graph.blockTensors(0)).value();
        const at::Tensor state = graph.enter({1, 2, 3}, entry);
        int seen = 0;
        const Hooks silence {
            {HookPoint::MlpHidden,
             [&](const HookSite&, const at::Tensor& value) {
                 ++seen;
                 return at::zeros_like(value);
             }},
            {HookPoint::AttentionOutput, [&](const HookSite&, const at::Tensor& value) { return at::zeros_like(value); }}};
        const auto pass = graph.begin(0, 0, state, tensors, silence);
        while (!pass->inputs().empty())
            pass->advance(tensors);
        QCOMPARE(seen, 1);
        QVERIFY(at::equal(pass->output(), state)); // both halves add nothing
    }
};

QTEST_GUILESS_MAIN(TstLanguageModel)
#include "tst_language_model.moc"
