// SPDX-License-Identifier: Apache-2.0
// Routing rules against cases worked out by hand.
#include "core/engine/kernels/router.h"

#include <QtTest>

#include <cmath>

using namespace paretoscope;
using namespace paretoscope::engine;

namespace {

using Ids = std::vector<std::int64_t>;
using Numbers = std::vector<double>;

at::Tensor row(const Numbers& values)
{
    return at::tensor(values, at::kFloat).unsqueeze(0);
}

Ids idsOf(const at::Tensor& tensor)
{
    const at::Tensor flat = tensor.flatten().contiguous();
    return {flat.const_data_ptr<std::int64_t>(), flat.const_data_ptr<std::int64_t>() + flat.numel()};
}

bool isNear(const at::Tensor& tensor, const Numbers& expected)
{
    return at::allclose(tensor.flatten().to(at::kDouble), at::tensor(expected, at::kDouble), 1e-6, 1e-7);
}

double sigmoid(double x)
{
    return 1 / (1 + std::exp(-x));
}

double logit(double p)
{
    return std::log(p / (1 - p));
}

} // namespace

class TstRouter : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void softmaxRules()
    {
        // Probabilities 0.1, 0.4, 0.2, 0.3.
        const at::Tensor logits = row({std::log(0.1), std::log(0.4), std::log(0.2), std::log(0.3)}) + 2.5;
        core::RoutingRule rule {.experts = 4, .chosen = 2};
        Routing found = route(logits, {}, rule);
        QCOMPARE(idsOf(found.experts), (Ids {1, 3}));
        QVERIFY(isNear(found.weights, {0.4, 0.3}));

        rule.scale = 3;
        QVERIFY(isNear(route(logits, {}, rule).weights, {1.2, 0.9}));

        rule.scale = 1;
        rule.normalise = true;
        QVERIFY(isNear(route(logits, {}, rule).weights, {4.0 / 7, 3.0 / 7}));

        // The softmax over the chosen is the renormalised softmax over all.
        core::RoutingRule chosenFirst {.experts = 4, .chosen = 2, .score = core::RouterScore::SoftmaxOfChosen};
        found = route(logits, {}, chosenFirst);
        QCOMPARE(idsOf(found.experts), (Ids {1, 3}));
        QVERIFY(isNear(found.weights, {4.0 / 7, 3.0 / 7}));
    }

    void sigmoidOfTheChosen()
    {
        // The sigmoids of 30 and 40 are both 1 in float32; the logits still tell them apart.
        const core::RoutingRule rule {.experts = 4, .chosen = 1, .score = core::RouterScore::SigmoidOfChosen};
        const Routing found = route(row({30, -1, 40, 2}), {}, rule);
        QCOMPARE(idsOf(found.experts), (Ids {2}));
        QVERIFY(isNear(found.weights, {1}));

        core::RoutingRule two = rule;
        two.chosen = 2;
        const Routing both = route(row({logit(0.2), logit(0.7), logit(0.1), logit(0.6)}), {}, two);
        QCOMPARE(idsOf(both.experts), (Ids {1, 3}));
        QVERIFY(isNear(both.weights, {0.7, 0.6})); // of each by itself: not normalised
    }

    void equalScoresChooseTheLowerExpert()
    {
        const core::RoutingRule rule {.experts = 6, .chosen = 3};
        const Routing found = route(row({0, 1, 0, 1, 0, 1}), {}, rule);
        QCOMPARE(idsOf(found.experts), (Ids {1, 3, 5}));
        QCOMPARE(idsOf(route(at::zeros({1, 6}), {}, rule).experts), (Ids {0, 1, 2}));
    }

    void groupsByTheirBest()
    {
        // Groups {0.30, 0.02}, {0.25, 0.22}, {0.15, 0.06}; the two best groups are the first two, so the third
        // expert chosen is 3 and not 4 only because of its score; with one group kept it is 1.
        const at::Tensor logits = row({0.30, 0.02, 0.25, 0.22, 0.15, 0.06}).log();
        core::RoutingRule rule {.experts = 6, .chosen = 2, .groups = 3, .keptGroups = 1};
        Routing found = route(logits, {}, rule);
        QCOMPARE(idsOf(found.experts), (Ids {0, 1})); // 2 and 3 are better than 1 but their group is closed
        QVERIFY(isNear(found.weights, {0.30, 0.02}));

        rule.keptGroups = 2;
        found = route(logits, {}, rule);
        QCOMPARE(idsOf(found.experts), (Ids {0, 2}));

        rule.groupScore = core::GroupScore::SumOfTopTwo;
        rule.keptGroups = 1;
        QCOMPARE(idsOf(route(logits, {}, rule).experts), (Ids {2, 3})); // 0.47 beats 0.32
    }

    void biasMovesTheChoiceNotTheWeight()
    {
        const Numbers scores {0.9, 0.8, 0.7, 0.6};
        Numbers logits;
        for (const double score : scores)
            logits.push_back(logit(score));
        core::RoutingRule rule {.experts = 4, .chosen = 2, .score = core::RouterScore::Sigmoid};
        QCOMPARE(idsOf(route(row(logits), {}, rule).experts), (Ids {0, 1}));

        const at::Tensor bias = at::tensor({0.0F, -0.5F, 0.0F, 0.25F});
        Routing found = route(row(logits), bias, rule); // 0.9, 0.3, 0.7, 0.85
        QCOMPARE(idsOf(found.experts), (Ids {0, 3}));
        QVERIFY(isNear(found.weights, {0.9, 0.6}));

        rule.normalise = true;
        rule.normaliseEpsilon = 1e-20;
        rule.scale = 2.5;
        found = route(row(logits), bias, rule);
        QVERIFY(isNear(found.weights, {2.5 * 0.9 / 1.5, 2.5 * 0.6 / 1.5}));

        // Ordered by weight, not by the score that chose.
        found = route(row(logits), at::tensor({0.0F, 0.0F, 0.0F, 5.0F}), rule);
        QCOMPARE(idsOf(found.experts), (Ids {0, 3}));
    }

    void closedGroupsAreNotChosenEvenWhenTheOpenScoresAreNegative()
    {
        // Choice scores -1.5, -1.6 | 0.4, -9: groups by best two make the first group win.
        const Numbers scores {0.5, 0.4, 0.4, 0.5};
        Numbers logits;
        for (const double score : scores)
            logits.push_back(logit(score));
        const core::RoutingRule rule {.experts = 4,
                                      .chosen = 2,
                                      .score = core::RouterScore::Sigmoid,
                                      .groups = 2,
                                      .keptGroups = 1,
                                      .groupScore = core::GroupScore::SumOfTopTwo};
        const Routing found = route(row(logits), at::tensor({-2.0F, -2.0F, 0.0F, -9.5F}), rule);
        QCOMPARE(idsOf(found.experts), (Ids {0, 1}));
        QVERIFY(isNear(found.weights, {sigmoid(logits[0]), sigmoid(logits[1])}));
    }

    void sparseMixerComparesOnlyLogitsThatAreClose_data()
    {
        QTest::addColumn<Numbers>("logits");
        QTest::addColumn<double>("jitter");
        QTest::addColumn<Ids>("experts");
        QTest::addColumn<Numbers>("weights");
        // Relative distances from 4: 0.25/4, 1/4, 3/4; from 3.75: 0.75/3.75, 2.75/3.75.
        const Numbers logits {3, 4, 1, 3.75};
        QTest::addRow("none is close: each weighs 1, equal weights by expert")
            << logits << 0.01 << Ids {1, 3} << Numbers {1, 1};
        QTest::addRow("the second is close to the first") << logits << 0.05 << Ids {3, 1} << Numbers {1, sigmoid(0.25)};
        QTest::addRow("three are close") << logits << 0.13 << Ids {3, 1}
                                         << Numbers {sigmoid(0.75), 1 / (1 + std::exp(-0.25) + std::exp(-1.0))};
        QTest::addRow("the limit itself is close")
            << Numbers {4, 3, 0, 0} << 0.125 << Ids {1, 0} << Numbers {1, sigmoid(1)};
        // From -1 the others are 1/2 and 3/4 away, relative to their own size; from -2 the last 1/2.
        QTest::addRow("negative logits") << Numbers {-1, -2, -4} << 0.26 << Ids {1, 0}
                                         << Numbers {1 / (1 + std::exp(-2.0)), sigmoid(1)};
        QTest::addRow("all zero") << Numbers {0, 0, 0, 0} << 0.01 << Ids {1, 0} << Numbers {1.0 / 3, 1.0 / 4};
    }
    void sparseMixerComparesOnlyLogitsThatAreClose()
    {
        QFETCH(Numbers, logits);
        QFETCH(double, jitter);
        QFETCH(Ids, experts);
        QFETCH(Numbers, weights);
        const core::RoutingRule rule {.experts = static_cast<int>(logits.size()),
                                      .chosen = 2,
                                      .score = core::RouterScore::SparseMixer,
                                      .jitter = jitter};
        const Routing found = route(row(logits), {}, rule);
        QCOMPARE(idsOf(found.experts), experts);
        QVERIFY(isNear(found.weights, weights));
        QVERIFY(found.weights.sum().item<double>() <= 2);
    }

    void weightsCarryGradients()
    {
        const at::Tensor logits = at::randn({5, 8}, at::kFloat).requires_grad_();
        core::RoutingRule rule {.experts = 8, .chosen = 3, .normalise = true};
        const Routing found = route(logits, {}, rule);
        QVERIFY(found.weights.requires_grad());
        QVERIFY(!found.experts.requires_grad());

        rule = {.experts = 8, .chosen = 2, .score = core::RouterScore::SparseMixer, .jitter = 0.5};
        QVERIFY(route(logits, {}, rule).weights.requires_grad());
    }

    void rowsOfEveryExpert()
    {
        Routing routing;
        routing.experts = at::tensor(Ids {2, 0, 1, 2, 2, -1}, at::kLong).view({3, 2});
        routing.weights = at::tensor({0.6F, 0.4F, 0.9F, 0.1F, 0.7F, 0.3F}).view({3, 2});
        const std::vector<ExpertRows> rows = rowsByExpert(routing, 4);
        QCOMPARE(rows.size(), std::size_t(4));
        QCOMPARE(idsOf(rows[0].tokens), (Ids {0}));
        QCOMPARE(idsOf(rows[1].tokens), (Ids {1}));
        QCOMPARE(idsOf(rows[2].tokens), (Ids {0, 1, 2}));
        QVERIFY(isNear(rows[2].weights, {0.6, 0.1, 0.7}));
        QCOMPARE(rows[3].tokens.size(0), std::int64_t(0));
    }
};

QTEST_GUILESS_MAIN(TstRouter)
#include "tst_router.moc"
