// SPDX-License-Identifier: Apache-2.0
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
        row("perplexity@/2048/ < 22.5", "");
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
        row("bits = four", "");
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
            if (query.value().matches(trials[i]))
                found += QString::number(i);
        }
        QCOMPARE(found, expected);
        QVERIFY(query.value().checkNames(trials).ok() || filter.contains(QLatin1String("2048")));
    }

    void findsATrialByIdPrefix()
    {
        const auto trials = sample();
        const auto query = TrialQuery::parse("id ~ " + trials[1].id.hex().substr(0, 12));
        QVERIFY(query.ok());
        QVERIFY(query.value().matches(trials[1]));
        QVERIFY(!query.value().matches(trials[2]));
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
    }

    void unknownNameComesWithTheNearOne()
    {
        const auto query = TrialQuery::parse("bit <= 4 and status = done");
        QVERIFY(query.ok());
        const Status status = query.value().checkNames(sample());
        QVERIFY(!status.ok());
        QVERIFY2(status.error().sentence().find("\"bit\"") != std::string::npos &&
                     status.error().sentence().find("did you mean \"bits\"") != std::string::npos,
                 status.error().sentence().c_str());
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
