// SPDX-License-Identifier: Apache-2.0
#include "sweep_fixture.h"

#include <QtTest>

#include <string>

using namespace paretoscope::core;

namespace {

constexpr const char* kWorkload = "paretoscope: 1\n"
                                  "workload:\n"
                                  "  model: ../models/tiny\n"
                                  "  calibration: {corpus: ../data/train.txt, samples: 4, length: 16}\n"
                                  "  evaluate: [perplexity: {corpus: ../data/test.txt, length: 16}]\n";

} // namespace

class TstIncludes : public QObject
{
    Q_OBJECT

    SweepFixture m_fixture;

private Q_SLOTS:
    void init() { m_fixture.put("common/workload.yaml", kWorkload); }

    void layersFilesOverOneAnother()
    {
        m_fixture.put("common/grid.yaml", "pipelines: [[], [rtn: {bits: [2, 3]}]]\nseed: 3\n");
        const auto read = m_fixture.parse("paretoscope: 1\n"
                                          "includes: [common/workload.yaml, common/grid.yaml]\n"
                                          "workload: {calibration: {samples: 8}}\n"
                                          "seed: 5\n");
        QVERIFY2(read.ok(), read.ok() ? "" : read.error().sentence().c_str());
        const Sweep& sweep = read.value();
        QCOMPARE(sweep.name, std::string("sweep"));
        QCOMPARE(sweep.workload.model, m_fixture.root() / "models/tiny"); // from the folder of its file
        QCOMPARE(sweep.workload.calibration->samples, 8);
        QCOMPARE(sweep.workload.calibration->length, 16);
        QCOMPARE(sweep.seed, std::uint64_t(5));
        QCOMPARE(SweepFixture::labels(sweep), std::string("baseline\nrtn(bits=2)\nrtn(bits=3)\n"));
    }

    void includedFilesIncludeOthers()
    {
        m_fixture.put("common/deep/more.yaml", "includes: ../workload.yaml\ndriver: {random: {trials: 3}}\n");
        const auto read = m_fixture.parse("paretoscope: 1\nincludes: common/deep/more.yaml\n"
                                          "pipelines: [rtn: {bits: [2, 3]}]\ndriver: {grid: {}}\n");
        QVERIFY2(read.ok(), read.ok() ? "" : read.error().sentence().c_str());
        QVERIFY(read.value().isGrid()); // drivers are not put together
    }

    void overridesComeLast()
    {
        const auto read = m_fixture.parse("paretoscope: 1\nincludes: common/workload.yaml\npipelines: [[]]\n",
                                          {"workload.calibration.samples=2"});
        QVERIFY2(read.ok(), read.ok() ? "" : read.error().sentence().c_str());
        QCOMPARE(read.value().workload.calibration->samples, 2);
    }

    /// What a project keeps does not need the files.
    void theSourceIsWhole()
    {
        const auto read =
            m_fixture.parse("paretoscope: 1\nincludes: common/workload.yaml\npipelines: [rtn: {bits: [2, 3]}]\n");
        QVERIFY(read.ok());
        QVERIFY(read.value().source.find("includes:") == std::string::npos);
        const auto again = m_fixture.parse(read.value().source);
        QVERIFY2(again.ok(), again.ok() ? "" : again.error().sentence().c_str());
        QCOMPARE(SweepFixture::labels(again.value()), SweepFixture::labels(read.value()));
        QCOMPARE(again.value().workload.model, read.value().workload.model);
    }

    void jsonIsIncludedToo()
    {
        m_fixture.put("common/pipelines.json", R"({"pipelines": [[], [{"rtn": {"bits": 3}}]]})");
        const auto read = m_fixture.parse("paretoscope: 1\nincludes: [common/workload.yaml, common/pipelines.json]\n");
        QVERIFY2(read.ok(), read.ok() ? "" : read.error().sentence().c_str());
        QCOMPARE(SweepFixture::labels(read.value()), std::string("baseline\nrtn(bits=3)\n"));
    }

    void refuses_data()
    {
        QTest::addColumn<std::string>("included");
        QTest::addColumn<std::string>("includes");
        QTest::addColumn<std::string>("expected"); // behind the root folder
        const auto row = [](const char* tag, const char* included, const char* includes, const char* expected) {
            QTest::addRow("%s", tag) << std::string(included) << std::string(includes) << std::string(expected);
        };
        row("missing file", "", "absent.yaml", "/sweep.yaml:2:11: includes: ");
        row("folder", "", "common", "/sweep.yaml:2:11: includes: ");
        row("no text", "", "[{a: 1}]", "/sweep.yaml:2:12: includes is {\"a\":1}, not a text");
        row("error in the other file", "workload: {modell: x}\n", "common/other.yaml",
            "/common/other.yaml:1:12: workload: unknown key \"modell\" (did you mean \"model\"?)");
        row("missing model of the other file", "\nworkload:\n  model: ./absent\n", "common/other.yaml",
            "/common/other.yaml:3:10: workload.model: ");
        row("parameter of the other file", "pipelines:\n  - rtn: {bits: 99}\n",
            "[common/workload.yaml, common/other.yaml]", "/common/other.yaml:2:17: quantization/rtn: bits is 99, not");
        row("broken YAML", "a: [1\n", "common/other.yaml", "/common/other.yaml:2:1: not valid YAML");
        row("newer version", "paretoscope: 2\n", "common/other.yaml",
            "/common/other.yaml:1:14: the file is of version 2");
        row("a list", "- 1\n", "common/other.yaml", "/common/other.yaml:1:1: the file holds [1], not keys");
        row("itself", "includes: other.yaml\n", "common/other.yaml", "/common/other.yaml:1:11: includes: ");
    }
    void refuses()
    {
        QFETCH(std::string, included);
        QFETCH(std::string, includes);
        QFETCH(std::string, expected);
        if (!included.empty())
            m_fixture.put("common/other.yaml", included);
        const bool hasPipelines = included.find("pipelines") != std::string::npos;
        const auto read =
            m_fixture.parse("paretoscope: 1\nincludes: " + includes + "\n" + (hasPipelines ? "" : "pipelines: [[]]\n"));
        QVERIFY(!read.ok());
        const std::string sentence = read.error().sentence();
        QVERIFY2(sentence.find(m_fixture.root().string() + expected) != std::string::npos, sentence.c_str());
        QVERIFY(!read.error().hint.empty());
    }

    void includesCannotBeSet()
    {
        const auto read = m_fixture.parse("paretoscope: 1\nincludes: common/workload.yaml\npipelines: [[]]\n",
                                          {"includes=other.yaml"});
        QVERIFY(!read.ok());
        QCOMPARE(read.error().sentence(),
                 std::string("--set includes=other.yaml: includes are read before --set is laid "
                             "over the file (write them into the file)"));
    }
};

QTEST_GUILESS_MAIN(TstIncludes)
#include "tst_includes.moc"
