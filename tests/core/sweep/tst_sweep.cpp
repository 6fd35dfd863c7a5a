// SPDX-License-Identifier: Apache-2.0
#include "sweep_fixture.h"

#include <QtTest>

#include <random>
#include <string>

using namespace paretoscope::core;

namespace fs = std::filesystem;

namespace {

constexpr const char* kExample = R"(paretoscope: 1
workload:
  kind: causal-lm
  model: models/tiny
  calibration: {corpus: data/train.txt, samples: 32, length: 512, select: first}   # or select: random, seed: 0
  evaluate:
    - perplexity: {corpus: data/test.txt, length: 512, windows: 32, bos: none, join: raw}
    - kl_divergence: {corpus: data/test.txt, length: 512, windows: 8}
pipelines:
  - []                                             # baseline
  - [rtn:  {bits: [2, 3, 4, 8], group_size: [32, 128]}]
  - [gptq: {bits: [2, 3, 4], group_size: 128}]
  - [gptq: {bits: 3, group_size: 128}, eora: {rank: [16, 64]}]
driver: {grid: {}}                                 # or random, nsga2, evopress
objectives: [perplexity, stored_bytes]
)";

std::string replaced(std::string text, std::string_view what, std::string_view by)
{
    const std::size_t at = text.find(what);
    if (at == std::string::npos)
        qFatal("\"%s\" is not in the text", std::string(what).c_str());
    return text.replace(at, what.size(), by);
}

} // namespace

class TstSweep : public QObject
{
    Q_OBJECT

    SweepFixture m_fixture;

private Q_SLOTS:
    void readsTheExample()
    {
        const auto read = m_fixture.parse(kExample);
        QVERIFY2(read.ok(), read.ok() ? "" : read.error().sentence().c_str());
        const Sweep& sweep = read.value();
        QCOMPARE(sweep.name, std::string("sweep"));
        QCOMPARE(sweep.workload.kind, std::string("causal-lm"));
        QCOMPARE(sweep.workload.model, m_fixture.root() / "models/tiny");
        QCOMPARE(sweep.workload.calibration->corpus, m_fixture.root() / "data/train.txt");
        QCOMPARE(sweep.workload.calibration->samples, 32);
        QCOMPARE(sweep.workload.evaluate.size(), std::size_t(2));
        QCOMPARE(sweep.workload.evaluate[1].name, std::string("kl_divergence"));
        QCOMPARE(sweep.workload.evaluate[0].options["corpus"], Json((m_fixture.root() / "data/test.txt").string()));
        QCOMPARE(sweep.driver, Json({{"grid", Json::object()}}));
        QCOMPARE(sweep.objectives, (std::vector<std::string> {"perplexity", "stored_bytes"}));
        QCOMPARE(sweep.seed, std::uint64_t(0));
        QCOMPARE(sweep.source, std::string(kExample));
        QCOMPARE(SweepFixture::labels(sweep), std::string("baseline\n"
                                                          "rtn(bits=2,group_size=32)\n"
                                                          "rtn(bits=2,group_size=128)\n"
                                                          "rtn(bits=3,group_size=32)\n"
                                                          "rtn(bits=3,group_size=128)\n"
                                                          "rtn(bits=4,group_size=32)\n"
                                                          "rtn(bits=4,group_size=128)\n"
                                                          "rtn(bits=8,group_size=32)\n"
                                                          "rtn(bits=8,group_size=128)\n"
                                                          "gptq(bits=2,group_size=128)\n"
                                                          "gptq(bits=3,group_size=128)\n"
                                                          "gptq(bits=4,group_size=128)\n"
                                                          "gptq(bits=3,group_size=128) + eora(rank=16)\n"
                                                          "gptq(bits=3,group_size=128) + eora(rank=64)\n"));

        const StageSpec& stage = sweep.pipelines[1].stages[0];
        QCOMPARE(stage.plugin, std::string("quantization/rtn"));
        QCOMPARE(stage.version, std::string("1.1.0"));
        QCOMPARE(stage.parameters["symmetric"], Json(false)); // a default
        QCOMPARE(stage.given.dump(), std::string(R"({"bits":2,"group_size":32})"));
        QVERIFY(!sweep.pipelines[1].needsCalibration());
        QVERIFY(sweep.pipelines[9].needsCalibration());
    }

    void readsTheDemo()
    {
        const auto read = readSweep(PARETOSCOPE_RESOURCES "/demo/tiny-llama.yaml", m_fixture.plugins());
        QVERIFY2(read.ok(), read.ok() ? "" : read.error().sentence().c_str());
        QCOMPARE(read.value().name, std::string("tiny-llama demo"));
        QCOMPARE(read.value().pipelines.size(), std::size_t(12));
        QVERIFY(read.value().workload.model.is_absolute());
    }

    void defaultsStandInForWhatIsNotWritten()
    {
        const auto read =
            m_fixture.parse("paretoscope: 1\n"
                            "workload: {model: models/tiny, evaluate: {perplexity: {corpus: data/test.txt}}}\n"
                            "pipelines: [[]]\n",
                            {}, "my study.yml");
        QVERIFY2(read.ok(), read.ok() ? "" : read.error().sentence().c_str());
        QCOMPARE(read.value().name, std::string("my study"));
        QCOMPARE(read.value().workload.kind, std::string("causal-lm"));
        QVERIFY(!read.value().workload.calibration);
        QCOMPARE(read.value().driver.dump(), std::string(R"({"grid":{}})"));
        QCOMPARE(read.value().objectives, (std::vector<std::string> {"perplexity", "stored_bytes"}));
    }

    void pipelinesExpand_data()
    {
        QTest::addColumn<std::string>("pipelines");
        QTest::addColumn<std::string>("labels");
        const auto row = [](const char* tag, const char* pipelines, const char* labels) {
            QTest::addRow("%s", tag) << std::string(pipelines) << std::string(labels);
        };
        row("baseline", "  - []\n", "baseline\n");
        row("baseline by name", "  - baseline\n", "baseline\n");
        row("plugin alone", "  - rtn\n", "rtn\n");
        row("plugin alone in a list", "  - [rtn]\n", "rtn\n");
        row("stage without parameters", "  - [rtn: {}]\n  - [rtn: ]\n", "rtn\n");
        row("full id", "  - [quantization/rtn: {bits: 3}]\n", "rtn(bits=3)\n");
        row("map instead of list", "  - rtn: {bits: 3}\n", "rtn(bits=3)\n");
        row("stages of one map", "  - {rtn: {bits: 3}, eora: {rank: 8}}\n", "rtn(bits=3) + eora(rank=8)\n");
        row("stages of one map in a list", "  - - rtn: {bits: 3}\n      eora: {rank: 8}\n",
            "rtn(bits=3) + eora(rank=8)\n");
        row("the same plugin twice", "  - [rtn: {bits: 8, exclude: [a]}, rtn: {bits: 4, include: [a]}]\n",
            "rtn(bits=8,exclude=[a]) + rtn(bits=4,include=[a])\n");
        row("file order decides which runs fastest", "  - [rtn: {group_size: [32, 64], bits: [2, 3]}]\n",
            "rtn(bits=2,group_size=32)\nrtn(bits=3,group_size=32)\n"
            "rtn(bits=2,group_size=64)\nrtn(bits=3,group_size=64)\n");
        row("grid over two stages", "  - [rtn: {bits: [3, 4]}, eora: {rank: [8, 16]}]\n",
            "rtn(bits=3) + eora(rank=8)\nrtn(bits=3) + eora(rank=16)\n"
            "rtn(bits=4) + eora(rank=8)\nrtn(bits=4) + eora(rank=16)\n");
        row("equal pipelines once", "  - [rtn: {bits: [3, 4, 3]}]\n  - [rtn: {bits: 4.0}]\n  - []\n  - baseline\n",
            "rtn(bits=3)\nrtn(bits=4)\nbaseline\n");
        row("a given default is the default", "  - [rtn: {bits: 4}]\n  - [rtn: {group_size: 128}]\n", "rtn(bits=4)\n");
        row("texts and flags", "  - [rtn: {clip: [none, mse], symmetric: true}]\n",
            "rtn(clip=none,symmetric=true)\nrtn(clip=mse,symmetric=true)\n");
        row("a list parameter is one value", "  - [rtn: {include: [\"*.mlp.*\", q_proj]}]\n",
            "rtn(include=[*.mlp.*,q_proj])\n");
        row("a single text for a list", "  - [rtn: {include: q_proj}]\n", "rtn(include=[q_proj])\n");
        row("list of lists is a grid", "  - [rtn: {include: [[a], [b, c], []]}]\n",
            "rtn(include=[a])\nrtn(include=[b,c])\nrtn(include=[])\n");
        row("list of integers", "  - [must: {checkpoint: x, ranks: [1, 2]}]\n", "must(checkpoint=x,ranks=[1,2])\n");
        row("texts may look like numbers", "  - [must: {checkpoint: [16, true, \"07\"]}]\n",
            "must(checkpoint=16)\nmust(checkpoint=true)\nmust(checkpoint=07)\n");
        row("whole row", "  - [rtn: {group_size: -1}]\n", "rtn(group_size=-1)\n");
        row("small numbers", "  - [gptq: {damping: [0.1, 1e-5]}]\n", "gptq(damping=0.1)\ngptq(damping=1e-05)\n");
        row("aliases", "  - [rtn: &p {bits: 3}]\n  - [gptq: *p]\n", "rtn(bits=3)\ngptq(bits=3)\n");
    }
    void pipelinesExpand()
    {
        QFETCH(std::string, pipelines);
        QFETCH(std::string, labels);
        const auto read = m_fixture.parse(SweepFixture::withPipelines(pipelines));
        QVERIFY2(read.ok(), read.ok() ? "" : read.error().sentence().c_str());
        QCOMPARE(SweepFixture::labels(read.value()), labels);
    }

    void refuses_data()
    {
        QTest::addColumn<std::string>("text");
        QTest::addColumn<std::string>("expected"); // the sentence, from the name of the file on, begins with this
        QTest::addColumn<int>("code");
        const auto row = [](const char* tag, const char* what, const char* by, const char* expected,
                            ErrorCode code = ErrorCode::InvalidArgument) {
            QTest::addRow("%s", tag) << replaced(kExample, what, by) << std::string(expected) << int(code);
        };
        // The whole file.
        row("no version", "paretoscope: 1\n", "",
            ":1:1: paretoscope is missing (begin the file with `paretoscope: 1`)");
        row("newer version", "paretoscope: 1", "paretoscope: 2",
            ":1:14: the file is of version 2, this program reads version 1", ErrorCode::Unsupported);
        row("newer version with new keys", "paretoscope: 1", "paretoscope: 7\nnovel: x",
            ":1:14: the file is of version 7", ErrorCode::Unsupported);
        row("version in words", "paretoscope: 1", "paretoscope: one", ":1:14: paretoscope is \"one\", not a version");
        row("version zero", "paretoscope: 1", "paretoscope: 0", ":1:14: paretoscope is 0, not a version");
        row("unknown key", "driver:", "drivr:", ":14:1: unknown key \"drivr\" (did you mean \"driver\"?)");
        row("misspelt workload", "workload:", "worklod:", ":2:1: unknown key \"worklod\" (did you mean \"workload\"?)");
        row("misspelt pipelines",
            "pipelines:", "pipeline:", ":9:1: unknown key \"pipeline\" (did you mean \"pipelines\"?)");
        row("a list", kExample, "- 1\n", ":1:1: the file holds [1], not keys");
        row("name is a list", "workload:", "name: [a]\nworkload:", ":2:7: name is [\"a\"], not a text");
        row("name of two lines",
            "workload:", "name: \"a\\nb\"\nworkload:", ":2:7: name holds a control character: \"a\\nb\"");
        row("path with NUL", "data/test.txt", "\"data/test.txt\\0\"",
            ":7:28: workload.evaluate[0].perplexity.corpus holds a control character");
        row("seed is negative", "driver:", "seed: -1\ndriver:", ":14:7: seed is -1, not an integer from 0 to");
        row("seed is a text", "driver:", "seed: [1, two]\ndriver:", ":14:11: seed is \"two\", not an integer");
        row("no seed", "driver:", "seed: []\ndriver:", ":14:7: seed is an empty list");
        // Workload.
        row("workload is a text", "workload:\n", "workload: x\nseed:\n", ":2:11: workload holds \"x\", not keys");
        row("unknown workload key",
            "  model:", "  modell:", ":4:3: workload: unknown key \"modell\" (did you mean \"model\"?)");
        row("no model", "  model: models/tiny\n", "", ":3:3: workload.model is missing (add model: PATH");
        row("model is a list", "models/tiny", "[a]", ":4:10: workload.model is [\"a\"], not a text");
        row("model is missing on disk", "models/tiny", "./models/absent",
            ":4:10: workload.model: ", ErrorCode::NotFound);
        row("unknown kind", "causal-lm", "causal-ml",
            ":3:9: workload.kind: unknown kind \"causal-ml\" (did you mean \"causal-lm\"?)");
        row("kind of the future", "causal-lm", "vlm", ":3:9: workload.kind vlm is not available yet",
            ErrorCode::Unsupported);
        row("calibration corpus is missing on disk", "data/train.txt", "data/absent.txt",
            ":5:25: workload.calibration.corpus: ", ErrorCode::NotFound);
        row("calibration corpus is a folder", "data/train.txt", "data", ":5:25: workload.calibration.corpus: ");
        row("calibration without corpus", "corpus: data/train.txt, ", "",
            ":5:16: workload.calibration: corpus must be");
        row("unknown calibration key", "samples:", "smples:", ":5:41: workload.calibration: ");
        row("samples out of range", "samples: 32", "samples: 0", ":5:41: workload.calibration: ");
        row("samples are a text", "samples: 32", "samples: many", ":5:41: workload.calibration: ");
        row("unknown selection", "select: first", "select: last", ":5:67: workload.calibration: ");
        row("calibration is a text", "{corpus: data/train.txt, samples: 32, length: 512, select: first}", "train",
            ":5:16: workload.calibration holds \"train\", not keys");
        row("metric is misspelt", "- perplexity:", "- perplexitty:",
            ":7:7: workload.evaluate[0]: unknown metric \"perplexitty\" (did you mean \"perplexity\"?)");
        row("metric without options",
            "- perplexity: {corpus: data/test.txt, length: 512, windows: 32, bos: none, join: raw}", "- perplexity",
            ":7:7: workload.evaluate[0] is \"perplexity\", not a metric with its options");
        row("metric twice", "    - kl_divergence: {corpus: data/test.txt, length: 512, windows: 8}",
            "    - perplexity: {corpus: data/test.txt, windows: 32}",
            ":8:7: workload.evaluate[1]: perplexity stands there twice");
        row("metric corpus is missing on disk", "windows: 8", "windows: 8}\n    - perplexity: {corpus: data/absent.txt",
            ":9:28: workload.evaluate[2].perplexity.corpus: ", ErrorCode::NotFound);
        row("unknown metric option", "bos: none", "boss: none", ":7:69: workload.evaluate[0].perplexity: ");
        row("metric option out of range", "windows: 32", "windows: -1", ":7:56: workload.evaluate[0].perplexity: ");
        row("comparison names a baseline", "windows: 8}", "windows: 8, baseline: models/tiny}",
            ":8:81: workload.evaluate[1].kl_divergence: a sweep compares with its own model");
        row("misspelt option of a comparison", "windows: 8}", "windwos: 8}",
            ":8:59: workload.evaluate[1].kl_divergence: there is no option \"windwos\" (did you mean \"windows\"?)");
        row("task without a file", "windows: 8}", "windows: 8}\n    - task: {limit: 3}",
            ":9:13: workload.evaluate[2].task: file must be a file name, but is missing");
        row("task file is missing on disk", "windows: 8}", "windows: 8}\n    - task: {file: data/absent.jsonl}",
            ":9:20: workload.evaluate[2].task.file: ", ErrorCode::NotFound);
        row("misspelt option of a task", "windows: 8}", "windows: 8}\n    - task: {file: data/test.txt, limt: 3}",
            ":9:35: workload.evaluate[2].task: there is no option \"limt\" (did you mean \"limit\"?)");
        // Driver and objectives.
        row("unknown driver", "{grid: {}}", "{gird: {}}",
            ":14:10: driver: unknown driver \"gird\" (did you mean \"grid\"?)");
        row("driver of the future", "{grid: {}}", "{tpe: {trials: 9}}", ":14:10: driver tpe is not available yet",
            ErrorCode::Unsupported);
        row("driver of the future by name", "{grid: {}}", "evopress", ":14:9: driver evopress is not available yet",
            ErrorCode::Unsupported);
        row("two drivers", "{grid: {}}", "{grid: {}, random: {}}", ":14:9: driver is {");
        row("option of the grid", "{grid: {}}", "{grid: {trials: 3}}", ":14:17: driver.grid: unknown key \"trials\"");
        row("objective that is not measured", "objectives: [perplexity", "objectives: [perplexty",
            ":15:14: objectives: \"perplexty\" is not measured by this sweep (did you mean \"perplexity\"?)");
        row("objective twice", "stored_bytes]", "perplexity]", ":15:26: objectives: perplexity stands there twice");
        row("no objective", "objectives: [perplexity, stored_bytes]", "objectives: []",
            ":15:13: objectives is an empty list");
        row("objective is a map", "stored_bytes]", "{a: 1}]", ":15:26: objectives is {\"a\":1}, not a text");
        // Pipelines.
        row("unknown plugin", "- [rtn:  {", "- [rnt: {", ":11:6: there is no plugin \"rnt\" (did you mean \"rtn\"?)",
            ErrorCode::NotFound);
        row("missing checkpoint", "- []  ", "- [import: {checkpoint: ../models/other}]  ",
            ":10:27: bridge/import: checkpoint: ", ErrorCode::NotFound);
        row("no stage", "- []  ", "- [nothing: {}]  ", ":10:6: search/nothing is no stage but of kind search");
        row("other workload", "- []  ", "- [blur: {}]  ",
            ":10:6: vision/blur does not apply to a workload of kind causal-lm");
        row("misspelt parameter", "{bits: [2, 3, 4, 8]", "{bit: [2, 3, 4, 8]",
            ":11:13: quantization/rtn has no parameter \"bit\" (did you mean \"bits\"?)");
        row("half a bit", "[2, 3, 4, 8]", "[2, 5.5]",
            ":11:23: quantization/rtn: bits is 5.5, not an integer from 2 to 8 bit (give an integer from 2 to 8 bit)");
        row("bits out of range", "{bits: 3, group_size: 128}, ", "{bits: 9}, ",
            ":13:19: quantization/gptq: bits is 9, not");
        row("bits in quotes", "{bits: 3, group_size: 128}, ", "{bits: \"3\"}, ",
            ":13:19: quantization/gptq: bits is \"3\", not an integer from 2 to 8 bit (write the number without "
            "quotes)");
        row("no value", "[2, 3, 4, 8]", "[]", ":11:19: quantization/rtn: bits is an empty list");
        row("null", "[2, 3, 4, 8]", "~", ":11:19: quantization/rtn: bits is null, not an integer");
        row("list too deep", "[2, 3, 4, 8]", "[[2, 3]]", ":11:20: quantization/rtn: bits is [2,3], not an integer");
        row("parameters are a number", "{bits: [2, 3, 4], group_size: 128}", "4",
            ":12:12: quantization/gptq: 4 are not parameters (write gptq: {name: value, ...})");
        row("parameter without default", "- []  ", "- [must: {}]  ",
            ":10:6: quantization/must: checkpoint has no default and is missing (give a text)");
        row("nothing instead of a stage", "- []  ", "- [rtn, ~]  ",
            ":10:11: pipelines[0] holds null where a stage is expected");
        row("nothing instead of a pipeline", "- []  ", "-  ", " pipelines[0] holds null where a stage is expected");
        row("a list too many", "- []  ", "- [[rtn: {}]]  ", ":10:6: pipelines[0] holds [{\"rtn\":{}}] where a stage");
        row("calibrated stage without calibration",
            "  calibration: {corpus: data/train.txt, samples: 32, length: 512, select: first}", "#",
            ":12:6: quantization/gptq needs calibration data, and workload.calibration is missing");
    }
    void refuses()
    {
        QFETCH(std::string, text);
        QFETCH(std::string, expected);
        QFETCH(int, code);
        const auto read = m_fixture.parse(text);
        QVERIFY(!read.ok());
        const std::string sentence = read.error().sentence();
        const std::string file = (m_fixture.root() / "sweep.yaml").string();
        QCOMPARE(sentence.substr(0, file.size()), file);
        QVERIFY2(sentence.find(expected) != std::string::npos, sentence.c_str());
        if (expected.front() == ':')
            QCOMPARE(sentence.substr(file.size(), expected.size()), expected);
        QCOMPARE(int(read.error().code), code);
        QVERIFY(!read.error().hint.empty());
    }

    void missingPathsAreNamed_data()
    {
        QTest::addColumn<std::string>("from");
        QTest::addColumn<std::string>("to");
        QTest::addColumn<std::string>("expected");
        QTest::addRow("model") << std::string("models/tiny") << std::string("./absent/model")
                               << std::string("workload.model: ROOT/absent/model does not exist");
        QTest::addRow("calibration") << std::string("data/train.txt") << std::string("../absent.txt")
                                     << std::string("workload.calibration.corpus: PARENT/absent.txt does not exist");
        QTest::addRow("metric") << std::string("data/test.txt") << std::string("/nowhere/absent.txt")
                                << std::string(
                                       "workload.evaluate[0].perplexity.corpus: /nowhere/absent.txt does not exist");
    }
    void missingPathsAreNamed()
    {
        QFETCH(std::string, from);
        QFETCH(std::string, to);
        QFETCH(std::string, expected);
        if (expected.find("ROOT") != std::string::npos)
            expected = replaced(expected, "ROOT", m_fixture.root().string());
        if (expected.find("PARENT") != std::string::npos)
            expected = replaced(expected, "PARENT", m_fixture.root().parent_path().string());
        const auto read = m_fixture.parse(replaced(kExample, from, to));
        QVERIFY(!read.ok());
        QCOMPARE(read.error().code, ErrorCode::NotFound);
        QVERIFY2(read.error().message.find(expected) != std::string::npos, read.error().message.c_str());
    }

    /// A task is asked for by one name and measured as several numbers.
    void objectivesAreWhatMetricsGive()
    {
        const std::string task =
            replaced(kExample, "perplexity: {corpus: data/test.txt, length: 512, windows: 32, bos: none, join: raw}",
                     "task: {file: data/test.txt}");
        const auto chosen = m_fixture.parse(replaced(task, "[perplexity, stored_bytes]", "[acc_norm, top1_agreement]"));
        QVERIFY2(chosen.ok(), chosen.ok() ? "" : chosen.error().sentence().c_str());
        QCOMPARE(chosen.value().objectives, (std::vector<std::string> {"acc_norm", "top1_agreement"}));
        const auto defaults = m_fixture.parse(replaced(task, "objectives: [perplexity, stored_bytes]\n", ""));
        QVERIFY2(defaults.ok(), defaults.ok() ? "" : defaults.error().sentence().c_str());
        QCOMPARE(defaults.value().objectives, (std::vector<std::string> {"acc", "stored_bytes"}));
    }

    void missingModelComesWithTheNearName()
    {
        for (const char* model : {"models/tinny", "./models/tinny"}) {
            const auto read = m_fixture.parse(replaced(kExample, "models/tiny", model));
            QVERIFY(!read.ok());
            QVERIFY2(read.error().hint.find("did you mean \"tiny\"?") != std::string::npos, read.error().hint.c_str());
        }
    }

    void modelMayBeANameInTheModelFolders()
    {
        m_fixture.put("store/owner/name/config.json", "{}");
        const QByteArray before = qgetenv("PARETOSCOPE_MODELS");
        qputenv("PARETOSCOPE_MODELS", QByteArray::fromStdString((m_fixture.root() / "store").string()));
        const auto read = m_fixture.parse(replaced(kExample, "models/tiny", "owner/name"));
        qputenv("PARETOSCOPE_MODELS", before);
        QVERIFY2(read.ok(), read.ok() ? "" : read.error().sentence().c_str());
        QCOMPARE(read.value().workload.model, m_fixture.root() / "store/owner/name");
    }

    void homeAndAbsolutePathsAreRead()
    {
        const QByteArray before = qgetenv("HOME");
        qputenv("HOME", QByteArray::fromStdString((m_fixture.root() / "models").string()));
        const auto read = m_fixture.parse(replaced(kExample, "models/tiny", "~/tiny"));
        qputenv("HOME", before);
        QVERIFY2(read.ok(), read.ok() ? "" : read.error().sentence().c_str());
        QCOMPARE(read.value().workload.model, m_fixture.root() / "models/tiny");
        QVERIFY(m_fixture.parse(replaced(kExample, "models/tiny", (m_fixture.root() / "models/tiny").string())).ok());
    }

    void unreadableFilesAreRefused()
    {
        QCOMPARE(readSweep(m_fixture.root() / "absent.yaml", m_fixture.plugins()).error().code, ErrorCode::NotFound);
        QCOMPARE(readSweep(m_fixture.root(), m_fixture.plugins()).error().code, ErrorCode::Io);
        const fs::path huge = m_fixture.put("huge.yaml", std::string(9 << 20, '#'));
        QVERIFY(!readSweep(huge, m_fixture.plugins()).ok());
    }

    void otherSpellingsOfTheSameFile_data()
    {
        QTest::addColumn<std::string>("text");
        QTest::addColumn<std::string>("name");
        std::string windows;
        for (const char c : std::string(kExample))
            windows += c == '\n' ? "\r\n" : std::string(1, c);
        QTest::addRow("windows line ends") << windows << std::string("sweep.yaml");
        QTest::addRow("byte order mark") << "\xef\xbb\xbf" + std::string(kExample) << std::string("sweep.yaml");
        QTest::addRow("no line end at the end")
            << std::string(kExample).substr(0, strlen(kExample) - 1) << std::string("sweep.yaml");
        QTest::addRow("JSON") << std::string(
                                     R"({"paretoscope": 1, "workload": {"kind": "causal-lm", "model": "models/tiny",
            "calibration": {"corpus": "data/train.txt", "samples": 32, "length": 512},
            "evaluate": [{"perplexity": {"corpus": "data/test.txt", "windows": 32}},
                         {"kl_divergence": {"corpus": "data/test.txt", "windows": 8}}]},
            "pipelines": [[], [{"rtn": {"bits": [2, 3, 4, 8], "group_size": [32, 128]}}],
                [{"gptq": {"bits": [2, 3, 4], "group_size": 128}}],
                [{"gptq": {"bits": 3, "group_size": 128}}, {"eora": {"rank": [16, 64]}}]]})")
                              << std::string("sweep.json");
        QTest::addRow("aliases") << replaced(replaced(kExample, "corpus: data/test.txt", "corpus: &test data/test.txt"),
                                             "kl_divergence: {corpus: data/test.txt", "kl_divergence: {corpus: *test")
                                 << std::string("sweep.yaml");
        QTest::addRow("tabs before comments") << replaced(kExample, "- []  ", "- []\t# x") << std::string("sweep.yaml");
    }
    void otherSpellingsOfTheSameFile()
    {
        QFETCH(std::string, text);
        QFETCH(std::string, name);
        const auto expected = m_fixture.parse(kExample);
        const auto read = m_fixture.parse(text, {}, name);
        QVERIFY2(read.ok(), read.ok() ? "" : read.error().sentence().c_str());
        QCOMPARE(SweepFixture::labels(read.value()), SweepFixture::labels(expected.value()));
        QCOMPARE(read.value().workload.evaluate[1].options, expected.value().workload.evaluate[1].options);
    }

    void pathsAndNamesMayHoldAnyCharacter()
    {
        const std::string name = "donn\xc3\xa9"
                                 "es \xe6\xb5\x8b\xe8\xaf\x95/text #1, \"a\": b.txt";
        m_fixture.put(name, "text\n");
        std::string quoted = Json(name).dump();
        const auto read = m_fixture.parse(replaced(kExample, "data/test.txt", quoted));
        QVERIFY2(read.ok(), read.ok() ? "" : read.error().sentence().c_str());
        QCOMPARE(read.value().workload.evaluate[0].options["corpus"], Json((m_fixture.root() / name).string()));
    }

    void fileNamesMayBeAnyBytes()
    {
        const auto read = m_fixture.parse(kExample, {},
                                          "sw\xff"
                                          "eep.yaml");
        QVERIFY2(read.ok(), read.ok() ? "" : read.error().sentence().c_str());
        QCOMPARE(read.value().name, std::string("sweep"));
        const auto refused = m_fixture.parse("x", {},
                                             "sw\xff"
                                             "eep.yaml");
        QVERIFY(!refused.ok());
        QVERIFY2(refused.error().message.find("sw\\xffeep.yaml") != std::string::npos, refused.error().message.c_str());
    }

    void tooManyTrialsAreRefused()
    {
        std::string damping;
        for (int i = 1; i <= 1000; ++i)
            damping += (i > 1 ? ", " : "") + std::to_string(i) + "e-5";
        const std::string grid =
            "  - []\n  - [gptq: {bits: [2, 3, 4, 5, 6, 7, 8], group_size: [8, 16, 24, 32, 40, 48, 56, 64, "
            "72, 80, 88, 96, 104, 112, 120], damping: [" +
            damping + "]}]\n";
        const auto read = m_fixture.parse(SweepFixture::withPipelines(grid));
        QVERIFY(!read.ok());
        QVERIFY2(read.error().message.find(":8:5: pipelines[1] brings the sweep above 100000 trials") !=
                     std::string::npos,
                 read.error().message.c_str());

        const auto seeds =
            m_fixture.parse(SweepFixture::withPipelines("  - [gptq: {damping: [" + damping + "]}]\n"), {"seed=" + [] {
                                std::string list;
                                for (int i = 0; i < 101; ++i)
                                    list += (i > 0 ? "," : "") + std::to_string(i);
                                return list;
                            }()});
        QVERIFY(!seeds.ok());
        QVERIFY(seeds.error().message.find("seed brings the sweep above 100000 trials") != std::string::npos);
    }

    /// The user guide's examples are sweeps.
    void documentedExamplesAreRead()
    {
        const std::string guide = readTextFile(PARETOSCOPE_DOCS "/sweep-file.md").value();
        int count = 0;
        for (std::size_t at = guide.find("```yaml\nparetoscope: 1"); at != std::string::npos;
             at = guide.find("```yaml\nparetoscope: 1", at + 1)) {
            const std::size_t begin = guide.find('\n', at) + 1;
            const auto read = m_fixture.parse(guide.substr(begin, guide.find("```", begin) - begin));
            QVERIFY2(read.ok(), read.ok() ? "" : read.error().sentence().c_str());
            ++count;
        }
        QVERIFY(count >= 2);
        for (const char* key :
             {"`paretoscope`", "`name`", "`workload`", "`pipelines`", "`driver`", "`objectives`", "`seed`"})
            QVERIFY2(guide.find(key) != std::string::npos, key);
        for (const Json& options : {WindowProtocol {}.toJson(), CalibrationSpec {}.toJson()}) {
            for (const auto& [key, value] : options.items())
                QVERIFY2(guide.find("`" + key + "`") != std::string::npos, key.c_str());
        }
    }

    /// Texts near a valid one: whatever comes in, one sentence or a sweep comes out.
    void mutatedFilesNeverBreakTheReader()
    {
        const std::string alphabet = " \n\t:-[]{},&*#\"'|>!?%@`~01x.";
        std::mt19937 random(20240607);
        const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
        int accepted = 0;
        for (int round = 0; round < 3000; ++round) {
            std::string text = kExample;
            for (std::size_t edits = 1 + below(4); edits > 0; --edits) {
                const std::size_t at = below(text.size());
                switch (below(5)) {
                case 0:
                    text[at] = alphabet[below(alphabet.size())];
                    break;
                case 1:
                    text.insert(at, 1, alphabet[below(alphabet.size())]);
                    break;
                case 2:
                    text.erase(at, 1 + below(8));
                    break;
                case 3:
                    text.insert(at, text.substr(below(text.size()), below(40)));
                    break;
                default:
                    text[at] = static_cast<char>(random());
                    break;
                }
            }
            const auto read = m_fixture.parse(text);
            if (!read.ok()) {
                QVERIFY(!read.error().message.empty());
                continue;
            }
            ++accepted;
            const auto again = m_fixture.parse(writeSweep(read.value()));
            QVERIFY2(again.ok(), (text + "\n" + writeSweep(read.value())).c_str());
            QCOMPARE(SweepFixture::labels(again.value()), SweepFixture::labels(read.value()));
        }
        QVERIFY2(accepted > 100, qPrintable(QString::number(accepted))); // else the mutations are too coarse
    }
};

QTEST_GUILESS_MAIN(TstSweep)
#include "tst_sweep.moc"
