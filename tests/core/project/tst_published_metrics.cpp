// SPDX-License-Identifier: Apache-2.0
// Which of our metrics a number of a paper may stand beside.
#include "core/base/mapped_file.h"
#include "core/project/published_metric.h"
#include "core/table/published_table.h"
#include "verify_ok.h"

#include <QtTest>

#include <cmath>
#include <set>

using namespace paretoscope::core;

class TstPublishedMetrics : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void numbersStandBesideOurMetrics_data()
    {
        QTest::addColumn<QString>("name");
        QTest::addColumn<double>("value");
        QTest::addColumn<QString>("unit");
        QTest::addColumn<QString>("source");
        QTest::addColumn<QString>("metric");
        QTest::addColumn<QString>("axisUnit");
        QTest::addColumn<double>("expected"); // not a number: it may not stand there
        QTest::addColumn<QString>("counted");
        const auto row = [](const char* tag, const char* name, double value, const char* unit, const char* source,
                            const char* metric, const char* axisUnit, double expected, const char* counted = "") {
            QTest::addRow("%s", tag) << QString::fromLatin1(name) << value << QString::fromLatin1(unit)
                                     << QString::fromLatin1(source) << QString::fromLatin1(metric)
                                     << QString::fromLatin1(axisUnit) << expected << QString::fromLatin1(counted);
        };
        constexpr double kNowhere = std::numeric_limits<double>::quiet_NaN();
        row("a perplexity with its context", "wikitext2_ppl@2048", 5.5, "", "a", "perplexity", "", 5.5);
        row("another text", "c4_ppl@unspecified", 7, "", "a", "perplexity", "", 7);
        row("not every name with these letters", "pplx", 7, "", "a", "perplexity", "", kNowhere);
        row("percent", "zeroshot_avg_acc", 58, "", "a", "acc", "", 0.58, "%");
        row("a share stays one", "acc", 0.58, "", "a", "acc", "", 0.58);
        row("a share that its table gives in percent", "acc", 58, "%", "a", "acc", "", 0.58, "%");
        row("gigabytes", "model_size_GB", 13.5, "", "a README", "stored_bytes", "B", 13.5e9, "GB");
        row("the unit of its table comes first", "model_size_GB", 2, "GiB", "a", "stored_bytes", "B", 0x1p31, "GiB");
        row("a size under our name", "stored_bytes", 3, "MB", "a", "stored_bytes", "B", 3e6, "MB");
        row("and without a unit", "stored_bytes", 3, "", "a", "stored_bytes", "B", 3, "B");
        row("megabytes", "model_size_MB", 3, "", "a paper", "stored_bytes", "B", 3e6, "MB");
        row("megabytes of one source", "model_size_MB", 3, "", "Zhen-Dong/HAWQ model zoo", "stored_bytes", "B",
            3 * 0x1p20, "MiB");
        row("bits per weight", "bits_per_weight", 4.84, "", "a", "bits_per_parameter", "bit", 4.84, "bit");
        row("nominal bits", "bits", 4, "", "a", "bits_per_parameter", "bit", 4, "bit");
        row("memory of a device is no stored size", "memory_GB", 2, "", "a", "stored_bytes", "B", kNowhere);
        row("but what a device has to hold", "memory_GB", 2, "", "a", "predicted_memory", "B", 2e9, "GB");
        row("a compressed text is no model", "size_kib", 2, "", "a", "stored_bytes", "B", kNowhere);
        row("judged text is no choice", "gsm8k", 85, "", "a", "acc", "", kNowhere);
        row("a unit that does not convert", "wikitext2_ppl", 2, "nat", "a", "perplexity", "", kNowhere);
        row("the name of a plugin's metric", "sparsity", 0.5, "", "a", "sparsity", "", 0.5);
        row("in another unit", "sparsity", 0.5, "", "a", "sparsity", "B", kNowhere);
    }
    void numbersStandBesideOurMetrics()
    {
        QFETCH(QString, name);
        QFETCH(double, value);
        QFETCH(QString, unit);
        QFETCH(QString, source);
        QFETCH(QString, metric);
        QFETCH(QString, axisUnit);
        QFETCH(double, expected);
        const PublishedNumber number {name.toStdString(), value, unit.toStdString()};
        const std::optional<StandingNumber> standing =
            standingBeside(number, source.toStdString(), metric.toStdString(), axisUnit.toStdString());
        QCOMPARE(standing.has_value(), !std::isnan(expected));
        if (!standing)
            return;
        QCOMPARE(standing->value, expected); // fuzzy: twelve digits
        QTEST(QString::fromStdString(standing->unit), "counted");
    }

    void numbersOfAPointAreItsValuesAndConditions()
    {
        PublishedPoint point;
        point.metric = "wikitext2_ppl@2048";
        point.value = 5.5;
        point.xMetric = "bits_per_weight";
        point.xValue = 4.25;
        point.conditions = {{"bits", 4}, {"setting", "2:4"}};
        const std::vector<PublishedNumber> numbers = numbersOf(point);
        QCOMPARE(numbers.size(), 3u);
        QCOMPARE(numbers[0].value, 5.5);
        QCOMPARE(numbers[1].name, std::string("bits_per_weight"));
        QCOMPARE(numbers[2].name, std::string("bits"));
        point.conditions = "a project from a stranger";
        QCOMPARE(numbersOf(point).size(), 2u);
    }

    void everyLineOfTheTableCounts()
    {
        for (const PublishedMetric& metric : publishedMetrics()) {
            std::string name(metric.name);
            if (name.starts_with('*'))
                name.replace(0, 1, "any");
            QCOMPARE(publishedMetric({.name = name}, metric.source), &metric);
        }
    }

    /// A metric of a new table is given a place, or named here.
    void metricsOfTheInstalledTablesHaveTheirPlaces_data()
    {
        QTest::addColumn<QString>("elsewhere"); // no metric of ours is of their kind
        QTest::addRow("quantization") << "bops_G gsm8k humaneval mcnemar_or_java mcnemar_or_python "
                                         "mcnemar_or_vs_random_java mcnemar_or_vs_random_python";
        QTest::addRow("pruning_lowrank")
            << "acc_gain_pct accept_length arc_challenge_gain_pct arc_easy_gain_pct auc_gain_pct_points "
               "compute_saved_pct gsm8k_gain_pct hypervolume latency_reduction_pct latency_speedup_x "
               "length_reduction_pct mathqa_gain_pct memory_ratio nnz_M nnz_reduction_x params_flops_reduction_x "
               "speedup_x throughput_gain_pct tokens_per_s top1_gain_pct top5_pct";
    }
    void metricsOfTheInstalledTablesHaveTheirPlaces()
    {
        QFETCH(QString, elsewhere);
        const std::string file = std::string(PARETOSCOPE_RESOURCES "/published/") + QTest::currentDataTag() + ".csv";
        const auto text = readTextFile(file);
        VERIFY_OK(text);
        const auto rows = parseCsv(text.value(), file);
        VERIFY_OK(rows);
        const auto table = readPublishedTable(rows.value(), file);
        VERIFY_OK(table);
        QStringList without;
        for (const PublishedPoint& point : table.value().points) {
            const PublishedNumber value = numbersOf(point).front();
            const QString name = QString::fromStdString(std::string(value.plainName()));
            if (!publishedMetric(value, point.source) && !without.contains(name))
                without << name;
        }
        without.sort();
        QCOMPARE(without.join(QLatin1Char(' ')), elsewhere);
    }
};

QTEST_GUILESS_MAIN(TstPublishedMetrics)
#include "tst_published_metrics.moc"
