// SPDX-License-Identifier: Apache-2.0
#include "jobs/pattern_preview.h"

#include <QTemporaryDir>
#include <QtTest>

using namespace paretoscope;
using core::Json;

namespace {

constexpr auto kManifest = R"({
  "id": "fake/picky", "name": "Picky", "version": "1", "kind": "stage", "summary": "Takes weights by patterns.",
  "parameters": [
    {"name": "include", "type": "array", "items": "string", "default": [], "doc": "Which."},
    {"name": "exclude", "type": "array", "items": "string", "default": [], "doc": "Which not."}
  ]
})";

core::Sweep sweepOverTheTinyModel()
{
    core::Sweep sweep;
    sweep.workload.kind = "causal-lm";
    sweep.workload.model = PARETOSCOPE_RESOURCES "/models/tiny-llama";
    sweep.pipelines.emplace_back();
    return sweep;
}

core::Pipeline picky(const Json& parameters)
{
    core::StageSpec stage {.plugin = "fake/picky", .version = "1", .parameters = parameters, .given = parameters};
    return {{stage}};
}

} // namespace

class TstPatternPreview : public QObject
{
    Q_OBJECT

    QTemporaryDir m_folder;

private Q_SLOTS:
    void initTestCase()
    {
        QVERIFY(QDir(m_folder.path()).mkpath(QStringLiteral("fake/picky")));
        QFile manifest(m_folder.filePath(QStringLiteral("fake/picky/manifest.json")));
        QVERIFY(manifest.open(QIODevice::WriteOnly) && manifest.write(kManifest) > 0);
        qputenv("PARETOSCOPE_PLUGINS", m_folder.path().toUtf8());
    }
    void cleanupTestCase() { qunsetenv("PARETOSCOPE_PLUGINS"); }

    void selectionsAreShownOnce()
    {
        const auto preview = jobs::PatternPreview::create(sweepOverTheTinyModel().workload);
        QVERIFY2(preview.ok(), preview.ok() ? "" : preview.error().message.c_str());
        const auto found =
            preview.value().selections({{},
                                        picky(Json::object()),
                                        picky({{"include", {"*.mlp.*"}}}),
                                        picky({{"exclude", Json::array()}}),
                                        picky({{"include", {"*.mlp.*"}}, {"exclude", {"*.down_proj"}}})});
        QVERIFY2(found.ok(), found.ok() ? "" : found.error().message.c_str());
        QCOMPARE(found.value().size(), std::size_t(3));
        QCOMPARE(found.value()[0].stages, std::string("picky"));
        QCOMPARE(found.value()[0].modules.size(), preview.value().modules());
        QCOMPARE(found.value()[1].stages, std::string("picky(include=[*.mlp.*])"));
        QCOMPARE(found.value()[2].stages, std::string("picky(exclude=[*.down_proj],include=[*.mlp.*])"));
        const std::size_t blocks = found.value()[1].modules.size() / 3;
        QCOMPARE(found.value()[1].modules.size(), 3 * blocks);
        QCOMPARE(found.value()[2].modules.size(), 2 * blocks);
        QCOMPARE(jobs::summarised(found.value()[2].modules),
                 (std::vector<std::string> {"model.layers.*.mlp.gate_proj (" + std::to_string(blocks) + ")",
                                            "model.layers.*.mlp.up_proj (" + std::to_string(blocks) + ")"}));
    }

    void refuses_data()
    {
        QTest::addColumn<QByteArray>("parameters");
        QTest::addColumn<std::string>("expected");
        QTest::addRow("no match") << QByteArray(R"({"include": ["*.gate"]})")
                                  << std::string("picky(include=[*.gate]): include: \"*.gate\" matches no weight");
        QTest::addRow("no match to exclude")
            << QByteArray(R"({"exclude": ["lm_head"]})")
            << std::string("picky(exclude=[lm_head]): exclude: \"lm_head\" matches no weight");
        QTest::addRow("bad expression") << QByteArray("{\"include\": [\"re:(\"]}")
                                        << std::string("picky(include=[re:(]): include: \"re:(\" is not a regular");
        QTest::addRow("nothing left") << QByteArray(R"({"exclude": ["*"]})")
                                      << std::string("picky(exclude=[*]): include and exclude leave no weight");
    }
    void refuses()
    {
        QFETCH(QByteArray, parameters);
        QFETCH(std::string, expected);
        core::Sweep sweep = sweepOverTheTinyModel();
        QVERIFY(jobs::requirePatternMatches(sweep).ok());
        sweep.pipelines.push_back(picky(Json::parse(parameters.toStdString())));
        const auto status = jobs::requirePatternMatches(sweep);
        QVERIFY(!status.ok());
        QVERIFY2(status.error().message.rfind(expected, 0) == 0, status.error().message.c_str());
        QVERIFY(!status.error().hint.empty());
    }

    /// A driver may choose it later.
    void whatMayBeChosenMustMatchToo()
    {
        core::Sweep sweep = sweepOverTheTinyModel();
        core::PipelineSpace entry {picky({{"include", {"*.mlp.*"}}}), {}};
        core::ParameterChoice choice;
        choice.parameter = "include";
        choice.values.levels = {Json::array({"*.mlp.*"}), Json::array({"*.absent"})};
        entry.choices.push_back(choice);
        sweep.entries.push_back(entry);
        const auto status = jobs::requirePatternMatches(sweep);
        QVERIFY(!status.ok());
        QVERIFY2(status.error().message.find("*.absent") != std::string::npos, status.error().message.c_str());
    }
};

QTEST_GUILESS_MAIN(TstPatternPreview)
#include "tst_pattern_preview.moc"
