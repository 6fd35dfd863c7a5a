// SPDX-License-Identifier: Apache-2.0
#include "core/search/halving_driver.h"
#include "core/search/sampling_driver.h"

#include <QtTest>

using namespace paretoscope::core;

class TstHalving : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void rungsAreDivided_data()
    {
        QTest::addColumn<int>("trials");
        QTest::addColumn<int>("windows");
        QTest::addColumn<int>("factor");
        QTest::addColumn<int>("least");
        QTest::addColumn<QList<int>>("candidates");
        QTest::addColumn<QList<int>>("measured");
        QTest::addRow("27 by 3") << 27 << 27 << 3 << 1 << QList<int> {27, 9, 3, 1} << QList<int> {1, 3, 9, 27};
        QTest::addRow("windows end first") << 27 << 32 << 3 << 4 << QList<int> {27, 9} << QList<int> {10, 32};
        QTest::addRow("candidates end first") << 4 << 64 << 2 << 1 << QList<int> {4, 2, 1} << QList<int> {16, 32, 64};
        QTest::addRow("nothing to divide") << 5 << 2 << 3 << 2 << QList<int> {5} << QList<int> {2};
        QTest::addRow("one window") << 9 << 1 << 3 << 1 << QList<int> {9} << QList<int> {1};
    }
    void rungsAreDivided()
    {
        QFETCH(int, trials);
        QFETCH(int, windows);
        QFETCH(int, factor);
        QFETCH(int, least);
        QFETCH(QList<int>, candidates);
        QFETCH(QList<int>, measured);
        const HalvingPlan plan = planHalving(std::size_t(trials), windows, factor, least);
        QCOMPARE(QList<int>(plan.candidates.begin(), plan.candidates.end()), candidates);
        QCOMPARE(QList<int>(plan.windows.begin(), plan.windows.end()), measured);
    }

    void theBestGoFurther()
    {
        const std::vector<SearchPoint> points = randomPoints(SearchSpace({{0, true}, {0, true}}), 9, 1);
        HalvingDriver driver(points, planHalving(9, 9, 3, 1));
        std::vector<double> left; // first coordinates; smaller is better
        std::vector<std::size_t> sizes;
        for (auto batch = driver.ask(); !batch.empty(); batch = driver.ask()) {
            sizes.push_back(batch.size());
            std::vector<SearchResult> results;
            left.clear();
            for (const SearchCandidate& candidate : batch) {
                QCOMPARE(candidate.rung, int(sizes.size()) - 1);
                left.push_back(candidate.point[0]);
                results.push_back({std::vector<double> {candidate.point[0]}, 0});
            }
            driver.tell(results);
        }
        QCOMPARE(sizes, (std::vector<std::size_t> {9, 3, 1}));
        double best = 1;
        for (const SearchPoint& point : points)
            best = std::min(best, point[0]);
        QCOMPARE(left, std::vector<double> {best});
    }

    void failedOnesGoNoFurther()
    {
        HalvingDriver driver(randomPoints(SearchSpace({{0, true}}), 9, 1), planHalving(9, 9, 3, 1));
        std::vector<SearchResult> results(driver.ask().size());
        results[4].objectives = std::vector<double> {1};
        driver.tell(results);
        const std::vector<SearchCandidate> next = driver.ask();
        QCOMPARE(next.size(), std::size_t(1));
        driver.tell(std::vector<SearchResult>(1));
        QVERIFY(driver.ask().empty());
    }
};

QTEST_GUILESS_MAIN(TstHalving)
#include "tst_halving.moc"
