// SPDX-License-Identifier: Apache-2.0
#include "plugins/quantization/smoothquant/column_extremes.h"
#include "plugins/quantization/smoothquant/smoothquant.h"

#include <QtTest>

#include <cmath>

using namespace paretoscope;
using smoothquant::ActivationStatistic;

namespace {

QList<float> listOf(const at::Tensor& tensor)
{
    const at::Tensor flat = tensor.flatten().contiguous();
    return {flat.const_data_ptr<float>(), flat.const_data_ptr<float>() + flat.numel()};
}

} // namespace

class TstSmoothQuant : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void factorsByHand_data()
    {
        QTest::addColumn<double>("alpha");
        QTest::addColumn<bool>("range");
        QTest::addColumn<QList<float>>("expected");
        // activations [-8, 2], [-1, 4], [0, 0], [-2, 16]; largest weights 2, 4, 3, 1
        QTest::addRow("balanced") << 0.5 << false << QList<float> {2, 1, 1, 4};
        QTest::addRow("all stays: weights become equally large") << 0.0 << false << QList<float> {0.5F, 0.25F, 1, 1};
        QTest::addRow("all goes: activations become equally large") << 1.0 << false << QList<float> {8, 4, 1, 16};
        QTest::addRow("range against twice the weights") << 1.0 << true << QList<float> {10, 5, 1, 18};
        QTest::addRow("range, balanced") << 0.5 << true
                                         << QList<float> {float(std::sqrt(2.5)), float(std::sqrt(0.625)), 1, 3};
    }
    void factorsByHand()
    {
        QFETCH(double, alpha);
        QFETCH(bool, range);
        QFETCH(QList<float>, expected);
        const at::Tensor extremes = at::tensor({-8.0F, -1.0F, 0.0F, -2.0F, 2.0F, 4.0F, 0.0F, 16.0F}).view({2, 4});
        const at::Tensor first = at::tensor({1.0F, -4.0F, 3.0F, 0.5F, -2.0F, 1.0F, 0.0F, 0.25F}).view({2, 4});
        const at::Tensor second = at::tensor({0.5F, 2.0F, -1.0F, -1.0F}).view({1, 4});
        smoothquant::Options options;
        options.alpha = alpha;
        options.statistic = range ? ActivationStatistic::Range : ActivationStatistic::AbsoluteMaximum;
        const QList<float> found = listOf(smoothquant::smoothingFactors(extremes, {first, second}, options));
        for (int i = 0; i < expected.size(); ++i)
            QVERIFY2(std::fabs(found[i] - expected[i]) < 1e-5F * expected[i],
                     qPrintable(QStringLiteral("channel %1: %2").arg(i).arg(double(found[i]))));
    }

    void factorsHaveAFloor()
    {
        const at::Tensor extremes = at::tensor({0.0F, 0.0F, 1e-12F, 1.0F}).view({2, 2});
        smoothquant::Options options;
        options.alpha = 1;
        const at::Tensor factors = smoothquant::smoothingFactors(extremes, {at::ones({1, 2})}, options);
        QCOMPARE(factors[0].item<float>(), 1e-5F);
        // A weight of zeros counts as min_scale.
        options.alpha = 0;
        QCOMPARE(smoothquant::smoothingFactors(extremes, {at::zeros({1, 2})}, options)[1].item<float>(), 1 / 1e-5F);
    }

    void extremesDoNotDependOnHowTheyAreFed()
    {
        const at::Tensor x = at::arange(60, at::kFloat).mul(1.7).sin().view({12, 5});
        smoothquant::ColumnExtremes whole;
        whole.add(x);
        smoothquant::ColumnExtremes first;
        first.add(x.narrow(0, 0, 4));
        first.add(x.narrow(0, 0, 0));
        smoothquant::ColumnExtremes second;
        second.add(x.narrow(0, 4, 8));
        first.merge(second);
        QVERIFY(at::equal(whole.value(), first.value()));
        QCOMPARE(first.samples(), std::int64_t(12));
        QVERIFY(at::equal(whole.value()[0], x.amin(0)));
        QVERIFY(at::equal(whole.value()[1], x.amax(0)));
    }
};

QTEST_GUILESS_MAIN(TstSmoothQuant)
#include "tst_smoothquant.moc"
