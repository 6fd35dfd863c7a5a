// SPDX-License-Identifier: Apache-2.0
#include "plugins/compensation/eora/eora.h"

#include "core/engine/quantization/group_affine_tensor.h"
#include "tests/core/engine/correlated_layer.h"

#include <QtTest>

#include <cmath>

using namespace paretoscope;
using tests::CorrelatedLayer;
using tests::weightedError;

namespace {

/// A layer rounded to two bits.
struct Rounded : CorrelatedLayer
{
    Rounded(std::int64_t out, std::int64_t in)
        : CorrelatedLayer(out, in, 600)
    {
        engine::AffineOptions grid;
        grid.bits = 2;
        grid.groupSize = 16;
        error = weight - engine::roundToNearest(weight, grid).value()->dequantize();
    }
    at::Tensor error;
};

engine::FactorFormat inFloat32()
{
    return {at::kFloat, std::nullopt};
}

double lostWith(const Rounded& layer, const at::Tensor& omega, std::int64_t rank)
{
    const auto adapter = eora::adapterFor(layer.error, omega, rank, inFloat32());
    return weightedError(layer.error - adapter.value().tensor->dequantize(), layer.hessian);
}

/// As published: eigenvectors of the Hessian, a singular value decomposition in that space, and back.
at::Tensor direct(const at::Tensor& error, const at::Tensor& hessian, std::int64_t rank)
{
    const auto [values, vectors] = at::linalg_eigh(hessian.to(at::kDouble));
    const at::Tensor roots = values.clamp_min(1e-8 * values.max().item<double>()).sqrt();
    const auto [u, s, vh] = at::linalg_svd(at::mm(error.to(at::kDouble), vectors) * roots, false);
    const at::Tensor half = s.narrow(0, 0, rank).sqrt();
    const at::Tensor b = u.narrow(1, 0, rank) * half;
    const at::Tensor a = at::mm(half.unsqueeze(1) * vh.narrow(0, 0, rank) / roots, vectors.t());
    return at::mm(b, a);
}

} // namespace

class TstEora : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void equalsTheDirectFormulation_data()
    {
        QTest::addColumn<int>("out");
        QTest::addColumn<int>("in");
        QTest::addColumn<int>("rank");
        QTest::addRow("wide") << 32 << 64 << 8;
        QTest::addRow("tall") << 64 << 32 << 8;
    }
    void equalsTheDirectFormulation()
    {
        QFETCH(int, out);
        QFETCH(int, in);
        QFETCH(int, rank);
        const Rounded layer(out, in);
        const auto adapter = eora::adapterFor(layer.error, layer.hessian, rank, inFloat32());
        QVERIFY(adapter.ok());
        const at::Tensor found = adapter.value().tensor->dequantize();
        QVERIFY((found - direct(layer.error, layer.hessian, rank)).abs().max().item<double>() < 1e-5);
        const double expected =
            weightedError(layer.error - found, layer.hessian) / weightedError(layer.error, layer.hessian);
        QVERIFY(std::fabs(adapter.value().errorLeft - expected) < 1e-6);
    }

    void eigenspaceBeatsTheOtherWeightings_data()
    {
        QTest::addColumn<int>("rank");
        for (const int rank : {1, 4, 16})
            QTest::addRow("rank %d", rank) << rank;
    }
    void eigenspaceBeatsTheOtherWeightings()
    {
        QFETCH(int, rank);
        const Rounded layer(32, 64);
        const double ours = lostWith(layer, layer.hessian, rank);
        QVERIFY(ours < lostWith(layer, layer.inputs.abs().mean(0).square(), rank));
        QVERIFY(ours < lostWith(layer, {}, rank));
    }

    void errorFallsWithTheRank()
    {
        const Rounded layer(32, 64);
        double before = weightedError(layer.error, layer.hessian);
        for (const int rank : {1, 2, 4, 8, 16, 31}) {
            const double now = lostWith(layer, layer.hessian, rank);
            QVERIFY2(now < before, qPrintable(QStringLiteral("rank %1").arg(rank)));
            before = now;
        }
        QVERIFY(lostWith(layer, layer.hessian, 32) < 1e-9 * weightedError(layer.weight, layer.hessian));
    }

    void noErrorGivesZeroAdapters()
    {
        const Rounded layer(32, 64);
        const auto adapter = eora::adapterFor(at::zeros({32, 64}), layer.hessian, 4, {});
        QVERIFY(adapter.ok());
        for (const auto& [name, part] : adapter.value().tensor->serialise())
            QCOMPARE(part.to(at::kFloat).abs().max().item<float>(), 0.0F);
        QCOMPARE(adapter.value().errorLeft, 0.0);
    }

    void fewerBitsCostAccuracyAndSaveBytes()
    {
        const Rounded layer(64, 128);
        const core::Json parameters {{"bits", 4}, {"group", 64}};
        const auto coded =
            eora::adapterFor(layer.error, layer.hessian, 16,
                             engine::FactorFormat::fromParameters(parameters, "bits", "group", at::kHalf));
        const auto half = eora::adapterFor(layer.error, layer.hessian, 16, {});
        const auto bitsOf = [](const eora::Adapter& adapter) {
            std::int64_t bits = 0;
            for (const engine::StoredPart& part : adapter.tensor->storedParts())
                bits += part.bits.value;
            return bits;
        };
        QCOMPARE(bitsOf(half.value()), std::int64_t(16 * (64 + 128) * 16));
        // 16 codes of 4 bits and one scale a row of B; 128 codes and two scales a row of A.
        QCOMPARE(bitsOf(coded.value()), std::int64_t(64 * (64 + 16) + 16 * (128 * 4 + 2 * 16)));
        QVERIFY(coded.value().errorLeft > half.value().errorLeft);
        QVERIFY(coded.value().errorLeft < 1);
    }
};

QTEST_GUILESS_MAIN(TstEora)
#include "tst_eora.moc"
