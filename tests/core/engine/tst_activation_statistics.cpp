// SPDX-License-Identifier: Apache-2.0
#include "core/engine/statistics/activation_statistics.h"

#include "core/engine/kernels/gram.h"

#include <QtTest>

#include <algorithm>
#include <cmath>

using namespace paretoscope::engine;

namespace {

std::unique_ptr<Statistic> make(std::string_view id)
{
    const auto factories = builtInStatistics();
    const auto found = std::find_if(factories.begin(), factories.end(), [&](const auto& f) { return f.id == id; });
    return found->make({});
}

} // namespace

class TstActivationStatistics : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void valuesAgreeWithTheirDefinition_data()
    {
        QTest::addColumn<int>("width");
        QTest::addRow("one panel") << 24;
        QTest::addRow("several panels and a remainder") << 600;
    }
    void valuesAgreeWithTheirDefinition()
    {
        QFETCH(int, width);
        const at::Tensor x = at::arange(90 * width, at::kFloat).view({90, width}).mul(0.37).sin();
        const at::Tensor wide = x.to(at::kDouble);
        const std::vector<std::pair<const char*, at::Tensor>> expected {
            {"hessian", at::mm(wide.t(), wide) / 90},
            {"column_square_mean", wide.square().mean(0)},
            {"column_abs_mean", wide.abs().mean(0)},
        };
        for (const auto& [id, value] : expected) {
            // Two accumulators over unequal parts, merged.
            const auto first = make(id);
            const auto second = make(id);
            first->add(x.narrow(0, 0, 20));
            first->add(x.narrow(0, 20, 1));
            second->add(x.narrow(0, 21, 69));
            first->merge(*second);
            QCOMPARE(first->samples(), std::int64_t(90));
            QVERIFY2((first->value() - value).abs().max().item<double>() < 1e-6, id);
        }
    }

    void weightedSquareNormAgreesWithItsDefinition_data() { valuesAgreeWithTheirDefinition_data(); }
    void weightedSquareNormAgreesWithItsDefinition()
    {
        QFETCH(int, width);
        const at::Tensor x = at::arange(90 * width, at::kFloat).view({90, width}).mul(0.37).sin();
        const at::Tensor h = at::mm(x.t(), x) / 90;
        const at::Tensor d = at::arange(31 * width, at::kFloat).view({31, width}).mul(0.73).cos();
        const at::Tensor wide = d.to(at::kDouble);
        const at::Tensor wideH = h.to(at::kDouble);
        const double expected = (at::mm(wide, wideH) * wide).sum().item<double>();
        const double magnitude =
            (at::mm(wide.abs(), wideH.abs()) * wide.abs()).sum().item<double>(); // before cancelling
        QVERIFY(expected > 0 && std::abs(weightedSquareNorm(d, h) - expected) < 1e-7 * magnitude);
    }

    void mergingAnEmptyOneChangesNothing()
    {
        const auto filled = make("hessian");
        filled->add(at::ones({3, 4}));
        const at::Tensor before = filled->value();
        filled->merge(*make("hessian"));
        QVERIFY(at::equal(filled->value(), before));
    }
};

QTEST_GUILESS_MAIN(TstActivationStatistics)
#include "tst_activation_statistics.moc"
