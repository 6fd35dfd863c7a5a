// SPDX-License-Identifier: Apache-2.0
#include "core/search/grid_driver.h"
#include "core/search/sampling_driver.h"

#include <QtTest>

#include <set>

using namespace paretoscope::core;

namespace {

/// Three levels, two names, and an interval that counts only at the first level of the first dimension.
SearchSpace conditional()
{
    return SearchSpace({{3, true}, {2, false}, {0, true}}, [](const SearchPoint& point, std::size_t dimension) {
        return dimension < 2 || point[0] < 1.0 / 3;
    });
}

} // namespace

class TstSearchSpace : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void coordinatesAreLevels_data()
    {
        QTest::addColumn<double>("coordinate");
        QTest::addColumn<int>("level"); // of four
        QTest::addRow("begin") << 0.0 << 0;
        QTest::addRow("below the first bound") << 0.2499 << 0;
        QTest::addRow("bound") << 0.25 << 1;
        QTest::addRow("end") << 1.0 << 3;
        QTest::addRow("below the begin") << -0.1 << 0;
    }
    void coordinatesAreLevels()
    {
        QFETCH(double, coordinate);
        QFETCH(int, level);
        const SearchDimension dimension {4, true};
        QCOMPARE(dimension.levelAt(coordinate), std::size_t(level));
        QCOMPARE(dimension.levelAt(dimension.coordinateOf(std::size_t(level))), std::size_t(level));
    }

    void equalChoicesAreEqualPoints()
    {
        const SearchSpace space = conditional();
        QCOMPARE(space.normalised({0.4, 0.1, 0.7}), space.normalised({0.6, 0.4, 0.2}));
        QVERIFY(space.normalised({0.1, 0.1, 0.7}) != space.normalised({0.1, 0.1, 0.2}));
        QCOMPARE(space.normalised({0.1, 0.9, 0.7}), (SearchPoint {1.0 / 6, 0.75, 0.7}));
        QCOMPARE(space.normalised({0.9, 0.9, 0.7}), (SearchPoint {5.0 / 6, 0.75, 0.0}));
    }

    void aGridGoesThroughAllLevelsOnce()
    {
        GridDriver driver(SearchSpace({{2, true}, {3, true}}));
        std::vector<SearchPoint> points;
        for (const SearchCandidate& candidate : driver.ask())
            points.push_back(candidate.point);
        const std::vector<SearchPoint> expected {{0.25, 0.5 / 3}, {0.25, 0.5}, {0.25, 2.5 / 3},
                                                 {0.75, 0.5 / 3}, {0.75, 0.5}, {0.75, 2.5 / 3}};
        QCOMPARE(points, expected);
        QVERIFY(driver.ask().empty());
    }

    void aGridHasWhatConditionsMakeEqualOnce()
    {
        GridDriver driver(SearchSpace({{2, true}, {3, true}}, [](const SearchPoint& point, std::size_t dimension) {
            return dimension == 0 || point[0] < 0.5;
        }));
        QCOMPARE(driver.ask().size(), std::size_t(4)); // three and one
    }

    void aGridOfNothingIsOnePoint() { QCOMPARE(GridDriver(SearchSpace()).ask().size(), std::size_t(1)); }

    void samplesDiffer_data()
    {
        QTest::addColumn<bool>("isSobol");
        QTest::addRow("random") << false;
        QTest::addRow("Sobol") << true;
    }
    void samplesDiffer()
    {
        QFETCH(bool, isSobol);
        const auto points = isSobol ? sobolPoints : randomPoints;
        const SearchSpace space({{3, true}, {2, false}});
        const std::vector<SearchPoint> few = points(space, 4, 7);
        QCOMPARE(few.size(), std::size_t(4));
        const std::vector<SearchPoint> all = points(space, 100, 7);
        QCOMPARE(all.size(), std::size_t(6)); // there are no more
        QCOMPARE(std::set<SearchPoint>(all.begin(), all.end()).size(), std::size_t(6));
        QVERIFY(std::equal(few.begin(), few.end(), all.begin()));

        const SearchSpace wide({{0, true}, {0, true}});
        QCOMPARE(points(wide, 50, 1), points(wide, 50, 1));
        QVERIFY(points(wide, 50, 1) != points(wide, 50, 2));
    }

    void samplingIsOneBatch()
    {
        SamplingDriver driver(randomPoints(conditional(), 5, 3));
        QCOMPARE(driver.ask().size(), std::size_t(5));
        QVERIFY(driver.ask().empty());
    }
};

QTEST_GUILESS_MAIN(TstSearchSpace)
#include "tst_search_space.moc"
