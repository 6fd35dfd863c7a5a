// SPDX-License-Identifier: Apache-2.0
#include "core/evaluation/paired_measurement.h"

#include <QtTest>

#include <cmath>

using namespace paretoscope::core;

namespace {

MetricRecord record(const char* name, double value, Json details)
{
    MetricRecord metric;
    metric.name = name;
    metric.value = value;
    metric.protocol = "p";
    metric.details = std::move(details);
    return metric;
}

} // namespace

class TstPairedMeasurement : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void perplexitiesCompareByTheirLogarithm()
    {
        const auto before = record("perplexity", std::exp(2.0), {{"windows", {1.0, 3.0}}});
        const auto after = record("perplexity", std::exp(2.2), {{"windows", {1.1, 3.3}}});
        const auto paired = compareMeasurements(before, after);
        QVERIFY(paired.has_value());
        QCOMPARE(int(paired->scale), int(PairedMeasurement::Scale::LogRatio));
        QVERIFY(std::fabs(paired->change.value - 0.2) < 1e-12);
        QVERIFY(std::fabs(*paired->change.standardError - 0.1) < 1e-12);
        QCOMPARE(paired->n, std::int64_t(2));
        const Json json = toJson(*paired);
        QCOMPARE(json.at("scale").get<std::string>(), std::string("log_ratio"));
        QVERIFY(std::fabs(json.at("ratio").get<double>() - std::exp(0.2)) < 1e-12);
    }

    void unequalWindowsWeighByTheirTokens()
    {
        const Json tokens {3.0, 1.0};
        const auto before = record("perplexity", 1, {{"windows", {1.0, 1.0}}, {"window_tokens", tokens}});
        const auto after = record("perplexity", 1, {{"windows", {2.0, 1.0}}, {"window_tokens", tokens}});
        QCOMPARE(compareMeasurements(before, after)->change.value, 0.75);
    }

    void bitsPerByteComparesOverTheBytes()
    {
        const Json bytes {10.0, 30.0};
        const auto before = record("bits_per_byte", 1, {{"unit_bits", {10.0, 30.0}}, {"unit_bytes", bytes}});
        const auto after = record("bits_per_byte", 1, {{"unit_bits", {14.0, 30.0}}, {"unit_bytes", bytes}});
        const auto paired = compareMeasurements(before, after);
        QCOMPARE(paired->change.value, 0.1);
        QVERIFY(paired->change.standardError.has_value());
    }

    void accuraciesCompareItemByItem()
    {
        const auto before = record("acc", 0.5, {{"correct", {1, 1, 0, 0}}, {"chosen", {0, 1, 2, 3}}});
        const auto after = record("acc", 0.25, {{"correct", {1, 0, 0, 0}}, {"chosen", {0, 2, 2, 1}}});
        const auto paired = compareMeasurements(before, after);
        QCOMPARE(paired->change.value, -0.25);
        QCOMPARE(paired->items->onlyFirst, std::int64_t(1));
        QCOMPARE(*paired->changedChoices, std::int64_t(2));
        QVERIFY(paired->isWithin(2));
        QVERIFY(!paired->isWithin(0.5));
        const Json json = toJson(*paired);
        QCOMPARE(json.at("right_to_wrong").get<int>(), 1);
        QCOMPARE(json.at("wrong_to_right").get<int>(), 0);
        QCOMPARE(json.at("changed_choices").get<int>(), 2);
        QCOMPARE(json.at("mcnemar_p").get<double>(), 1.0);
    }

    void whatDoesNotPairIsRefused_data()
    {
        QTest::addColumn<QString>("what");
        for (const char* what :
             {"another metric", "another protocol", "other units", "no units", "units of a stranger"})
            QTest::addRow("%s", what) << QString::fromLatin1(what);
    }
    void whatDoesNotPairIsRefused()
    {
        QFETCH(QString, what);
        const auto before = record("perplexity", 1, {{"windows", {1.0, 2.0}}});
        auto after = before;
        QVERIFY(compareMeasurements(before, after).has_value());
        if (what == QLatin1String("another metric"))
            after.name = "bits_per_byte";
        else if (what == QLatin1String("another protocol"))
            after.protocol = "q";
        else if (what == QLatin1String("other units"))
            after.details["windows"].push_back(3.0);
        else if (what == QLatin1String("no units"))
            after.details = nullptr;
        else
            after.details["windows"] = {"1", "2"};
        QVERIFY(!compareMeasurements(before, after).has_value());
    }

    void sizesDoNotPair()
    {
        const auto size = record("stored_bytes", 1, nullptr);
        QVERIFY(!compareMeasurements(size, size).has_value());
    }
};

QTEST_GUILESS_MAIN(TstPairedMeasurement)
#include "tst_paired_measurement.moc"
