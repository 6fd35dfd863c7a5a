// SPDX-License-Identifier: Apache-2.0
// The compatible modes against records of LLM-Viewer itself (tests/data/roofline/llm_viewer_cases.json).
#include "core/base/mapped_file.h"
#include "roofline/llm_viewer/cases.h"
#include "roofline/llm_viewer/graph.h"
#include "roofline/llm_viewer/number_text.h"

#include <QtTest>

#include <cmath>

using namespace paretoscope;
using namespace paretoscope::roofline::llm_viewer;

namespace {

core::Json referenceCases()
{
    const auto text = core::readTextFile(PARETOSCOPE_TEST_DATA "/roofline/llm_viewer_cases.json");
    return text.ok() ? core::Json::parse(text.value()) : core::Json();
}

/// The first place where the two differ; empty: nowhere. Numbers within 1e-12 relative, zero exactly.
QString difference(const core::Json& expected, const core::Json& found, const QString& place = QString())
{
    if (expected.is_number() && found.is_number()) {
        const double a = expected.get<double>();
        const double b = found.get<double>();
        return std::fabs(a - b) <= 1e-12 * std::fabs(a)
                   ? QString()
                   : QStringLiteral("%1: %2 is not %3").arg(place).arg(b, 0, 'g', 17).arg(a, 0, 'g', 17);
    }
    if (expected.is_object() && found.is_object()) {
        for (const auto& [key, value] : expected.items()) {
            const QString inner = place + QLatin1Char('/') + QString::fromStdString(key);
            if (!found.contains(key))
                return inner + QStringLiteral(" is missing");
            if (const QString problem = difference(value, found.at(key), inner); !problem.isEmpty())
                return problem;
        }
        return expected.size() == found.size() ? QString() : place + QStringLiteral(" has more keys");
    }
    if (expected.is_array() && found.is_array()) {
        if (expected.size() != found.size())
            return place + QStringLiteral(" has another length");
        for (std::size_t i = 0; i < expected.size(); ++i) {
            const QString inner = place + QLatin1Char('/') + QString::number(i);
            if (const QString problem = difference(expected[i], found[i], inner); !problem.isEmpty())
                return problem;
        }
        return {};
    }
    return expected == found ? QString() : place + QStringLiteral(": ") + QString::fromStdString(found.dump());
}

Model modelOf(const char* family, const char* config)
{
    auto model = readModel(family, core::Json::parse(config));
    return model.ok() ? std::move(model).value() : Model {};
}

Model llama7b()
{
    return modelOf("Llama", R"({"hidden_size": 4096, "intermediate_size": 11008, "num_attention_heads": 32,
        "num_key_value_heads": 32, "num_hidden_layers": 32, "vocab_size": 32000})");
}

const Hardware kA6000 {.bandwidth = 768e9, .fp16 = 154.8e12, .int8 = 309.7e12, .onchipBuffer = 21504e3};

} // namespace

class TstLlmViewer : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    /// Check 1.
    void reproducesEveryRecord_data()
    {
        QTest::addColumn<int>("index");
        const core::Json document = referenceCases();
        QCOMPARE(document.at("records").size(), std::size_t(15));
        int index = 0;
        for (const core::Json& record : document.at("records"))
            QTest::addRow("%s", record.at("id").get<std::string>().c_str()) << index++;
    }
    void reproducesEveryRecord()
    {
        QFETCH(int, index);
        core::Json document = referenceCases();
        const core::Json expected = document.at("records").at(std::size_t(index));
        core::Json asked = expected;
        asked.erase("results");
        document["records"] = core::Json::array({asked});
        const auto computed = computeCases(document);
        QVERIFY2(computed.ok(), computed.ok() ? "" : computed.error().sentence().c_str());
        const QString problem = difference(expected, computed.value().at("records").at(0));
        QVERIFY2(problem.isEmpty(), qPrintable(problem));
    }

    void returnsTheWholeDocument()
    {
        const core::Json document = referenceCases();
        const auto computed = computeCases(document);
        QVERIFY(computed.ok());
        const QString problem = difference(document, computed.value());
        QVERIFY2(problem.isEmpty(), qPrintable(problem));
    }

    /// Check 11.
    void chatOverwritesThePrefill()
    {
        const auto computed = computeCases(referenceCases());
        QVERIFY(computed.ok());
        const core::Json& results = computed.value().at("records").at(14).at("results");
        QCOMPARE(results.at("nodes").size(), std::size_t(35));
        QCOMPARE(results.at("edges").size(), std::size_t(42));
        QVERIFY(results.at("total_results").at("prefill") == results.at("total_results").at("chat"));
        QVERIFY(results.at("total_results").at("prefill") != results.at("total_results").at("decode"));
    }

    /// Check 7: the two states differ only where they are known to.
    void profilesAgreeWithoutGroupedHeads()
    {
        for (const bool flash : {false, true}) {
            const Setting setting {.batchSize = 3, .sequenceLength = 700, .flashAttention = flash};
            const auto older = analyse(Profile::Lv2407, llama7b(), kA6000, setting);
            const auto newer = analyse(Profile::Lv2409, llama7b(), kA6000, setting);
            QVERIFY(older.ok() && newer.ok());
            for (const auto& [name, member] : totalMembers()) {
                QCOMPARE(older.value().decode.totals.*member, newer.value().decode.totals.*member);
                QCOMPARE(older.value().prefill.totals.*member, newer.value().prefill.totals.*member);
            }
        }
    }

    void decodeOfOneTokenCountsAllQueryHeads()
    {
        const Model grouped = modelOf("Llama", R"({"hidden_size": 64, "intermediate_size": 128, "vocab_size": 10,
            "num_attention_heads": 8, "num_key_value_heads": 2, "num_hidden_layers": 1})");
        const auto analysis = analyse(Profile::Lv2409, grouped, kA6000, {.sequenceLength = 1});
        QVERIFY(analysis.ok());
        QCOMPARE(analysis.value().decode.find("qk_matmul")->loadActivation, 8.0 * 8 * 2);
        QCOMPARE(analysis.value().prefill.find("qk_matmul")->loadActivation, 2.0 * 8 * 2);
    }

    void drawsTheGraphOfEveryFamily_data()
    {
        QTest::addColumn<QByteArray>("family");
        QTest::addColumn<QByteArray>("config");
        QTest::addColumn<bool>("flash");
        QTest::addColumn<QStringList>("edges");
        const QByteArray opt = R"({"hidden_size": 64, "ffn_dim": 256, "num_attention_heads": 4,
            "num_hidden_layers": 2, "vocab_size": 100})";
        const QByteArray gptj = R"({"n_embd": 64, "num_attention_heads": 4, "num_hidden_layers": 2, "vocab_size": 9})";
        const QByteArray dit = R"({"depth": 2, "hidden_size": 64, "patch_size": 2, "num_heads": 4})";
        const QByteArray glm = R"({"hidden_size": 64, "ffn_hidden_size": 100, "num_attention_heads": 4,
            "multi_query_attention": true, "multi_query_group_num": 2, "num_layers": 2, "padded_vocab_size": 9})";
        const QStringList plain {QStringLiteral("mlp_norm>up_proj"), QStringLiteral("up_proj>mlp_act")};
        QTest::addRow("opt") << QByteArray("opt") << opt << false << plain;
        QTest::addRow("DiT") << QByteArray("DiT") << dit << false << plain;
        QTest::addRow("gpt-j") << QByteArray("gpt-j-6B") << gptj << false
                               << QStringList {QStringLiteral("input>up_proj"), QStringLiteral("sv_matmul>out_proj")};
        QTest::addRow("chatglm3") << QByteArray("chatglm3") << glm << true
                                  << QStringList {QStringLiteral("v_proj>fused_attention"),
                                                  QStringLiteral("fused_attention>out_proj"),
                                                  QStringLiteral("gate_proj>mlp_act")};
    }
    void drawsTheGraphOfEveryFamily()
    {
        QFETCH(QByteArray, family);
        QFETCH(QByteArray, config);
        QFETCH(bool, flash);
        QFETCH(QStringList, edges);
        GraphRequest request;
        request.setting = {.batchSize = 1, .sequenceLength = 16, .flashAttention = flash};
        const auto document = graphDocument(Profile::Lv2409, modelOf(family, config), kA6000, request);
        QVERIFY2(document.ok(), document.ok() ? "" : document.error().sentence().c_str());
        QStringList found;
        for (const core::Json& edge : document.value().at("edges"))
            found << QString::fromStdString(edge.at("source").get<std::string>() + ">" +
                                            edge.at("target").get<std::string>());
        for (const QString& edge : edges)
            QVERIFY2(found.contains(edge), qPrintable(edge));
        QSet<QString> ids;
        for (const core::Json& node : document.value().at("nodes"))
            ids << QString::fromStdString(node.at("id").get<std::string>());
        QVERIFY(!ids.contains(QStringLiteral("lm_head")));
        QCOMPARE(ids.contains(QStringLiteral("gate_proj")), family == "chatglm3");
        QCOMPARE(ids.contains(QStringLiteral("mlp_norm")), family != "gpt-j-6B");
    }

    void marksGroupedHeads()
    {
        const Model grouped = modelOf("Llama", R"({"hidden_size": 64, "intermediate_size": 128, "vocab_size": 10,
            "num_attention_heads": 8, "num_key_value_heads": 2, "num_hidden_layers": 1})");
        GraphRequest request;
        request.setting.sequenceLength = 8;
        const auto document = graphDocument(Profile::Lv2409, grouped, kA6000, request);
        QVERIFY(document.ok());
        int marked = 0;
        for (const core::Json& node : document.value().at("nodes"))
            marked += node.at("label").get<std::string>().find("(GQA)") != std::string::npos;
        QCOMPARE(marked, 2);
    }

    void writesNumbersAsLlmViewerDoes_data()
    {
        QTest::addColumn<double>("number");
        QTest::addColumn<QString>("text");
        const auto row = [](double number, const char* text) {
            QTest::addRow("%s", text) << number << QString::fromLatin1(text);
        };
        row(1.234e15, "1234T");
        row(1.26e12, "1.3T");
        row(1e12, "1000G");
        row(1.5e11, "150G");
        row(1.36e10, "13.6G");
        row(2.5e8, "250M");
        row(2.54e6, "2.5M");
        row(2.54e5, "254K");
        row(1001, "1.0K");
        row(1000, "1000.0");
        row(1, "1.0");
        row(0.25, "0.25");
        row(0, "0.00");
    }
    void writesNumbersAsLlmViewerDoes()
    {
        QFETCH(double, number);
        QFETCH(QString, text);
        QCOMPARE(QString::fromStdString(numberText(number)), text);
    }

    void writesTimesAsLlmViewerDoes_data()
    {
        QTest::addColumn<double>("seconds");
        QTest::addColumn<QString>("text");
        QTest::addRow("seconds") << 1.25 << QStringLiteral("1.2s");
        QTest::addRow("one second") << 1.0 << QStringLiteral("1.0s");
        QTest::addRow("milliseconds") << 0.0125 << QStringLiteral("12.5ms");
        QTest::addRow("microseconds") << 4.37e-5 << QStringLiteral("43.7us");
        QTest::addRow("nanoseconds") << 2.13e-8 << QStringLiteral("21.3ns");
        QTest::addRow("nothing") << 0.0 << QStringLiteral("0s");
    }
    void writesTimesAsLlmViewerDoes()
    {
        QFETCH(double, seconds);
        QFETCH(QString, text);
        QCOMPARE(QString::fromStdString(timeText(seconds)), text);
    }

    void writesItsCsv()
    {
        const Setting setting {.batchSize = 1, .sequenceLength = 1024};
        const auto analysis = analyse(Profile::Lv2409, llama7b(), kA6000, setting);
        QVERIFY(analysis.ok());
        const QStringList lines =
            QString::fromStdString(csvText(analysis.value().decode, "Llama-2-7b", "nvidia_A6000", setting))
                .split(QLatin1Char('\n'));
        QCOMPARE(lines.at(0), QStringLiteral("=== Llama-2-7b nvidia_A6000 w_bit=16 a_bit=16 kv_bit=16 batchsize=1 "
                                             "seqlen=1024 tp_size=1 ==="));
        QVERIFY(lines.at(1).startsWith(QLatin1String("layer_name,OPs,Access,")));
        QCOMPARE(lines.at(2),
                 QStringLiteral("q_proj,33.6M,33.6MB,1.00,768G,memory,33.6MB,8.2KB,8.2KB,0.00B,0.00B,43.7us"));
        QCOMPARE(lines.size(), 2 + 16 + 1);
    }

    void refusesNonsense_data()
    {
        QTest::addColumn<QByteArray>("patch"); // JSON merge patch on record P01
        QTest::addColumn<QByteArray>("message");
        const auto row = [](const char* tag, const char* patch, const char* message) {
            QTest::addRow("%s", tag) << QByteArray(patch) << QByteArray(message);
        };
        row("no INT8 peak", R"({"hardware": {"INT8": null}, "settings": {"w_bit": 8, "a_bit": 8, "kv_bit": 8}})",
            "hardware has no INT8 peak");
        row("batch 0", R"({"settings": {"batchsize": 0}})", "batchsize must be at least 1");
        row("sequence 0", R"({"settings": {"seqlen": 0}})", "seqlen must be at least 1");
        row("negative", R"({"settings": {"seqlen": -4}})", "seqlen must be at least 1");
        row("huge", R"({"settings": {"batchsize": 1e30}})", "batchsize must be at least 1 (and at most 2^31)");
        row("no bits", R"({"settings": {"w_bit": 0}})", "w_bit is 0");
        row("no bandwidth", R"({"hardware": {"bandwidth": 0}})", "hardware has no bandwidth");
        row("huge bandwidth", R"({"hardware": {"bandwidth": 1e30}})", "hardware has no bandwidth");
        row("parallel heads", R"({"settings": {"tp_size": 3}, "model": {"config": {"hidden_size": 6144,
            "intermediate_size": 11010}}})",
            "tp_size does not divide num_key_value_heads");
        row("parallel width", R"({"settings": {"tp_size": 64}, "model": {"config": {"intermediate_size": 11009}}})",
            "tp_size does not divide intermediate_size");
        row("parallel hidden", R"({"settings": {"tp_size": 3}})", "tp_size does not divide hidden_size");
        row("parallel in 2407", R"({"profile": "lv-2407", "settings": {"tp_size": 2}})",
            "lv-2407 has no tensor parallelism");
        row("head size", R"({"model": {"config": {"num_attention_heads": 33}}})", "the head size is not integral");
        row("family", R"({"model": {"family": "mamba"}})", "LLM-Viewer has no model family \"mamba\"");
        row("missing", R"({"model": {"config": {"vocab_size": null}}})", "vocab_size");
        row("fraction", R"({"model": {"config": {"hidden_size": 4096.5}}})", "hidden_size: 4096.5 is not an integer");
        row("profile", R"({"profile": "lv-1"})", "\"lv-1\" is no profile");
        row("kind", R"({"kind": "guess"})", "kind: \"guess\" is not analyze");
        row("fused graph of GPT-J", R"({"kind": "ui_graph", "model": {"family": "gpt-j-6B", "config": {"n_embd": 64}},
            "settings": {"stage": "decode", "batch_size": 1, "seq_length": 8, "w_quant": "FP16", "a_quant": "FP16",
            "kv_quant": "FP16", "use_flashattention": true}})",
            "GPT-J has no fused-attention graph in LLM-Viewer");
        row("quantisation", R"({"kind": "ui_graph", "settings": {"stage": "decode", "batch_size": 1, "seq_length": 8,
            "w_quant": "nf4", "a_quant": "FP16", "kv_quant": "FP16"}})",
            "w_quant: \"nf4\" is not FP16");
    }
    void refusesNonsense()
    {
        QFETCH(QByteArray, patch);
        QFETCH(QByteArray, message);
        core::Json document = referenceCases();
        core::Json record = document.at("records").at(0);
        record.merge_patch(core::Json::parse(patch.toStdString()));
        document["records"] = core::Json::array({record});
        const auto computed = computeCases(document);
        QVERIFY(computed.ok());
        const core::Json& answer = computed.value().at("records").at(0);
        QVERIFY(!answer.contains("results"));
        const std::string text = answer.at("expected_error").get<std::string>();
        QVERIFY2(text.find(message.toStdString()) != std::string::npos, text.c_str());
    }

    void refusesAnotherDocument_data()
    {
        QTest::addColumn<QByteArray>("text");
        QTest::addRow("a list") << QByteArray("[]");
        QTest::addRow("another format") << QByteArray(R"({"format": "x", "records": []})");
        QTest::addRow("no records") << QByteArray(R"({"format": "paretoscope-roofline-parity/1"})");
        QTest::addRow("a record without id")
            << QByteArray(R"({"format": "paretoscope-roofline-parity/1", "records": [{}]})");
    }
    void refusesAnotherDocument()
    {
        QFETCH(QByteArray, text);
        QVERIFY(!computeCases(core::Json::parse(text.toStdString())).ok());
    }
};

QTEST_GUILESS_MAIN(TstLlmViewer)
#include "tst_llm_viewer.moc"
