// SPDX-License-Identifier: Apache-2.0
// Derivatives made block by block in float32 against one graph over the whole model in float64, and that one against
// finite differences.
#include "core/engine/kernels/transformer.h"
#include "core/engine/layout/dense_tensor.h"
#include "core/engine/services/gradient_service.h"
#include "core/engine/warm_model.h"

#include "tests/core/engine/model_rows.h"

#include <QtTest>

#include <ATen/Parallel.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>

using namespace paretoscope;
using namespace paretoscope::engine;

namespace {

const std::filesystem::path kTinyLlama = PARETOSCOPE_RESOURCES "/models/tiny-llama";
const std::vector<std::vector<std::int32_t>> kSequences {{3, 17, 5, 99, 12, 40, 7}, {150, 1, 1, 8}, {77, 30, 2, 9, 11}};

class Observer : public TrialObserver
{
public:
    void progressed(std::string_view, int, int) override {}
    bool isCancelled() const override { return cancelled; }
    bool cancelled = false;
};

std::unique_ptr<WarmModel> loadModel(const std::filesystem::path& folder)
{
    auto model = WarmModel::load(folder, PARETOSCOPE_RESOURCES "/architectures", core::Bytes {1 << 28});
    return model.ok() ? std::move(model).value() : nullptr;
}

/// A model with the gradient service on it.
struct Fixture
{
    explicit Fixture(std::unique_ptr<WarmModel> given)
        : model(std::move(given))
        , tensors(model->tensors())
        , service({model->graph(), tensors, hooks, observer}, kSequences)
    {}

    std::vector<std::string> names() const
    {
        const LanguageModel& graph = model->graph();
        std::vector<std::string> all = graph.entryTensors();
        for (int block = 0; block <= graph.view().blocks; ++block) {
            for (const std::string& name :
                 block < graph.view().blocks ? graph.blockTensors(block) : graph.headTensors()) {
                if (std::find(all.begin(), all.end(), name) == all.end())
                    all.push_back(name);
            }
        }
        return all;
    }

    std::unique_ptr<WarmModel> model;
    ModelTensors tensors;
    Hooks hooks;
    Observer observer;
    GradientService service;
};

/// All tensors of a model in float64, some of them leaves of a graph.
class DoubleTensors : public TensorSource
{
public:
    DoubleTensors(const ModelTensors& model, const std::vector<std::string>& names)
        : m_model(model)
    {
        for (const std::string& name : names)
            m_own.emplace(name, model.read(name).value().to(at::kDouble).requires_grad_());
    }
    at::Tensor tensor(std::string_view name) const override
    {
        const auto found = m_own.find(name);
        return found == m_own.end() ? m_model.read(name).value().to(at::kDouble) : found->second;
    }
    std::vector<at::Tensor> leaves(const std::vector<std::string>& names) const
    {
        std::vector<at::Tensor> all;
        for (const std::string& name : names)
            all.push_back(m_own.find(name)->second);
        return all;
    }
    void set(const std::string& name, at::Tensor value) { m_own.insert_or_assign(name, std::move(value)); }

private:
    const ModelTensors& m_model;
    NamedTensors m_own;
};

/// Of all positions that predict something, as one graph.
at::Tensor logitsOf(const LanguageModel& model, const TensorSource& tensors, const std::vector<std::int32_t>& ids)
{
    const Hooks none;
    at::Tensor state = model.enter(ids, tensors, 0);
    for (int block = 0; block < model.view().blocks; ++block) {
        const auto pass = model.begin(PassPlace {.block = block, .explicitAttention = true}, state, tensors, none);
        while (!pass->inputs().empty())
            pass->advance(tensors);
        state = pass->output();
    }
    return model.logits(state.narrow(0, 0, std::int64_t(ids.size()) - 1), tensors);
}

/// The mean negative log-likelihood over all predicted tokens.
at::Tensor lossOf(const LanguageModel& model, const TensorSource& tensors,
                  const std::vector<std::vector<std::int32_t>>& sequences)
{
    at::Tensor sum = at::zeros({}, at::kDouble);
    std::int64_t count = 0;
    for (const auto& ids : sequences) {
        const at::Tensor logits = logitsOf(model, tensors, ids);
        const at::Tensor targets =
            at::tensor(at::ArrayRef<std::int32_t>(ids.data() + 1, ids.size() - 1), at::kInt).to(at::kLong);
        sum = sum + negativeLogLikelihood(logits, targets).sum();
        count += logits.size(0);
    }
    return sum / double(count);
}

/// The mean of Σ p (ln p - ln q) over all positions that predict something.
at::Tensor divergenceOf(const LanguageModel& model, const TensorSource& original, const TensorSource& tensors,
                        const std::vector<std::vector<std::int32_t>>& sequences)
{
    at::Tensor sum = at::zeros({}, at::kDouble);
    std::int64_t count = 0;
    for (const auto& ids : sequences) {
        const at::Tensor logP = at::log_softmax(logitsOf(model, original, ids), 1);
        const at::Tensor logQ = at::log_softmax(logitsOf(model, tensors, ids), 1);
        sum = sum + (logP.exp() * (logP - logQ)).sum();
        count += logP.size(0);
    }
    return sum / double(count);
}

NamedTensors collect(const std::function<core::Result<double>(const GradientVisitor&)>& call, double* loss = nullptr)
{
    NamedTensors found;
    const core::Result<double> result =
        call([&](const std::string& name, const at::Tensor& value) { found.emplace(name, value); });
    if (!result.ok())
        qFatal("%s", result.error().sentence().c_str());
    if (loss)
        *loss = result.value();
    return found;
}

NamedTensors gradientsOf(Fixture& fixture, const std::vector<std::string>& names, double* loss = nullptr)
{
    return collect(
        [&](const GradientVisitor& visit) {
            return fixture.service.gradients(names, {kSequences, {}}, visit);
        },
        loss);
}

/// ‖found - expected‖ / ‖expected‖
double relative(const at::Tensor& found, const at::Tensor& expected)
{
    const double norm = expected.norm().item<double>();
    const double difference = (found.to(at::kDouble) - expected).norm().item<double>();
    return norm > 0 ? difference / norm : difference;
}

at::Tensor signs(const at::Tensor& like, std::uint64_t seed)
{
    at::manual_seed(seed);
    return at::randint(0, 2, like.sizes(), at::kFloat) * 2 - 1;
}

} // namespace

class TstGradients : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void initTestCase() { at::set_num_threads(1); } // tensors this small are slower on more

    void agreeWithFloat64_data() { tests::addModelRows(); }
    void agreeWithFloat64()
    {
        QFETCH(QString, folder);
        auto model = loadModel(folder.toStdString());
        if (!model)
            QSKIP("this version cannot compute the model");
        Fixture fixture(std::move(model));
        const std::vector<std::string> names = fixture.names();
        double loss = 0;
        const NamedTensors found = gradientsOf(fixture, names, &loss);
        QCOMPARE(found.size(), names.size());

        const DoubleTensors tensors(fixture.tensors, names);
        const at::Tensor expectedLoss = lossOf(fixture.model->graph(), tensors, kSequences);
        const auto expected =
            torch::autograd::grad({expectedLoss}, tensors.leaves(names), {}, std::nullopt, false, true);
        QVERIFY(std::fabs(loss - expectedLoss.item<double>()) < 1e-5 * std::fabs(loss));
        double largest = 0;
        for (const auto& [name, gradient] : found)
            largest = std::max(largest, gradient.abs().max().item<double>());
        double worst = 0;
        for (std::size_t i = 0; i < names.size(); ++i) {
            const at::Tensor& gradient = found.find(names[i])->second;
            QCOMPARE(gradient.scalar_type(), at::kFloat);
            // The exact gradient is zero where a tensor is not used, and for key biases, which cancel in the softmax.
            const bool isZero = !expected[i].defined() || expected[i].abs().max().item<double>() < 1e-12 * largest;
            const double difference =
                isZero ? 1e2 * gradient.abs().max().item<double>() / largest : relative(gradient, expected[i]);
            worst = std::max(worst, difference);
            QVERIFY2(difference < 1e-4, qPrintable(QString::fromStdString(names[i])));
        }
        qInfo("largest relative difference of %zu tensors: %.1e", names.size(), worst);
    }

    void divergenceOfTheUnchangedModelIsZero()
    {
        Fixture fixture(loadModel(kTinyLlama));
        const auto states = fixture.service.originalStates(kSequences);
        QVERIFY(states.ok());
        QCOMPARE(states.value().size(), kSequences.size());
        const auto loss = fixture.service.loss({kSequences, {}, states.value()});
        QVERIFY(loss.ok());
        QCOMPARE(loss.value(), 0.0);
    }

    void divergenceAgreesWithFloat64()
    {
        Fixture fixture(loadModel(kTinyLlama));
        const LanguageModel& graph = fixture.model->graph();
        const std::vector<std::string> names = fixture.names();
        for (const char* name : {"model.layers.1.mlp.down_proj.weight", "model.norm.weight"}) {
            const at::Tensor weight = fixture.tensors.read(name).value();
            fixture.tensors.replace(
                name, std::make_shared<DenseTensor>(weight * 0.8 + 0.02 * signs(weight, 3), core::ElementType::F32));
        }
        const auto states = fixture.service.originalStates(kSequences);
        QVERIFY(states.ok());
        double loss = 0;
        const NamedTensors found = collect(
            [&](const GradientVisitor& visit) {
                return fixture.service.gradients(names, {kSequences, {}, states.value()}, visit);
            },
            &loss);

        const ModelTensors untouched = fixture.model->tensors();
        const DoubleTensors original(untouched, {});
        const DoubleTensors tensors(fixture.tensors, names);
        const at::Tensor expectedLoss = divergenceOf(graph, original, tensors, kSequences);
        QVERIFY(expectedLoss.item<double>() > 1e-3);
        QVERIFY2(std::fabs(loss - expectedLoss.item<double>()) < 1e-4 * loss,
                 qPrintable(QStringLiteral("%1, expected %2").arg(loss).arg(expectedLoss.item<double>())));
        const auto expected =
            torch::autograd::grad({expectedLoss}, tensors.leaves(names), {}, std::nullopt, false, true);
        for (std::size_t i = 0; i < names.size(); ++i)
            QVERIFY2(!expected[i].defined() || relative(found.find(names[i])->second, expected[i]) < 1e-3,
                     qPrintable(QString::fromStdString(names[i])));
    }

    void statesOfOtherSequencesAreRefused_data()
    {
        QTest::addColumn<int>("first"); // of kSequences, that the states are made of
        QTest::addColumn<int>("count");
        QTest::addRow("too few") << 0 << 2;
        QTest::addRow("of another length") << 1 << 1;
    }
    void statesOfOtherSequencesAreRefused()
    {
        QFETCH(int, first);
        QFETCH(int, count);
        Fixture fixture(loadModel(kTinyLlama));
        const std::vector<std::vector<std::int32_t>> others(kSequences.begin() + first,
                                                            kSequences.begin() + first + count);
        const std::vector<std::vector<std::int32_t>> asked =
            count == 1 ? decltype(others) {kSequences.front()} : kSequences;
        const auto states = fixture.service.originalStates(others);
        QVERIFY(states.ok());
        const auto loss = fixture.service.loss({asked, {}, states.value()});
        QVERIFY(!loss.ok());
        QCOMPARE(loss.error().code, core::ErrorCode::InvalidArgument);
        QVERIFY(!loss.error().hint.empty());
    }

    void hessianVectorProductsAgreeWithFloat64_data() { tests::addModelRows(); }
    void hessianVectorProductsAgreeWithFloat64()
    {
        QFETCH(QString, folder);
        auto model = loadModel(folder.toStdString());
        if (!model)
            QSKIP("this version cannot compute the model");
        Fixture fixture(std::move(model));
        const std::vector<std::string> names = fixture.names();
        NamedTensors directions;
        for (const std::string& name : names)
            directions.emplace(name, signs(fixture.tensors.read(name).value(), directions.size()));
        const NamedTensors found = collect([&](const GradientVisitor& visit) {
            return fixture.service.hessianVectorProduct(directions, {kSequences, {}}, visit);
        });

        const DoubleTensors tensors(fixture.tensors, names);
        const auto leaves = tensors.leaves(names);
        const auto gradients = torch::autograd::grad({lossOf(fixture.model->graph(), tensors, kSequences)}, leaves, {},
                                                     std::nullopt, true, true);
        at::Tensor along = at::zeros({}, at::kDouble);
        for (std::size_t i = 0; i < names.size(); ++i) {
            if (gradients[i].defined())
                along = along + (gradients[i] * directions.find(names[i])->second).sum();
        }
        const auto expected = torch::autograd::grad({along}, leaves, {}, std::nullopt, false, true);
        double worst = 0;
        double scale = 0;
        for (const at::Tensor& value : expected)
            scale = std::max(scale, value.defined() ? value.abs().max().item<double>() : 0);
        for (std::size_t i = 0; i < names.size(); ++i) {
            const at::Tensor& product = found.find(names[i])->second;
            const at::Tensor wanted = expected[i].defined() ? expected[i] : at::zeros_like(product);
            const double difference = (product - wanted).abs().max().item<double>() / scale;
            worst = std::max(worst, difference);
        }
        qInfo("largest difference: %.1e of the largest entry", worst);
        QVERIFY(worst < 1e-4);
    }

    void float64AgreesWithFiniteDifferences()
    {
        Fixture fixture(loadModel(kTinyLlama));
        const at::NoGradGuard noGradients;
        const std::vector<std::string> names {"model.layers.1.self_attn.k_proj.weight",
                                              "model.layers.3.mlp.gate_proj.weight", "model.embed_tokens.weight"};
        const NamedTensors gradients = gradientsOf(fixture, names);
        NamedTensors directions;
        for (const std::string& name : names)
            directions.emplace(name, signs(fixture.tensors.read(name).value(), directions.size()));
        const NamedTensors products = collect([&](const GradientVisitor& visit) {
            return fixture.service.hessianVectorProduct(directions, {kSequences, {}}, visit);
        });
        double slope = 0;
        double curvature = 0;
        for (const std::string& name : names) {
            const at::Tensor& direction = directions.find(name)->second;
            slope += (gradients.find(name)->second * direction).sum(at::kDouble).item<double>();
            curvature += (products.find(name)->second * direction).sum(at::kDouble).item<double>();
        }
        const auto moved = [&](double by) {
            DoubleTensors tensors(fixture.tensors, {});
            for (const std::string& name : names)
                tensors.set(name,
                            fixture.tensors.read(name).value().to(at::kDouble) + directions.find(name)->second * by);
            return lossOf(fixture.model->graph(), tensors, kSequences).item<double>();
        };
        const double step = 1e-6; // 724 times that in norm: the direction has half a million entries
        const double numericSlope = (moved(step) - moved(-step)) / (2 * step);
        const double numericCurvature = (moved(step) - 2 * moved(0) + moved(-step)) / (step * step);
        qInfo("slope %.8g (differences: %.8g), curvature %.8g (%.8g)", slope, numericSlope, curvature,
              numericCurvature);
        QVERIFY(std::fabs(slope - numericSlope) < 1e-4 * std::fabs(numericSlope));
        QVERIFY(std::fabs(curvature - numericCurvature) < 1e-3 * std::fabs(numericCurvature));
    }

    void squaredGradientsAreMeansOverSequences()
    {
        Fixture fixture(loadModel(kTinyLlama));
        const std::vector<std::string> names {"model.layers.0.self_attn.v_proj.weight", "model.norm.weight"};
        const NamedTensors found = collect([&](const GradientVisitor& visit) {
            return fixture.service.squaredGradients(names, {kSequences, {}}, visit);
        });
        NamedTensors expected;
        for (const auto& sequence : kSequences) {
            const NamedTensors one = collect([&](const GradientVisitor& visit) {
                return fixture.service.gradients(names, {{sequence}, {}}, visit);
            });
            for (const auto& [name, value] : one) {
                const at::Tensor square = value.to(at::kDouble).square() / double(kSequences.size());
                at::Tensor& sum = expected[name];
                sum = sum.defined() ? sum + square : square;
            }
        }
        for (const std::string& name : names)
            QVERIFY(relative(found.find(name)->second, expected.find(name)->second) < 1e-5);
    }

    void areTheSameEveryTimeAndInInferenceMode()
    {
        Fixture fixture(loadModel(kTinyLlama));
        const std::vector<std::string> names = fixture.names();
        const NamedTensors first = gradientsOf(fixture, names);
        const c10::InferenceMode inference;
        const NamedTensors second = gradientsOf(fixture, names);
        for (const auto& [name, value] : first) {
            QVERIFY(at::equal(value, second.find(name)->second));
            QVERIFY(!second.find(name)->second.is_inference());
        }
    }

    void chosenTensorsGetTheSameAsAll()
    {
        Fixture fixture(loadModel(kTinyLlama));
        const NamedTensors all = gradientsOf(fixture, fixture.names());
        const std::string name = "model.layers.2.mlp.up_proj.weight";
        const NamedTensors one = gradientsOf(fixture, {name});
        QCOMPARE(one.size(), std::size_t(1));
        QVERIFY(at::equal(one.begin()->second, all.find(name)->second));
    }

    void lossTakesReplacedTensors()
    {
        Fixture fixture(loadModel(kTinyLlama));
        const std::string name = "model.layers.1.mlp.down_proj.weight";
        const at::Tensor zero = at::zeros_like(fixture.tensors.read(name).value());
        const double own = fixture.service.loss({kSequences, {}}).value();
        const double replaced = fixture.service.loss({kSequences, {{name, zero}}}).value();
        QVERIFY(replaced != own);
        DoubleTensors tensors(fixture.tensors, {});
        QVERIFY(std::fabs(lossOf(fixture.model->graph(), tensors, kSequences).item<double>() - own) < 1e-5);
        tensors.set(name, zero.to(at::kDouble));
        QVERIFY(std::fabs(lossOf(fixture.model->graph(), tensors, kSequences).item<double>() - replaced) < 1e-5);
    }

    void refuses_data()
    {
        QTest::addColumn<QByteArray>("tensor");
        QTest::addColumn<std::vector<std::vector<std::int32_t>>>("sequences");
        QTest::addColumn<QByteArray>("named");
        using Sequences = std::vector<std::vector<std::int32_t>>;
        QTest::addRow("an unknown tensor") << QByteArray("model.layers.9.x") << kSequences << QByteArray("layers.9.x");
        QTest::addRow("nothing to predict")
            << QByteArray("model.norm.weight") << Sequences {{1, 2}, {3}} << QByteArray("sequence 1");
        QTest::addRow("no sequence") << QByteArray("model.norm.weight") << Sequences {} << QByteArray("no sequence");
        QTest::addRow("an id outside") << QByteArray("model.norm.weight") << Sequences {{1, 99999999}}
                                       << QByteArray("99999999");
    }
    void refuses()
    {
        QFETCH(QByteArray, tensor);
        QFETCH(std::vector<std::vector<std::int32_t>>, sequences);
        QFETCH(QByteArray, named);
        Fixture fixture(loadModel(kTinyLlama));
        const auto refused = fixture.service.gradients({tensor.toStdString()}, {sequences, {}},
                                                       [](const std::string&, const at::Tensor&) {});
        QVERIFY(!refused.ok());
        QCOMPARE(refused.error().code, core::ErrorCode::InvalidArgument);
        QVERIFY2(QByteArray::fromStdString(refused.error().message).contains(named), refused.error().message.c_str());
    }

    void canBeCancelled()
    {
        Fixture fixture(loadModel(kTinyLlama));
        fixture.observer.cancelled = true;
        const auto stopped = fixture.service.loss({kSequences, {}});
        QVERIFY(!stopped.ok());
        QCOMPARE(stopped.error().code, core::ErrorCode::Cancelled);
    }
};

QTEST_GUILESS_MAIN(TstGradients)
#include "tst_gradients.moc"
