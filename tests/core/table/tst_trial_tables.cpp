// SPDX-License-Identifier: Apache-2.0
#include "core/table/exact_table.h"
#include "core/table/imported_trials.h"

#include <QtTest>

#include <algorithm>

using namespace paretoscope::core;

namespace {

MetricRecord metric(const char* name, double value, const char* protocol, const char* unit = "")
{
    MetricRecord record;
    record.name = name;
    record.value = value;
    record.protocol = protocol;
    record.unit = unit;
    return record;
}

TrialRecord trial(const char* label, Json pipeline, double perplexity)
{
    TrialRecord record;
    record.id.digest = sha256(label);
    record.workload = "tiny, \"llama\"";
    record.label = label;
    record.pipeline = std::move(pipeline);
    record.status = TrialStatus::Done;
    record.seed = 7;
    record.seconds = 0.1;
    record.startedUtc = "2025-01-31T10:00:00.000Z";
    record.finishedUtc = "2025-01-31T10:00:02.500Z";
    record.attempts = 1;
    record.tags = {"best", "paper"};
    record.metrics = {metric("perplexity", perplexity, "perplexity.window/wiki.test.tokens#d790b833/512"),
                      metric("stored_bytes", 2623744, "", "B"), metric("acc", 1.0 / 3, "task.choice/piqa#0000")};
    record.metrics[0].standardError = 0.3;
    record.metrics[0].n = 32;
    record.metrics[0].device = "cpu";
    record.metrics[0].threads = 2;
    record.metrics[2].minimise = false;
    record.layerMetrics = {{"model.layers.0.mlp.down_proj", 0, "relative_output_error", 0.02}};
    return record;
}

std::vector<TrialRecord> sample()
{
    const Json stages = Json::array(
        {{{"plugin", "quantization/gptq"}, {"version", "1.0.0"}, {"parameters", {{"bits", 3}, {"symmetric", true}}}}});
    std::vector<TrialRecord> trials {trial("baseline", Json::array(), 20.1),
                                     trial("gptq(bits=3)", stages, 23.456789012345678)};
    trials[1].seed = 18364758544493064193u; // which no double holds
    return trials;
}

/// What an exported and imported trial has to keep.
void compareTrials(const TrialRecord& actual, const TrialRecord& expected)
{
    QCOMPARE(actual.id.hex(), expected.id.hex());
    QCOMPARE(actual.label, expected.label);
    QCOMPARE(actual.workload, expected.workload);
    QVERIFY(actual.pipeline == expected.pipeline);
    QCOMPARE(actual.seed, expected.seed);
    QCOMPARE(int(actual.status), int(expected.status));
    QCOMPARE(actual.metrics.size(), expected.metrics.size());
    for (const MetricRecord& wanted : expected.metrics) {
        const MetricRecord* found = actual.metric(wanted.name, wanted.protocol);
        QVERIFY2(found, wanted.name.c_str());
        QVERIFY(found->value == wanted.value); // to the last bit
        QVERIFY(found->standardError == wanted.standardError);
        QCOMPARE(found->unit, wanted.unit);
        QCOMPARE(found->minimise, wanted.minimise);
    }
}

TableSource source()
{
    return {"table.csv", sha256("table"), {}, {}, {}};
}

ImportedTrials imported(const char* csv, const TableSource& from = source())
{
    const auto rows = parseCsv(csv, from.name);
    const auto result = rows.ok() ? importTrials(rows.value(), from) : Result<ImportedTrials>(rows.error());
    return result.ok() ? result.value() : ImportedTrials();
}

} // namespace

class TstTrialTables : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void whatIsExportedReadsBackEqual_data()
    {
        QTest::addColumn<bool>("measurements");
        QTest::addColumn<bool>("asJson");
        for (const bool measurements : {false, true}) {
            for (const bool asJson : {false, true})
                QTest::addRow("%s as %s", measurements ? "measurements" : "trials", asJson ? "JSON" : "CSV")
                    << measurements << asJson;
        }
    }
    void whatIsExportedReadsBackEqual()
    {
        QFETCH(bool, measurements);
        QFETCH(bool, asJson);
        const std::vector<TrialRecord> trials = sample();
        const ExactTable table = measurements ? metricTable(trials) : exactTable(trials, usualExactColumns(trials));
        const auto rows = asJson ? rowsOfJson(toJson(table), "table.json") : parseCsv(asCsv(textRows(table)), "table");
        QVERIFY2(rows.ok(), rows.ok() ? "" : rows.error().sentence().c_str());
        const auto read = importTrials(rows.value(), source());
        QVERIFY2(read.ok(), read.ok() ? "" : read.error().sentence().c_str());
        QCOMPARE(read.value().trials.size(), trials.size());
        for (std::size_t i = 0; i < trials.size(); ++i) {
            compareTrials(read.value().trials[i], trials[i]);
            if (!measurements)
                QVERIFY(read.value().trials[i].tags == trials[i].tags);
        }
    }

    void headersCarryUnitsAndProtocols()
    {
        std::vector<TrialRecord> trials = sample();
        const TextRows one = textRows(exactTable(trials, usualExactColumns(trials)));
        const auto has = [](const TextRows& rows, const char* title) {
            return std::find(rows[0].begin(), rows[0].end(), title) != rows[0].end();
        };
        for (const char* title : {"stored_bytes [B]", "perplexity", "perplexity.standard_error", "perplexity.protocol",
                                  "seconds [s]", "bits", "symmetric"})
            QVERIFY2(has(one, title), title);
        trials[0].metrics.push_back(metric("perplexity", 19, "perplexity.window/wiki.test.tokens#d790b833/2048"));
        const TextRows two = textRows(exactTable(trials, usualExactColumns(trials)));
        QVERIFY(!has(two, "perplexity"));
        QVERIFY(has(two, "perplexity@perplexity.window/wiki.test.tokens#d790b833/2048"));
        const auto read = importTrials(two, source());
        QVERIFY(read.ok());
        compareTrials(read.value().trials[0], trials[0]);
    }

    void wholeNumbersAreWrittenInFull()
    {
        std::vector<TrialRecord> trials = sample();
        trials[0].metrics[1].value = 100000;
        const TextRows rows = textRows(exactTable(trials, {"stored_bytes"}));
        QCOMPARE(rows[1][0], std::string("100000"));
    }

    void layersAreRows()
    {
        const TextRows rows = textRows(layerTable(sample()));
        QCOMPARE(rows.size(), std::size_t(3));
        QCOMPARE(rows[1][2], std::string("model.layers.0.mlp.down_proj"));
        QCOMPARE(rows[1][5], std::string("0.02"));
    }

    void foreignTableIsUnderstood()
    {
        TableSource from = source();
        from.metrics = {"value"};
        from.workload = "resnet";
        const ImportedTrials result = imported("number,value,params_lr,params_kind,state\n"
                                               "0,0.5,1e-3,adam,COMPLETE\n1,,0.1,sgd,FAIL\n",
                                               from);
        QCOMPARE(result.trials.size(), std::size_t(2));
        QVERIFY(result.metrics == std::vector<std::string> {"value"});
        QVERIFY(result.parameters == (std::vector<std::string> {"lr", "kind"}));
        QCOMPARE(result.trials[0].workload, std::string("resnet"));
        QCOMPARE(result.trials[0].label, std::string("imported(kind=adam,lr=0.001)"));
        QCOMPARE(result.trials[0].metrics.front().protocol, "imported/table.csv#" + sha256("table").hex().substr(0, 8));
        QCOMPARE(int(result.trials[1].status), int(TrialStatus::Failed));
        QVERIFY(result.trials[1].metrics.empty());
    }

    void sameRowIsTheSameTrialWhateverWasMeasured()
    {
        const ImportedTrials first = imported("bits,perplexity\n3,20\n4,18\n");
        const ImportedTrials second = imported("bits,perplexity\n4,18.5\n");
        QCOMPARE(first.trials.size(), std::size_t(2));
        QCOMPARE(second.trials.front().id.hex(), first.trials[1].id.hex());
        QVERIFY(first.trials[0].id != first.trials[1].id);
    }

    void knownAccuracyIsMaximised()
    {
        QVERIFY(!imported("bits,acc\n3,0.5\n").trials.front().metrics.front().minimise);
        QVERIFY(imported("bits,perplexity\n3,20\n").trials.front().metrics.front().minimise);
    }

    void wrongCellsAreNamed_data()
    {
        QTest::addColumn<QString>("csv");
        QTest::addColumn<QString>("sentence");
        const auto row = [](const char* csv, const char* sentence) {
            QTest::addRow("%s", sentence) << QString::fromLatin1(csv) << QString::fromLatin1(sentence);
        };
        row("bits,perplexity\n3,high\n", "row 1, column \"perplexity\" holds \"high\"");
        row("bits,perplexity,status\n3,1,fine\n", "row 1, column \"status\" holds \"fine\"");
        row("id,perplexity\n12,1\n", "row 1, column \"id\" holds \"12\"");
        row("bits,perplexity\n3,1\n3,2\n", "row 2 is the same trial as an earlier row");
        row("bits,quality\n3,1\n", "no column is known as a metric");
        row("perplexity,pipeline_json\n3,{}\n", "row 1, column \"pipeline_json\" holds \"{}\"");
        row("perplexity,pipeline_json\n3,[\n", "row 1, column \"pipeline_json\"");
        row("bits,perplexity,seed\n3,1,-1\n", "row 1, column \"seed\" holds \"-1\"");
        row("metric,value\n,1\n", "row 1, column \"metric\" holds \"\"");
    }
    void wrongCellsAreNamed()
    {
        QFETCH(QString, csv);
        QFETCH(QString, sentence);
        const auto rows = parseCsv(csv.toStdString(), "table.csv");
        QVERIFY(rows.ok());
        const auto result = importTrials(rows.value(), source());
        QVERIFY(!result.ok());
        QVERIFY2(QString::fromStdString(result.error().message).contains(sentence), result.error().message.c_str());
    }

    void strangeJsonIsNoTrap_data()
    {
        QTest::addColumn<QByteArray>("json");
        for (const char* json : {"{}", "[]", "[1]", "{\"columns\":[1],\"rows\":[]}", "{\"columns\":[],\"rows\":[1]}",
                                 "{\"columns\":[{\"name\":\"a\"}],\"rows\":[[1,2]]}", "7"})
            QTest::addRow("%s", json) << QByteArray(json);
    }
    void strangeJsonIsNoTrap()
    {
        QFETCH(QByteArray, json);
        const auto rows = rowsOfJson(Json::parse(json.constData()), "table.json");
        QVERIFY(!rows.ok() || !importTrials(rows.value(), source()).ok());
    }
};

QTEST_GUILESS_MAIN(TstTrialTables)
#include "tst_trial_tables.moc"
