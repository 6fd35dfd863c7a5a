// SPDX-License-Identifier: Apache-2.0
#include "core/engine/pruning/mask_selection.h"

#include <QtTest>

#include <algorithm>
#include <numeric>
#include <vector>

using namespace paretoscope;

namespace {

std::vector<float> pseudoRandom(std::size_t count, bool withTies)
{
    std::vector<float> values(count);
    std::uint32_t state = 7;
    for (float& value : values) {
        state = state * 1664525U + 1013904223U;
        value = withTies ? float((state >> 8) % 5) : float(state >> 8) / 1e6F;
    }
    return values;
}

at::Tensor asMatrix(std::vector<float>& values, std::int64_t rows)
{
    return at::from_blob(values.data(), {rows, static_cast<std::int64_t>(values.size()) / rows}, at::kFloat).clone();
}

/// By a stable sort: what the first `dropped` of it are is false.
std::vector<bool> bySorting(const float* scores, std::size_t count, std::size_t dropped)
{
    std::vector<std::size_t> order(count);
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return scores[a] < scores[b]; });
    std::vector<bool> kept(count, true);
    for (std::size_t i = 0; i < dropped; ++i)
        kept[order[i]] = false;
    return kept;
}

bool equals(const at::Tensor& mask, const std::vector<bool>& expected)
{
    const at::Tensor flat = mask.contiguous();
    return std::equal(expected.begin(), expected.end(), flat.const_data_ptr<bool>());
}

} // namespace

class TstMaskSelection : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void equalsAStableSort_data()
    {
        QTest::addColumn<double>("sparsity");
        QTest::addColumn<bool>("withTies");
        for (const bool ties : {false, true}) {
            for (const double sparsity : {0.0, 0.25, 0.5, 0.73, 0.999})
                QTest::addRow("%g%s", sparsity, ties ? ", five values only" : "") << sparsity << ties;
        }
    }
    void equalsAStableSort()
    {
        QFETCH(double, sparsity);
        QFETCH(bool, withTies);
        std::vector<float> values = pseudoRandom(40 * 96, withTies);
        const at::Tensor scores = asMatrix(values, 40);
        const auto dropped = std::size_t(engine::droppedOf(40 * 96, sparsity));
        QVERIFY(equals(engine::dropSmallest(scores, sparsity), bySorting(values.data(), values.size(), dropped)));

        const at::Tensor halves[] = {scores.narrow(0, 0, 13).contiguous(), scores.narrow(0, 13, 27).contiguous()};
        const auto together = engine::dropSmallest(std::span(halves), sparsity);
        QVERIFY(at::equal(at::cat({together[0], together[1]}), engine::dropSmallest(scores, sparsity)));

        const at::Tensor rows = engine::dropSmallestOfRows(scores, sparsity);
        const auto droppedPerRow = std::size_t(engine::droppedOf(96, sparsity));
        for (std::int64_t row = 0; row < 40; ++row)
            QVERIFY(equals(rows[row], bySorting(values.data() + row * 96, 96, droppedPerRow)));
    }

    void masksAreNested()
    {
        std::vector<float> values = pseudoRandom(32 * 64, true);
        const at::Tensor scores = asMatrix(values, 32);
        at::Tensor before = at::ones({32, 64}, at::kBool);
        for (int percent = 10; percent < 100; percent += 10) {
            const at::Tensor mask = engine::dropSmallest(scores, percent / 100.0);
            QVERIFY(mask.logical_and(before.logical_not()).sum().item<std::int64_t>() == 0);
            before = mask;
        }
    }

    void everyGroupKeepsItsLargest_data()
    {
        QTest::addColumn<int>("keep");
        QTest::addColumn<int>("of");
        QTest::addColumn<bool>("withTies");
        for (const bool ties : {false, true}) {
            QTest::addRow("2:4%s", ties ? " with ties" : "") << 2 << 4 << ties;
            QTest::addRow("1:4%s", ties ? " with ties" : "") << 1 << 4 << ties;
            QTest::addRow("4:8%s", ties ? " with ties" : "") << 4 << 8 << ties;
            QTest::addRow("15:16%s", ties ? " with ties" : "") << 15 << 16 << ties;
            QTest::addRow("4:4 keeps all%s", ties ? " with ties" : "") << 4 << 4 << ties;
        }
    }
    void everyGroupKeepsItsLargest()
    {
        QFETCH(int, keep);
        QFETCH(int, of);
        QFETCH(bool, withTies);
        std::vector<float> values = pseudoRandom(16 * 64, withTies);
        const at::Tensor mask = engine::keepLargestOfGroups(asMatrix(values, 16), keep, of);
        for (std::int64_t group = 0; group < mask.numel() / of; ++group) {
            // Of equal scores the first is kept: the last of a stable falling order go.
            std::vector<int> order(static_cast<std::size_t>(of));
            std::iota(order.begin(), order.end(), 0);
            const float* scores = values.data() + group * of;
            std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return scores[a] > scores[b]; });
            for (int place = 0; place < of; ++place) {
                const auto rank = std::find(order.begin(), order.end(), place) - order.begin();
                QCOMPARE(mask.const_data_ptr<bool>()[group * of + place], rank < keep);
            }
        }
    }

    void productsOfWholeNumbersAreWhole_data()
    {
        QTest::addColumn<qint64>("count");
        QTest::addColumn<double>("sparsity");
        QTest::addColumn<qint64>("dropped");
        QTest::addRow("29 of 100") << qint64(100) << 0.29 << qint64(29);
        QTest::addRow("a third of 9") << qint64(9) << 1.0 / 3 << qint64(3);
        QTest::addRow("rounded down") << qint64(7) << 0.5 << qint64(3);
    }
    void productsOfWholeNumbersAreWhole()
    {
        QFETCH(qint64, count);
        QFETCH(double, sparsity);
        QFETCH(qint64, dropped);
        QCOMPARE(engine::droppedOf(count, sparsity), dropped);
    }
};

QTEST_GUILESS_MAIN(TstMaskSelection)
#include "tst_mask_selection.moc"
