// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/table/published_table.h"
#include "tests/gui/project_fixture.h"
#include "views/pareto/pareto_data.h"
#include "views/pareto/plot_export.h"
#include "views/pareto/plot_frame.h"

#include <QtTest>

using namespace paretoscope;
using namespace paretoscope::views;
using namespace Qt::Literals::StringLiterals;

namespace {

const AxisChoice kSize {"stored_bytes", ""};
const AxisChoice kQuality {"perplexity", test::kProtocol};

ParetoDataPtr dataOf(std::vector<core::TrialRecord> trials, const QString& filter = {})
{
    return prepareParetoData(test::snapshotOf(std::move(trials)),
                             {.x = kSize, .y = kQuality, .filter = TrialFilter::parse(filter), .hiddenMethods = {}});
}

QStringList frontLabels(const ParetoData& data)
{
    QStringList labels;
    for (const int index : data.front)
        labels << QString::fromStdString(data.snapshot->trials[std::size_t(data.points[std::size_t(index)].row)].label);
    return labels;
}

} // namespace

class TstParetoData : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void startsWithSizeAgainstPerplexity()
    {
        const auto [x, y] = defaultAxes(*test::snapshotOf(test::demoTrials()));
        QCOMPARE(x, kSize);
        QCOMPARE(y, kQuality);
    }

    void frontHoldsWhatNothingBeats()
    {
        const ParetoDataPtr data = dataOf(test::demoTrials());
        QCOMPARE(int(data->points.size()), 12);
        QCOMPARE(frontLabels(*data), (QStringList {u"gptq(bits=2,group_size=64)"_s, u"gptq(bits=3,group_size=64)"_s,
                                                   u"gptq(bits=4,group_size=64)"_s, u"rtn(bits=8,group_size=64)"_s,
                                                   u"rtn(bits=8,group_size=32)"_s, u"baseline"_s}));
    }

    void filteredPointsAreGhostsAndNotOnTheFront()
    {
        const ParetoDataPtr data = dataOf(test::demoTrials(), u"rtn"_s);
        QCOMPARE(int(data->points.size()), 12);
        QCOMPARE(int(std::count_if(data->points.begin(), data->points.end(),
                                   [](const ParetoPoint& point) { return point.accepted; })),
                 8);
        QVERIFY(!frontLabels(*data).contains(u"gptq(bits=3,group_size=64)"_s));
        QVERIFY(frontLabels(*data).contains(u"rtn(bits=3,group_size=64)"_s));
    }

    void protocolsAreNeverMixed()
    {
        std::vector<core::TrialRecord> trials = test::demoTrials();
        trials[3].metrics[0].protocol = test::kOtherProtocol;
        const ParetoDataPtr data = dataOf(trials);
        QCOMPARE(int(data->points.size()), 11);
        QCOMPARE(data->otherProtocol, 1);
        QVERIFY(!data->find(trials[3].id));
    }

    void publishedPointsAreDrawnWhenAskedFor_data()
    {
        QTest::addColumn<QStringList>("asked");
        QTest::addColumn<int>("marks");
        const QString seven = u"wikitext2_ppl@2048|LLaMA-7B"_s;
        QTest::addRow("not asked") << QStringList {} << 0;
        QTest::addRow("one model") << QStringList {seven} << 2;
        QTest::addRow("two models") << QStringList {seven, u"wikitext2_ppl@2048|LLaMA-13B"_s} << 3;
        QTest::addRow("no place on the axes") << QStringList {u"zeroshot_avg_acc|LLaMA-7B"_s} << 0;
        QTest::addRow("on other axes") << QStringList {u"wikitext2_ppl@2048 against model_size_GB|LLaMA-7B"_s} << 0;
        QTest::addRow("never heard of") << QStringList {u"x"_s} << 0;
    }
    void publishedPointsAreDrawnWhenAskedFor()
    {
        QFETCH(QStringList, asked);
        QFETCH(int, marks);
        const ParetoDataPtr data = prepareParetoData(
            test::publishedSnapshot(),
            {.x = {"bits_per_parameter", ""}, .y = kQuality, .filter = {}, .hiddenMethods = {}, .published = asked});
        QCOMPARE(int(data->published.size()), marks);
        QCOMPARE(int(data->points.size()), 12);
        QCOMPARE(frontLabels(*data).size(), 6); // of the trials alone, although papers have better numbers
        if (marks == 0)
            return;
        QCOMPARE(data->published[0].value, QPointF(4, 6.09));
        QVERIFY(data->published[0].isVerified);
        QVERIFY(!data->published[1].isVerified);
        QVERIFY(data->bounds.contains(data->published[0].value));
        const QString csv = plotCsv(*data);
        QVERIFY(csv.contains(u"IST-DASLab/gptq README"_s) && csv.contains(u"UNVERIFIED: "_s));
    }

    void publishedPointsTellTheirSource()
    {
        const SnapshotPtr snapshot = test::publishedSnapshot();
        const QString verified = describePublished(*snapshot, {.x = 0, .y = 0}).join('\n'_L1);
        for (const QString& part : {u"GPTQ, LLaMA-7B"_s, u"wikitext2_ppl@2048"_s, u"6.09"_s, u"bits 4"_s,
                                    u"Published: IST-DASLab/gptq README"_s})
            QVERIFY2(verified.contains(part), qPrintable(verified));
        QVERIFY(!verified.contains(u"UNVERIFIED"_s));
        const QStringList doubted = describePublished(*snapshot, {.x = 1, .y = 1, .isVerified = false});
        QVERIFY(doubted.last().startsWith(u"UNVERIFIED"_s));
        const QString pair = describePublished(*snapshot, {.x = 4, .y = 0}).join('\n'_L1);
        QVERIFY2(pair.contains(u"wikitext2_ppl@2048  6.09"_s) && pair.contains(u"model_size_GB  3.9"_s),
                 qPrintable(pair));
    }

    void publishedPointsFindTheirPlaces_data()
    {
        QTest::addColumn<QString>("table");
        QTest::addColumn<QString>("x");
        QTest::addColumn<QString>("y");
        QTest::addColumn<QStringList>("series"); ///< with their places
        const auto row = [](const char* tag, const char* lines, const char* x, const char* y,
                            const QStringList& series) {
            QTest::addRow("%s", tag) << QString::fromLatin1(lines) << QString::fromLatin1(x) << QString::fromLatin1(y)
                                     << series;
        };
        row("nominal bits", "GPTQ,Llama,,ppl@2048,5.5,,,,paper,4,", "bits_per_parameter", "perplexity",
            {u"ppl@2048|Llama: ppl@2048 5.5, bits 4"_s});
        row("a second value", "GPTQ,Llama,,ppl@2048,5.5,,bits_per_weight,4.25,paper,4,", "bits_per_parameter",
            "perplexity", {u"ppl@2048 against bits_per_weight|Llama: ppl@2048 5.5, bits_per_weight 4.25"_s});
        row("a size of the same row",
            "GPTQ,Llama,,ppl@2048,5.5,,,,paper,4,\n"
            "GPTQ,Llama,,model_size_GB,3.5,,,,paper,4,",
            "stored_bytes", "perplexity",
            {u"ppl@2048 against model_size_GB|Llama: ppl@2048 5.5, model_size_GB 3500000000"_s});
        row("the same on swapped axes",
            "GPTQ,Llama,,ppl@2048,5.5,,,,paper,4,\n"
            "GPTQ,Llama,,model_size_GB,3.5,,,,paper,4,",
            "perplexity", "stored_bytes",
            {u"model_size_GB against ppl@2048|Llama: model_size_GB 3500000000, ppl@2048 5.5"_s});
        row("accuracy in percent, size in MiB",
            "W8A8,ResNet18,,imagenet_top1,72,,,,Zhen-Dong/HAWQ,8,\n"
            "W8A8,ResNet18,,model_size_MB,1,,,,Zhen-Dong/HAWQ,8,",
            "stored_bytes", "acc",
            {u"imagenet_top1 against model_size_MB|ResNet18: imagenet_top1 [%] 0.72, model_size_MB [MiB] 1048576"_s});
        row("each perplexity is a series of its own",
            "GPTQ,Llama,,ppl@2048,5.5,,,,paper,4,\n"
            "GPTQ,Llama,,c4_ppl@2048,7,,,,paper,4,\n"
            "GPTQ,Llama,,model_size_GB,3,,,,paper,4,",
            "stored_bytes", "perplexity",
            {u"ppl@2048 against model_size_GB|Llama: ppl@2048 5.5, model_size_GB 3000000000"_s,
             u"c4_ppl@2048 against model_size_GB|Llama: c4_ppl@2048 7, model_size_GB 3000000000"_s});
        row("two sizes leave open which one",
            "GPTQ,Llama,,ppl@2048,5.5,,,,paper,4,\n"
            "GPTQ,Llama,,model_size_GB,3,,,,paper,4,\n"
            "GPTQ,Llama,,model_size_GB,4,,,,paper,4,",
            "stored_bytes", "perplexity", {});
        row("and so do two perplexities",
            "GPTQ,Llama,,ppl@2048,5.5,,,,paper,4,\n"
            "GPTQ,Llama,,ppl@2048,5.6,,,,paper,4,\n"
            "GPTQ,Llama,,model_size_GB,3,,,,paper,4,",
            "stored_bytes", "perplexity", {});
        for (const auto& [what, lines] : {std::pair("another paper", "GPTQ,Llama,,model_size_GB,3,,,,another paper,4,"),
                                          {"another method", "AWQ,Llama,,model_size_GB,3,,,,paper,4,"},
                                          {"another model", "GPTQ,Mistral,,model_size_GB,3,,,,paper,4,"},
                                          {"other bits", "GPTQ,Llama,,model_size_GB,3,,,,paper,3,"},
                                          {"another group", "GPTQ,Llama,,model_size_GB,3,,,,paper,4,64"},
                                          {"another data set", "GPTQ,Llama,C4,model_size_GB,3,,,,paper,4,"}}) {
            const std::string both = std::string("GPTQ,Llama,,ppl@2048,5.5,,,,paper,4,\n") + lines;
            row(what, both.c_str(), "stored_bytes", "perplexity", {});
        }
        row("one number alone", "GPTQ,Llama,,model_size_GB,3,,,,paper,4,", "stored_bytes", "perplexity", {});
    }
    void publishedPointsFindTheirPlaces()
    {
        QFETCH(QString, table);
        QFETCH(QString, x);
        QFETCH(QString, y);
        QFETCH(QStringList, series);
        const std::string text =
            "method,model,data_set,metric,value,unit,x_metric,x_value,source,bits,group\n" + table.toStdString() + "\n";
        const auto rows = core::parseCsv(text, "table");
        QVERIFY2(rows.ok(), rows.ok() ? "" : rows.error().sentence().c_str());
        const auto read = core::readPublishedTable(rows.value(), "table");
        QVERIFY2(read.ok(), read.ok() ? "" : read.error().sentence().c_str());
        ProjectSnapshot snapshot;
        snapshot.published = read.value().points;
        const auto axis = [](const QString& name) {
            const char* unit = name == "stored_bytes"_L1 ? "B" : name == "bits_per_parameter"_L1 ? "bit" : "";
            return MetricSummary {name.toStdString(), unit, true, {}};
        };
        QStringList found;
        for (const PublishedSeries& each : publishedSeries(snapshot, axis(x), axis(y))) {
            for (const PublishedMark& mark : each.marks)
                found << u"%1: %2 %3, %4 %5"_s.arg(each.id, each.yName, QString::number(mark.value.y(), 'g', 12),
                                                   each.xName, QString::number(mark.value.x(), 'g', 12));
        }
        QCOMPARE(found, series);
    }

    void unmeasuredTrialsAreLeftOut()
    {
        std::vector<core::TrialRecord> trials = test::demoTrials();
        trials.push_back(test::trialOf({"rtn(bits=5,group_size=64)", 0, 0, core::TrialStatus::Running}));
        trials.push_back(test::trialOf({"rtn(bits=6,group_size=64)", 0, 1e6, core::TrialStatus::Failed}));
        const ParetoDataPtr data = dataOf(trials);
        QCOMPARE(int(data->points.size()), 12);
        QCOMPARE(data->otherProtocol, 0);
    }

    void maximisedMetricsTurnTheFront()
    {
        std::vector<core::TrialRecord> trials = test::demoTrials();
        for (core::TrialRecord& trial : trials) {
            trial.metrics[0].minimise = false;
            trial.metrics[0].value = 1000 - *trial.metrics[0].value;
        }
        const ParetoDataPtr data = dataOf(trials);
        QCOMPARE(frontLabels(*data), frontLabels(*dataOf(test::demoTrials())));
        const std::vector<QPointF> corners = staircase(*data, {9e6, -9e6});
        QCOMPARE(corners.front().y(), -9e6);
        QCOMPARE(corners.back().x(), 9e6);
    }

    void staircaseGoesAcrossThenDown()
    {
        const ParetoDataPtr data = dataOf({test::trialOf({"a(x=1)", 30, 100}), test::trialOf({"b(x=1)", 20, 200}),
                                           test::trialOf({"c(x=1)", 25, 300})});
        const std::vector<QPointF> expected {{100, 90}, {100, 30}, {200, 30}, {200, 20}, {900, 20}};
        QCOMPARE(staircase(*data, {900, 90}), expected);
        const std::vector<QPointF> zoomedAway = staircase(*data, {1, 1}); // far ends may not cut the front short
        QCOMPARE(zoomedAway.front(), QPointF(100, 30));
        QCOMPARE(zoomedAway.back(), QPointF(200, 20));
    }

    void ggufBaselinesShowTheirBf16Size()
    {
        core::WorkloadRecord workload = test::demoWorkload();
        workload.modelPath = "/models/SmolLM2.Q4_1.GGUF";
        workload.parameters = 134515008;
        const SnapshotPtr snapshot = test::snapshotOf(test::demoTrials(), "p", {workload});
        const ParetoDataPtr data =
            prepareParetoData(snapshot, {.x = kSize, .y = kQuality, .filter = {}, .hiddenMethods = {}});
        QCOMPARE(int(data->references.size()), 1);
        QCOMPARE(data->references[0].value, QPointF(2.0 * 134515008, 74.261));
        QVERIFY(data->references[0].label.contains(u"269 MB"_s));
        QVERIFY(data->bounds.right() >= 2.0 * 134515008);
        QVERIFY(dataOf(test::demoTrials())->references.empty());
    }

    void rangesZoomAroundAFixedValue_data()
    {
        QTest::addColumn<bool>("logarithmic");
        QTest::addRow("linear") << false;
        QTest::addRow("logarithmic") << true;
    }
    void rangesZoomAroundAFixedValue()
    {
        QFETCH(bool, logarithmic);
        const AxisRange range {1, 1000, logarithmic};
        const AxisRange closer = range.zoomed(0.5, 50);
        QVERIFY(qAbs(closer.fraction(50) - range.fraction(50)) < 1e-12);
        QVERIFY(closer.size() < range.size());
        QCOMPARE(range.shifted(0.1).shifted(-0.1).lower, 1.0);
        AxisRange tiny = range;
        for (int i = 0; i < 400; ++i)
            tiny = tiny.zoomed(0.5, 50);
        QVERIFY(tiny.upper > tiny.lower);
        AxisRange huge = range;
        for (int i = 0; i < 4000; ++i)
            huge = huge.zoomed(2, 50);
        QVERIFY(std::isfinite(huge.upper) && std::isfinite(huge.lower));
        QVERIFY(!logarithmic || huge.lower > 0);
    }

    void fittedRangesHaveRoom()
    {
        const AxisRange range = AxisRange::around(10, 20, false);
        QVERIFY(range.lower < 10 && range.upper > 20);
        const AxisRange single = AxisRange::around(74, 74, true);
        QVERIFY(single.lower < 74 && single.upper > 74 && single.lower > 0);
        QVERIFY(AxisRange::around(0, 0, false).size() > 0);
        QVERIFY(AxisRange::around(-5, -1, true).lower > 0);
    }

    void framesMapThereAndBack()
    {
        const PlotFrame frame {.area = {50, 10, 400, 300}, .x = {1e5, 1e7, true}, .y = {70, 250, false}};
        const QPointF value(820992, 76.248);
        const QPointF back = frame.toValue(frame.toPixel(value));
        QVERIFY(qAbs(back.x() - value.x()) < 1e-3);
        QVERIFY(qAbs(back.y() - value.y()) < 1e-9);
        QCOMPARE(frame.toPixel({1e5, 70}), QPointF(50, 310));
    }

    void hitPrefersTheFront()
    {
        const ParetoDataPtr data =
            dataOf({test::trialOf({"a(x=1)", 30, 100}), test::trialOf({"b(x=1)", 30.0001, 100})});
        const PlotFrame frame {.area = {0, 0, 100, 100}, .x = {0, 200, false}, .y = {0, 60, false}};
        const ParetoGeometry geometry = prepareGeometry(*data, frame);
        QCOMPARE(geometry.hit(*data, {51, 51}, 8), std::optional(0));
        QVERIFY(!geometry.hit(*data, {10, 10}, 8));
        QCOMPARE(int(geometry.inside(*data, {40, 40, 20, 20}).size()), 2);
    }

    void csvNamesUnitsAndKeepsAllDigits()
    {
        const QString csv = plotCsv(*dataOf({test::trialOf({"gptq(bits=3,group_size=64)", 1.0 / 3, 657152})}));
        const QStringList lines = csv.split('\n'_L1);
        QVERIFY(lines[0].startsWith(u"pipeline,stored_bytes [B],perplexity,"_s));
        QVERIFY(lines[1].startsWith(u"\"gptq(bits=3,group_size=64)\",657152,0.33333333333333331,"_s));
        QVERIFY(lines[1].contains(QLatin1String(test::kProtocol)));
    }

    void tenThousandTrialsAreQuick()
    {
        std::vector<core::TrialRecord> trials;
        for (int i = 0; i < 10000; ++i) {
            const double bits = 2 + i % 97 / 16.0;
            trials.push_back(test::trialOf({"m" + std::to_string(i % 7) + "(bits=" + std::to_string(i) + ")",
                                            70 + 500 / bits + i % 13, 1e5 * bits + i}));
        }
        const SnapshotPtr snapshot = test::snapshotOf(std::move(trials));
        ParetoDataPtr data;
        QBENCHMARK
        {
            data = prepareParetoData(snapshot, {.x = kSize, .y = kQuality, .filter = {}, .hiddenMethods = {}});
        }
        QCOMPARE(int(data->points.size()), 10000);
        QCOMPARE(int(data->snapshot->methods.size()), 7);
    }
};

QTEST_MAIN(TstParetoData)
#include "tst_pareto_data.moc"
