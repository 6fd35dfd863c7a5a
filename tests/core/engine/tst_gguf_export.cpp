// SPDX-License-Identifier: Apache-2.0
// Models of trials as GGUF files: what is read back is what the trial evaluated, and what no stage touched stays as it
// is.
#include "core/checkpoint/checkpoint.h"
#include "core/checkpoint/gguf_file.h"
#include "core/tokenizer/tokenizer.h"
#include "trial_fixture.h"

#include <QTemporaryDir>
#include <QtTest>

#include <set>

using namespace paretoscope;

namespace {

/// A tiny llama with a tensor of nearly every type, and a tokenizer.
const std::string kGguf = PARETOSCOPE_TEST_DATA "/parity/formats/gguf_llama/model.gguf";

/// The only trial of a sweep over `model`, made into a GGUF file in `folder`.
core::Result<core::Json> exported(const std::string& model, const std::string& pipeline, const core::Json& parameters,
                                  const std::filesystem::path& folder)
{
    const std::string text = "paretoscope: 1\nworkload:\n  kind: causal-lm\n  model: " + model +
                             "\n  calibration: {corpus: demo/corpora/train_excerpt.raw.txt, samples: 4, length: 64}\n"
                             "  evaluate:\n    - perplexity: {corpus: demo/corpora/wiki.test.tokens, length: 64, "
                             "windows: 1}\npipelines:\n  - " +
                             pipeline + "\n";
    PSC_ASSIGN(const core::Sweep sweep, core::parseSweep(text, kResources / "test.yaml", catalogue()));
    PSC_ASSIGN(const core::WorkloadIdentity identity, core::identifySweep(sweep));
    const core::PlannedTrial trial = core::planTrials(sweep, identity).front();
    std::filesystem::create_directories(folder);
    engine::TrialRunner runner(optionsFor());
    Observer observer;
    return runner.exportModel(
        {{trial.id, sweep.workload, identity, trial.pipeline, trial.seed, {}}, "gguf", parameters, folder}, observer);
}

std::set<std::string> typesIn(const core::GgufFile& file, const std::string& part)
{
    std::set<std::string> types;
    for (const core::GgufTensor& tensor : file.tensors()) {
        if (tensor.name.find(part) != std::string::npos)
            types.emplace(tensor.type.name);
    }
    return types;
}

bool sameBytes(std::span<const std::byte> a, std::span<const std::byte> b)
{
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

} // namespace

class TstGgufExport : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void init() { m_folder = std::make_unique<QTemporaryDir>(); }

    void whatIsReadBackIsWhatWasEvaluated_data()
    {
        QTest::addColumn<QString>("model");
        QTest::addColumn<QString>("pipeline");
        QTest::addColumn<QString>("parameters");
        QTest::addColumn<QString>("part"); // of the names of weights
        QTest::addColumn<QString>("type"); // theirs
        QTest::addColumn<double>("divergence");
        const auto row = [](const char* tag, const char* model, const char* pipeline, const char* parameters,
                            const char* part, const char* type, double divergence = 0) {
            QTest::addRow("%s", tag) << model << pipeline << parameters << part << type << divergence;
        };
        const char* gguf = "gguf";
        const char* llama = "models/tiny-llama";
        const char* mixture = "models/tiny-qwen3-moe";
        row("unchanged", gguf, "[]", "{}", "attn_q.weight", "Q4_0");
        row("symmetric", gguf, "[rtn: {bits: 4, group_size: 32, symmetric: true}]", "{}", "ffn_down.weight", "Q4_0");
        row("rotary rows", gguf, "[rtn: {bits: 3, group_size: 32, symmetric: true, include: ['*.q_proj', '*.k_proj']}]",
            "{}", "attn_k.weight", "Q4_0");
        row("asymmetric", gguf, "[rtn: {bits: 4, group_size: 64}]", "{}", "attn_v.weight", "Q8_0");
        row("rounded minimum", gguf, "[rtn: {bits: 4, group_size: 32}]", R"({"round_minimum": true})", "attn_v.weight",
            "Q4_1", 1e-5);
        row("calibrated", gguf, "[gptq: {bits: 4, group_size: 32, symmetric: true}]", "{}", "ffn_up.weight", "Q4_0");
        row("no block holds it", gguf, "[rtn: {bits: 4, group_size: 48}]", R"({"type": "float32"})", "ffn_up.weight",
            "F32");
        row("in 16 bit", gguf, "[rtn: {bits: 4, group_size: 48}]", R"({"type": "float16"})", "ffn_up.weight", "F16",
            1e-5);
        row("folder", llama, "[]", R"({"weights_only": true})", "ffn_up.weight", "BF16");
        row("folder, rotary rows", llama, "[rtn: {bits: 4, group_size: 32, symmetric: true}]",
            R"({"weights_only": true})", "attn_q.weight", "Q4_0");
        row("experts in one tensor", mixture, "[rtn: {bits: 4, group_size: 32, symmetric: true}]",
            R"({"weights_only": true})", "ffn_down_exps.weight", "Q4_0");
        row("experts in 16 bit", mixture, "[]", R"({"weights_only": true})", "ffn_gate_exps.weight", "BF16");
        row("router stays whole", mixture, "[]", R"({"weights_only": true})", "ffn_gate_inp.weight", "F32");
    }
    void whatIsReadBackIsWhatWasEvaluated()
    {
        QFETCH(QString, model);
        QFETCH(QString, pipeline);
        QFETCH(QString, parameters);
        QFETCH(QString, part);
        QFETCH(QString, type);
        QFETCH(double, divergence);
        const auto document = exported(model == u"gguf" ? kGguf : model.toStdString(), pipeline.toStdString(),
                                       core::Json::parse(parameters.toStdString()), folder());
        QVERIFY2(document.ok(), document.ok() ? "" : document.error().sentence().c_str());
        const core::Json& test = document.value().at("self_test");
        if (divergence == 0)
            QCOMPARE(test.at("largest_logit_difference").get<double>(), 0.0);
        QVERIFY2(test.at("kl_divergence").get<double>() <= divergence, test.dump().c_str());
        const auto written = core::GgufFile::open(folder() / "model.gguf");
        QVERIFY2(written.ok(), written.ok() ? "" : written.error().sentence().c_str());
        QCOMPARE(typesIn(written.value(), part.toStdString()), std::set<std::string> {type.toStdString()});
        QCOMPARE(typesIn(written.value(), "_norm.weight"), std::set<std::string> {"F32"});
    }

    void whatNoStageTouchedIsCopied()
    {
        const auto document = exported(kGguf, "[rtn: {bits: 4, group_size: 32, symmetric: true, include: ['*.mlp.*']}]",
                                       core::Json::object(), folder());
        QVERIFY2(document.ok(), document.ok() ? "" : document.error().sentence().c_str());
        const auto before = core::GgufFile::open(kGguf);
        const auto after = core::GgufFile::open(folder() / "model.gguf");
        QVERIFY(before.ok() && after.ok());
        QCOMPARE(before.value().tensors().size(), after.value().tensors().size());
        for (const core::GgufTensor& tensor : before.value().tensors()) {
            const core::GgufTensor* copy = after.value().find(tensor.name);
            QVERIFY2(copy, tensor.name.c_str());
            const bool isQuantised =
                tensor.name.find(".ffn_") != std::string::npos && !tensor.name.ends_with("norm.weight");
            QCOMPARE(sameBytes(copy->data, tensor.data), !isQuantised);
        }
        for (const std::string& key : before.value().metadata().keys()) {
            const core::GgufValue* copy = after.value().metadata().find(key);
            QVERIFY2(copy, key.c_str());
            if (key != "general.file_type")
                QVERIFY2(sameBytes(copy->encoded, before.value().metadata().find(key)->encoded), key.c_str());
        }
        const auto here = core::Tokenizer::load(folder() / "model.gguf");
        QVERIFY2(here.ok(), here.ok() ? "" : here.error().sentence().c_str());
        QCOMPARE(here.value().digest().hex(), core::Tokenizer::load(kGguf).value().digest().hex());
        QVERIFY(document.value().at("warnings").empty());
    }

    void whatCannotBeHeldIsRefusedBeforeWriting_data()
    {
        QTest::addColumn<QString>("model");
        QTest::addColumn<QString>("pipeline");
        QTest::addColumn<QString>("parameters");
        QTest::addColumn<QString>("says");
        QTest::addRow("no tokenizer") << "models/tiny-llama"
                                      << "[]"
                                      << "{}"
                                      << "weights_only=true";
        QTest::addRow("groups") << QString::fromStdString(kGguf) << "[rtn: {bits: 4, group_size: 48}]"
                                << "{}"
                                << "model.layers.0.self_attn.q_proj.weight";
        QTest::addRow("codes") << QString::fromStdString(kGguf) << "[rtn: {bits: 8, group_size: 32}]"
                               << "{}"
                               << "none of Q4_0, Q4_1 and Q8_0";
        QTest::addRow("type") << QString::fromStdString(kGguf) << "[]"
                              << R"({"type": "q4_k"})"
                              << "float16";
    }
    void whatCannotBeHeldIsRefusedBeforeWriting()
    {
        QFETCH(QString, model);
        QFETCH(QString, pipeline);
        QFETCH(QString, parameters);
        QFETCH(QString, says);
        const auto document = exported(model.toStdString(), pipeline.toStdString(),
                                       core::Json::parse(parameters.toStdString()), folder());
        QVERIFY(!document.ok());
        const std::string sentence = document.error().sentence();
        QVERIFY2(QString::fromStdString(sentence).contains(says), sentence.c_str());
        QVERIFY(std::filesystem::is_empty(folder()));
    }

private:
    std::filesystem::path folder() const { return std::filesystem::path(m_folder->path().toStdString()) / "out"; }

    std::unique_ptr<QTemporaryDir> m_folder;
};

QTEST_GUILESS_MAIN(TstGgufExport)
#include "tst_gguf_export.moc"
