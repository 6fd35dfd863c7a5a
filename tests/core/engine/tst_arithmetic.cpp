// SPDX-License-Identifier: Apache-2.0
// How far evaluation in bfloat16 is from float32, against a bound that follows from the number of roundings; and what
// the names of the arithmetics do.
#include "core/engine/device/arithmetic.h"
#include "core/engine/evaluation/logits_writer.h"
#include "core/engine/kernels/router.h"
#include "core/engine/warm_model.h"
#include "evaluation_fixture.h"
#include "model_rows.h"
#include "simulated_card.h"

#include <QTemporaryDir>
#include <QtTest>

#include <ATen/Context.h>

#include <cmath>
#include <cstddef>
#include <map>
#include <mutex>
#include <utility>

using namespace paretoscope;
using namespace paretoscope::engine;
using namespace paretoscope::tests;

namespace {

using Ids = std::vector<std::int32_t>;

const std::vector<Ids> kSequences {{3, 17, 5, 45, 12, 40, 7, 3, 3, 36, 37, 18, 42, 1, 33, 21},
                                   {29, 30, 2, 9, 11, 16, 5}};

core::Result<core::Json> evaluateIn(const std::string& arithmetic, const std::string& device, const core::Json& request)
{
    RunnerOptions options = runnerOptions();
    options.arithmetic = arithmetic;
    options.device = device;
    TrialRunner runner(options);
    SilentObserver observer;
    return runner.evaluate(request, observer);
}

/// How the routers of every block and sequence sent tokens to experts.
using Routings = std::map<std::pair<int, int>, Routing>;

struct Run
{
    std::vector<Logits> logits;
    Routings routings;
};

/// @param held what the routers are made to choose; null: what they choose by themselves
Run runIn(at::ScalarType type, at::Device device, const std::filesystem::path& model, const Routings* held = nullptr)
{
    const auto warm = WarmModel::load(model, kResources / "architectures", core::Bytes {}, device, type);
    if (!warm.ok())
        qFatal("%s", warm.error().sentence().c_str());
    const QTemporaryDir folder;
    const std::filesystem::path place = folder.path().toStdString();
    if (!core::writeFileAtomically(place / "tokens.json", core::Json {{"sequences", kSequences}}.dump()).ok())
        qFatal("cannot write the tokens");

    Run run;
    std::mutex mutex;
    const auto visit = [&](at::Tensor Routing::*part) {
        return [&, part](const HookSite& site, const at::Tensor& value) -> at::Tensor {
            const std::pair block {site.block, site.sample};
            if (held)
                return held->at(block).*part;
            const std::scoped_lock lock(mutex);
            return run.routings[block].*part = value;
        };
    };
    const Hooks hooks {{HookPoint::RouterExperts, visit(&Routing::experts)},
                       {HookPoint::RouterWeights, visit(&Routing::weights)}};
    SilentObserver observer;
    const ModelTensors tensors = warm.value()->tensors();
    const core::Status done = writeLogits({{"tokens", (place / "tokens.json").string()},
                                           {"out", (place / "logits.safetensors").string()},
                                           {"hidden_states", false},
                                           {"router", false}},
                                          {warm.value()->graph(), tensors, hooks, observer});
    if (!done.ok())
        qFatal("%s", done.error().sentence().c_str());
    const auto file = core::SafetensorsFile::open(place / "logits.safetensors");
    for (std::size_t i = 0; i < kSequences.size(); ++i) {
        const std::string name = "logits_" + std::to_string(i);
        run.logits.push_back({file.value().readFloat32(name).value(), std::size_t(file.value().find(name)->shape[1])});
    }
    return run;
}

/// Mean negative log-likelihood of the tokens that follow, and the root mean square of the logits about their mean.
struct Loss
{
    explicit Loss(const std::vector<Logits>& all)
    {
        double square = 0;
        double count = 0;
        double tokens = 0;
        for (std::size_t sequence = 0; sequence < all.size(); ++sequence) {
            const Logits& logits = all[sequence];
            for (std::size_t i = 0; i + 1 < kSequences[sequence].size(); ++i) {
                mean -= logits.logProbability(i, kSequences[sequence][i + 1]);
                ++tokens;
                double sum = 0;
                for (std::size_t k = 0; k < logits.vocabulary; ++k)
                    sum += double(logits.row(i)[k]);
                for (std::size_t k = 0; k < logits.vocabulary; ++k)
                    square += std::pow(double(logits.row(i)[k]) - sum / double(logits.vocabulary), 2);
                count += double(logits.vocabulary);
            }
        }
        mean /= tokens;
        spread = std::sqrt(square / count);
    }
    double mean = 0;
    double spread = 0;
};

} // namespace

class TstArithmetic : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    /// Rounding to bfloat16 errs by 2^-9 of a value at most. On the way to one logit stand at most 12 roundings of
    /// activations a block (two norms, the projections and products between them, two sums) and 7 of its matrices; that
    /// they point in all directions makes the error of the last state 2^-9 sqrt(19 blocks) of it, a random walk, and of
    /// the logits the same share of their spread. A loss is the difference of two means of logits: sqrt(2) of that.
    /// A router that chooses another expert of nearly the same score is no matter of roundings any more, so routers are
    /// held to what they chose in float32.
    void bfloat16StaysWithinItsRoundings_data()
    {
        addModelRows();
        QTest::addRow("llama4_text") << QStringLiteral(PARETOSCOPE_TEST_DATA "/families/llama4_text");
        QTest::addRow("phimoe") << QStringLiteral(PARETOSCOPE_TEST_DATA "/families/phimoe");
    }
    void bfloat16StaysWithinItsRoundings()
    {
        QFETCH(QString, folder);
        const std::filesystem::path model = folder.toStdString();
        const auto config = core::openCheckpoint(model).value()->config();
        const double blocks = config.contains("num_hidden_layers") ? config.at("num_hidden_layers").get<double>()
                                                                   : config.at("n_layer").get<double>();
        const Run wide = runIn(at::kFloat, at::kCPU, model);
        const Run narrow = runIn(at::kBFloat16, at::kCPU, model);
        const Run onCard = runIn(at::kBFloat16, simulated_card::device(), model);
        for (std::size_t i = 0; i < kSequences.size(); ++i)
            QCOMPARE(onCard.logits[i].values, narrow.logits[i].values);

        const Run held = runIn(at::kBFloat16, at::kCPU, model, &wide.routings);
        const Loss expected(wide.logits);
        const double bound = std::sqrt(2.0 * 19 * blocks) / 512 * expected.spread;
        const double difference = std::fabs(Loss(held.logits).mean - expected.mean);
        qInfo("mean loss %.5f, differs by %.2g, bound %.2g", expected.mean, difference, bound);
        QVERIFY(difference > 0);
        QVERIFY(difference <= bound);
    }

    void measurementsCarryTheirArithmetic_data()
    {
        QTest::addColumn<std::string>("arithmetic");
        QTest::addColumn<std::string>("device");
        QTest::addRow("float32") << std::string("float32") << std::string("cpu");
        QTest::addRow("bfloat16") << std::string("bfloat16") << std::string("cpu");
        QTest::addRow("tf32") << std::string("tf32") << simulated_card::device().str();
    }
    void measurementsCarryTheirArithmetic()
    {
        QFETCH(std::string, arithmetic);
        QFETCH(std::string, device);
        const core::Json metric {{"name", "perplexity"},
                                 {"options", {{"corpus", kWikiText}, {"length", 64}, {"windows", 2}}}};
        const auto done =
            evaluateIn(arithmetic, device, {{"model", kTinyLlama.string()}, {"metrics", core::Json::array({metric})}});
        QVERIFY2(done.ok(), done.ok() ? "" : done.error().sentence().c_str());
        QCOMPARE(done.value().at("dtype").get<std::string>(), arithmetic);
        QCOMPARE(metricNamed(done.value(), "perplexity").at("dtype").get<std::string>(), arithmetic);
        QVERIFY(!at::globalContext().allowTF32CuBLAS()); // only while it evaluates
    }

    void whatTheDeviceCannotIsRefused_data()
    {
        QTest::addColumn<std::string>("arithmetic");
        QTest::addColumn<int>("code");
        QTest::addRow("tf32") << std::string("tf32") << int(core::ErrorCode::Unsupported);
        QTest::addRow("float16") << std::string("float16") << int(core::ErrorCode::InvalidArgument);
    }
    void whatTheDeviceCannotIsRefused()
    {
        QFETCH(std::string, arithmetic);
        QFETCH(int, code);
        const auto done = evaluateIn(arithmetic, "cpu", {{"model", kTinyLlama.string()}});
        QVERIFY(!done.ok());
        QCOMPARE(int(done.error().code), code);
        QVERIFY(done.error().message.find(arithmetic) != std::string::npos && !done.error().hint.empty());
    }
};

QTEST_GUILESS_MAIN(TstArithmetic)
#include "tst_arithmetic.moc"
