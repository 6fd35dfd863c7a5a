// SPDX-License-Identifier: Apache-2.0
// What is measured is what the engine does; never how long it takes.
#include "core/engine/decoding/incremental_decoder.h"
#include "core/engine/measurement/ceilings.h"
#include "core/engine/measurement/host_loops.h"
#include "core/engine/measurement/machine_measurement.h"
#include "core/engine/measurement/model_steps.h"
#include "core/engine/measurement/step_recorder.h"

#include <QTemporaryDir>
#include <QtTest>

#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>

#include <fstream>
#include <set>

using namespace paretoscope;
using namespace paretoscope::engine;

namespace {

class Watcher : public TrialObserver
{
public:
    explicit Watcher(int stopAfter = -1)
        : m_stopAfter(stopAfter)
    {}
    void progressed(std::string_view, int, int) override { ++m_calls; }
    bool isCancelled() const override { return m_stopAfter >= 0 && m_calls > m_stopAfter; }
    int calls() const { return m_calls; }

private:
    int m_calls = 0;
    int m_stopAfter;
};

std::unique_ptr<WarmModel> loadModel(const std::filesystem::path& folder)
{
    auto model = WarmModel::load(folder, PARETOSCOPE_RESOURCES "/architectures", {});
    return model.ok() ? std::move(model).value() : nullptr;
}

/// Small caches, so that little is read.
Surroundings quickSurroundings(TrialObserver& observer)
{
    return {.device = at::kCPU,
            .threads = at::get_num_threads(),
            .isQuick = true,
            .caches = {.perCore = 256 << 10, .last = 1 << 20},
            .observer = observer};
}

void writeFile(const std::filesystem::path& file, const char* text)
{
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
}

} // namespace

class TstMeasurement : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void loopsDoAllTheirWork()
    {
        std::vector<float> data(4 * kReadStep);
        for (std::size_t i = 0; i < data.size(); ++i)
            data[i] = static_cast<float>(i % 7);
        float sum = 0;
        for (const float value : data)
            sum += value;
        QCOMPARE(readRepeatedly(data.data(), data.size(), 1), sum);
        QCOMPARE(readRepeatedly(data.data(), data.size(), 3), 3 * sum);
        QCOMPARE(readRepeatedly(data.data(), 0, 3), 0.0F);
        float turned = 0; // by hand, in the same order of operations
        for (float value : data) {
            for (int k = 0; k < 3; ++k)
                value = value * 0.999F + 0.001F;
            turned += value;
        }
        QCOMPARE(readMultiplyAdd(data.data(), data.size(), 2, 0), 2 * sum);
        QVERIFY(std::fabs(readMultiplyAdd(data.data(), data.size(), 1, 3) / turned - 1) < 1e-5F);
        QVERIFY(multiplyAddFlops() >= 16);
        // x = 0.999 x + 0.001 goes to 1 in every lane.
        QVERIFY(std::fabs(multiplyAdd(200'000) - float(multiplyAddFlops() / 2)) < 0.02 * multiplyAddFlops());
        QVERIFY(multiplyAdd(1) != multiplyAdd(2));
    }

    void timerCountsCalls()
    {
        int calls = 0;
        const CallTimer timer(at::kCPU, {.interval = 0, .intervals = 5, .longest = 10, .warmUps = 2, .attempts = 1});
        const core::Repeated seconds = timer.time([&](int count) { calls += count; });
        QCOMPARE(seconds.count, 5);
        QCOMPARE(calls, 2 + 1 + 5);
        QVERIFY(seconds.median > 0);
        QVERIFY(seconds.best <= seconds.median);
    }

    void cacheSizesAreRead()
    {
        const QTemporaryDir folder;
        const std::filesystem::path root = folder.path().toStdString();
        QCOMPARE(cacheSizes(root / "nothing").last, std::int64_t(0));
        const auto cache = [&](const char* name, const char* level, const char* type, const char* size) {
            writeFile(root / name / "level", level);
            writeFile(root / name / "type", type);
            writeFile(root / name / "size", size);
        };
        cache("index0", "1\n", "Data\n", "32K\n");
        cache("index1", "1\n", "Instruction\n", "64K\n");
        cache("index2", "2\n", "Unified\n", "512K\n");
        QCOMPARE(cacheSizes(root).perCore, std::int64_t(512 << 10));
        QCOMPARE(cacheSizes(root).last, std::int64_t(512 << 10));
        cache("index3", "3\n", "Unified\n", "32M\n");
        QCOMPARE(cacheSizes(root).perCore, std::int64_t(512 << 10));
        QCOMPARE(cacheSizes(root).last, std::int64_t(32 << 20));
        cache("index4", "?\n", "\n", "\n");
        QCOMPARE(cacheSizes(root).last, std::int64_t(32 << 20));
    }

    /// Every part of every block of every sequence, in the order of the pass; and the states are those of a pass that
    /// nobody watches.
    void partsFollowThePass_data()
    {
        QTest::addColumn<QString>("folder");
        QTest::addColumn<QStringList>("parts");
        const QStringList llama {QStringLiteral("attn_norm"), QStringLiteral("q_proj"),   QStringLiteral("k_proj"),
                                 QStringLiteral("v_proj"),    QStringLiteral("kv_store"), QStringLiteral("attention"),
                                 QStringLiteral("o_proj"),    QStringLiteral("mlp_norm"), QStringLiteral("gate_proj"),
                                 QStringLiteral("up_proj"),   QStringLiteral("down_proj")};
        QTest::addRow("llama") << QStringLiteral(PARETOSCOPE_RESOURCES "/models/tiny-llama") << llama;
        QStringList mixture = llama.mid(0, 8);
        mixture.insert(4, QStringLiteral("qk_norm"));
        mixture << QStringLiteral("router");
        QTest::addRow("mixture with norms of q and k")
            << QStringLiteral(PARETOSCOPE_RESOURCES "/models/tiny-qwen3-moe") << mixture;
        QTest::addRow("joined projections")
            << QStringLiteral(PARETOSCOPE_TEST_DATA "/parity/models/gpt2")
            << QStringList {QStringLiteral("attn_norm"), QStringLiteral("qkv_proj"), QStringLiteral("kv_store"),
                            QStringLiteral("attention"), QStringLiteral("o_proj"),   QStringLiteral("mlp_norm"),
                            QStringLiteral("up_proj"),   QStringLiteral("down_proj")};
    }
    void partsFollowThePass()
    {
        QFETCH(QString, folder);
        QFETCH(QStringList, parts);
        const auto model = loadModel(folder.toStdString());
        QVERIFY(model);
        const c10::InferenceMode noGradients;
        const ModelTensors tensors = model->tensors();
        StepRecorder recorder(model->graph(), at::kCPU);
        const Hooks watching = recorder.hooks();
        IncrementalDecoder watched(
            {.model = model->graph(),
             .tensors = tensors,
             .hooks = watching,
             .makeStore = {},
             .residentLimit = {},
             .onRead = [&](const PassPlace& place, std::string_view tensor) { recorder.tensorRead(place, tensor); }});
        const Hooks none;
        IncrementalDecoder plain({model->graph(), tensors, none, {}, {}});
        std::vector<DecodeChunk> chunks;
        for (int i = 0; i < 3; ++i) {
            chunks.push_back({watched.open(), {1, 2, 3 + i}});
            plain.open();
        }
        recorder.begin(0, 3);
        const Moment start = Moment::now(at::kCPU);
        const auto states = watched.extend(chunks);
        QVERIFY2(states.ok(), states.ok() ? "" : states.error().sentence().c_str());
        const double whole = Moment::now(at::kCPU).since(start);
        const auto expected = plain.extend(chunks);
        QVERIFY(expected.ok());
        for (std::size_t i = 0; i < 3; ++i)
            QVERIFY(at::equal(states.value()[i], expected.value()[i]));

        const auto blocks = recorder.parts();
        QCOMPARE(int(blocks.size()), model->graph().view().blocks);
        double sum = 0;
        for (const auto& block : blocks) {
            QStringList names;
            for (const StepRecorder::Part& part : block) {
                names << QString::fromStdString(std::string(part.first));
                QVERIFY(part.second > 0);
                sum += part.second;
            }
            QCOMPARE(names, parts);
        }
        QVERIFY(recorder.entrySeconds(start) > 0);
        QVERIFY2(sum <= whole * std::min(3, at::get_num_threads()), "parts do not overlap within a thread");
    }

    void headIsTheLastProduct()
    {
        const auto model = loadModel(PARETOSCOPE_RESOURCES "/models/tiny-llama");
        QVERIFY(model);
        const std::vector<ProductShape> shapes = productShapes(model->graph());
        QCOMPARE(shapes.size(), 5u); // q and o alike, k and v, gate and up, down, head
        QVERIFY((shapes.front() == ProductShape {128, 128, false}));
        QVERIFY((shapes.back() == ProductShape {4096, 128, true}));
    }

    void measuresWhatItSays()
    {
        const auto model = loadModel(PARETOSCOPE_RESOURCES "/models/tiny-llama");
        QVERIFY(model);
        const c10::InferenceMode noGradients;
        Watcher observer;
        const auto measured = measureMachine(quickSurroundings(observer), "cpu", model.get());
        QVERIFY2(measured.ok(), measured.ok() ? "" : measured.error().sentence().c_str());
        const core::Json& document = measured.value();
        QVERIFY(observer.calls() > 20);
        QCOMPARE(document.at("rounds").size(), 2u);
        std::set<std::string> names;
        for (const core::Json& ceiling : document.at("rounds").at(0)) {
            names.insert(ceiling.at("name"));
            QVERIFY(ceiling.at("work").get<double>() > 0);
            QVERIFY(ceiling.at("seconds").at("median").get<double>() > 0);
        }
        for (const char* name : {"dram_read", "dram_copy", "dram_triad", "last_cache_read", "core_cache_read",
                                 "vector_multiply_add", "matrix_float32", "matrix_float64", "dispatch"})
            QVERIFY2(names.contains(name), name);
        for (const core::Json& product : document.at("products"))
            QVERIFY(product.at("seconds").at("median").get<double>() > 0);

        const core::Json& steps = document.at("model").at("steps");
        QCOMPARE(steps.size(), 4u); // prefill and decode of 1 and 8 sequences
        for (const core::Json& step : steps) {
            QCOMPARE(step.at("blocks").size(), 4u);
            QCOMPARE(step.at("blocks").at(0).size(), 11u);
            QCOMPARE(step.at("at_once").get<int>(), std::min(step.at("batch").get<int>(), at::get_num_threads()));
        }
        QCOMPARE(document.at("model").at("execution").at("attention").get<std::string>(), std::string("flash"));
        QCOMPARE(document.at("model").at("config").at("hidden_size").get<int>(), 128);
    }

    void stopsWhenItIsTold()
    {
        Watcher observer(2);
        const auto measured = measureMachine(quickSurroundings(observer), "cpu", nullptr);
        QVERIFY(!measured.ok());
        QCOMPARE(measured.error().code, core::ErrorCode::Cancelled);
        QVERIFY(observer.calls() <= 4);
    }
};

QTEST_GUILESS_MAIN(TstMeasurement)
#include "tst_measurement.moc"
