// SPDX-License-Identifier: Apache-2.0
#include "core/search/sobol_sequence.h"

#include <QtTest>

#include <set>

using namespace paretoscope::core;

class TstSobolSequence : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    /// The first points of three dimensions, as in the notes of Joe and Kuo (2008).
    void beginsAsPublished()
    {
        const std::vector<SearchPoint> expected {{0, 0, 0},
                                                 {0.5, 0.5, 0.5},
                                                 {0.75, 0.25, 0.25},
                                                 {0.25, 0.75, 0.75},
                                                 {0.375, 0.375, 0.625},
                                                 {0.875, 0.875, 0.125},
                                                 {0.625, 0.125, 0.875},
                                                 {0.125, 0.625, 0.375},
                                                 {0.1875, 0.3125, 0.9375},
                                                 {0.6875, 0.8125, 0.4375}};
        SobolSequence sequence(3);
        for (const SearchPoint& point : expected)
            QCOMPARE(sequence.next(), point);
    }

    void everyCoordinateIsEven_data()
    {
        QTest::addColumn<bool>("isShifted");
        QTest::addRow("as published") << false;
        QTest::addRow("shifted") << true;
    }
    /// Each of 1024 intervals gets one of 1024 points, in every dimension, also in the second thousand.
    void everyCoordinateIsEven()
    {
        QFETCH(bool, isShifted);
        constexpr std::size_t kDimensions = SobolSequence::kMaxDimensions;
        SobolSequence sequence = isShifted ? SobolSequence(kDimensions, 99) : SobolSequence(kDimensions);
        for (int block = 0; block < 2; ++block) {
            std::vector<std::set<int>> hit(kDimensions);
            for (int i = 0; i < 1024; ++i) {
                const SearchPoint point = sequence.next();
                for (std::size_t d = 0; d < kDimensions; ++d) {
                    QVERIFY(point[d] >= 0 && point[d] < 1);
                    hit[d].insert(int(point[d] * 1024));
                }
            }
            for (std::size_t d = 0; d < kDimensions; ++d)
                QVERIFY2(hit[d].size() == 1024, qPrintable(QString::number(d)));
        }
    }

    /// Sobol's property A, which the published numbers have: 2^d points fall into the 2^d halves, quarters, ... of d
    /// dimensions together, one each. A wrong digit in the table breaks it.
    void manyCoordinatesTogetherAreEven()
    {
        constexpr int kDimensions = 16;
        SobolSequence sequence(kDimensions);
        std::set<unsigned> corners;
        for (unsigned i = 0; i < (1U << kDimensions); ++i) {
            const SearchPoint point = sequence.next();
            unsigned corner = 0;
            for (const double coordinate : point)
                corner = 2 * corner + (coordinate >= 0.5 ? 1 : 0);
            corners.insert(corner);
        }
        QCOMPARE(corners.size(), std::size_t(1) << kDimensions);
    }

    void seedsShift()
    {
        SobolSequence one(4, 1);
        SobolSequence again(4, 1);
        SobolSequence other(4, 2);
        const SearchPoint first = one.next();
        QCOMPARE(again.next(), first);
        QVERIFY(other.next() != first);
    }
};

QTEST_GUILESS_MAIN(TstSobolSequence)
#include "tst_sobol_sequence.moc"
