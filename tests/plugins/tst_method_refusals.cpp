// SPDX-License-Identifier: Apache-2.0
// What methods refuse before any work, and in which words.
#include "tests/plugins/stage_under_test.h"

#include <QtTest>

#include <algorithm>
#include <cmath>

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
        }
        for (const core::PluginManifest& manifest : methods())
            row("no such layer", manifest.alias().c_str(), R"({"include": "*.experts.*"})",
                "matches no weight of this model");
        row("no norm", "smoothquant", "{}", "no norm is read by selected layers alone");
        row("indivisible", "aqlm", R"({"exclude": "*linear0", "group_size": 16})",
            "model.layers.0.linear1: its 100 inputs are no multiple of group_size 16");
        row("outliers of tensors", "int8", R"({"outlier_threshold": 6, "activations": "tensor"})",
            "outlier_threshold takes columns out of what is quantised per token");
        row("zero points of tensors", "int8", R"({"activation_symmetric": false, "activations": "tensor"})",
            "activations: tensor stores one magnitude");
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
        for (const core::PluginManifest& manifest : methods()) {
            if (manifest.alias() != "smoothquant") // needs norms
                QTest::addRow("%s", manifest.alias().c_str()) << QString::fromStdString(manifest.alias());
        }
    }
    void defaultsAreAccepted()
    {
        QFETCH(QString, plugin);
        engine::PluginHost host({PARETOSCOPE_BUILD_TREE "/lib/paretoscope/plugins"});
        const core::Status accepted =
            validate(host, plugin.toStdString(), core::Json::object(), tests::viewOf({{48, 64}, {48, 96}}));
        QVERIFY2(accepted.ok(), accepted.ok() ? "" : accepted.error().sentence().c_str());
    }

    void columnsThatDoNotFitAnOutlierAreRefused()
    {
        engine::PluginHost host({PARETOSCOPE_BUILD_TREE "/lib/paretoscope/plugins"});
        QVERIFY(validate(host, "spqr", core::Json::object(), tests::viewOf({{1, 65536}})).ok());
        const core::Status refused = validate(host, "spqr", core::Json::object(), tests::viewOf({{1, 65537}}));
        QVERIFY(!refused.ok());
        QCOMPARE(refused.error().message, std::string("model.layers.0.linear0: has 65537 inputs, and SpQR stores the "
                                                      "column of an outlier in 16 bits"));
        QVERIFY(!refused.error().hint.empty());
    }

    void sortingThatTakesTooLongIsRefused()
    {
        const std::pair<std::int64_t, std::int64_t> layer {48, 64};
        engine::ModelView view = tests::viewOf({layer, layer, layer, layer, layer, layer, layer, layer, layer, layer,
                                                layer, layer, layer, layer, layer, layer});
        engine::PluginHost host({PARETOSCOPE_BUILD_TREE "/lib/paretoscope/plugins"});
        const core::Json sorted {{"sort", "perplexity"}, {"blocks", 64}};
        const core::Status refused = validate(host, "bitstack", sorted, view);
        QVERIFY(!refused.ok());
        QCOMPARE(
            refused.error().message,
            std::string("sorting 64 blocks of 16 layers by perplexity takes 1008 evaluations of the model, of which "
                        "1000 are allowed"));
        QVERIFY(!refused.error().hint.empty());
        view.units.pop_back();
        QVERIFY(validate(host, "bitstack", sorted, view).ok());
    }

    void parametersOutOfRange_data()
    {
        QTest::addColumn<QString>("plugin");
        QTest::addColumn<QString>("parameter");
        QTest::addColumn<QString>("value"); // JSON
        for (const core::PluginManifest& manifest : methods()) {
            for (const core::ParameterSpec& parameter : manifest.parameters) {
                for (const core::Json& value : wrongValues(parameter))
                    QTest::addRow("%s: %s = %s", manifest.alias().c_str(), parameter.name.c_str(), value.dump().c_str())
                        << QString::fromStdString(manifest.alias()) << QString::fromStdString(parameter.name)
                        << QString::fromStdString(value.dump());
            }
        }
    }
    void parametersOutOfRange()
    {
        QFETCH(QString, plugin);
        QFETCH(QString, parameter);
        QFETCH(QString, value);
        engine::PluginHost host({PARETOSCOPE_BUILD_TREE "/lib/paretoscope/plugins"});
        const core::Json given {{parameter.toStdString(), core::Json::parse(value.toStdString())}};
        const core::Status refused = validate(host, plugin.toStdString(), given);
        QVERIFY(!refused.ok());
        QCOMPARE(refused.error().code, core::ErrorCode::InvalidArgument);
        const std::string expected = '/' + plugin.toStdString() + ": " + parameter.toStdString() + " is ";
        QVERIFY2(refused.error().message.find(expected) != std::string::npos, refused.error().message.c_str());
        QVERIFY2(!refused.error().hint.empty(), refused.error().message.c_str());
    }

    void everyNumberHasARange()
    {
        for (const core::PluginManifest& manifest : methods()) {
            for (const core::ParameterSpec& parameter : manifest.parameters) {
                const bool isNumber =
                    parameter.type == core::ParameterType::Integer || parameter.type == core::ParameterType::Number;
                QVERIFY2(!isNumber || !parameter.allowed.empty() || (parameter.minimum && parameter.maximum),
                         (manifest.id + ": " + parameter.name).c_str());
            }
        }
    }

private:
    static std::vector<core::PluginManifest> methods()
    {
        std::vector<core::PluginManifest> stages;
        const auto catalogue = core::PluginCatalogue::scan({PARETOSCOPE_BUILD_TREE "/lib/paretoscope/plugins"});
        std::copy_if(catalogue.all().begin(), catalogue.all().end(), std::back_inserter(stages),
                     [](const core::PluginManifest& manifest) {
                         return manifest.kind == core::PluginKind::Stage && !manifest.id.starts_with("bridge/");
                     });
        return stages;
    }

    /// Just outside of the range, and of another type.
    static std::vector<core::Json> wrongValues(const core::ParameterSpec& parameter)
    {
        std::vector<core::Json> wrong {nullptr, core::Json::object()};
        const auto addNumber = [&](double value) {
            const core::Json number = value == std::trunc(value) ? core::Json(std::int64_t(value)) : core::Json(value);
            if (std::find(parameter.special.begin(), parameter.special.end(), number) == parameter.special.end())
                wrong.push_back(number);
        };
        if (parameter.type == core::ParameterType::Integer || parameter.type == core::ParameterType::Number) {
            wrong.push_back("many");
            wrong.push_back(true);
        }
        if (parameter.type == core::ParameterType::Integer)
            wrong.push_back(2.5);
        if (parameter.type == core::ParameterType::Boolean || parameter.type == core::ParameterType::Choice ||
            parameter.type == core::ParameterType::Text)
            wrong.push_back(2);
        if (!parameter.allowed.empty())
            wrong.push_back("another");
        const double step = parameter.type == core::ParameterType::Integer ? 1 : 0.5;
        if (parameter.minimum)
            addNumber(parameter.minimumExcluded ? *parameter.minimum : *parameter.minimum - step);
        if (parameter.maximum)
            addNumber(*parameter.maximum + step);
        return wrong;
    }

    static core::Status validate(engine::PluginHost& host, const std::string& plugin, const core::Json& parameters,
                                 const engine::ModelView& view = tests::viewOf({{48, 64}, {48, 100}}))
    {
        PSC_ASSIGN(const auto stage, tests::makeStage(host, plugin, parameters));
        return stage->validate(view);
    }
};

QTEST_GUILESS_MAIN(TstMethodRefusals)
#include "tst_method_refusals.moc"
