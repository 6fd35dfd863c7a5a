// SPDX-License-Identifier: Apache-2.0
// Ranges and conditions of parameters.
#include "sweep_fixture.h"

#include <QtTest>

#include <string>

using namespace paretoscope::core;

class TstParameterChoices : public QObject
{
    Q_OBJECT

    SweepFixture m_fixture;

private Q_SLOTS:
    void gridsExpand_data()
    {
        QTest::addColumn<std::string>("pipelines");
        QTest::addColumn<std::string>("labels");
        const auto row = [](const char* tag, const char* pipelines, const char* labels) {
            QTest::addRow("%s", tag) << std::string(pipelines) << std::string(labels);
        };
        row("integers", "  - rtn: {bits: {from: 3, to: 5}}\n", "rtn(bits=3)\nrtn(bits=4)\nrtn(bits=5)\n");
        row("integers by step", "  - rtn: {bits: {from: 2, to: 7, step: 2}}\n",
            "rtn(bits=2)\nrtn(bits=4)\nrtn(bits=6)\n");
        row("factors", "  - rtn: {group_size: {from: 32, to: 200, factor: 2}}\n",
            "rtn(group_size=32)\nrtn(group_size=64)\nrtn(group_size=128)\n");
        row("steps read as people write them", "  - gptq: {damping: {from: 0.1, to: 0.4, step: 0.1}}\n",
            "gptq(damping=0.1)\ngptq(damping=0.2)\ngptq(damping=0.3)\ngptq(damping=0.4)\n");
        row("even count", "  - gptq: {damping: {from: 0.1, to: 0.2, count: 3}}\n",
            "gptq(damping=0.1)\ngptq(damping=0.15)\ngptq(damping=0.2)\n");
        row("logarithmic count", "  - gptq: {damping: {from: 0.001, to: 0.1, log: true, count: 3}}\n",
            "gptq(damping=0.001)\ngptq(damping=0.01)\ngptq(damping=0.1)\n");
        row("logarithmic integers are rounded", "  - eora: {rank: {from: 1, to: 8, log: true, count: 5}}\n",
            "eora(rank=1)\neora(rank=2)\neora(rank=3)\neora(rank=5)\neora(rank=8)\n");
        row("values", "  - rtn: {bits: {values: [3, 4]}}\n", "rtn(bits=3)\nrtn(bits=4)\n");
        row("one value", "  - rtn: {bits: {values: 3}}\n", "rtn(bits=3)\n");
        row("lists of a list parameter", "  - rtn: {include: {values: [[a], [b, c]]}}\n",
            "rtn(include=[a])\nrtn(include=[b,c])\n");
        row("condition on a list", "  - rtn: {bits: [2, 3, 4], group_size: {values: [32, 64], when: {bits: [2, 3]}}}\n",
            "rtn(bits=2,group_size=32)\nrtn(bits=2,group_size=64)\n"
            "rtn(bits=3,group_size=32)\nrtn(bits=3,group_size=64)\nrtn(bits=4)\n");
        row("condition on a range", "  - rtn: {bits: {from: 2, to: 4}, clip: {values: mse, when: {bits: {to: 2}}}}\n",
            "rtn(bits=2,clip=mse)\nrtn(bits=3)\nrtn(bits=4)\n");
        row("condition on one value", "  - rtn: {clip: [none, mse], clip_norm: {values: [2, 3], when: {clip: mse}}}\n",
            "rtn(clip=none)\nrtn(clip=mse,clip_norm=2)\nrtn(clip=mse,clip_norm=3)\n");
        row("two conditions",
            "  - rtn: {bits: [2, 3], symmetric: [false, true], group_size: {values: 32, when: {bits: 2, symmetric: "
            "true}}}\n",
            "rtn(bits=2,symmetric=false)\nrtn(bits=2,group_size=32,symmetric=true)\n"
            "rtn(bits=3,symmetric=false)\nrtn(bits=3,symmetric=true)\n");
        row("condition on a stage above",
            "  - [rtn: {bits: [3, 4]}, eora: {rank: {values: [8, 32], when: {rtn.bits: 3}}}]\n",
            "rtn(bits=3) + eora(rank=8)\nrtn(bits=3) + eora(rank=32)\nrtn(bits=4) + eora\n");
        row("condition on what a condition chose",
            "  - rtn: {bits: [2, 3], clip: {values: [none, mse], when: {bits: 2}}, "
            "clip_norm: {values: 3, when: {clip: mse}}}\n",
            "rtn(bits=2,clip=none)\nrtn(bits=2,clip=mse,clip_norm=3)\nrtn(bits=3)\n");
        row("condition on a default", "  - rtn: {group_size: {values: [32, 64], when: {bits: 4}}}\n",
            "rtn(group_size=32)\nrtn(group_size=64)\n");
    }
    void gridsExpand()
    {
        QFETCH(std::string, pipelines);
        QFETCH(std::string, labels);
        const auto read = m_fixture.parse(SweepFixture::withPipelines(pipelines));
        QVERIFY2(read.ok(), read.ok() ? "" : read.error().sentence().c_str());
        QCOMPARE(SweepFixture::labels(read.value()), labels);
        const auto again = m_fixture.parse(writeSweep(read.value()));
        QVERIFY2(again.ok(), again.ok() ? "" : again.error().sentence().c_str());
        QCOMPARE(SweepFixture::labels(again.value()), labels);
    }

    void whatIsLeftOutHasItsDefault()
    {
        const auto read = m_fixture.parse(
            SweepFixture::withPipelines("  - rtn: {bits: [2, 4], group_size: {values: 32, when: {bits: 2}}}\n"));
        QVERIFY(read.ok());
        QCOMPARE(read.value().pipelines[0].stages[0].parameters.at("group_size"), Json(32));
        QCOMPARE(read.value().pipelines[1].stages[0].parameters.at("group_size"), Json(128));
        QVERIFY(!read.value().pipelines[1].stages[0].given.contains("group_size"));
    }

    void refuses_data()
    {
        QTest::addColumn<std::string>("parameters"); // of rtn, gptq or eora, which stands in line 7
        QTest::addColumn<std::string>("expected");
        const auto row = [](const char* tag, const char* parameters, const char* expected) {
            QTest::addRow("%s", tag) << std::string(parameters) << std::string(expected);
        };
        row("no begin", "rtn: {bits: {to: 4}}", ":7:17: quantization/rtn: bits.from is missing");
        row("no end", "rtn: {bits: {from: 4}}", ":7:17: quantization/rtn: bits.to is missing");
        row("misspelt key", "rtn: {bits: {from: 2, too: 4}}",
            ":7:27: quantization/rtn: bits: unknown key \"too\" (did you mean \"to\"?)");
        row("range beside values", "rtn: {bits: {values: [2], to: 4}}",
            ":7:31: quantization/rtn: bits: unknown key \"to\"");
        row("of a choice", "rtn: {clip: {from: 1, to: 2}}",
            ":7:24: quantization/rtn: clip is no number, so it has no range (give one of none, mse)");
        row("begin out of range", "rtn: {bits: {from: 1, to: 4}}",
            ":7:24: quantization/rtn: bits is 1, not an integer from 2 to 8 bit");
        row("end is a text", "rtn: {bits: {from: 2, to: many}}", ":7:31: quantization/rtn: bits is \"many\", not");
        row("wrong way round", "rtn: {bits: {from: 4, to: 2}}",
            ":7:31: quantization/rtn: bits ends at 2, which is not above 4");
        row("step of zero", "rtn: {bits: {from: 2, to: 4, step: 0}}",
            ":7:40: quantization/rtn: bits step is 0, not an integer above 0");
        row("broken step", "rtn: {bits: {from: 2, to: 4, step: 0.5}}",
            ":7:40: quantization/rtn: bits step is 0.5, not an integer above 0");
        row("factor of one", "rtn: {bits: {from: 2, to: 4, factor: 1}}",
            ":7:42: quantization/rtn: bits factor is 1, not an integer above 1");
        row("two of them", "rtn: {bits: {from: 2, to: 4, step: 1, count: 2}}",
            ":7:50: quantization/rtn: bits has two of step, factor and count");
        row("count of one", "rtn: {bits: {from: 2, to: 4, count: 1}}",
            ":7:41: quantization/rtn: bits count is 1, not an integer from 2");
        row("log with step", "gptq: {damping: {from: 0.1, to: 0.4, step: 0.1, log: true}}",
            ":7:48: quantization/gptq: damping has log beside step or factor");
        row("log is a text", "gptq: {damping: {from: 0.1, to: 0.4, log: often}}",
            ":7:47: quantization/gptq: damping log is \"often\", not true or false");
        row("log of integers without count", "eora: {rank: {from: 1, to: 4, log: true}}",
            ":7:25: compensation/eora: rank is an integer range with log and without values");
        row("a grid needs values", "gptq: {damping: {from: 0.1, to: 0.4}}",
            ":7:5: pipelines[0]: quantization/gptq: damping is a range without steps, and a grid needs its values");
        row("too many values", "gptq: {damping: {from: 0.1, to: 0.4, step: 1e-9}}",
            ":7:28: quantization/gptq: damping stands for more than 100000 values");
        row("when is a text", "rtn: {bits: {values: 3, when: always}}",
            ":7:35: quantization/rtn: bits: when is \"always\", not parameters");
        row("when names nothing", "rtn: {bits: [2, 3], clip: {values: mse, when: {bit: 2}}}",
            ":7:52: quantization/rtn: clip: when: quantization/rtn has no parameter \"bit\" (did you mean \"bits\"?)");
        row("when names what is below", "rtn: {clip: {values: mse, when: {bits: 2}}, bits: [2, 3]}",
            ":7:38: quantization/rtn: clip: when names bits, which does not stand above (write bits before clip)");
        row("when names itself", "rtn: {bits: {values: 3, when: {bits: 3}}}",
            ":7:36: quantization/rtn: bits: when names bits, which does not stand above");
        row("when never holds", "rtn: {bits: [2, 3], clip: {values: mse, when: {bits: 4}}}",
            ":7:52: quantization/rtn: clip: when never holds: bits is not 4 here");
        row("when never holds for a default", "rtn: {clip: {values: mse, when: {bits: 3}}}",
            ":7:38: quantization/rtn: clip: when never holds: bits is not 3 here");
        row("when asks the impossible", "rtn: {bits: [2, 3], clip: {values: mse, when: {bits: 99}}}",
            ":7:58: quantization/rtn: bits is 99, not an integer from 2 to 8 bit");
        row("when is bounded by a text", "rtn: {bits: [2, 3], clip: {values: mse, when: {bits: {to: x}}}}",
            ":7:63: quantization/rtn: clip: when.bits is bounded by \"x\", no number");
        row("when names another stage", "[rtn: {bits: 3}, eora: {rank: {values: 8, when: {gptq.bits: 3}}}]",
            ":7:54: compensation/eora: rank: when names gptq.bits, and no stage above is quantization/gptq");
        row("when names no plugin", "[rtn: {bits: 3}, eora: {rank: {values: 8, when: {rnt.bits: 3}}}]",
            ":7:54: compensation/eora: rank: when: there is no plugin \"rnt\" (did you mean \"rtn\"?)");
        row("without default", "[rtn: {bits: 3}, must: {checkpoint: {values: a, when: {rtn.bits: 3}}}]",
            ":7:59: quantization/must: checkpoint has no default, so it cannot be left out");
    }
    void refuses()
    {
        QFETCH(std::string, parameters);
        QFETCH(std::string, expected);
        const auto read = m_fixture.parse(SweepFixture::withPipelines("  - " + parameters + "\n"));
        QVERIFY(!read.ok());
        const std::string sentence = read.error().sentence();
        QVERIFY2(sentence.find(expected) != std::string::npos, sentence.c_str());
        QVERIFY(!read.error().hint.empty());
    }

    void rangesAreSetFromTheCommandLine_data()
    {
        QTest::addColumn<std::string>("override");
        QTest::addColumn<std::string>("labels");
        QTest::addRow("whole") << std::string("stage.rtn.bits={from: 3, to: 4}")
                               << std::string("rtn(bits=3)\nrtn(bits=4)\n");
        QTest::addRow("end") << std::string("stage.rtn.bits.to=3") << std::string("rtn(bits=2)\nrtn(bits=3)\n");
        QTest::addRow("step") << std::string("stage.rtn.bits.step=2")
                              << std::string("rtn(bits=2)\nrtn(bits=4)\nrtn(bits=6)\n");
        QTest::addRow("list instead") << std::string("stage.rtn.bits=3,8") << std::string("rtn(bits=3)\nrtn(bits=8)\n");
        QTest::addRow("by path") << std::string("pipelines.0.rtn.bits.to=2.5") << std::string();
    }
    void rangesAreSetFromTheCommandLine()
    {
        QFETCH(std::string, override);
        QFETCH(std::string, labels);
        const auto read =
            m_fixture.parse(SweepFixture::withPipelines("  - rtn: {bits: {from: 2, to: 6}}\n"), {override});
        if (labels.empty()) {
            QVERIFY(!read.ok());
            QVERIFY2(read.error().message.rfind("--set " + override + ": quantization/rtn: bits is 2.5", 0) == 0,
                     read.error().message.c_str());
            return;
        }
        QVERIFY2(read.ok(), read.ok() ? "" : read.error().sentence().c_str());
        QCOMPARE(SweepFixture::labels(read.value()), labels);
    }
};

QTEST_GUILESS_MAIN(TstParameterChoices)
#include "tst_parameter_choices.moc"
