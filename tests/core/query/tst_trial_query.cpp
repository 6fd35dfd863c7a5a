// SPDX-License-Identifier: Apache-2.0
#include "core/query/query_completion.h"
#include "core/query/trial_query.h"

#include <QtTest>

using namespace paretoscope::core;

namespace {

TrialRecord trial(const char* label, Json pipeline, double perplexity, double bytes,
                  TrialStatus status = TrialStatus::Done)
{
    TrialRecord record;
    record.id.digest = sha256(label);
    record.label = label;
    record.workload = "tiny-llama";
    record.pipeline = std::move(pipeline);
    record.status = status;
    record.seconds = 2.5;
    record.finishedUtc = "2025-01-31T10:00:00Z";
    MetricRecord a;
    a.name = "perplexity";
    a.value = perplexity;
    a.protocol = "perplexity.window/wiki.test.tokens#d790b833/512/first0+32/bos-none";
    MetricRecord b;
    b.name = "stored_bytes";
    b.value = bytes;
    record.metrics = {a, b};
    return record;
}

Json stage(const char* plugin, Json parameters)
{
    return {{"plugin", plugin}, {"version", "1"}, {"parameters", std::move(parameters)}};
}

std::vector<TrialRecord> sample()
{
    auto trials = std::vector<TrialRecord> {
        trial("baseline", Json::array(), 20, 2623744),
        trial("rtn(bits=4)", Json::array({stage("quantization/rtn", {{"bits", 4}, {"symmetric", false}})}), 22, 800e3),
        trial("gptq(bits=3) + eora(rank=16)",
              Json::array({stage("quantization/gptq", {{"bits", 3}, {"symmetric", true}}),
                           stage("compensation/eora", {{"rank", 16}, {"bits", 8}})}),
              23, 700e3),
        trial("gptq(bits=2)", Json::array({stage("quantization/gptq", {{"bits", 2}})}), 90, 500e3, TrialStatus::Failed),
    };
    trials[0].tags = {"reference"};
    trials[0].metrics.push_back(trials[0].metrics.front());
    trials[0].metrics.back().value = 19;
    trials[0].metrics.back().protocol = "perplexity.window/wiki.test.tokens#d790b833/2048/first0+8/bos-none";
    trials[1].provenance = {{"family", "llama"}};
    trials[3].metrics.clear();
    return trials;
}

} // namespace

class TstTrialQuery : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void findsTrials_data()
    {
        QTest::addColumn<QString>("filter");
        QTest::addColumn<QString>("expected"); // indices into sample()
        const auto row = [](const char* filter, const char* expected) {
            QTest::addRow("%s", *filter ? filter : "empty")
                << QString::fromLatin1(filter) << QString::fromLatin1(expected);
        };
        row("", "0123");
        row("  ", "0123");
        row("bits = 4", "1");
        row("bits == 4", "1");
        row("bits <= 3", "23");
        row("bits = 8", "2"); // any stage counts
        row("gptq.bits = 8", "");
        row("quantization/gptq.bits = 3", "2");
        row("bits != 4", "023"); // also the baseline, which has no bits
        row("not bits = 4", "023");
        row("! (bits = 4)", "023");
        row("not bits", "0");
        row("bits in (2, 4)", "13");
        row("bits >2 and bits<4", "2");
        row("bits = 2 or bits = 4 and status = done", "13"); // and binds tighter
        row("(bits = 2 or bits = 4) && status = done", "1");
        row("perplexity < 22.5", "01");
        row("perplexity@/512/ < 22.5", "01");
        row("perplexity@\"wiki.test.tokens#d790b833/512/first0+32/bos none\" < 22.5", "");
        row("perplexity@'tokens#d790b833/512' < 22.5", "01");
        row("perplexity", "012");
        row("stored_bytes < 750kB", "2");
        row("stored_bytes >= 2.5MiB", "0");
        row("status = failed", "3");
        row("status=\"failed\"", "3");
        row("plugin = gptq", "23");
        row("plugin in (eora, rtn)", "12");
        row("pipeline ~ EoRA", "2");
        row("pipeline !~ gptq", "01");
        row("pipeline = 'rtn(bits=4)'", "1");
        row("workload = tiny-llama", "0123");
        row("tag = reference", "0");
        row("stages > 1", "2");
        row("symmetric = true", "2");
        row("symmetric", "2");
        row("finished > 2025-01-30", "0123");
        row("seconds = 2.5", "0123");
        row("perplexity < 1.12 * baseline.perplexity", "01");
        row("1.12 * baseline.perplexity > perplexity", "01");
        row("perplexity / baseline.perplexity > 1.12", "2");
        row("perplexity - baseline.perplexity = 2", "1");
        row("stored_bytes = baseline.stored_bytes", "0");
        row("(perplexity - 20) * 2 >= 6", "2");
        row("bits + bits >= 11", "2"); // 3 + 8 of its two stages
        row("- perplexity < -22", "2");
        row("perplexity in (20, baseline.perplexity + 3)", "02"); // 19 + 3 is of another protocol than 22
        row("perplexity - perplexity@/2048/ = 1", "");            // nor are 20 and 19 of the baseline subtracted
        row("perplexity / (bits - 4) > 0", "2");                  // without a value where it divides by zero
        row("family = llama", "1");
    }
    void findsTrials()
    {
        QFETCH(QString, filter);
        QFETCH(QString, expected);
        const auto query = TrialQuery::parse(filter.toStdString());
        QVERIFY2(query.ok(), query.ok() ? "" : query.error().sentence().c_str());
        QString found;
        const auto trials = sample();
        for (std::size_t i = 0; i < trials.size(); ++i) {
            if (query.value().matches(trials[i], trials.data()))
                found += QString::number(i);
        }
        QCOMPARE(found, expected);
        const Status checked = query.value().check(trials);
        QVERIFY2(checked.ok(), checked.ok() ? "" : checked.error().sentence().c_str());
    }

    void findsATrialByIdPrefix()
    {
        const auto trials = sample();
        const auto query = TrialQuery::parse("id ~ " + trials[1].id.hex().substr(0, 12));
        QVERIFY(query.ok());
        QVERIFY(query.value().matches(trials[1], nullptr));
        QVERIFY(!query.value().matches(trials[2], nullptr));
    }

    void errorNamesTheColumn_data()
    {
        QTest::addColumn<QString>("filter");
        QTest::addColumn<QString>("part");
        const auto row = [](const char* filter, const char* part) {
            QTest::addRow("%s", filter) << QString::fromLatin1(filter) << QString::fromLatin1(part);
        };
        row("bits <", "column 7: a value");
        row("<= 4", "column 1: a name");
        row("bits = 4 and", "column 13: a name");
        row("(bits = 4", "column 1: this parenthesis is not closed");
        row("bits = 4)", "column 9: \")\" is not expected");
        row("bits = 4 status = done", "column 10: \"status\" is not expected");
        row("pipeline = \"rtn", "column 12: the quotation mark");
        row("bits in 4", "column 9: \"in\" is followed by a list");
        row("bits in (4", "column 11: a comma");
        row("bits = 4 ; drop", "column 10: \";\" means nothing here");
        row("4", "column 1: a value alone");
        row("bits < 3 and 'x'", "column 14: a value alone");
        row("(bits < 3) + 1 = 2", "column 2: a condition stands where");
        row("bits = (plugin = gptq)", "column 9: a condition stands where");
        row("bits * = 3", "column 8: a name");
    }
    void errorNamesTheColumn()
    {
        QFETCH(QString, filter);
        QFETCH(QString, part);
        const auto query = TrialQuery::parse(filter.toStdString());
        QVERIFY(!query.ok());
        QCOMPARE(query.error().code, ErrorCode::InvalidArgument);
        QVERIFY2(QString::fromStdString(query.error().message).contains(part), query.error().message.c_str());
    }

    void deepNestingIsRefused()
    {
        QVERIFY(!TrialQuery::parse(std::string(100000, '(')).ok());
        QVERIFY(!TrialQuery::parse(std::string(100000, '!')).ok());
        QVERIFY(!TrialQuery::parse(std::string(100000, '-') + "1 < 2").ok());
        std::string chain = "bits";
        for (int i = 0; i < 10000; ++i)
            chain += " + bits";
        QVERIFY(!TrialQuery::parse(chain + " > 1").ok());
    }

    void whatTheTrialsCannotAnswerIsAnError_data()
    {
        QTest::addColumn<QString>("filter");
        QTest::addColumn<QString>("sentence");
        const auto row = [](const char* filter, const char* sentence) {
            QTest::addRow("%s", filter) << QString::fromLatin1(filter) << QString::fromLatin1(sentence);
        };
        row("status = done and bit <= 4", "column 19: no trial has a \"bit\" (did you mean \"bits\"?)");
        row("perplexity < 1.05 * baseline.perplexty", "did you mean \"perplexity\"?");
        row("perplexity < bitz", "column 14: no trial has a \"bitz\"");
        row("perplexity < bits-1", "to calculate, write spaces around + - and /");
        row("bits = four", "column 8: \"four\" is no number, but \"bits\" is one");
        row("bits in (2, four)", "column 13: \"four\" is no number");
        row("perplexity > 2 * pipeline", "column 18: \"pipeline\" is a text, and only numbers");
        row("workload < bits", "column 12: \"bits\" is a number, but \"workload\" is a text");
        row("perplexity ~ 2", "column 1: \"perplexity\" is a number, and ~ looks into texts");
    }
    void whatTheTrialsCannotAnswerIsAnError()
    {
        QFETCH(QString, filter);
        QFETCH(QString, sentence);
        const auto query = TrialQuery::parse(filter.toStdString());
        QVERIFY2(query.ok(), query.ok() ? "" : query.error().sentence().c_str());
        const Status status = query.value().check(sample());
        QVERIFY(!status.ok());
        QVERIFY2(QString::fromStdString(status.error().sentence()).contains(sentence),
                 status.error().sentence().c_str());
    }

    void baselineMustBeThere()
    {
        auto trials = sample();
        trials.erase(trials.begin());
        const auto query = TrialQuery::parse("perplexity < baseline.perplexity");
        QVERIFY(query.ok());
        QVERIFY(!query.value().check(trials).ok());
        QVERIFY(!query.value().matches(trials[0], nullptr));
    }

    void completes_data()
    {
        QTest::addColumn<QString>("text"); // the cursor stands at |
        QTest::addColumn<QString>("expected");
        const auto row = [](const char* text, const char* expected) {
            QTest::addRow("%s", text) << QString::fromLatin1(text) << QString::fromLatin1(expected);
        };
        row("per|", "perplexity");
        row("PER|", "perplexity");
        row("bits < 3 and gptq.|", "gptq.bits gptq.symmetric");
        row("bits < 3 and stor| > 2", "stored_bytes");
        row("perplexity < 1.05 * base|", "baseline.");
        row("perplexity < baseline.per|", "baseline.perplexity");
        row("status = |", "done failed");
        row("plugin in (gptq, r|)", "rtn");
        row("pipeline = rt|", "\"rtn(bits=4)\"");
        row("bits < 3 a|", "and");
        row("(bits < 3) o|", "or");
        row("not st|", "stages started status stored_bytes");
        row("pipeline = \"rt|", "");
    }
    void completes()
    {
        QFETCH(QString, text);
        QFETCH(QString, expected);
        const int cursor = int(text.indexOf(QLatin1Char('|')));
        const std::string plain = text.remove(cursor, 1).toStdString();
        const QueryCompletion completion = completeQuery(plain, std::size_t(cursor), sample());
        QStringList candidates;
        for (const std::string& candidate : completion.candidates)
            candidates << QString::fromStdString(candidate);
        QCOMPARE(candidates.join(QLatin1Char(' ')), expected);
        QCOMPARE(completion.end, std::size_t(cursor));
    }

    void strangePipelineIsNoTrap()
    {
        TrialRecord record;
        record.pipeline = Json::parse(R"([1, {"plugin": 7, "parameters": [2]}, {"parameters": {"x": {"y": null}}}])");
        QCOMPARE(fieldValues(record, "x").size(), std::size_t(1));
        QCOMPARE(std::get<std::string>(fieldValues(record, "x").front()), std::string("{\"y\":null}"));
        record.pipeline = "text";
        QVERIFY(fieldValues(record, "x").empty());
    }
};

QTEST_GUILESS_MAIN(TstTrialQuery)
#include "tst_trial_query.moc"
