// SPDX-License-Identifier: Apache-2.0
#include "core/search/domination.h"

#include "core/search/random_source.h"

#include <QtTest>

#include <cmath>
#include <limits>

using namespace paretoscope::core;

namespace {

SearchResult at(double x, double y, double violation = 0)
{
    return {std::vector<double> {x, y}, violation};
}

} // namespace

class TstDomination : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void dominates_data()
    {
        QTest::addColumn<bool>("expected");
        QTest::addColumn<QList<double>>("numbers"); // x, y, violation of one, then of the other
        QTest::addRow("better in both") << true << QList<double> {1, 1, 0, 2, 2, 0};
        QTest::addRow("better in one, equal in the other") << true << QList<double> {1, 2, 0, 2, 2, 0};
        QTest::addRow("equal") << false << QList<double> {1, 2, 0, 1, 2, 0};
        QTest::addRow("each better in one") << false << QList<double> {1, 3, 0, 3, 1, 0};
        QTest::addRow("feasible, but worse") << true << QList<double> {9, 9, 0, 1, 1, 0.1};
        QTest::addRow("not feasible, but better") << false << QList<double> {1, 1, 0.1, 9, 9, 0};
        QTest::addRow("smaller violation") << true << QList<double> {9, 9, 0.1, 1, 1, 0.2};
        QTest::addRow("equal violation") << false << QList<double> {1, 1, 0.2, 9, 9, 0.2};
    }
    void dominates()
    {
        QFETCH(bool, expected);
        QFETCH(QList<double>, numbers);
        QCOMPARE(paretoscope::core::dominates(at(numbers[0], numbers[1], numbers[2]),
                                              at(numbers[3], numbers[4], numbers[5])),
                 expected);
    }

    /// The worked case of specs search_compensation, appendix.
    void ranksAreCounted()
    {
        const std::vector<SearchResult> results {at(1, 5), at(2, 3), at(2, 4), at(4, 2),
                                                 at(4, 2), at(3, 6), at(6, 1), at(5, 5)};
        QCOMPARE(ranksOf(results), (std::vector<int> {0, 0, 1, 0, 0, 2, 0, 2}));
    }

    void failedOnesComeLast()
    {
        const std::vector<SearchResult> results {{std::nullopt, 0}, at(9, 9, 5), at(1, 1), {std::nullopt, 0}};
        QCOMPARE(ranksOf(results), (std::vector<int> {2, 1, 0, 2}));
        QCOMPARE(orderByMerit(results), (std::vector<std::size_t> {2, 1, 0, 3}));
    }

    void infeasibleOnesAreNeverAboveFeasibleOnes()
    {
        RandomSource random(5);
        std::vector<SearchResult> results;
        for (int i = 0; i < 200; ++i)
            results.push_back(at(random.uniform(), random.uniform(), random.chance(0.5) ? random.uniform() : 0));
        const std::vector<int> ranks = ranksOf(results);
        int lastFeasible = 0;
        int firstInfeasible = int(results.size());
        for (std::size_t i = 0; i < results.size(); ++i) {
            if (results[i].violation > 0)
                firstInfeasible = std::min(firstInfeasible, ranks[i]);
            else
                lastFeasible = std::max(lastFeasible, ranks[i]);
        }
        QVERIFY(lastFeasible < firstInfeasible);
    }

    void lonelinessIsTheDistanceOfTheNeighbours()
    {
        const std::vector<SearchResult> results {at(0, 10), at(1, 4), at(5, 2), at(10, 0), at(11, 11)};
        const std::vector<double> crowding = crowdingOf(results, ranksOf(results));
        QVERIFY(std::isinf(crowding[0]) && std::isinf(crowding[3]));
        QCOMPARE(crowding[1], 0.5 + 0.8);                                            // (5 - 0)/10 + (10 - 2)/10
        QCOMPARE(crowding[2], 0.9 + 0.4);                                            // (10 - 1)/10 + (4 - 0)/10
        QVERIFY(std::isinf(crowding[4]));                                            // alone in its rank
        QCOMPARE(orderByMerit(results), (std::vector<std::size_t> {0, 3, 1, 2, 4})); // 1 and 2 are equally lonely
    }

    void equalResultsAreEquallyGood()
    {
        const std::vector<SearchResult> results {at(1, 1), at(1, 1), at(1, 1)};
        QCOMPARE(ranksOf(results), (std::vector<int> {0, 0, 0}));
        QCOMPARE(orderByMerit(results).front(), std::size_t(0));
    }
};

QTEST_GUILESS_MAIN(TstDomination)
#include "tst_domination.moc"
