// SPDX-License-Identifier: Apache-2.0
// What pruning, low-rank and compensation methods refuse before any work, and in which words.
#include "tests/plugins/stage_under_test.h"

#include <QtTest>

using namespace paretoscope;

class TstMethodRefusals : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void refusedBeforeAnyWork_data()
    {
        QTest::addColumn<QString>("plugin");
        QTest::addColumn<QString>("parameters");
        QTest::addColumn<QString>("message");
        const auto row = [](const char* name, const char* plugin, const char* parameters, const char* message) {
            QTest::addRow("%s: %s", plugin, name)
                << QString::fromLatin1(plugin) << QString::fromLatin1(parameters) << QString::fromLatin1(message);
        };
        for (const char* plugin : {"magnitude", "wanda", "sparsegpt"}) {
            row("indivisible", plugin, R"({"pattern": "4:8"})",
                "model.layers.0.linear1: its 100 inputs do not divide into groups of 8, which the pattern 4:8 needs");
            row("nothing left", plugin, R"({"pattern": "4:8", "skip_indivisible": true, "include": "*linear1"})",
                "the pattern 4:8 divides the inputs of no selected layer");
            row("all of it", plugin, R"({"sparsity": 1})", "sparsity");
            row("no such pattern", plugin, R"({"pattern": "5:4"})", "pattern");
            row("no such layer", plugin, R"({"include": "*.experts.*"})", "matches no weight of this model");
        }
        row("channels of a row", "magnitude", R"({"pattern": "channel", "scope": "row"})",
            "scope row: the pattern channel compares the rows of a layer with each other");
        row("groups of the model", "magnitude", R"({"pattern": "2:4", "scope": "global"})",
            "scope global: the pattern 2:4 compares within groups of 4 weights");
        row("groups across blocks", "sparsegpt", R"({"pattern": "4:8", "block_size": 100, "skip_indivisible": true})",
            "block_size 100 does not divide into the groups of the pattern 4:8");
        row("rank above the smaller side", "eora", R"({"rank": 49})",
            "model.layers.0.linear0: rank 49 is above the smaller side of its 48 x 64 weight");
        row("rank 0", "eora", R"({"rank": 0})", "rank");
        for (const char* plugin : {"svd", "asvd", "svd_llm"}) {
            row("no rank left", plugin, R"({"ratio": 0.01})",
                "model.layers.0.linear0: ratio 0.01 leaves its 48 x 64 weight no rank");
            row("rank above the smaller side", plugin, R"({"ranks": "*linear0=49"})",
                "model.layers.0.linear0: rank 49 is above the smaller side of its 48 x 64 weight");
            row("not a rank", plugin, R"({"ranks": "*linear0"})", "\"*linear0\" is not of the form PATTERN=RANK");
            row("rank 0", plugin, R"({"ranks": "*linear0=0"})", "\"*linear0=0\" is not of the form PATTERN=RANK");
            row("rank of no layer", plugin, R"({"ranks": "*.k_proj=4"})",
                "\"*.k_proj\" matches no weight of this model");
            row("more than all", plugin, R"({"ratio": 1.2})", "ratio");
        }
    }
    void refusedBeforeAnyWork()
    {
        QFETCH(QString, plugin);
        QFETCH(QString, parameters);
        QFETCH(QString, message);
        engine::PluginHost host({PARETOSCOPE_BUILD_TREE "/lib/paretoscope/plugins"});
        const core::Status refused = validate(host, plugin.toStdString(), core::Json::parse(parameters.toStdString()));
        QVERIFY(!refused.ok());
        QCOMPARE(refused.error().code, core::ErrorCode::InvalidArgument);
        QVERIFY2(refused.error().message.find(message.toStdString()) != std::string::npos,
                 refused.error().message.c_str());
        QVERIFY2(!refused.error().hint.empty(), refused.error().message.c_str());
    }

    void defaultsAreAccepted_data()
    {
        QTest::addColumn<QString>("plugin");
        for (const char* plugin : {"magnitude", "wanda", "sparsegpt", "eora", "slim", "svd", "asvd", "svd_llm"})
            QTest::addRow("%s", plugin) << QString::fromLatin1(plugin);
    }
    void defaultsAreAccepted()
    {
        QFETCH(QString, plugin);
        engine::PluginHost host({PARETOSCOPE_BUILD_TREE "/lib/paretoscope/plugins"});
        const core::Status accepted = validate(host, plugin.toStdString(), core::Json::object());
        QVERIFY2(accepted.ok(), accepted.ok() ? "" : accepted.error().sentence().c_str());
    }

private:
    static core::Status validate(engine::PluginHost& host, const std::string& plugin, const core::Json& parameters)
    {
        PSC_ASSIGN(const auto stage, tests::makeStage(host, plugin, parameters));
        return stage->validate(tests::viewOf({{48, 64}, {48, 100}}));
    }
};

QTEST_GUILESS_MAIN(TstMethodRefusals)
#include "tst_method_refusals.moc"
