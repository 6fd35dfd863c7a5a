// SPDX-License-Identifier: Apache-2.0
#include "plugins/pruning/magnitude/magnitude.h"

#include <QtTest>

using namespace paretoscope;
using engine::PruningScope;
using engine::SparsityPattern;

namespace {

at::Tensor matrix(std::initializer_list<float> values, std::int64_t rows)
{
    return at::tensor(at::ArrayRef<float>(values)).view({rows, -1});
}

at::Tensor maskOf(const at::Tensor& weight, const SparsityPattern& pattern)
{
    return magnitude::masks(std::span(&weight, 1), pattern).front();
}

SparsityPattern patternOf(const core::Json& parameters)
{
    return SparsityPattern::fromParameters(parameters).value();
}

const at::Tensor kWeight = matrix({.5F, -1.F, .8F, .6F, .1F, -.2F, .3F, .4F}, 2);

} // namespace

class TstMagnitude : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void smallestGo_data()
    {
        QTest::addColumn<QString>("parameters");
        QTest::addColumn<QList<int>>("kept");
        QTest::addRow("half of the layer") << R"({"sparsity": 0.5})" << QList<int> {1, 1, 1, 1, 0, 0, 0, 0};
        QTest::addRow("half of every row")
            << R"({"sparsity": 0.5, "scope": "row"})" << QList<int> {0, 1, 1, 0, 0, 0, 1, 1};
        QTest::addRow("2:4") << R"({"pattern": "2:4"})" << QList<int> {0, 1, 1, 0, 0, 0, 1, 1};
        QTest::addRow("1:4") << R"({"pattern": "1:4"})" << QList<int> {0, 1, 0, 0, 0, 0, 0, 1};
        QTest::addRow("1:2") << R"({"pattern": "1:2"})" << QList<int> {0, 1, 1, 0, 0, 1, 0, 1};
        QTest::addRow("rows by their norm")
            << R"({"sparsity": 0.5, "pattern": "channel"})" << QList<int> {1, 1, 1, 1, 0, 0, 0, 0};
        QTest::addRow("nothing") << R"({"sparsity": 0})" << QList<int> {1, 1, 1, 1, 1, 1, 1, 1};
        QTest::addRow("counts are rounded down") << R"({"sparsity": 0.2})" << QList<int> {1, 1, 1, 1, 0, 1, 1, 1};
    }
    void smallestGo()
    {
        QFETCH(QString, parameters);
        QFETCH(QList<int>, kept);
        const at::Tensor mask = maskOf(kWeight, patternOf(core::Json::parse(parameters.toStdString())));
        for (int i = 0; i < kept.size(); ++i)
            QCOMPARE(int(mask.const_data_ptr<bool>()[i]), kept[i]);
    }

    void plateausGiveExactCounts()
    {
        // Two values only, as in a de-quantised checkpoint: a threshold alone would take all of one or none.
        const at::Tensor weight = at::arange(64 * 32).remainder(2).to(at::kFloat).add_(1).view({64, 32});
        SparsityPattern pattern;
        pattern.sparsity = 0.3;
        const at::Tensor mask = maskOf(weight, pattern);
        QCOMPARE(mask.sum().item<std::int64_t>(), std::int64_t(64 * 32 - 614));
        QVERIFY(mask.masked_select(weight == 2).all().item<bool>());
        QVERIFY(!mask.view({-1})[0].item<bool>()); // of equal ones the first goes first
        QVERIFY(mask.view({-1})[2046].item<bool>());
    }

    void layersOfTheModelCompete()
    {
        const at::Tensor weights[] = {matrix({1, 2, 3, 4}, 2), matrix({10, 20, 30, .5F}, 2)};
        SparsityPattern pattern;
        pattern.scope = PruningScope::Global;
        const auto masks = magnitude::masks(weights, pattern);
        QCOMPARE(masks[0].sum().item<std::int64_t>(), std::int64_t(1));
        QCOMPARE(masks[1].sum().item<std::int64_t>(), std::int64_t(3));
        pattern.scope = PruningScope::Layer;
        for (const at::Tensor& mask : magnitude::masks(weights, pattern))
            QCOMPARE(mask.sum().item<std::int64_t>(), std::int64_t(2));
    }
};

QTEST_GUILESS_MAIN(TstMagnitude)
#include "tst_magnitude.moc"
