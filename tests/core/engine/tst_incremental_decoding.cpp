// SPDX-License-Identifier: Apache-2.0
// Token by token and in chunks against the full forward; stores that evict and renumber against hooks on the full one.
#include "core/base/mapped_file.h"
#include "core/engine/decoding/dense_kv_store.h"
#include "core/engine/decoding/greedy_generation.h"
#include "core/engine/decoding/incremental_decoder.h"
#include "core/engine/warm_model.h"

#include "tests/core/engine/model_rows.h"

#include <QtTest>

#include <ATen/Parallel.h>
#include <c10/core/InferenceMode.h>

#include <algorithm>
#include <optional>

using namespace paretoscope;
using namespace paretoscope::engine;

namespace {

using Ids = std::vector<std::int32_t>;

const std::filesystem::path kModels = PARETOSCOPE_TEST_DATA "/parity/models";
const std::filesystem::path kVariants = PARETOSCOPE_TEST_DATA "/families";
const std::filesystem::path kTinyLlama = PARETOSCOPE_RESOURCES "/models/tiny-llama";
constexpr core::Bytes kResident {1 << 28};

std::unique_ptr<WarmModel> loadModel(const std::filesystem::path& folder)
{
    auto model = WarmModel::load(folder, PARETOSCOPE_RESOURCES "/architectures", kResident);
    return model.ok() ? std::move(model).value() : nullptr;
}

/// Ids spread over the vocabulary, the same in every run.
Ids someIds(const WarmModel& model, int count)
{
    Ids ids;
    std::uint64_t state = 12345;
    for (int i = 0; i < count; ++i) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        ids.push_back(static_cast<std::int32_t>((state >> 33) % std::uint64_t(model.graph().architecture().vocabSize)));
    }
    return ids;
}

at::Tensor fullLogits(const WarmModel& model, const Ids& ids, const Hooks& hooks = {})
{
    const c10::InferenceMode noGradients;
    const ModelTensors tensors = model.tensors();
    const LanguageModel& graph = model.graph();
    at::Tensor state = graph.enter(ids, LoadedTensors::load(tensors, graph.entryTensors()).value());
    for (int block = 0; block < graph.view().blocks; ++block) {
        const LoadedTensors loaded = LoadedTensors::load(tensors, graph.blockTensors(block)).value();
        const auto pass = graph.begin(block, 0, state, loaded, hooks);
        while (!pass->inputs().empty())
            pass->advance(loaded);
        state = pass->output();
    }
    return graph.logits(state, LoadedTensors::load(tensors, graph.headTensors()).value());
}

/// Feeds `ids` in chunks of the given sizes, the last one repeated; all logits.
at::Tensor decodedLogits(const WarmModel& model, const Ids& ids, const std::vector<int>& sizes,
                         const KvStoreFactory& makeStore = {}, std::int64_t tokensPerWrite = 0,
                         core::Bytes resident = kResident)
{
    const c10::InferenceMode noGradients;
    const ModelTensors tensors = model.tensors();
    const Hooks none;
    IncrementalDecoder decoder({model.graph(), tensors, none, makeStore, resident});
    const int sequence = decoder.open();
    std::vector<at::Tensor> logits;
    std::size_t first = 0;
    for (std::size_t i = 0; first < ids.size(); ++i) {
        const auto size = std::min<std::size_t>(std::size_t(sizes[std::min(i, sizes.size() - 1)]), ids.size() - first);
        const Ids part(ids.begin() + std::ptrdiff_t(first), ids.begin() + std::ptrdiff_t(first + size));
        logits.push_back(decoder.logits(decoder.extend({{sequence, part, tokensPerWrite}}).value().front()).value());
        first += size;
    }
    return at::cat(logits);
}

/// Largest difference as a share of the largest logit.
double deviation(const at::Tensor& found, const at::Tensor& expected)
{
    return ((found - expected).abs().max() / expected.abs().max()).item<double>();
}

/// Keeps, per key head, the first `sinks` tokens and a window of the latest that differs from head to head; so heads
/// are ragged and padded. With `renumber` entries count as their place in the cache and are rotated when read.
class EvictingStore : public KvStore
{
public:
    struct Rule
    {
        std::int64_t sinks = 0;
        std::vector<std::int64_t> windows; ///< per key head
        bool renumber = false;
        bool keeps(std::size_t head, std::int64_t key, std::int64_t query) const
        {
            return key < sinks || key > query - windows[head];
        }
    };

    EvictingStore(const KvGeometry& geometry, Rule rule)
        : m_geometry(geometry)
        , m_rule(std::move(rule))
        , m_layers(geometry.layers.size())
    {}

    std::int64_t rotaryPosition(int layer, std::int64_t position) const override
    {
        if (!m_rule.renumber)
            return position;
        const std::vector<std::int64_t>& positions = m_layers[std::size_t(layer)].positions;
        return std::count_if(positions.begin(), positions.end(),
                             [&](std::int64_t kept) { return m_rule.keeps(0, kept, position); });
    }

    KvView write(int layer, const KvWrite& chunk) override
    {
        Layer& stored = m_layers[std::size_t(layer)];
        const at::Tensor& key = m_rule.renumber ? chunk.keyBeforeRotary : chunk.key;
        stored.key = stored.key.defined() ? at::cat({stored.key, key}) : key;
        stored.value = stored.value.defined() ? at::cat({stored.value, chunk.value}) : chunk.value;
        for (std::int64_t i = 0; i < key.size(0); ++i)
            stored.positions.push_back(chunk.firstPosition + i);
        evict(stored, stored.positions.back());
        return view(layer, stored);
    }

    core::Bits storedBits(int layer) const override
    {
        std::int64_t kept = 0;
        const Layer& stored = m_layers[std::size_t(layer)];
        for (std::size_t head = 0; head < m_rule.windows.size(); ++head) {
            kept += std::count_if(stored.positions.begin(), stored.positions.end(), [&](std::int64_t position) {
                return m_rule.keeps(head, position, stored.positions.back());
            });
        }
        const KvLayerShape& shape = m_geometry.layers[std::size_t(layer)];
        return {kept * (shape.keyDim + shape.valueDim) * 32};
    }

private:
    struct Layer
    {
        at::Tensor key; ///< of the union over heads
        at::Tensor value;
        std::vector<std::int64_t> positions;
    };

    void evict(Layer& stored, std::int64_t latest) const
    {
        std::vector<std::int64_t> rows;
        std::vector<std::int64_t> positions;
        for (std::size_t i = 0; i < stored.positions.size(); ++i) {
            bool kept = false;
            for (std::size_t head = 0; head < m_rule.windows.size(); ++head)
                kept = kept || m_rule.keeps(head, stored.positions[i], latest);
            if (!kept)
                continue;
            rows.push_back(std::int64_t(i));
            positions.push_back(stored.positions[i]);
        }
        const at::Tensor index = at::tensor(rows, at::kLong);
        stored.key = stored.key.index_select(0, index);
        stored.value = stored.value.index_select(0, index);
        stored.positions = positions;
    }

    KvView view(int layer, const Layer& stored) const
    {
        const auto kept = std::int64_t(stored.positions.size());
        if (m_rule.renumber) {
            const at::Tensor places = at::arange(kept, at::kLong);
            return {m_geometry.rotate(layer, stored.key, places), stored.value, places};
        }
        const auto heads = std::int64_t(m_rule.windows.size());
        at::Tensor positions = at::empty({kept, heads}, at::kLong);
        for (std::int64_t i = 0; i < kept; ++i) {
            for (std::int64_t head = 0; head < heads; ++head)
                positions[i][head] =
                    m_rule.keeps(std::size_t(head), stored.positions[std::size_t(i)], stored.positions.back())
                        ? stored.positions[std::size_t(i)]
                        : -1;
        }
        return {stored.key, stored.value, positions};
    }

    KvGeometry m_geometry;
    Rule m_rule;
    std::vector<Layer> m_layers;
};

/// Eviction as a mask on the probabilities of the full forward.
Hooks maskedAs(const EvictingStore::Rule& rule)
{
    return {{HookPoint::AttentionProbabilities, [rule](const HookSite& site, const at::Tensor& value) {
                 const at::Tensor keys = at::arange(value.size(2), at::kLong);
                 const at::Tensor rows =
                     at::arange(site.firstPosition, site.firstPosition + value.size(1), at::kLong).unsqueeze(1);
                 std::vector<at::Tensor> masks;
                 for (const std::int64_t window : rule.windows)
                     masks.push_back(at::logical_or(keys<rule.sinks, keys> rows - window));
                 const std::int64_t repeats = value.size(0) / std::int64_t(masks.size());
                 const at::Tensor mask = at::stack(masks).repeat_interleave(repeats, 0);
                 const at::Tensor kept = value * mask;
                 return kept / kept.sum(-1, true);
             }}};
}

} // namespace

class TstIncrementalDecoding : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void initTestCase() { at::set_num_threads(1); } // tensors this small are slower on more

    void equalsTheFullForward_data()
    {
        tests::addModelRows();
        QTest::addRow("chunks") << QStringLiteral(PARETOSCOPE_TEST_DATA "/families/llama4_text");
    }
    void equalsTheFullForward()
    {
        QFETCH(QString, folder);
        const auto model = loadModel(folder.toStdString());
        if (!model)
            QSKIP("this version cannot compute the model");
        const Ids ids = someIds(*model, 40);
        const at::Tensor expected = fullLogits(*model, ids);
        const double byToken = deviation(decodedLogits(*model, ids, {17, 1}), expected);
        const double byChunk = deviation(decodedLogits(*model, ids, {1, 7, 16}), expected);
        const double written = deviation(decodedLogits(*model, ids, {5, 35}, {}, 1, core::Bytes {0}), expected);
        qInfo("of the largest logit: token by token %.1e, chunks %.1e, single writes %.1e", byToken, byChunk, written);
        QVERIFY(byToken < 1e-5);
        QVERIFY(byChunk < 1e-5);
        QVERIFY(written < 1e-5);
        // One chunk from an empty cache is the full forward itself.
        QVERIFY(at::equal(decodedLogits(*model, ids, {40}), expected));
    }

    void isDeterministicAndIndependentOfOtherSequences()
    {
        const auto model = loadModel(kTinyLlama);
        const Ids ids = someIds(*model, 24);
        const at::Tensor alone = decodedLogits(*model, ids, {8, 1});
        QVERIFY(at::equal(decodedLogits(*model, ids, {8, 1}), alone));

        const c10::InferenceMode noGradients;
        const ModelTensors tensors = model->tensors();
        const Hooks none;
        IncrementalDecoder decoder({model->graph(), tensors, none, {}, kResident});
        const int other = decoder.open();
        const int sequence = decoder.open();
        QVERIFY(decoder.extend({{other, {5, 6, 7}}}).ok());
        const Ids head(ids.begin(), ids.begin() + 8);
        std::vector<at::Tensor> states {decoder.extend({{sequence, head}, {other, {3}}}).value().front()};
        decoder.close(other);
        for (std::size_t i = 8; i < ids.size(); ++i)
            states.push_back(decoder.extend({{sequence, {ids[i]}}}).value().front());
        std::vector<at::Tensor> logits;
        for (const at::Tensor& state : states)
            logits.push_back(decoder.logits(state).value());
        QVERIFY(at::equal(at::cat(logits), alone));
        QCOMPARE(decoder.length(sequence), std::int64_t(24));
        // 24 tokens of keys and values, 2 key heads of 32, float32
        const KvLayerShape shape = model->graph().kvGeometry(0).layers[1];
        QCOMPARE(decoder.store(sequence).storedBits(1).value,
                 24 * 32 * shape.kvHeads * (shape.keyDim + shape.valueDim));
    }

    void refusesWhatIsNoToken()
    {
        const auto model = loadModel(kTinyLlama);
        const ModelTensors tensors = model->tensors();
        const Hooks none;
        IncrementalDecoder decoder({model->graph(), tensors, none, {}, kResident});
        const int sequence = decoder.open();
        const auto outside = decoder.extend({{sequence, {1, 1 << 20}}});
        QVERIFY(!outside.ok());
        QCOMPARE(outside.error().code, core::ErrorCode::InvalidArgument);
        QVERIFY(outside.error().message.find("1048576") != std::string::npos);
        QVERIFY(!decoder.extend({{sequence, {}}}).ok());
        QCOMPARE(decoder.length(sequence), std::int64_t(0));
    }

    /// Both models rotate the first 16 tokens of a sequence otherwise when it has more.
    void stopsWhereEarlierTokensWouldBeRotatedAnew_data()
    {
        QTest::addColumn<QString>("model");
        QTest::addColumn<bool>("continuesBeyond"); // a prompt that is longer already
        QTest::addRow("dynamic") << QStringLiteral("llama_dynamic") << false;
        QTest::addRow("longrope") << QStringLiteral("phi3_longrope") << true;
    }
    void stopsWhereEarlierTokensWouldBeRotatedAnew()
    {
        QFETCH(QString, model);
        QFETCH(bool, continuesBeyond);
        const auto loaded = loadModel(kVariants / model.toStdString());
        QVERIFY(loaded);
        const Ids ids = someIds(*loaded, 24);
        const Ids within(ids.begin(), ids.begin() + 16);
        QVERIFY(deviation(decodedLogits(*loaded, within, {5, 1}), fullLogits(*loaded, within)) < 1e-5);
        QVERIFY(at::equal(decodedLogits(*loaded, ids, {24}), fullLogits(*loaded, ids)));

        const c10::InferenceMode noGradients;
        const ModelTensors tensors = loaded->tensors();
        const Hooks none;
        IncrementalDecoder decoder({loaded->graph(), tensors, none, {}, kResident});
        const int sequence = decoder.open();
        QVERIFY(decoder.extend({{sequence, within}}).ok());
        const auto crossing = decoder.extend({{sequence, {ids[16]}}});
        QVERIFY(!crossing.ok());
        QCOMPARE(crossing.error().code, core::ErrorCode::Unsupported);
        QVERIFY2(crossing.error().message.find("beyond 16 tokens") != std::string::npos,
                 crossing.error().message.c_str());
        QCOMPARE(decoder.length(sequence), std::int64_t(16));
        QVERIFY(!decoder.extend({{decoder.open(), ids, 1}}).ok()); // written one by one it crosses, too

        const int longer = decoder.open();
        QVERIFY(decoder.extend({{longer, Ids(ids.begin(), ids.begin() + 20)}}).ok());
        QCOMPARE(decoder.extend({{longer, {ids[20]}}}).ok(), continuesBeyond);
        if (continuesBeyond)
            QVERIFY(deviation(decodedLogits(*loaded, ids, {20, 1}), fullLogits(*loaded, ids)) < 1e-5);
    }

    void evictionIsAMaskOnTheFullForward_data()
    {
        QTest::addColumn<int>("sinks");
        QTest::addColumn<std::vector<std::int64_t>>("windows");
        QTest::addRow("everything kept") << 0 << std::vector<std::int64_t> {1000, 1000};
        QTest::addRow("window") << 0 << std::vector<std::int64_t> {8, 8};
        QTest::addRow("sinks and window") << 2 << std::vector<std::int64_t> {6, 6};
        QTest::addRow("ragged heads") << 1 << std::vector<std::int64_t> {3, 11};
    }
    void evictionIsAMaskOnTheFullForward()
    {
        QFETCH(int, sinks);
        QFETCH(std::vector<std::int64_t>, windows);
        const auto model = loadModel(kTinyLlama);
        QCOMPARE(model->graph().kvGeometry(0).layers[0].kvHeads, 2);
        const EvictingStore::Rule rule {sinks, windows, false};
        const auto make = [&](const KvGeometry& geometry) { return std::make_unique<EvictingStore>(geometry, rule); };
        const Ids ids = someIds(*model, 30);
        const at::Tensor expected = fullLogits(*model, ids, maskedAs(rule));
        const double difference = deviation(decodedLogits(*model, ids, {1}, make), expected);
        qInfo("%.1e of the largest logit", difference);
        QVERIFY(difference < 1e-5);
        if (windows[0] < 30)
            QVERIFY(deviation(expected, fullLogits(*model, ids)) > 1e-3); // the mask does something
    }

    /// Rotary attention depends on differences of positions alone, so numbering a window anew changes nothing.
    void renumberedWindowEqualsTheWindow()
    {
        const auto model = loadModel(kTinyLlama);
        const Ids ids = someIds(*model, 30);
        const auto logits = [&](bool renumber) {
            const EvictingStore::Rule rule {0, {8, 8}, renumber};
            return decodedLogits(*model, ids, {1}, [&](const KvGeometry& geometry) {
                return std::make_unique<EvictingStore>(geometry, rule);
            });
        };
        QVERIFY(deviation(logits(true), logits(false)) < 1e-5);
    }

    void shiftMovesARotatedKey_data()
    {
        QTest::addColumn<QString>("folder");
        QTest::addRow("rotated") << QString::fromStdString((kModels / "llama_rope3").string());
        QTest::addRow("rotated, then normalised") << QStringLiteral(PARETOSCOPE_TEST_DATA "/families/llama4_text");
    }
    void shiftMovesARotatedKey()
    {
        QFETCH(QString, folder);
        const auto model = loadModel(folder.toStdString());
        QVERIFY(model);
        const KvGeometry geometry = model->graph().kvGeometry(0);
        const KvLayerShape shape = geometry.layers[0];
        const at::Tensor keys = at::randn({5, shape.kvHeads, shape.keyDim}, at::kFloat);
        const at::Tensor from = at::tensor({0, 3, 17, 40, 41}, at::kLong);
        const at::Tensor to = at::tensor({0, 4, 2, 7, 60}, at::kLong);
        const at::Tensor moved = geometry.shift(0, geometry.rotate(0, keys, from), to - from);
        QVERIFY((moved - geometry.rotate(0, keys, to)).abs().max().item<double>() < 1e-5);
    }

    void storesSeeQueriesAndProbabilities()
    {
        class Watching : public DenseKvStore
        {
        public:
            Watching(const KvGeometry& geometry, double& total)
                : DenseKvStore(geometry)
                , m_total(total)
            {}
            KvObservation observes(int layer) const override
            {
                return layer == 0 ? KvObservation::Probabilities
                                  : (layer == 1 ? KvObservation::Queries : KvObservation::None);
            }
            void observe(int layer, const KvAttention& attention) override
            {
                if (layer == 0)
                    m_total +=
                        attention.probabilities.sum(at::kDouble).item<double>() / double(attention.query.size(1));
                else
                    m_total += attention.probabilities.defined() ? 1e9 : double(attention.query.size(0));
            }

        private:
            double& m_total;
        };
        const auto model = loadModel(kTinyLlama);
        const Ids ids = someIds(*model, 150); // more than one block of rows
        double total = 0;
        const at::Tensor found = decodedLogits(*model, ids, {140, 1}, [&](const KvGeometry& geometry) {
            return std::make_unique<Watching>(geometry, total);
        });
        // Every query gives one unit of attention in layer 0 and is counted once in layer 1.
        QVERIFY(std::fabs(total - 300) < 1e-3);
        QVERIFY(deviation(found, fullLogits(*model, ids)) < 1e-5);
    }

    void greedyGenerationFollowsTheFullForward()
    {
        const auto model = loadModel(kTinyLlama);
        const ModelTensors tensors = model->tensors();
        const Hooks none;
        const std::vector<Ids> prompts {someIds(*model, 5), {7}, someIds(*model, 12)};
        std::vector<Ids> expected;
        for (Ids ids : prompts) {
            Ids generated;
            for (int i = 0; i < 10; ++i) {
                const auto next = std::int32_t(fullLogits(*model, ids)[-1].argmax().item<std::int64_t>());
                generated.push_back(next);
                ids.push_back(next);
            }
            expected.push_back(generated);
        }
        const c10::InferenceMode noGradients;
        for (const std::size_t batch : {1, 3}) {
            IncrementalDecoder decoder({model->graph(), tensors, none, {}, kResident});
            GenerationOptions options;
            options.maxTokens = 10;
            options.batch = batch;
            QCOMPARE(generateGreedily(decoder, prompts, options).value(), expected);
            // A sequence ends with the first end token.
            options.endTokens = {expected[1][3]};
            const Ids shortened = generateGreedily(decoder, prompts, options).value()[1];
            const auto end = std::find(expected[1].begin(), expected[1].end(), expected[1][3]);
            QCOMPARE(shortened, Ids(expected[1].begin(), end + 1));
        }
    }
};

QTEST_GUILESS_MAIN(TstIncrementalDecoding)
#include "tst_incremental_decoding.moc"
