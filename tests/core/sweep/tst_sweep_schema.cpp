// SPDX-License-Identifier: Apache-2.0
// resources/sweep.schema.json says what the reader says, as far as a schema can.
#include "json_schema.h"
#include "sweep_fixture.h"

#include "core/corpus/corpus.h"
#include "core/evaluation/metric_kind.h"
#include "core/search/driver_kind.h"
#include "core/sweep/marked_value.h"

#include <QtTest>

#include <set>

using namespace paretoscope::core;

namespace {

constexpr const char* kExample = R"(paretoscope: 1
name: all keys
workload:
  kind: causal-lm
  model: models/tiny
  calibration: {corpus: data/train.txt, samples: 32, length: 512, select: random, seed: 3, join: rows}
  evaluate:
    - perplexity: {corpus: data/test.txt, length: 512, windows: 32, first: 1, stride: 256, bos: first, join: raw}
    - kl_divergence: {corpus: data/test.txt, windows: 8, score: second-half}
    - bits_per_byte: {corpus: data/test.txt, bos: none}
    - task: {file: data/test.txt, limit: 3, order: shuffled, bos: auto}
    - greedy_match: {corpus: data/test.txt, prompts: 4, length: 8, tokens: 8}
pipelines:
  - []
  - baseline
  - rtn
  - [rtn: {bits: [2, 3, 4, 8], group_size: {from: 32, to: 256, factor: 2}, include: [["*.mlp.*"], []]}]
  - [gptq: {bits: {from: 2, to: 4}, damping: {from: 0.01, to: 0.1, log: true, count: 3}}]
  - [rtn: {bits: [3, 4], clip: {values: mse, when: {bits: {to: 3}}}}, eora: {rank: {values: [16, 64], when: {rtn.bits: 3}}}]
driver: {grid: {}}
objectives: [perplexity, stored_bytes]
seed: [0, 1]
)";

std::string replaced(std::string text, std::string_view what, std::string_view by)
{
    const std::size_t at = text.find(what);
    if (at == std::string::npos)
        qFatal("\"%s\" is not in the text", std::string(what).c_str());
    return text.replace(at, what.size(), by);
}

} // namespace

class TstSweepSchema : public QObject
{
    Q_OBJECT

    SweepFixture m_fixture;
    Json m_schema;

    bool schemaAccepts(const std::string& text) const
    {
        const auto document = readYaml({"sweep.yaml", text, {}});
        return document.ok() && JsonSchema(m_schema).accepts(document.value().toJson());
    }

private Q_SLOTS:
    void initTestCase()
    {
        m_schema = Json::parse(readTextFile(PARETOSCOPE_RESOURCES "/sweep.schema.json").value());
        m_fixture.put("common.yaml", "workload: {model: models/tiny, evaluate: {perplexity: {corpus: data/test.txt, "
                                     "windows: 9}}}\npipelines: [[]]\n");
    }

    void bothAccept_data()
    {
        QTest::addColumn<std::string>("text");
        const auto row = [](const char* tag, const char* what, const char* by) {
            QTest::addRow("%s", tag) << replaced(kExample, what, by);
        };
        QTest::addRow("all keys") << std::string(kExample);
        QTest::addRow("includes") << std::string("paretoscope: 1\nincludes: [common.yaml]\n");
        QTest::addRow("parts of the workload beside includes")
            << std::string("paretoscope: 1\nincludes: common.yaml\nworkload: {kind: causal-lm}\n");
        row("nothing for what has a default", "name: all keys", "name: ~");
        row("a number as name", "name: all keys", "name: 2024");
        row("seed", "seed: [0, 1]", "seed: 18446744073709551615");
        row("one objective", "[perplexity, stored_bytes]", "perplexity");
        row("no driver", "{grid: {}}", "~");
        row("driver by name", "{grid: {}}", "random");
        row("driver without options", "{grid: {}}", "{sobol: ~}");
        row("random", "{grid: {}}", "{random: {trials: 9}}");
        QTest::addRow("nsga2") << replaced(replaced(kExample, "seed: [0, 1]", ""), "{grid: {}}",
                                           "{nsga2: {population: 4, generations: 2, crossover_probability: 0.5, "
                                           "constraints: [\"stored_bytes <= 5e6\", \"perplexity>=1\"]}}");
        QTest::addRow("one constraint") << replaced(replaced(kExample, "seed: [0, 1]", ""), "{grid: {}}",
                                                    "{nsga2: {constraints: stored_bytes <= 100}}");
        QTest::addRow("successive halving") << replaced(replaced(kExample, "seed: [0, 1]", ""), "{grid: {}}",
                                                        "{successive_halving: {trials: 9, factor: 2, min_windows: 4}}");
        row("stages of one map", "  - rtn\n", "  - {rtn: {bits: 3}, eora: }\n");
        row("an empty map", "  - rtn\n", "  - {}\n");
        row("whole numbers", "samples: 32", "samples: 32.0");
        row("metrics as keys", "    - kl_divergence",
            "    - bits_per_byte: {corpus: data/train.txt}\n      kl_divergence");
    }
    void bothAccept()
    {
        QFETCH(std::string, text);
        const auto read = m_fixture.parse(text);
        QVERIFY2(read.ok(), read.ok() ? "" : read.error().sentence().c_str());
        QVERIFY(schemaAccepts(text));
    }

    void bothRefuse_data()
    {
        QTest::addColumn<std::string>("text");
        const auto row = [](const char* tag, const char* what, const char* by) {
            QTest::addRow("%s", tag) << replaced(kExample, what, by);
        };
        row("no version", "paretoscope: 1\n", "");
        row("another version", "paretoscope: 1", "paretoscope: 2");
        row("unknown key", "driver:", "drivr:");
        row("no pipelines", "pipelines:", "name2:");
        row("no model", "  model: models/tiny\n", "");
        row("unknown key of the workload", "  kind:", "  knd:");
        row("another kind", "causal-lm", "vlm");
        row("a list as name", "all keys", "[a]");
        row("a list as include", "name: all keys", "includes: [[a]]");
        row("calibration without corpus", "{corpus: data/train.txt, samples: 32,", "{samples: 32,");
        row("no samples", "samples: 32", "samples: 0");
        row("half a sample", "samples: 32", "samples: 0.5");
        row("samples in words", "samples: 32", "samples: many");
        row("unknown selection", "select: random", "select: last");
        row("calibration is a text",
            "{corpus: data/train.txt, samples: 32, length: 512, select: random, seed: 3, "
            "join: rows}",
            "train");
        row("unknown metric", "- perplexity:", "- perplexitty:");
        row("unknown option of a metric", "windows: 32", "windws: 32");
        row("negative windows", "windows: 32", "windows: -1");
        row("window of one token", "length: 512, windows: 32", "length: 1, windows: 32");
        row("metric without options", "- task: {file: data/test.txt, limit: 3, order: shuffled, bos: auto}", "- task");
        row("task without file", "file: data/test.txt, limit", "limit");
        row("unknown order", "order: shuffled", "order: random");
        row("unknown bos", "bos: none", "bos: each");
        row("baseline of a comparison", "windows: 8", "windows: 8, baseline: models/tiny");
        row("nothing instead of a pipeline", "  - []\n", "  - \n");
        row("nothing instead of a stage", "  - rtn\n", "  - [rtn, ~]\n");
        row("a list too many", "  - rtn\n", "  - [[rtn: {}]]\n");
        row("a number as stage", "  - rtn\n", "  - 3\n");
        row("a number as parameters", "  - rtn\n", "  - rtn: 3\n");
        row("nothing as a value", "[2, 3, 4, 8]", "~");
        row("range without an end", "from: 2, to: 4", "from: 2");
        row("unknown key of a range", "from: 2, to: 4", "from: 2, to: 4, stp: 1");
        row("step and factor", "factor: 2", "factor: 2, step: 32");
        row("step and count", "log: true, count: 3", "step: 0.01, count: 3");
        row("log with factor", "factor: 2", "factor: 2, log: true");
        row("factor of one", "factor: 2", "factor: 1");
        row("negative step", "from: 2, to: 4", "from: 2, to: 4, step: -1");
        row("count of one", "count: 3", "count: 1");
        row("log in words", "log: true, count: 3", "log: often");
        row("range beside values", "values: mse,", "values: mse, from: 1,");
        row("empty condition", "when: {rtn.bits: 3}", "when: {}");
        row("condition of nothing", "when: {rtn.bits: 3}", "when: {rtn.bits: []}");
        row("condition bounded by a text", "{to: 3}", "{to: three}");
        row("condition with another bound", "{to: 3}", "{upto: 3}");
        row("unknown driver", "{grid: {}}", "{gird: {}}");
        row("driver of the future", "{grid: {}}", "{tpe: {}}");
        row("two drivers", "{grid: {}}", "{grid: {}, random: {}}");
        row("option of the grid", "{grid: {}}", "{grid: {trials: 3}}");
        row("no trials", "{grid: {}}", "{random: {trials: 0}}");
        row("options of a driver as a list", "{grid: {}}", "{random: [3]}");
        row("no constraint", "{grid: {}}", "{nsga2: {constraints: [stored_bytes < 5]}}");
        row("constraint without number", "{grid: {}}", "{nsga2: {constraints: [stored_bytes <= few]}}");
        row("no objective", "[perplexity, stored_bytes]", "[]");
        row("objective twice", "[perplexity, stored_bytes]", "[perplexity, perplexity]");
        row("objective is a map", "[perplexity, stored_bytes]", "[{a: 1}]");
        row("negative seed", "seed: [0, 1]", "seed: -1");
        row("no seed", "seed: [0, 1]", "seed: []");
        row("seed in words", "seed: [0, 1]", "seed: [one]");
    }
    void bothRefuse()
    {
        QFETCH(std::string, text);
        QVERIFY(!m_fixture.parse(text).ok());
        QVERIFY(!schemaAccepts(text));
    }

    /// What lies on the disk and what plugins can do, a schema does not know.
    void onlyTheReaderRefuses_data()
    {
        QTest::addColumn<std::string>("text");
        const auto row = [](const char* tag, const char* what, const char* by) {
            QTest::addRow("%s", tag) << replaced(kExample, what, by);
        };
        row("missing model", "models/tiny", "./models/absent");
        row("unknown plugin", "  - rtn\n", "  - rnt\n");
        row("unknown parameter", "{bits: [2, 3, 4, 8]", "{bit: [2, 3, 4, 8]");
        row("value out of range", "[2, 3, 4, 8]", "[9]");
        row("condition that never holds", "when: {rtn.bits: 3}", "when: {rtn.bits: 8}");
        row("objective that is not measured", "stored_bytes]", "accuracy]");
        row("wrong way round", "from: 2, to: 4", "from: 4, to: 2");
    }
    void onlyTheReaderRefuses()
    {
        QFETCH(std::string, text);
        QVERIFY(!m_fixture.parse(text).ok());
        QVERIFY(schemaAccepts(text));
    }

    void documentedExamplesAreAccepted()
    {
        QVERIFY(schemaAccepts(readTextFile(PARETOSCOPE_RESOURCES "/demo/tiny-llama.yaml").value()));
        const std::string guide = readTextFile(PARETOSCOPE_DOCS "/sweep-file.md").value();
        for (std::size_t at = guide.find("```yaml\nparetoscope: 1"); at != std::string::npos;
             at = guide.find("```yaml\nparetoscope: 1", at + 1)) {
            const std::size_t begin = guide.find('\n', at) + 1;
            const std::string text = guide.substr(begin, guide.find("```", begin) - begin);
            QVERIFY2(schemaAccepts(text), text.c_str());
        }
    }

    void driversAndTheirOptionsAreListed()
    {
        const Json& alternatives = m_schema["definitions"]["driver"]["anyOf"];
        std::set<std::string> names;
        for (const DriverKind& kind : driverKinds()) {
            const std::string name(kind.name);
            names.insert(name);
            const Json& listed = alternatives[2]["properties"][name]["anyOf"][1]["properties"];
            QVERIFY2(listed.size() == kind.options.size() + (kind.takesConstraints ? 1 : 0), name.c_str());
            for (const DriverOption& option : kind.options) {
                const Json& rule = listed.at(std::string(option.name));
                QCOMPARE(rule.at("type"), Json(option.isInteger ? "integer" : "number"));
                QCOMPARE(rule.at("minimum").get<double>(), option.minimum);
                QCOMPARE(rule.at("maximum").get<double>(), option.maximum);
                QCOMPARE(rule.at("default").get<double>(), option.fallback);
            }
        }
        QCOMPARE(alternatives[1]["enum"].get<std::set<std::string>>(), names);
    }

    void metricsAndTheirOptionsAreListed()
    {
        const Json& metrics = m_schema["definitions"]["workload"]["properties"]["evaluate"]["anyOf"][0]["properties"];
        QCOMPARE(metrics.size(), metricKinds().size());
        const auto compare = [](const Json& rules, const Json& complete, const std::string& file) {
            for (const auto& [name, rule] : rules.items()) {
                QVERIFY2(name == "seed" || complete.contains(name), name.c_str());
                if (rule.contains("default") && name != "seed")
                    QCOMPARE(rule.at("default"), complete.at(name));
            }
            for (const auto& [name, value] : complete.items())
                QVERIFY2(rules.contains(name), (name + " of " + file).c_str());
        };
        for (const MetricKind& kind : metricKinds()) {
            const std::string file(kind.file);
            compare(metrics.at(std::string(kind.name)).at("properties"), kind.complete({{file, "x"}}).value(), file);
        }
        compare(m_schema["definitions"]["workload"]["properties"]["calibration"]["anyOf"][1]["properties"],
                CalibrationSpec {}.toJson(), "calibration");
    }
};

QTEST_GUILESS_MAIN(TstSweepSchema)
#include "tst_sweep_schema.moc"
