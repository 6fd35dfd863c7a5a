// SPDX-License-Identifier: Apache-2.0
#include "core/engine/stage/unit_selection.h"

#include "core/architecture/weight_module.h"
#include "core/engine/model/language_model.h"

#include <QtTest>

#include <filesystem>

using namespace paretoscope;
using namespace paretoscope::engine;

namespace {

ModelView twoBlocks()
{
    ModelView view;
    for (int block = 0; block < 2; ++block) {
        for (const char* name : {"self_attn.q_proj", "mlp.up_proj", "mlp.down_proj"}) {
            const std::string module = "model.layers." + std::to_string(block) + '.' + name;
            Unit& unit = view.units.emplace_back();
            unit.module = module;
            unit.block = block;
        }
    }
    view.units.emplace_back().module = "lm_head";
    view.blocks = 2;
    return view;
}

} // namespace

class TstUnitSelection : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void selects_data()
    {
        QTest::addColumn<QByteArray>("parameters");
        QTest::addColumn<QList<qulonglong>>("expected");
        using List = QList<qulonglong>;
        QTest::addRow("default: all linears in blocks") << QByteArray("{}") << List {0, 1, 2, 3, 4, 5};
        QTest::addRow("glob") << QByteArray(R"({"include": ["*.mlp.*"]})") << List {1, 2, 4, 5};
        QTest::addRow("question mark") << QByteArray(R"({"include": ["model.layers.?.mlp.up*"]})") << List {1, 4};
        QTest::addRow("expression") << QByteArray("{\"include\": [\"re:.*\\\\.1\\\\..*(q|down)_proj\"]}")
                                    << List {3, 5};
        QTest::addRow("exclude") << QByteArray(R"({"exclude": ["*.down_proj", "*layers.0.*"]})") << List {3, 4};
        QTest::addRow("head on request") << QByteArray(R"({"include": ["lm_head"]})") << List {6};
    }
    void selects()
    {
        QFETCH(QByteArray, parameters);
        QFETCH(QList<qulonglong>, expected);
        const auto selected = selectUnits(twoBlocks(), core::Json::parse(parameters.toStdString()));
        QVERIFY2(selected.ok(), selected.ok() ? "" : selected.error().message.c_str());
        QCOMPARE(QList<qulonglong>(selected.value().begin(), selected.value().end()), expected);
    }

    /// What the coordinator shows before a sweep is what the engine finds.
    void coordinatorKnowsTheSameModules_data()
    {
        QTest::addColumn<QString>("model");
        QTest::addRow("llama") << QStringLiteral(PARETOSCOPE_RESOURCES "/models/tiny-llama");
        QTest::addRow("mixture") << QStringLiteral(PARETOSCOPE_RESOURCES "/models/tiny-qwen3-moe");
        for (const char* folder : {PARETOSCOPE_TEST_DATA "/families", PARETOSCOPE_TEST_DATA "/parity"}) {
            for (const auto& entry : std::filesystem::directory_iterator(folder)) {
                if (std::filesystem::exists(entry.path() / "config.json"))
                    QTest::addRow("%s", entry.path().filename().c_str())
                        << QString::fromStdString(entry.path().string());
            }
        }
    }
    void coordinatorKnowsTheSameModules()
    {
        QFETCH(QString, model);
        const auto checkpoint = core::openCheckpoint(model.toStdString());
        QVERIFY2(checkpoint.ok(), checkpoint.ok() ? "" : checkpoint.error().message.c_str());
        auto architecture = core::describeArchitecture(*checkpoint.value(), PARETOSCOPE_RESOURCES "/architectures");
        QVERIFY2(architecture.ok(), architecture.ok() ? "" : architecture.error().message.c_str());
        const std::vector<core::WeightModule> modules = core::weightModules(architecture.value());
        const LanguageModel graph(std::move(architecture).value());
        const std::vector<Unit>& units = graph.view().units;
        QCOMPARE(modules.size(), units.size());
        for (std::size_t i = 0; i < units.size(); ++i) {
            QCOMPARE(modules[i].module, units[i].module);
            QCOMPARE(modules[i].byDefault, units[i].byDefault);
        }
    }

    void refuses_data()
    {
        QTest::addColumn<QByteArray>("parameters");
        QTest::addColumn<QByteArray>("part");
        QTest::addRow("pattern without a match") << QByteArray(R"({"exclude": ["*.gate"]})") << QByteArray("*.gate");
        QTest::addRow("part of a path") << QByteArray(R"({"include": ["q_proj"]})") << QByteArray("q_proj");
        QTest::addRow("bad expression") << QByteArray("{\"include\": [\"re:(\"]}") << QByteArray("regular expression");
        QTest::addRow("nothing left") << QByteArray(R"({"include": ["lm_head"], "exclude": ["lm_*"]})")
                                      << QByteArray("leave no weight");
    }
    void refuses()
    {
        QFETCH(QByteArray, parameters);
        QFETCH(QByteArray, part);
        const auto selected = selectUnits(twoBlocks(), core::Json::parse(parameters.toStdString()));
        QVERIFY(!selected.ok());
        QCOMPARE(selected.error().code, core::ErrorCode::InvalidArgument);
        QVERIFY2(QByteArray::fromStdString(selected.error().message).contains(part), selected.error().message.c_str());
        QVERIFY(!selected.error().hint.empty());
    }
};

QTEST_GUILESS_MAIN(TstUnitSelection)
#include "tst_unit_selection.moc"
