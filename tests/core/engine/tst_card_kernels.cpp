// SPDX-License-Identifier: Apache-2.0
// What calls our own kernels, on the simulated card with kernels of the host; and that the real library can be loaded.
#include "simulated_card.h"

#include "core/engine/device/transfer.h"
#include "core/engine/kernels/card_kernels.h"
#include "plugins/pruning/sparsegpt/sparsegpt.h"
#include "plugins/quantization/gptq/gptq.h"

#include <QtTest>

#include <ATen/Parallel.h>

using namespace paretoscope;
using namespace paretoscope::engine;

namespace {

const CardKernels& hostKernels()
{
    static const core::Result<CardKernels> loaded =
        CardKernels::load(PARETOSCOPE_BUILD_TREE "/tests/libhost_kernels.so");
    if (!loaded.ok())
        qFatal("%s", loaded.error().sentence().c_str());
    return loaded.value();
}

at::Tensor sampleWeight(std::int64_t rows, std::int64_t columns)
{
    return at::arange(rows * columns, at::kFloat).mul(0.73).sin().view({rows, columns}).mul(0.2).add(0.03);
}

at::Tensor sampleHessian()
{
    const at::Tensor x = at::arange(300 * 112, at::kFloat).mul(0.37).sin().view({300, 112});
    return at::mm(x.t(), x) / 300;
}

AffineOptions optionsOf(const char* text)
{
    return AffineOptions::fromParameters(core::Json::parse(text));
}

void addGridRows()
{
    QTest::addColumn<std::string>("options");
    QTest::addRow("groups") << std::string(R"({"bits": 3, "group_size": 32})");
    QTest::addRow("a shorter last group") << std::string(R"({"bits": 4, "group_size": 48})");
    QTest::addRow("whole rows") << std::string(R"({"bits": 2, "group_size": -1})");
    QTest::addRow("symmetric") << std::string(R"({"bits": 3, "group_size": 32, "symmetric": true})");
    QTest::addRow("clipped") << std::string(R"({"bits": 3, "group_size": 32, "clip": "mse"})");
}

} // namespace

class TstCardKernels : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void initTestCase() { at::set_num_threads(1); }

    void aLibraryThatIsMissingIsNamed()
    {
        const auto loaded = CardKernels::load("/nowhere/libparetoscope_cuda.so");
        QVERIFY(!loaded.ok());
        QVERIFY(loaded.error().message.find("libparetoscope_cuda.so cannot be loaded") != std::string::npos);
        QVERIFY(loaded.error().hint.find("PARETOSCOPE_CUDA") != std::string::npos);
    }

    void anotherLibraryIsRefused()
    {
        const auto loaded = CardKernels::load("libc.so.6");
        QVERIFY(!loaded.ok() && loaded.error().message.find("another version") != std::string::npos);
    }

    void theInstalledLibraryLoads()
    {
#ifdef PARETOSCOPE_HAS_CUDA_KERNELS
        QVERIFY2(CardKernels::installed().ok(),
                 CardKernels::installed().ok() ? "" : CardKernels::installed().error().sentence().c_str());
#else
        QSKIP("built without a CUDA toolkit");
#endif
    }

    void otherDevicesHaveNone()
    {
        QVERIFY(!CardKernels::find(at::kCPU));
        QVERIFY(!CardKernels::find(tests::simulated_card::device()));
    }

    void gridsAndCodesAreThoseOfTheCpu_data()
    {
        addGridRows();
    }
    void gridsAndCodesAreThoseOfTheCpu()
    {
        QFETCH(std::string, options);
        const AffineOptions grid = optionsOf(options.c_str());
        const at::Tensor weight = sampleWeight(7, 112);
        const AffineGrids expected = fitGrids(weight, grid).value();
        const std::int64_t groupSize = grid.groupSizeFor(112);

        const at::Tensor there = toDevice(weight, tests::simulated_card::device());
        AffineGrids found {at::empty({7, grid.groups(112)}, there.options()),
                           at::empty({7, grid.groups(112)}, there.options())};
        hostKernels().fitGrids(there, groupSize, grid, found.scales, found.zeros);
        QVERIFY(at::equal(toHost(found.scales), expected.scales) && at::equal(toHost(found.zeros), expected.zeros));
        const at::Tensor codes = hostKernels().quantize(there, found.scales, found.zeros, groupSize, grid.levels());
        const at::Tensor expectedCodes = quantizeToCodes(weight, expected, grid);
        QVERIFY(at::equal(toHost(codes), expectedCodes));
        const at::Tensor back = hostKernels().dequantize(codes, found.scales, found.zeros, groupSize, {});
        QVERIFY(at::equal(toHost(back), dequantizeCodes(expectedCodes, expected, groupSize)));
    }

    void columnsInAnotherOrderAreDequantised()
    {
        const at::Tensor codes = at::tensor({1, 2, 3, 0, 3, 1}, at::kByte).view({1, 6});
        const AffineGrids grids {at::tensor({0.5, 2.0}, at::kFloat).view({1, 2}),
                                 at::tensor({1.0, 2.0}, at::kFloat).view({1, 2})};
        const at::Tensor groups = at::tensor({1, 0, 1, 0, 0, 1}, at::kInt);
        const auto there = [](const at::Tensor& tensor) { return toDevice(tensor, tests::simulated_card::device()); };
        const at::Tensor found =
            hostKernels().dequantize(there(codes), there(grids.scales), there(grids.zeros), 3, there(groups));
        QVERIFY(at::equal(toHost(found), at::tensor({-2.0, 0.5, 2.0, -0.5, 1.0, -2.0}, at::kFloat).view({1, 6})));
        QVERIFY(at::equal(toHost(found), dequantizeCodes(codes, grids, 3, groups)));
    }

    void columnsAreEliminatedAsOnTheCpu_data()
    {
        QTest::addColumn<std::string>("options");
        QTest::addColumn<int>("order");
        QTest::addColumn<bool>("pruned");
        for (const int order : {0, 1, 2}) {
            for (const auto& [name, text] :
                 {std::pair("groups", R"({"bits": 3, "group_size": 32})"),
                  std::pair("groups across blocks", R"({"bits": 3, "group_size": 48, "symmetric": true})"),
                  std::pair("whole rows", R"({"bits": 4, "group_size": -1, "clip": "mse"})")})
                for (const bool pruned : {false, true})
                    QTest::addRow("%s, order %d%s", name, order, pruned ? ", pruned" : "")
                        << std::string(text) << order << pruned;
        }
    }
    void columnsAreEliminatedAsOnTheCpu()
    {
        QFETCH(std::string, options);
        QFETCH(int, order);
        QFETCH(bool, pruned);
        gptq::Options gptqOptions;
        gptqOptions.grid = optionsOf(options.c_str());
        gptqOptions.order = static_cast<gptq::ActivationOrder>(order);
        gptqOptions.blockSize = 32;
        at::Tensor weight = sampleWeight(9, 112);
        const at::Tensor mask = pruned ? weight.abs() > weight.abs().median() : at::Tensor();
        if (pruned)
            weight.masked_fill_(mask.logical_not(), 0);
        const at::Tensor hessian = sampleHessian();
        const auto expected = gptq::quantize(weight, factorise(hessian, gptqOptions.factor()), gptqOptions, mask);
        const auto there = [](const at::Tensor& tensor) { return toDevice(tensor, tests::simulated_card::device()); };
        const auto found = gptq::quantize(there(weight), factorise(there(hessian), gptqOptions.factor()), gptqOptions,
                                          pruned ? there(mask) : at::Tensor(), &hostKernels());
        QVERIFY(expected.ok() && found.ok());
        QVERIFY(at::equal(toHost(found.value().codes), expected.value().codes));
        QVERIFY(at::equal(toHost(found.value().grids.scales), expected.value().grids.scales));
        QVERIFY(at::equal(toHost(found.value().grids.zeros), expected.value().grids.zeros));
        QCOMPARE(found.value().loss, expected.value().loss);
    }

    void columnsArePrunedAsOnTheCpu_data()
    {
        QTest::addColumn<std::string>("pattern");
        QTest::addColumn<bool>("rounds");
        for (const char* pattern : {"unstructured", "2:4"}) {
            for (const bool rounds : {false, true})
                QTest::addRow("%s%s", pattern, rounds ? ", rounded" : "") << std::string(pattern) << rounds;
        }
    }
    void columnsArePrunedAsOnTheCpu()
    {
        QFETCH(std::string, pattern);
        QFETCH(bool, rounds);
        sparsegpt::Options options;
        options.pattern = SparsityPattern::fromParameters({{"sparsity", 0.5}, {"pattern", pattern}}).value();
        options.blockSize = 32;
        if (rounds)
            options.grid = optionsOf(R"({"bits": 3, "group_size": 48})");
        const at::Tensor weight = sampleWeight(9, 112);
        const auto expected = sparsegpt::prune(weight, factorise(sampleHessian(), options.factor()), options);
        const auto there = [](const at::Tensor& tensor) { return toDevice(tensor, tests::simulated_card::device()); };
        const auto found = sparsegpt::prune(there(weight), factorise(there(sampleHessian()), options.factor()), options,
                                            &hostKernels());
        QVERIFY(expected.ok() && found.ok());
        QVERIFY(at::equal(toHost(found.value().mask), expected.value().mask));
        QVERIFY(at::equal(toHost(found.value().weight), expected.value().weight));
        if (rounds)
            QVERIFY(at::equal(toHost(found.value().codes), expected.value().codes));
        QCOMPARE(found.value().loss, expected.value().loss);
    }
};

QTEST_GUILESS_MAIN(TstCardKernels)
#include "tst_card_kernels.moc"
