// SPDX-License-Identifier: Apache-2.0
#include "plugins/compensation/slim/slim.h"

#include "core/engine/layout/sparse_tensor.h"
#include "core/engine/pruning/mask_selection.h"
#include "tests/core/engine/correlated_layer.h"

#include <QtTest>

#include <algorithm>
#include <cmath>

using namespace paretoscope;
using tests::CorrelatedLayer;

namespace {

/// A layer with a few large weights, pruned 2:4.
struct PrunedLayer : CorrelatedLayer
{
    PrunedLayer(std::int64_t out, std::int64_t in)
        : CorrelatedLayer(out, in, 400)
    {
        weight = weight * weight * weight;
        squares = inputs.square().mean(0);
        mask = engine::keepLargestOfGroups(weight.abs() * squares.sqrt(), 2, 4);
        form = std::make_shared<engine::SparseTensor>(weight, mask, at::kFloat);
        pruned = form->dequantize();
    }
    at::Tensor squares;
    at::Tensor mask;
    std::shared_ptr<const engine::CompressedTensor> form;
    at::Tensor pruned;
};

slim::Options optionsFor(std::int64_t rank, slim::Quantizer quantizer = slim::Quantizer::Slim, bool reproject = true)
{
    slim::Quantization quantization;
    quantization.quantizer = quantizer;
    quantization.reproject = reproject;
    quantization.grid.bits = 4;
    quantization.grid.symmetric = true;
    quantization.grid.divisor = engine::SymmetricDivisor::QMax;
    quantization.grid.groupSize = quantizer == slim::Quantizer::GroupAbsMax ? 16 : -1;
    return {rank, {at::kFloat, std::nullopt}, quantization};
}

slim::Compensated compensated(const PrunedLayer& layer, const slim::Options& options, const at::Tensor& omega)
{
    return slim::compensate(layer.weight, layer.pruned, layer.form, omega, options).value();
}

at::Tensor total(const slim::Compensated& result)
{
    return result.adapter ? result.base->dequantize() + result.adapter->dequantize() : result.base->dequantize();
}

/// ‖(W - Ŵ) diag(d)‖² with d² = squares.
double saliencyError(const PrunedLayer& layer, const slim::Compensated& result)
{
    return ((layer.weight - total(result)).square() * layer.squares).sum(at::kDouble).item<double>();
}

/// Squared error of rounding to the levels from -cap to cap, value by value.
double roundingError(const at::Tensor& weight, double cap, int bits)
{
    const double highest = double((1 << (bits - 1)) - 1);
    double error = 0;
    for (std::int64_t i = 0; i < weight.numel(); ++i) {
        const double value = weight.const_data_ptr<float>()[i];
        const double level = std::clamp(std::nearbyint(value / cap * highest), -highest, highest);
        error += std::pow(value - level * cap / highest, 2);
    }
    return error;
}

} // namespace

Q_DECLARE_METATYPE(paretoscope::slim::Quantizer)

class TstSlim : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void capIsNearTheBestOfAll_data()
    {
        QTest::addColumn<int>("bits");
        for (const int bits : {2, 3, 4, 5})
            QTest::addRow("%d bits", bits) << bits;
    }
    void capIsNearTheBestOfAll()
    {
        QFETCH(int, bits);
        const PrunedLayer layer(64, 128);
        const double largest = layer.weight.abs().max().item<double>();
        double best = roundingError(layer.weight, largest, bits);
        const double fullRange = best;
        for (int i = 1; i < 500; ++i)
            best = std::min(best, roundingError(layer.weight, largest * i / 500, bits));
        const double ours = roundingError(layer.weight, slim::capOf(layer.weight, bits), bits);
        QVERIFY(ours <= fullRange * 1.001);
        // The bins of the histogram stand for the values in them.
        QVERIFY2(ours < 1.03 * best, qPrintable(QStringLiteral("%1 against %2").arg(ours).arg(best)));
    }

    void capOfNothingIsNothing() { QCOMPARE(slim::capOf(at::zeros({4, 64}), 4), 0.0); }

    void quantizersShareTheMask_data()
    {
        QTest::addColumn<slim::Quantizer>("quantizer");
        QTest::addColumn<int>("scales");
        QTest::addRow("slim") << slim::Quantizer::Slim << 1;
        QTest::addRow("absmax") << slim::Quantizer::AbsMax << 1;
        QTest::addRow("group_absmax") << slim::Quantizer::GroupAbsMax << 24 * 4;
    }
    void quantizersShareTheMask()
    {
        QFETCH(slim::Quantizer, quantizer);
        QFETCH(int, scales);
        const PrunedLayer layer(24, 64);
        const auto result = compensated(layer, optionsFor(0, quantizer), layer.squares);
        QVERIFY(!result.adapter);
        QVERIFY(at::equal(result.base->mask(), layer.mask));
        const at::Tensor dense = result.base->dequantize();
        QCOMPARE(dense.masked_select(layer.mask.logical_not()).abs().max().item<float>(), 0.0F);
        const auto& coded = static_cast<const engine::GroupAffineTensor&>(*result.base);
        QVERIFY(std::get<0>(at::_unique(coded.grids().scales)).numel() <= scales);
        const at::Tensor step = coded.grids().scales.repeat_interleave(64 / coded.grids().scales.size(1), 1);
        if (quantizer != slim::Quantizer::Slim) // nothing is cut off
            QVERIFY(((dense - layer.pruned).abs() <= step * (0.5 + 7.0 / 2048)).all().item<bool>());
    }

    void saliencyBeatsPlainSvd_data()
    {
        QTest::addColumn<int>("rank");
        for (const int rank : {2, 6, 12})
            QTest::addRow("rank %d", rank) << rank;
    }
    void saliencyBeatsPlainSvd()
    {
        QFETCH(int, rank);
        const PrunedLayer layer(24, 64);
        const slim::Options options = optionsFor(rank, slim::Quantizer::Slim, false);
        QVERIFY(saliencyError(layer, compensated(layer, options, layer.squares)) <
                saliencyError(layer, compensated(layer, options, {})));
        const at::Tensor equal = at::full({64}, 3.0F);
        QVERIFY(at::allclose(total(compensated(layer, options, equal)), total(compensated(layer, options, {})), 1e-4,
                             1e-6));
    }

    void errorFallsWithTheRank()
    {
        const PrunedLayer layer(24, 64);
        double before = saliencyError(layer, compensated(layer, optionsFor(0, slim::Quantizer::Slim, false), {}));
        for (const int rank : {1, 2, 4, 8, 16}) {
            const double now =
                saliencyError(layer, compensated(layer, optionsFor(rank, slim::Quantizer::Slim, false), layer.squares));
            QVERIFY(now < before);
            before = now;
        }
    }

    void fullRankIsTheWeightItself()
    {
        const PrunedLayer layer(24, 64);
        const auto result = compensated(layer, optionsFor(24, slim::Quantizer::Slim, false), layer.squares);
        QVERIFY((total(result) - layer.weight).abs().max().item<double>() < 1e-5);
    }

    void projectingAgainMovesNothingFurtherOff()
    {
        const PrunedLayer layer(24, 64);
        const auto once = compensated(layer, optionsFor(4, slim::Quantizer::Slim, false), layer.squares);
        const auto again = compensated(layer, optionsFor(4, slim::Quantizer::Slim, true), layer.squares);
        QVERIFY(at::equal(once.adapter->dequantize(), again.adapter->dequantize()));
        QVERIFY(at::equal(again.base->mask(), layer.mask));
        const at::Tensor before = (layer.weight - total(once)).abs();
        const at::Tensor after = (layer.weight - total(again)).abs();
        QVERIFY((after <= before + 1e-6).all().item<bool>());
        QVERIFY(after.square().sum().item<double>() < 0.99 * before.square().sum().item<double>());
    }

    void withoutBitsTheBaseStays()
    {
        const PrunedLayer layer(24, 64);
        slim::Options options = optionsFor(4);
        options.quantization.reset();
        const auto result = compensated(layer, options, layer.squares);
        QCOMPARE(result.base.get(), layer.form.get());
        QVERIFY(result.adapter);
    }

    void zerosAreShifted()
    {
        const at::Tensor shifted = slim::saliency(at::tensor({0.F, 4.F, 2.F}));
        QVERIFY(at::equal(shifted, at::tensor({2.F, 6.F, 4.F})));
        const at::Tensor positive = at::tensor({1.F, 4.F});
        QVERIFY(at::equal(slim::saliency(positive), positive));
    }
};

QTEST_GUILESS_MAIN(TstSlim)
#include "tst_slim.moc"
