// SPDX-License-Identifier: Apache-2.0
#include "core/statistics/front.h"

#include <QtTest>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <set>
#include <vector>

using namespace paretoscope::core;

using Points = std::vector<ObjectivePoint>;
using Indices = std::vector<std::size_t>;

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

bool dominates(const ObjectivePoint& a, const ObjectivePoint& b)
{
    return a.x <= b.x && a.y <= b.y && (a.x < b.x || a.y < b.y);
}

/// The definition, pair by pair; as a set, since it says nothing about order.
std::set<std::size_t> frontByDefinition(const Points& points)
{
    std::set<std::size_t> front;
    for (std::size_t i = 0; i < points.size(); ++i) {
        if (std::none_of(points.begin(), points.end(),
                         [&](const ObjectivePoint& other) { return dominates(other, points[i]); }))
            front.insert(i);
    }
    return front;
}

/// Points on a small grid, so that ties and twins are frequent.
Points gridPoints(unsigned seed, int count, int cells)
{
    std::mt19937 random(seed);
    Points points;
    for (int i = 0; i < count; ++i) {
        const auto x = static_cast<double>(random() % static_cast<unsigned>(cells));
        const auto y = static_cast<double>(random() % static_cast<unsigned>(cells));
        points.push_back({x, y});
    }
    return points;
}

/// Counts the unit cells between the points and (cells, cells); exact on a grid.
double hypervolumeByCounting(const Points& points, int cells)
{
    int covered = 0;
    for (int x = 0; x < cells; ++x) {
        for (int y = 0; y < cells; ++y) {
            if (std::any_of(points.begin(), points.end(),
                            [&](const ObjectivePoint& p) { return p.x <= x && p.y <= y; }))
                ++covered;
        }
    }
    return covered;
}

} // namespace

Q_DECLARE_METATYPE(ObjectivePoint)

class TstFront : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void frontKeepsWhatNothingDominates_data()
    {
        QTest::addColumn<Points>("points");
        QTest::addColumn<Indices>("expected");
        QTest::addRow("no points") << Points {} << Indices {};
        QTest::addRow("one point") << Points {{3, 4}} << Indices {0};
        QTest::addRow("worked example, twins both stay")
            << Points {{1, 5}, {2, 3}, {2, 4}, {4, 2}, {4, 2}, {3, 6}, {6, 1}, {5, 5}} << Indices {0, 1, 3, 4, 6};
        QTest::addRow("equal x keeps the lower y") << Points {{1, 2}, {1, 1}} << Indices {1};
        QTest::addRow("equal y keeps the lower x") << Points {{2, 1}, {1, 1}} << Indices {1};
        QTest::addRow("sorted by x, not by input") << Points {{3, 1}, {1, 3}, {2, 2}} << Indices {1, 2, 0};
        QTest::addRow("a twin of a dominated point goes too") << Points {{1, 1}, {2, 2}, {2, 2}} << Indices {0};
        QTest::addRow("not a number and infinity never are on it")
            << Points {{kNan, 0}, {0, kNan}, {-kInfinity, 0}, {0, kInfinity}, {5, 5}} << Indices {4};
        QTest::addRow("zero has one sign") << Points {{0.0, 1}, {-0.0, 1}} << Indices {0, 1};
    }
    void frontKeepsWhatNothingDominates()
    {
        QFETCH(Points, points);
        QFETCH(Indices, expected);
        QCOMPARE(frontOf(points), expected);
    }

    void frontAgreesWithDefinition_data()
    {
        QTest::addColumn<unsigned>("seed");
        QTest::addColumn<int>("count");
        QTest::addColumn<int>("cells");
        for (unsigned seed = 0; seed < 40; ++seed) {
            const int cells = seed % 2 == 0 ? 12 : 100000;
            QTest::addRow("seed %u on %d cells", seed, cells) << seed << 150 << cells;
        }
    }
    void frontAgreesWithDefinition()
    {
        QFETCH(unsigned, seed);
        QFETCH(int, count);
        QFETCH(int, cells);
        const Points points = gridPoints(seed, count, cells);
        const Indices front = frontOf(points);
        QVERIFY(std::set<std::size_t>(front.begin(), front.end()) == frontByDefinition(points));
        for (std::size_t i = 1; i < front.size(); ++i)
            QVERIFY(points[front[i - 1]].x <= points[front[i]].x);
    }

    void hypervolume_data()
    {
        QTest::addColumn<Points>("points");
        QTest::addColumn<ObjectivePoint>("reference");
        QTest::addColumn<double>("expected");
        QTest::addRow("no points") << Points {} << ObjectivePoint {1, 1} << 0.0;
        QTest::addRow("worked example") << Points {{1, 5}, {2, 3}, {4, 2}, {6, 1}} << ObjectivePoint {7, 6} << 20.0;
        QTest::addRow("ideal corner of the unit box") << Points {{0, 0}} << ObjectivePoint {1, 1} << 1.0;
        QTest::addRow("duplicate point counts once") << Points {{1, 1}, {1, 1}} << ObjectivePoint {2, 2} << 1.0;
        QTest::addRow("on the reference counts nothing") << Points {{2, 0}, {0, 2}} << ObjectivePoint {2, 2} << 0.0;
        QTest::addRow("beyond the reference counts nothing")
            << Points {{1, 1}, {0, 9}, {9, 0}} << ObjectivePoint {2, 2} << 1.0;
        QTest::addRow("dominated point changes nothing")
            << Points {{1, 5}, {2, 3}, {4, 2}, {6, 1}, {5, 5}} << ObjectivePoint {7, 6} << 20.0;
        QTest::addRow("not a number counts nothing") << Points {{kNan, 0}, {1, 1}} << ObjectivePoint {2, 2} << 1.0;
        QTest::addRow("no reference") << Points {{1, 1}} << ObjectivePoint {kNan, 2} << 0.0;
    }
    void hypervolume()
    {
        QFETCH(Points, points);
        QFETCH(ObjectivePoint, reference);
        QFETCH(double, expected);
        QCOMPARE(hypervolumeOf(points, reference), expected);
        std::reverse(points.begin(), points.end());
        QCOMPARE(hypervolumeOf(points, reference), expected);
    }

    void hypervolumeContributions_data()
    {
        QTest::addColumn<int>("without");
        QTest::addColumn<double>("lost");
        const double worked[] = {1, 4, 2, 1};
        for (int i = 0; i < 4; ++i)
            QTest::addRow("point %d", i) << i << worked[i];
    }
    void hypervolumeContributions()
    {
        QFETCH(int, without);
        QFETCH(double, lost);
        Points points {{1, 5}, {2, 3}, {4, 2}, {6, 1}};
        points.erase(points.begin() + without);
        QCOMPARE(20 - hypervolumeOf(points, {7, 6}), lost);
    }

    void hypervolumeAgreesWithCounting_data()
    {
        QTest::addColumn<unsigned>("seed");
        for (unsigned seed = 0; seed < 40; ++seed)
            QTest::addRow("seed %u", seed) << seed;
    }
    void hypervolumeAgreesWithCounting()
    {
        QFETCH(unsigned, seed);
        constexpr int kCells = 25;
        Points points = gridPoints(seed, static_cast<int>(1 + seed), kCells + 5); // some lie outside
        double before = 0;
        for (std::size_t n = 1; n <= points.size(); ++n) {
            const Points some(points.begin(), points.begin() + static_cast<std::ptrdiff_t>(n));
            const double area = hypervolumeOf(some, {kCells, kCells});
            QCOMPARE(area, hypervolumeByCounting(some, kCells));
            QVERIFY(area >= before); // one more point never takes away
            before = area;
        }
        for (ObjectivePoint& point : points)
            point.x *= 8;
        QCOMPARE(hypervolumeOf(points, {8 * kCells, kCells}), 8 * before);
    }

    void referencePoint_data()
    {
        QTest::addColumn<Points>("points");
        QTest::addColumn<ObjectivePoint>("expected");
        QTest::addRow("a tenth of the range beyond the worst") << Points {{0, 20}, {10, 0}} << ObjectivePoint {11, 22};
        QTest::addRow("dominated points count nothing")
            << Points {{0, 20}, {10, 0}, {90, 90}} << ObjectivePoint {11, 22};
        QTest::addRow("no range: ten percent") << Points {{10, -10}, {10, -10}} << ObjectivePoint {11, -9};
        QTest::addRow("no range at zero") << Points {{0, 0}} << ObjectivePoint {0.1, 0.1};
        QTest::addRow("not finite counts nothing")
            << Points {{0, 10}, {10, 0}, {kInfinity, -1}, {1, kNan}} << ObjectivePoint {11, 11};
        QTest::addRow("nothing finite") << Points {{kNan, 1}} << ObjectivePoint {0, 0};
    }
    void referencePoint()
    {
        QFETCH(Points, points);
        QFETCH(ObjectivePoint, expected);
        const ObjectivePoint reference = referencePointOf(points);
        QCOMPARE(reference.x, expected.x);
        QCOMPARE(reference.y, expected.y);
    }

    void knee_data()
    {
        QTest::addColumn<Points>("points");
        QTest::addColumn<int>("expected"); // -1: none
        QTest::addRow("worked example") << Points {{0, 1}, {.1, .4}, {.25, .2}, {.5, .1}, {1, 0}} << 2;
        QTest::addRow("axes of any unit") << Points {{1e9, 30}, {1.1e9, 18}, {1.25e9, 14}, {1.5e9, 12}, {2e9, 10}} << 2;
        QTest::addRow("dominated points do not count")
            << Points {{0, 1}, {.1, .4}, {.25, .2}, {.5, .1}, {1, 0}, {40, 40}, {.25, 5}} << 2;
        QTest::addRow("no points") << Points {} << -1;
        QTest::addRow("two front points") << Points {{0, 1}, {1, 0}, {2, 2}} << -1;
        QTest::addRow("straight front") << Points {{0, 1}, {.3, .7}, {.6, .4}, {1, 0}} << -1;
        QTest::addRow("concave front") << Points {{0, 1}, {.7, .7}, {1, 0}} << -1;
        QTest::addRow("one point three times") << Points {{1, 1}, {1, 1}, {1, 1}} << -1;
        QTest::addRow("two points, one twice") << Points {{0, 1}, {0, 1}, {1, 0}} << -1;
        QTest::addRow("of two equal knees the cheaper") << Points {{0, 1}, {.5, .25}, {.25, .5}, {1, 0}} << 2;
    }
    void knee()
    {
        QFETCH(Points, points);
        QFETCH(int, expected);
        const auto index = kneeOf(points);
        QCOMPARE(index ? static_cast<int>(*index) : -1, expected);
    }
};

QTEST_GUILESS_MAIN(TstFront)
#include "tst_front.moc"
