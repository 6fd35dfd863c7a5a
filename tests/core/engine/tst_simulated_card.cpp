// SPDX-License-Identifier: Apache-2.0
// That the simulated card gives the CPU's numbers and is as strict as a real one.
#include "simulated_card.h"

#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>
#include <torch/csrc/autograd/autograd.h>

#include <QtTest>

#include <functional>

using namespace paretoscope::tests;

namespace {

using Function = std::function<at::Tensor(const at::Tensor& a, const at::Tensor& b)>;

at::Tensor sampleOf(std::int64_t rows, std::int64_t columns)
{
    return at::arange(rows * columns, at::kFloat).sin().view({rows, columns});
}

} // namespace
Q_DECLARE_METATYPE(Function)

class TstSimulatedCard : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void initTestCase() { at::set_num_threads(1); }

    void operatorsGiveTheNumbersOfTheCpu_data()
    {
        using T = const at::Tensor&;
        QTest::addColumn<Function>("function");
        const auto row = [](const char* name, Function function) { QTest::addRow("%s", name) << std::move(function); };
        row("sum", [](T a, T b) { return a + b; });
        row("linear", [](T a, T b) { return at::linear(a, b); });
        row("in place", [](T a, T b) { return a.clone().mul_(b).add_(1.5); });
        row("view of a result", [](T a, T) { return a.exp().narrow(0, 1, 3).t(); });
        row("writing through a view", [](T a, T b) {
            at::Tensor copy = a.clone();
            copy.narrow(0, 1, 2).copy_(b.narrow(0, 0, 2));
            return copy;
        });
        row("list", [](T a, T b) { return at::cat({a, b, a}, 1); });
        row("reduction", [](T a, T b) { return at::logsumexp(a * b, 1); });
        row("sort", [](T a, T) { return std::get<0>(a.sort(-1)); });
        row("range", [](T a, T) { return at::arange(7, a.options()); });
        row("index", [](T a, T) { return a.index_select(0, at::tensor({2, 0, 1}, at::kLong).to(a.device())); });
        row("rms_norm", [](T a, T) { return at::rms_norm(a, {a.size(1)}, {}, 1e-6); });
        row("softmax", [](T a, T) { return at::softmax(a, -1); });
        row("other type", [](T a, T) { return a.to(at::kDouble).square().to(at::kBFloat16); });
        row("attention", [](T a, T b) {
            const auto heads = [](T x) { return x.view({1, 2, -1, 4}); };
            return at::scaled_dot_product_attention(heads(a), heads(b), heads(a), {}, 0.0, true);
        });
        row("host's number", [](T a, T) { return at::where(a > 0, a, at::zeros({}, at::kFloat)); });
    }

    void operatorsGiveTheNumbersOfTheCpu()
    {
        QFETCH(Function, function);
        for (const bool inference : {false, true}) {
            const c10::InferenceMode mode(inference);
            const at::Tensor a = sampleOf(6, 8);
            const at::Tensor b = sampleOf(6, 8) * 0.5 + 0.25;
            const at::Tensor expected = function(a, b);
            const at::Tensor found = function(a.to(simulated_card::device()), b.to(simulated_card::device()));
            QVERIFY(found.device() == simulated_card::device());
            QVERIFY(found.sizes() == expected.sizes() && found.scalar_type() == expected.scalar_type());
            QVERIFY(at::equal(found.cpu(), expected));
        }
    }

    void aTensorOfTheHostIsRefused()
    {
        const at::Tensor host = sampleOf(2, 2);
        const at::Tensor card = host.to(simulated_card::device());
        try {
            static_cast<void>(at::mm(card, host));
            QFAIL("computed on two devices");
        } catch (const c10::Error& error) {
            QVERIFY(std::string_view(error.what()).find("aten::mm") != std::string_view::npos);
        }
    }

    void gradientsAreThoseOfTheCpu()
    {
        const auto gradient = [](const at::Device& device) {
            const at::Tensor x = sampleOf(4, 8).to(device).requires_grad_();
            const at::Tensor y =
                at::softmax(at::linear(x, sampleOf(4, 8).to(device)), -1).narrow(1, 0, 2).square().sum();
            return torch::autograd::grad({y}, {x}).front().cpu();
        };
        QVERIFY(at::equal(gradient(simulated_card::device()), gradient(at::kCPU)));
    }

    void waitingOfTheHostIsCounted()
    {
        const at::Tensor host = sampleOf(4, 8);
        const auto waits = [](const std::function<void()>& work) {
            simulated_card::resetCounts();
            work();
            return simulated_card::counts().synchronisations;
        };
        at::Tensor card;
        QCOMPARE(waits([&] { card = host.to(simulated_card::device()); }), 1);
        QCOMPARE(waits([&] { card = host.to(simulated_card::device(), at::kFloat, true); }), 0);
        QCOMPARE(waits([&] { static_cast<void>(at::mm(card, card.t()).softmax(-1)); }), 0);
        QCOMPARE(waits([&] { static_cast<void>(card.sum().item<float>()); }), 1);
        QCOMPARE(waits([&] { static_cast<void>(at::nonzero(card)); }), 1);
        QCOMPARE(waits([&] { static_cast<void>(card.cpu()); }), 1);
    }
};

QTEST_GUILESS_MAIN(TstSimulatedCard)
#include "tst_simulated_card.moc"
