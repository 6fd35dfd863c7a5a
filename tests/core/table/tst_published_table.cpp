// SPDX-License-Identifier: Apache-2.0
#include "core/base/mapped_file.h"
#include "core/table/published_table.h"

#include <QtTest>

#include <algorithm>

using namespace paretoscope::core;

namespace {

Result<PublishedTable> read(const std::string& csv)
{
    const auto rows = parseCsv(csv, "table.csv");
    if (!rows.ok())
        return rows.error();
    return readPublishedTable(rows.value(), "table.csv");
}

bool samePoint(const PublishedPoint& a, const PublishedPoint& b)
{
    return a.sharesAxesWith(b) && a.method == b.method && a.model == b.model && a.value == b.value &&
           a.xValue == b.xValue && a.conditions == b.conditions && a.source == b.source && a.url == b.url &&
           a.confidence == b.confidence;
}

} // namespace

class TstPublishedTable : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void columnsAreReadByName()
    {
        const auto table = read("value,source,method,bits,group,model,metric,confidence,setting\n"
                                "5.25,a paper,GPTQ,3,-1,Llama,wikitext2_ppl@2048,readme,\n"
                                "6,a paper,RTN,mixed,,,wikitext2_ppl@2048,,2:4\n");
        QVERIFY2(table.ok(), table.ok() ? "" : table.error().sentence().c_str());
        QCOMPARE(table.value().points.size(), 2u);
        PublishedPoint first;
        first.method = "GPTQ";
        first.model = "Llama";
        first.metric = "wikitext2_ppl@2048";
        first.value = 5.25;
        first.conditions = {{"bits", 3.0}, {"group", -1.0}};
        first.source = "a paper";
        first.confidence = "readme";
        QVERIFY(samePoint(table.value().points.front(), first));
        QVERIFY(table.value().points.back().conditions == Json({{"bits", "mixed"}, {"setting", "2:4"}}));
    }

    void secondAxisAndDataSetAreRead()
    {
        const auto table = read("method,dataset_model,metric,value,source,x_metric,x_value\n"
                                "AV1,Kodak,psnr_db,30.5,results,bpp,0.25\n"
                                "AV1,Kodak,psnr_db,31,same,,\n");
        QVERIFY2(table.ok(), table.ok() ? "" : table.error().sentence().c_str());
        const std::vector<PublishedPoint>& points = table.value().points;
        QCOMPARE(points.front().dataSet, std::string("Kodak"));
        QCOMPARE(points.front().xMetric, std::string("bpp"));
        QVERIFY(points.front().xValue == 0.25);
        QVERIFY(!points.back().xValue);
        QCOMPARE(points.back().source, std::string("results"));
        QVERIFY(!points.front().sharesAxesWith(points.back()));
    }

    void rowsWithoutANumberAreNamed_data()
    {
        QTest::addColumn<QString>("value");
        QTest::addColumn<QString>("named");
        QTest::addRow("range") << "90-95"
                               << "row 1: 90-95";
        QTest::addRow("bound") << ">10"
                               << "row 1: >10";
        QTest::addRow("word") << "higher"
                              << "row 1: higher";
        QTest::addRow("nothing") << ""
                                 << "row 1: empty";
        QTest::addRow("infinity") << "inf"
                                  << "row 1: inf";
    }
    void rowsWithoutANumberAreNamed()
    {
        QFETCH(QString, value);
        QFETCH(QString, named);
        const auto table = read("method,metric,value,source\nA,b," + value.toStdString() + ",c\nA,b,1,c\n");
        QVERIFY2(table.ok(), table.ok() ? "" : table.error().sentence().c_str());
        QCOMPARE(table.value().points.size(), 1u);
        QCOMPARE(table.value().withoutNumber, std::vector {named.toStdString()});
    }

    void brokenTablesAreRefused_data()
    {
        QTest::addColumn<QString>("csv");
        QTest::addColumn<QString>("says");
        QTest::addRow("no value") << "method,metric,source\nA,b,c\n"
                                  << "no column \"value\"";
        QTest::addRow("no source") << "method,metric,value\nA,b,1\n"
                                   << "no column \"source\"";
        QTest::addRow("no method in a row") << "method,metric,value,source\n,b,1,c\n"
                                            << "row 1 has no method";
        QTest::addRow("column twice") << "method,metric,value,source,value\nA,b,1,c,2\n"
                                      << "\"value\" twice";
        QTest::addRow("text on the axis") << "method,metric,value,source,x_metric,x_value\nA,b,1,c,bpp,low\n"
                                          << "\"low\"";
        QTest::addRow("half an axis") << "method,metric,value,source,x_metric,x_value\nA,b,1,c,bpp,\n"
                                      << "row 1 has only one of";
    }
    void brokenTablesAreRefused()
    {
        QFETCH(QString, csv);
        QFETCH(QString, says);
        const auto table = read(csv.toStdString());
        QVERIFY(!table.ok());
        const std::string sentence = table.error().sentence();
        QVERIFY2(QString::fromStdString(sentence).contains(says), sentence.c_str());
    }

    void tablesThatComeWithTheProgramAreRead_data()
    {
        QTest::addColumn<QString>("name");
        QTest::addColumn<int>("rows"); // of the file
        QTest::addColumn<int>("withoutNumber");
        QTest::addColumn<int>("unverified");
        QTest::addRow("quantization") << "quantization" << 690 << 0 << 81;
        QTest::addRow("pruning and low rank") << "pruning_lowrank" << 280 << 13 << 47;
        QTest::addRow("caches and codecs") << "kv_codecs" << 907 << 0 << 7;
    }
    void tablesThatComeWithTheProgramAreRead()
    {
        QFETCH(QString, name);
        const auto text = readTextFile(PARETOSCOPE_RESOURCES "/published/" + name.toStdString() + ".csv");
        QVERIFY(text.ok());
        const auto table = read(text.value());
        QVERIFY2(table.ok(), table.ok() ? "" : table.error().sentence().c_str());
        const std::vector<PublishedPoint>& points = table.value().points;
        QTEST(int(points.size() + table.value().withoutNumber.size()), "rows");
        QTEST(int(table.value().withoutNumber.size()), "withoutNumber");
        QTEST(int(std::count_if(points.begin(), points.end(), [](const auto& point) { return !point.isVerified(); })),
              "unverified");
        const auto again = readPublishedTable(textRows(publishedTable(points)), "again");
        QVERIFY2(again.ok(), again.ok() ? "" : again.error().sentence().c_str());
        QVERIFY(std::equal(points.begin(), points.end(), again.value().points.begin(), again.value().points.end(),
                           samePoint));
    }
};

QTEST_GUILESS_MAIN(TstPublishedTable)
#include "tst_published_table.moc"
