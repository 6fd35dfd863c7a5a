// SPDX-License-Identifier: Apache-2.0
#include "sweep_fixture.h"

#include <QDir>
#include <QtTest>

#include <string>

using namespace paretoscope::core;

namespace {

const std::string kPipelines = "  - []\n"
                               "  - [rtn: {bits: 4}]\n"
                               "  - [gptq]\n"
                               "  - {gptq: {bits: 3}, eora: }\n"
                               "  - rtn\n";

} // namespace

class TstOverrides : public QObject
{
    Q_OBJECT

    SweepFixture m_fixture;

private Q_SLOTS:
    void stagesAreSetEverywhere_data()
    {
        QTest::addColumn<std::string>("override");
        QTest::addColumn<std::string>("labels");
        const auto row = [](const char* override, const char* labels) {
            QTest::addRow("%s", override) << std::string(override) << std::string(labels);
        };
        row("stage.gptq.bits=2", "baseline\nrtn(bits=4)\ngptq(bits=2)\ngptq(bits=2) + eora\n");
        row("stage.gptq.bits=2,3",
            "baseline\nrtn(bits=4)\ngptq(bits=2)\ngptq(bits=3)\ngptq(bits=2) + eora\ngptq(bits=3) + eora\n");
        row("stage.gptq.bits= 2 , 3 ",
            "baseline\nrtn(bits=4)\ngptq(bits=2)\ngptq(bits=3)\ngptq(bits=2) + eora\ngptq(bits=3) + eora\n");
        row("stage.gptq.bits=[2, 3]",
            "baseline\nrtn(bits=4)\ngptq(bits=2)\ngptq(bits=3)\ngptq(bits=2) + eora\ngptq(bits=3) + eora\n");
        row("stage.compensation/eora.rank=8", "baseline\nrtn(bits=4)\ngptq\ngptq(bits=3) + eora(rank=8)\n");
        row("stage.rtn.clip=mse",
            "baseline\nrtn(bits=4,clip=mse)\ngptq\ngptq(bits=3) + eora\n"); // both rtn are now the same
        row("stage.rtn.include=*.mlp.*,q_proj",
            "baseline\nrtn(bits=4,include=[*.mlp.*,q_proj])\ngptq\ngptq(bits=3) + eora\n");
        row("stage.rtn.include=\"re:a{1,2}\"",
            "baseline\nrtn(bits=4,include=[re:a{1,2}])\ngptq\ngptq(bits=3) + eora\n");
        row("stage.rtn.include=[[a], [b]]",
            "baseline\nrtn(bits=4,include=[a])\nrtn(bits=4,include=[b])\ngptq\ngptq(bits=3) + eora\n");
        row("pipelines.1.0.rtn.bits=8", "baseline\nrtn(bits=8)\ngptq\ngptq(bits=3) + eora\nrtn\n");
        row("pipelines.1.rtn.bits=8", "baseline\nrtn(bits=8)\ngptq\ngptq(bits=3) + eora\nrtn\n");
        row("pipelines=[[], [rtn: {bits: [2, 3]}]]", "baseline\nrtn(bits=2)\nrtn(bits=3)\n");
    }
    void stagesAreSetEverywhere()
    {
        QFETCH(std::string, override);
        QFETCH(std::string, labels);
        const auto read = m_fixture.parse(SweepFixture::withPipelines(kPipelines), {override});
        QVERIFY2(read.ok(), read.ok() ? "" : read.error().sentence().c_str());
        QCOMPARE(SweepFixture::labels(read.value()), labels);
        QCOMPARE(read.value().overrides, std::vector<std::string> {override});
    }

    void otherKeysAreSet()
    {
        m_fixture.put("models/a, b: c #1/config.json", "{}");
        const auto read =
            m_fixture.parse(SweepFixture::withPipelines(kPipelines),
                            {"name=2024", "seed=7,8,9", "objectives=stored_bytes,perplexity",
                             "workload.calibration.samples=2", "workload.calibration.select=random",
                             "workload.evaluate.0.perplexity.windows=8", "workload.evaluate.perplexity.first=1",
                             "workload.model=" + (m_fixture.root() / "models/a, b: c #1").string()});
        QVERIFY2(read.ok(), read.ok() ? "" : read.error().sentence().c_str());
        const Sweep& sweep = read.value();
        QCOMPARE(sweep.name, std::string("2024"));
        QCOMPARE(sweep.seed, std::uint64_t(7));
        QCOMPARE(sweep.repeatSeeds, (std::vector<std::uint64_t> {8, 9}));
        QCOMPARE(sweep.objectives, (std::vector<std::string> {"stored_bytes", "perplexity"}));
        QCOMPARE(sweep.workload.calibration->samples, 2);
        QCOMPARE(sweep.workload.calibration->length, 16); // of the file
        QCOMPARE(sweep.workload.evaluate[0].options["windows"], Json(8));
        QCOMPARE(sweep.workload.evaluate[0].options["first"], Json(1));
        QCOMPARE(sweep.workload.model, m_fixture.root() / "models/a, b: c #1");
    }

    void keysThatTheFileLacksAreMade()
    {
        const std::string text = "paretoscope: 1\nworkload: {evaluate: [perplexity: {corpus: data/test.txt}]}\n"
                                 "pipelines: [[], gptq]\n";
        const auto read =
            m_fixture.parse(text, {"workload.model=" + (m_fixture.root() / "models/tiny").string(),
                                   "workload.calibration.corpus=" + (m_fixture.root() / "data/train.txt").string()});
        QVERIFY2(read.ok(), read.ok() ? "" : read.error().sentence().c_str());
        QVERIFY(read.value().workload.calibration);
    }

    void relativePathsCountFromTheCurrentFolder()
    {
        const QString before = QDir::currentPath();
        QVERIFY(QDir::setCurrent(QString::fromStdString((m_fixture.root() / "models").string())));
        const auto read = m_fixture.parse(SweepFixture::withPipelines(kPipelines), {"workload.model=tiny"});
        QDir::setCurrent(before);
        QVERIFY2(read.ok(), read.ok() ? "" : read.error().sentence().c_str());
        QCOMPARE(read.value().workload.model, m_fixture.root() / "models/tiny");
    }

    void argumentsAreUtf8()
    {
        for (const char* argument : {"name=\xff", "stage.rtn.include=\xc3", "name=a\nb"}) {
            const auto read = m_fixture.parse(SweepFixture::withPipelines(kPipelines), {argument});
            QVERIFY(!read.ok());
            QVERIFY2(read.error().message.find("not UTF-8 text, or a control character") != std::string::npos,
                     read.error().message.c_str());
        }
    }

    void refuses_data()
    {
        QTest::addColumn<std::string>("override");
        QTest::addColumn<std::string>("expected");
        const auto row = [](const char* override, const char* expected) {
            QTest::addRow("%s", *override ? override : "nothing") << std::string(override) << std::string(expected);
        };
        row("", "--set : is not path=value");
        row("bits", "--set bits: is not path=value (write e.g. --set stage.gptq.bits=3,4)");
        row("=3", "--set =3: is not path=value");
        row("workload..model=x", "--set workload..model=x: has an empty part in its path");
        row("stage.bits=3", "--set stage.bits=3: is not stage.PLUGIN.PARAMETER=value");
        row("stage.gptq.a.b=3", "--set stage.gptq.a.b=3: quantization/gptq has no parameter \"a\"");
        row("stage.gtpq.bits=3", "--set stage.gtpq.bits=3: there is no plugin \"gtpq\" (did you mean \"gptq\"?)");
        row("stage.must.checkpoint=x", "finds no stage of quantization/must in the pipelines");
        row("stage.gptq.bit=3",
            "--set stage.gptq.bit=3: quantization/gptq has no parameter \"bit\" (did you mean \"bits\"?)");
        row("stage.gptq.bits=5.5",
            "--set stage.gptq.bits=5.5: quantization/gptq: bits is 5.5, not an integer from 2 to 8 bit");
        row("stage.gptq.bits=3,,4", "has an empty value between its commas");
        row("stage.gptq.bits=", "--set stage.gptq.bits=: quantization/gptq: bits is null, not an integer");
        row("stage.gptq.bits=[3", "--set stage.gptq.bits=[3");
        row("modell=x", "--set modell=x: unknown key \"modell\"");
        row("workload.modell=x", "--set workload.modell=x: workload: unknown key \"modell\" (did you mean \"model\"?)");
        row("workload.model=/absent", "--set workload.model=/absent: workload.model: /absent does not exist");
        row("workload.model.x=3", "goes through \"models/tiny\", which holds no \"x\"");
        row("workload.evaluate.3.perplexity.windows=8", "names entry 3 of a list with 1");
        row("workload.evaluate.perplexty.windows=8", "finds no \"perplexty\" in a list (did you mean \"perplexity\"?)");
        row("workload.evaluate.0.perplexity.windows=-8",
            "--set workload.evaluate.0.perplexity.windows=-8: workload.evaluate[0].perplexity: ");
        row("workload.calibration.samples=many", "--set workload.calibration.samples=many: workload.calibration: ");
        row("workload.model=\"a\", \"b\"", "has more than one value");
        row("seed=x", "--set seed=x: seed is \"x\", not an integer");
        row("driver=random", "--set driver=random: driver random has nothing to choose");
        row("paretoscope=2", "--set paretoscope=2: the file is of version 2");
        row("pipelines.9=[]", "names entry 9 of a list with 5");
    }
    void refuses()
    {
        QFETCH(std::string, override);
        QFETCH(std::string, expected);
        const auto read = m_fixture.parse(SweepFixture::withPipelines(kPipelines), {override});
        QVERIFY(!read.ok());
        const std::string sentence = read.error().sentence();
        QVERIFY2(sentence.find(expected) != std::string::npos, sentence.c_str());
        QVERIFY2(sentence.rfind("--set " + override, 0) == 0, sentence.c_str());
        QVERIFY(!read.error().hint.empty());
    }
};

QTEST_GUILESS_MAIN(TstOverrides)
#include "tst_overrides.moc"
