// SPDX-License-Identifier: Apache-2.0
// Low-rank approximation with weighted columns: the arithmetic of SVD, ASVD, SVD-LLM, EoRA and SLiM.
#include "core/engine/low_rank/truncation.h"

#include "core/engine/low_rank/rank_rule.h"
#include "tests/core/engine/correlated_layer.h"

#include <QtTest>

#include <cmath>

using namespace paretoscope;
using tests::CorrelatedLayer;
using tests::weightedError;

namespace {

at::Tensor matrix(std::initializer_list<double> values, std::int64_t rows)
{
    return at::tensor(at::ArrayRef<double>(values), at::kDouble).view({rows, -1});
}

at::Tensor product(const engine::LowRankFactors& factors)
{
    return at::mm(factors.b, factors.a);
}

/// From the definition: a Cholesky factor of Ω, a full singular value decomposition, and the inverse of the factor.
at::Tensor direct(const at::Tensor& weight, const at::Tensor& omega, std::int64_t rank)
{
    const at::Tensor factor = at::linalg_cholesky(omega.to(at::kDouble));
    const auto [u, s, vh] = at::linalg_svd(at::mm(weight.to(at::kDouble), factor), false);
    const at::Tensor left = u.narrow(1, 0, rank) * s.narrow(0, 0, rank);
    return at::mm(at::mm(left, vh.narrow(0, 0, rank)), at::linalg_inv(factor));
}

double tailOf(const at::Tensor& weight, const at::Tensor& omega, std::int64_t rank)
{
    const at::Tensor factor = at::linalg_cholesky(omega.to(at::kDouble));
    const at::Tensor s = at::linalg_svdvals(at::mm(weight.to(at::kDouble), factor));
    return s.narrow(0, rank, s.size(0) - rank).square().sum().item<double>();
}

bool isClose(double found, double expected, double relative)
{
    return std::fabs(found - expected) <= relative * std::fabs(expected);
}

} // namespace

class TstTruncation : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    /// specs pruning_lowrank, appendix: whitened rank 1.
    void workedNumbers()
    {
        const at::Tensor weight = matrix({1, .5, -.3, .2, -.7, .9}, 2);
        const at::Tensor hessian = matrix({2, .5, .2, .5, 1, .3, .2, .3, .5}, 3);
        const auto factors = engine::truncate(weight, hessian, 1);
        const at::Tensor expected = matrix({0.998067, 0.506425, -0.308290, -0.009223, -0.004680, 0.002849}, 2);
        QVERIFY((product(factors) - expected).abs().max().item<double>() < 5e-7);
        QVERIFY(std::fabs(factors.lost - 0.528824) < 5e-7);
        const double error = weightedError(weight - product(factors), hessian);
        QVERIFY(std::fabs(error - 0.528824) < 5e-7);
        QVERIFY(std::fabs(error / weightedError(weight, hessian) - 0.169822) < 5e-7);
        const at::Tensor plain = product(engine::truncate(weight, {}, 1));
        QVERIFY(std::fabs(weightedError(weight - plain, hessian) - 1.538000) < 5e-7);
    }

    void equalsTheDirectFormulation_data()
    {
        QTest::addColumn<int>("out");
        QTest::addColumn<int>("in");
        QTest::addColumn<int>("rank");
        QTest::addRow("wide, rank 1") << 24 << 40 << 1;
        QTest::addRow("wide, rank 10") << 24 << 40 << 10;
        QTest::addRow("square, rank 7") << 32 << 32 << 7;
        QTest::addRow("tall, rank 10") << 40 << 24 << 10;
        QTest::addRow("tall, full rank") << 40 << 24 << 24;
    }
    void equalsTheDirectFormulation()
    {
        QFETCH(int, out);
        QFETCH(int, in);
        QFETCH(int, rank);
        const CorrelatedLayer layer(out, in, 400);
        const auto factors = engine::truncate(layer.weight, layer.hessian, rank);
        const at::Tensor difference = product(factors) - direct(layer.weight, layer.hessian, rank);
        // The floor of 1e-8 moves the optimum by about as much.
        QVERIFY2(difference.abs().max().item<double>() < 1e-5,
                 qPrintable(QString::number(difference.abs().max().item<double>())));
        const double expected = tailOf(layer.weight, layer.hessian, rank);
        if (rank < std::min(out, in)) {
            QVERIFY(isClose(weightedError(layer.weight - product(factors), layer.hessian), expected, 1e-6));
            QVERIFY(isClose(factors.lost, expected, 1e-6));
        }
        // Both factors are equally long, vector by vector.
        QVERIFY(at::allclose(at::linalg_vector_norm(factors.b, 2, at::IntArrayRef {0}),
                             at::linalg_vector_norm(factors.a, 2, at::IntArrayRef {1})));
    }

    void noOtherOfThisRankIsCloser_data()
    {
        QTest::addColumn<int>("rank");
        for (const int rank : {1, 4, 12, 20})
            QTest::addRow("rank %d", rank) << rank;
    }
    void noOtherOfThisRankIsCloser()
    {
        QFETCH(int, rank);
        const CorrelatedLayer layer(24, 40, 400);
        const auto errorWith = [&](const at::Tensor& omega) {
            return weightedError(layer.weight - product(engine::truncate(layer.weight, omega, rank)), layer.hessian);
        };
        const double whitened = errorWith(layer.hessian);
        QVERIFY(whitened < errorWith(layer.hessian.diagonal().contiguous()));
        QVERIFY(whitened < errorWith({}));
        QVERIFY(errorWith(layer.hessian) >
                weightedError(layer.weight - product(engine::truncate(layer.weight, layer.hessian, rank + 1)),
                              layer.hessian));
    }

    void identityGivesPlainSvd_data()
    {
        QTest::addColumn<int>("out");
        QTest::addRow("wide") << 16;
        QTest::addRow("tall") << 48;
    }
    void identityGivesPlainSvd()
    {
        QFETCH(int, out);
        const CorrelatedLayer layer(out, 32, 10);
        const at::Tensor expected = direct(layer.weight, at::eye(32), 5);
        for (const at::Tensor& omega : {at::Tensor(), at::ones({32}), at::eye(32), at::zeros({32, 32})})
            QVERIFY((product(engine::truncate(layer.weight, omega, 5)) - expected).abs().max().item<double>() < 1e-8);
    }

    void aDiagonalIsItsMatrix()
    {
        const CorrelatedLayer layer(40, 24, 100);
        const at::Tensor diagonal = layer.hessian.diagonal().contiguous();
        QVERIFY(at::allclose(product(engine::truncate(layer.weight, diagonal, 6)),
                             product(engine::truncate(layer.weight, at::diag(diagonal), 6))));
    }

    /// W · diag(s) with inputs / s is the same layer; its best approximation is the same, too.
    void scalingInputsAndColumnsChangesNothing()
    {
        const CorrelatedLayer layer(24, 40, 400);
        const at::Tensor scale = at::arange(1, 41, at::kDouble).sqrt();
        const at::Tensor scaledHessian = layer.hessian / scale / scale.unsqueeze(1);
        const at::Tensor approximation = product(engine::truncate(layer.weight, layer.hessian, 8));
        const at::Tensor scaled = product(engine::truncate(layer.weight * scale, scaledHessian, 8));
        QVERIFY((scaled / scale - approximation).abs().max().item<double>() < 1e-4);
    }

    void fullRankIsTheMatrixItself_data()
    {
        QTest::addColumn<int>("out");
        QTest::addRow("wide") << 16;
        QTest::addRow("tall") << 48;
    }
    void fullRankIsTheMatrixItself()
    {
        QFETCH(int, out);
        const CorrelatedLayer layer(out, 32, 20); // fewer tokens than inputs: the Hessian is singular
        const auto factors = engine::truncate(layer.weight, layer.hessian, std::min(out, 32));
        QVERIFY((product(factors) - layer.weight).abs().max().item<double>() < 1e-9);
    }

    void nothingIsApproximatedByNothing()
    {
        const CorrelatedLayer layer(16, 32, 100);
        const auto factors = engine::truncate(at::zeros({16, 32}), layer.hessian, 4);
        QCOMPARE(factors.b.abs().max().item<double>(), 0.0);
        QCOMPARE(factors.a.abs().max().item<double>(), 0.0);
        QCOMPARE(factors.lost, 0.0);
    }

    void rankFollowsFromTheRatio_data()
    {
        QTest::addColumn<qint64>("out");
        QTest::addColumn<qint64>("in");
        QTest::addColumn<double>("ratio");
        QTest::addColumn<qint64>("rank");
        QTest::addRow("specs pruning_lowrank, appendix") << qint64(4096) << qint64(11008) << 0.8 << qint64(2388);
        QTest::addRow("square") << qint64(100) << qint64(100) << 0.5 << qint64(25);
        QTest::addRow("none") << qint64(64) << qint64(128) << 0.02 << qint64(0);
    }
    void rankFollowsFromTheRatio()
    {
        QFETCH(qint64, out);
        QFETCH(qint64, in);
        QFETCH(double, ratio);
        QFETCH(qint64, rank);
        QCOMPARE(engine::rankOfRatio(out, in, ratio), rank);
    }

    void refittingIsLeastSquares()
    {
        // Inputs of the compressed model are those of the other one and something else.
        const CorrelatedLayer layer(24, 32, 300);
        const at::Tensor inputs = layer.inputs.roll(1, 1) * 0.5 + layer.inputs;
        const at::Tensor targets = at::mm(layer.inputs, layer.weight.t());
        const auto start = engine::truncate(layer.weight, layer.hessian, 7);
        const auto found = engine::refitted(start, targets, inputs);
        QVERIFY(at::equal(found.a, start.a));
        const at::Tensor z = at::mm(inputs.to(at::kDouble), start.a.t());
        const at::Tensor wide = targets.to(at::kDouble);
        const auto left = [&](const at::Tensor& b) { return wide - at::mm(z, b.t()); };
        // What is left has nothing in the directions of Z but the pull, a millionth.
        const double along = at::mm(z.t(), left(found.b)).norm().item<double>();
        QVERIFY(along < 1e-5 * at::mm(z.t(), wide).norm().item<double>());
        const double after = left(found.b).norm().item<double>();
        QVERIFY(after < 0.99 * left(start.b).norm().item<double>());
        QVERIFY(after < (1 + 1e-6) * left(found.b * 1.001).norm().item<double>());
    }

    void refittingKeepsWhatItDoesNotSee()
    {
        const CorrelatedLayer layer(24, 32, 300);
        const auto start = engine::truncate(layer.weight, layer.hessian, 7);
        const auto unseen = engine::refitted(start, at::zeros({5, 24}), at::zeros({5, 32}));
        QVERIFY(at::equal(unseen.b, start.b));
        // Three rows decide three of seven directions; targets that the factors meet already change nothing.
        const at::Tensor few = layer.inputs.narrow(0, 0, 3);
        const at::Tensor met = at::mm(at::mm(few.to(at::kDouble), start.a.t()), start.b.t()).to(at::kFloat);
        const auto same = engine::refitted(start, met, few);
        QVERIFY((same.b - start.b).abs().max().item<double>() < 1e-3 * start.b.abs().max().item<double>());
    }
};

QTEST_GUILESS_MAIN(TstTruncation)
#include "tst_truncation.moc"
