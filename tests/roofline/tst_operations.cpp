// SPDX-License-Identifier: Apache-2.0
// What a pass does, against worked values and identities.
#include "roofline/prediction/step_prediction.h"
#include "tests/roofline/sample_models.h"

#include <QtTest>

#include <cmath>
#include <functional>
#include <limits>

using namespace paretoscope;
using namespace paretoscope::roofline;
using namespace paretoscope::roofline::test;

namespace {

bool isClose(double a, double b, double tolerance = 1e-12)
{
    return std::fabs(a - b) <= tolerance * std::max(std::fabs(a), std::fabs(b));
}

StepOperations operationsOf(const ModelShape& model, const Step& step, const Execution& execution = {})
{
    return orDie(stepOperations(model, execution, step));
}

/// The first operation of this name; a test fails on one without any bytes or FLOPs.
Operation find(const StepOperations& step, std::string_view name)
{
    for (const Section& section : step.sections) {
        for (const Operation& operation : section.operations) {
            if (operation.name == name)
                return operation;
        }
    }
    return {};
}

bool has(const StepOperations& step, std::string_view name)
{
    return find(step, name).name == name;
}

/// What two passes do, operation by operation.
QString difference(const StepOperations& a, const StepOperations& b)
{
    if (a.sections.size() != b.sections.size())
        return QStringLiteral("another number of sections");
    for (std::size_t s = 0; s < a.sections.size(); ++s) {
        const Section& left = a.sections[s];
        const Section& right = b.sections[s];
        if (left.count != right.count || left.operations.size() != right.operations.size())
            return QStringLiteral("section %1 differs in size").arg(s);
        for (std::size_t i = 0; i < left.operations.size(); ++i) {
            const Operation& x = left.operations[i];
            const Operation& y = right.operations[i];
            if (x.name != y.name || x.matrixFlops != y.matrixFlops || x.vectorFlops != y.vectorFlops ||
                x.weightBytes != y.weightBytes || x.bytes() != y.bytes())
                return QString::fromStdString(std::string(x.name) + " and " + std::string(y.name));
        }
    }
    return {};
}

Step causalPrefill(double batch, double tokens)
{
    return Step::prefill(batch, tokens);
}

double linearParameters(const ModelShape& model)
{
    double sum = 0;
    for (const LayerRun& run : model.runs) {
        for (const SublayerShape& sublayer : run.shape.sublayers) {
            if (const auto* a = std::get_if<AttentionShape>(&sublayer.part))
                sum += run.count() *
                       (a->query.parameters() + a->key.parameters() + a->value.parameters() + a->output.parameters());
            if (const auto* mlp = std::get_if<MlpShape>(&sublayer.part))
                sum += run.count() * mlp->parameters();
        }
    }
    return sum;
}

const AttentionShape& attentionOf(const ModelShape& model)
{
    return std::get<AttentionShape>(model.runs.front().shape.sublayers.front().part);
}

using Setter = std::function<void(Execution&, double)>;

} // namespace
Q_DECLARE_METATYPE(Setter)

class TstOperations : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    /// Check 3: the worked values of the specification.
    void workedValues_data()
    {
        QTest::addColumn<QString>("model");
        QTest::addColumn<int>("batch");
        QTest::addColumn<int>("queries");
        QTest::addColumn<int>("visible");
        QTest::addColumn<int>("rows");
        QTest::addColumn<QString>("format");
        QTest::addColumn<double>("flops");
        QTest::addColumn<double>("bytes");
        QTest::addColumn<double>("seconds");
        QTest::addRow("Llama-2-7b decode")
            << QStringLiteral("Llama-2-7b") << 1 << 1 << 1024 << 1 << QStringLiteral("bf16") << 13760143360.0
            << 13764080648.0 << 0.006750407380088;
        QTest::addRow("Llama-2-7b prefill")
            << QStringLiteral("Llama-2-7b") << 1 << 1024 << 1024 << 1 << QStringLiteral("bf16") << 13544905523200.0
            << 26418516992.0 << 0.047097111835077;
        QTest::addRow("Llama-2-7b in 4 bits")
            << QStringLiteral("Llama-2-7b") << 32 << 1 << 2048 << 32 << QStringLiteral("int4-g128-zero4")
            << 457672228864.0 << 38387622144.0 << 0.018826690605199;
        QTest::addRow("Llama-2-70b decode")
            << QStringLiteral("Llama-2-70b") << 8 << 1 << 4096 << 8 << QStringLiteral("bf16") << 1186311307264.0
            << 148639965248.0 << 0.072898462603237;
    }
    void workedValues()
    {
        QFETCH(QString, model);
        QFETCH(int, batch);
        QFETCH(int, queries);
        QFETCH(int, visible);
        QFETCH(int, rows);
        QFETCH(QString, format);
        QFETCH(double, flops);
        QFETCH(double, bytes);
        QFETCH(double, seconds);
        Execution execution;
        execution.weights = orDie(namedWeightFormat(format.toStdString()));
        const Step step {{{double(batch), double(queries), double(visible)}}, double(rows)};
        const Ceilings ceilings = orDie(Ceilings::of(sampleDevice(), Efficiency::ideal()));
        const StepPrediction found =
            orDie(predictStep(sampleModel(model.toUtf8().constData()), execution, step, ceilings));
        QVERIFY2(isClose(found.flops, flops), qPrintable(QString::number(found.flops, 'f', 0)));
        QVERIFY2(isClose(found.bytes, bytes), qPrintable(QString::number(found.bytes, 'f', 0)));
        // The specification prints 13 digits.
        QVERIFY2(isClose(found.seconds, seconds, 1e-12 + 5e-16 / seconds),
                 qPrintable(QString::number(found.seconds, 'g', 17)));
    }

    /// Check 3: detail of the first row.
    void workedOperations_data()
    {
        QTest::addColumn<QByteArray>("name");
        QTest::addColumn<double>("matrix");
        QTest::addColumn<double>("vector");
        QTest::addColumn<double>("bytes");
        const auto row = [](const char* name, double matrix, double vector, double bytes) {
            QTest::addRow("%s", name) << QByteArray(name) << matrix << vector << bytes;
        };
        row("q_proj", 33554432, 0, 33570816);
        row("rope", 0, 24576, 32768);
        row("kv_store", 0, 0, 32768);
        row("attention", 16777216, 163840, 16793600);
        row("gate_proj", 90177536, 0, 90207744);
        row("mlp_act", 0, 55040, 66048);
        row("lm_head", 262144000, 0, 262280192);
        row("embed", 0, 0, 16392);
    }
    void workedOperations()
    {
        QFETCH(QByteArray, name);
        QFETCH(double, matrix);
        QFETCH(double, vector);
        QFETCH(double, bytes);
        const StepOperations step = operationsOf(sampleModel("Llama-2-7b"), Step::decode(1, 1024));
        const Operation operation = find(step, name.constData());
        QCOMPARE(operation.matrixFlops, matrix);
        QCOMPARE(operation.vectorFlops, vector);
        QCOMPARE(operation.bytes(), bytes);
    }

    /// Check 4: exactly.
    void prefillFlopsHaveAClosedForm()
    {
        RandomModels models(4);
        for (int i = 0; i < 50; ++i) {
            const ModelShape model = models.next();
            const double batch = models.number(1, 8);
            const double length = models.number(1, 500);
            const double rows = models.number(1, 8);
            Step step = causalPrefill(batch, length);
            step.logitRows = rows;
            const AttentionShape& a = attentionOf(model);
            const double expected = 2 * linearParameters(model) * batch * length +
                                    4 * model.layers() * a.heads * a.headDim * batch * length * (length + 1) / 2 +
                                    2 * rows * model.hidden * model.vocabulary;
            QCOMPARE(operationsOf(model, step).matrixFlops(), expected);
        }
    }

    /// Check 6: options at their neutral values leave every operation as it is.
    void neutralOptionsChangeNothing_data()
    {
        QTest::addColumn<QString>("option");
        for (const char* option :
             {"cache ratio", "window", "token keep", "density", "one expert", "parallel", "splits"})
            QTest::addRow("%s", option) << QString::fromLatin1(option);
    }
    void neutralOptionsChangeNothing()
    {
        QFETCH(QString, option);
        RandomModels models(6);
        for (int i = 0; i < 20; ++i) {
            const ModelShape dense = models.next();
            const double length = models.number(1, 600);
            ModelShape model = dense;
            Execution execution;
            std::vector<LayerShape> layers = model.expanded();
            for (LayerShape& layer : layers) {
                auto& attention = std::get<AttentionShape>(layer.sublayers[0].part);
                const MlpShape mlp = std::get<MlpShape>(layer.sublayers[1].part);
                if (option == QLatin1String("window"))
                    attention.window = length;
                if (option == QLatin1String("token keep"))
                    layer.tokenKeep = 1;
                if (option == QLatin1String("one expert"))
                    layer.sublayers[1].part =
                        MoeShape {.router = {.in = model.hidden, .out = 1}, .experts = 1, .chosen = 1, .expert = mlp};
            }
            model.setLayers(layers);
            if (option == QLatin1String("cache ratio"))
                execution.kv = {.keepRatio = 1, .observedQueries = 32};
            if (option == QLatin1String("density"))
                execution.weights.sparsity.density = 1;
            if (option == QLatin1String("parallel"))
                execution.parallel = {.tensor = 1, .pipeline = 1, .microBatches = 1, .expert = 1, .sequence = true};
            if (option == QLatin1String("splits"))
                execution.decodeSplits = 1;
            for (const Step& step : {Step::prefill(2, length), Step::decode(2, length)})
                QCOMPARE(difference(operationsOf(dense, step), operationsOf(model, step, execution)), QString());
        }
    }

    void countsActiveExperts_data()
    {
        QTest::addColumn<int>("experts");
        QTest::addColumn<int>("chosen");
        QTest::addColumn<int>("tokens");
        QTest::addColumn<double>("active");
        const auto row = [](int experts, int chosen, int tokens, double active) {
            QTest::addRow("%d of %d, %d tokens", chosen, experts, tokens) << experts << chosen << tokens << active;
        };
        row(8, 2, 1, 2);
        row(8, 2, 2, 3.5);
        row(8, 2, 4, 5.46875);
        row(8, 2, 8, 8 * (1 - std::pow(0.75, 8))); // 7.1991
        row(256, 8, 8, 57.421);
        row(256, 8, 64, 222.442);
    }
    void countsActiveExperts()
    {
        QFETCH(int, experts);
        QFETCH(int, chosen);
        QFETCH(int, tokens);
        QFETCH(double, active);
        MoeShape moe;
        moe.experts = experts;
        moe.chosen = chosen;
        QVERIFY(isClose(activeExperts(moe, tokens), active, 1e-5)); // printed with five or six digits
        const std::vector<double> equal(std::size_t(experts), double(chosen) / experts);
        MoeShape measured = moe;
        measured.frequencies = equal;
        QVERIFY(isClose(activeExperts(measured, tokens), activeExperts(moe, tokens)));
    }

    /// Check 6: k at one token, E in the limit, concave between.
    void activeExpertsAreConcave()
    {
        MoeShape moe;
        moe.experts = 64;
        moe.chosen = 6;
        QVERIFY(isClose(activeExperts(moe, 1), 6));
        QVERIFY(isClose(activeExperts(moe, 1e6), 64));
        for (double tokens = 2; tokens < 200; ++tokens) {
            const double before = activeExperts(moe, tokens) - activeExperts(moe, tokens - 1);
            const double after = activeExperts(moe, tokens + 1) - activeExperts(moe, tokens);
            QVERIFY(after <= before && after >= 0);
        }
    }

    /// Check 6: measured frequencies that are all equal are the closed form.
    void equalFrequenciesAreTheClosedForm()
    {
        RandomModels random(61);
        for (int i = 0; i < 100; ++i) {
            MoeShape moe;
            moe.experts = random.number(2, 300);
            moe.chosen = random.number(1, int(moe.experts));
            MoeShape measured = moe;
            measured.frequencies.assign(std::size_t(moe.experts), moe.chosen / moe.experts);
            const double tokens = random.number(1, 4096);
            QVERIFY(isClose(activeExperts(measured, tokens), activeExperts(moe, tokens), 1e-10));
        }
    }

    void unevenRoutingReadsFewerExperts()
    {
        MoeShape moe;
        moe.experts = 4;
        moe.chosen = 1;
        const double even = activeExperts(moe, 8);
        moe.frequencies = {0.7, 0.1, 0.1, 0.1};
        QVERIFY(activeExperts(moe, 8) < even);
    }

    void countsDispatchedDevices()
    {
        QVERIFY(isClose(dispatchedDevices(256, 8, 8), 5.29, 1e-3)); // printed with three digits
        QVERIFY(isClose(dispatchedDevices(256, 1, 8), 1));
        QVERIFY(isClose(dispatchedDevices(8, 8, 8), 8));
    }

    void mixtureReadsOnlyActiveExperts()
    {
        const ModelShape mixtral = sampleModel("Mixtral-8x7B");
        const StepOperations one = operationsOf(mixtral, Step::decode(1, 100));
        QVERIFY(isClose(find(one, "expert_gate").weightBytes, 2.0 * 4096 * 14336 * 2));
        const StepOperations four = operationsOf(mixtral, Step::decode(4, 100));
        QVERIFY(isClose(find(four, "expert_gate").weightBytes, 5.46875 * 4096 * 14336 * 2));
        QCOMPARE(find(four, "expert_gate").matrixFlops, 2.0 * 8 * 4096 * 14336);
        QCOMPARE(find(four, "router").weightBytes, 8.0 * 4096 * 2);
    }

    /// Check 7: both kernels compute the same without a mask, and the fused one moves no more.
    void flashAndEagerAgree()
    {
        RandomModels models(7);
        for (int i = 0; i < 50; ++i) {
            ModelShape model = models.next();
            std::vector<LayerShape> layers = model.expanded();
            double headDim = 0;
            for (LayerShape& layer : layers) {
                auto& attention = std::get<AttentionShape>(layer.sublayers[0].part);
                attention.causal = false;
                headDim = attention.headDim;
            }
            model.setLayers(layers);
            Execution eager;
            eager.attention = AttentionKernel::Eager;
            const double length = headDim + models.number(0, 1000);
            for (const Step& step : {Step::prefill(3, length), Step::decode(3, length)}) {
                const StepOperations fused = operationsOf(model, step);
                const StepOperations separate = operationsOf(model, step, eager);
                QVERIFY(isClose(fused.flops(), separate.flops()));
                QVERIFY(fused.bytes() <= separate.bytes());
            }
        }
    }

    /// Check 8: chunks of a prompt compute what the whole prompt does.
    void chunkedPrefillComputesTheSame()
    {
        RandomModels models(8);
        for (int i = 0; i < 30; ++i) {
            const ModelShape model = models.next();
            const double chunk = models.number(1, 64);
            const int chunks = models.number(2, 8);
            double flops = 0;
            for (int c = 1; c <= chunks; ++c) {
                const Step step {{{2, chunk, c * chunk}}, c == chunks ? 2.0 : 0.0};
                flops += operationsOf(model, step).matrixFlops();
            }
            QVERIFY(isClose(flops, operationsOf(model, Step::prefill(2, chunk * chunks)).matrixFlops()));
        }
    }

    /// Check 8: on random dimensions, and where layers see a window.
    void lastChunkOfOneTokenIsADecodeStep()
    {
        RandomModels models(88);
        for (int i = 0; i < 30; ++i) {
            ModelShape model = models.next();
            std::vector<LayerShape> layers = model.expanded();
            std::get<AttentionShape>(layers.front().sublayers[0].part).window = models.number(1, 2000);
            model.setLayers(layers);
            const double batch = models.number(1, 16);
            const double visible = models.number(1, 4000);
            const Step chunk {{{batch, 1, visible}}, batch};
            QCOMPARE(difference(operationsOf(model, chunk), operationsOf(model, Step::decode(batch, visible))),
                     QString());
        }
    }

    void raggedBatchesAreSums()
    {
        const ModelShape model = sampleModel("Llama-3-8b");
        const Operation ragged = find(operationsOf(model, {{{2, 1, 100}, {1, 1, 900}}, 3}), "attention");
        const Operation shorter = find(operationsOf(model, Step::decode(2, 100)), "attention");
        const Operation longer = find(operationsOf(model, Step::decode(1, 900)), "attention");
        QCOMPARE(ragged.matrixFlops, shorter.matrixFlops + longer.matrixFlops);
        QCOMPARE(ragged.cacheReadBytes, shorter.cacheReadBytes + longer.cacheReadBytes);
    }

    /// Check 9: DeepSeek-V3 takes the cheaper form of latent attention.
    void latentAttentionTakesTheCheaperForm()
    {
        const ModelShape model = sampleModel("DeepSeek-V3");
        for (const double visible : {2.0, 3.0, 10.0, 1000.0, 100000.0})
            QVERIFY(has(operationsOf(model, Step::decode(1, visible)), "q_absorb"));
        for (const double length : {1.0, 2.0, 10.0, 1000.0, 100000.0})
            QVERIFY(has(operationsOf(model, Step::prefill(1, length)), "kv_up_proj"));
        const Operation attention = find(operationsOf(model, Step::decode(1, 4096)), "attention");
        QCOMPARE(attention.cacheReadBytes, 4096.0 * 1152);
        const double intensity = attention.matrixFlops / attention.cacheReadBytes;
        QVERIFY(isClose(intensity, 2.0 * 128 * (2 * 512 + 64) / (576 * 2)));
        QVERIFY(isClose(intensity, 241.8, 1e-3)); // printed with four digits
    }

    /// Check 9: at random lengths the form that is taken computes no more than the other one would.
    void latentAttentionNeverComputesMore()
    {
        const ModelShape model = sampleModel("DeepSeek-V3");
        const double h = 128, dn = 128, dr = 64, dv = 128, rc = 512;
        RandomModels random(9);
        for (int i = 0; i < 100; ++i) {
            const double visible = random.number(2, 100000);
            for (const bool isPrefill : {false, true}) {
                const double queries = isPrefill ? visible : 1;
                const double pairs = attentionPairs(queries, visible, 0, true);
                const double absorbed = 2 * queries * h * rc * (dn + dv) + 2 * h * pairs * (2 * rc + dr);
                const double expanded = 2 * visible * rc * h * (dn + dv) + 2 * h * pairs * (dn + dr + dv);
                QVERIFY(isPrefill ? expanded < absorbed : absorbed < expanded);
                const StepOperations step =
                    operationsOf(model, isPrefill ? Step::prefill(1, visible) : Step::decode(1, visible));
                double found = 0;
                for (const char* name : {"q_absorb", "v_up", "kv_up_proj", "attention"})
                    found += find(step, name).matrixFlops;
                QVERIFY(isClose(found, std::min(absorbed, expanded)));
            }
        }
    }

    void latentAttentionFlops()
    {
        const ModelShape model = sampleModel("DeepSeek-V3");
        const double h = 128, dn = 128, dr = 64, dv = 128, rc = 512, visible = 777;
        const StepOperations decode = operationsOf(model, Step::decode(2, visible));
        QCOMPARE(find(decode, "q_absorb").matrixFlops, 2 * 2 * h * dn * rc);
        QCOMPARE(find(decode, "v_up").matrixFlops, 2 * 2 * h * dv * rc);
        QCOMPARE(find(decode, "attention").matrixFlops, 2 * 2 * h * visible * (2 * rc + dr));
        const StepOperations prefill = operationsOf(model, Step::prefill(1, 100));
        QCOMPARE(find(prefill, "kv_up_proj").matrixFlops, 2 * 100 * rc * h * (dn + dv));
        QCOMPARE(find(prefill, "attention").matrixFlops, 2 * h * (100.0 * 101 / 2) * (dn + dr + dv));
    }

    void windowsLimitPairsAndReads_data()
    {
        QTest::addColumn<double>("queries");
        QTest::addColumn<double>("visible");
        QTest::addColumn<double>("window");
        QTest::addRow("inside") << 5.0 << 8.0 << 100.0;
        QTest::addRow("at the edge") << 5.0 << 8.0 << 8.0;
        QTest::addRow("crossing") << 5.0 << 8.0 << 6.0;
        QTest::addRow("beyond") << 5.0 << 80.0 << 6.0;
        QTest::addRow("decode") << 1.0 << 80.0 << 6.0;
        QTest::addRow("one token") << 7.0 << 7.0 << 1.0;
    }
    void windowsLimitPairsAndReads()
    {
        QFETCH(double, queries);
        QFETCH(double, visible);
        QFETCH(double, window);
        double pairs = 0;
        for (double i = 1; i <= queries; ++i)
            pairs += std::min(window, visible - queries + i);
        QCOMPARE(attentionPairs(queries, visible, window, true), pairs);
    }

    void unmaskedPairsAreARectangle()
    {
        QCOMPARE(attentionPairs(5, 8, 0, false), 40.0);
        QCOMPARE(attentionPairs(5, 8, 0, true), 4.0 + 5 + 6 + 7 + 8);
    }

    void slidingLayersReadTheirWindow()
    {
        ModelShape model = sampleModel("Llama-3-8b");
        std::vector<LayerShape> layers = model.expanded();
        std::get<AttentionShape>(layers[0].sublayers[0].part).window = 128;
        model.setLayers(layers);
        const StepOperations step = operationsOf(model, Step::decode(1, 4096));
        QCOMPARE(find(step, "attention").cacheReadBytes, 2.0 * 128 * 8 * 128 * 2);
        QCOMPARE(step.sections[2].operations.size(), step.sections[1].operations.size());
    }

    void keptTokensShrinkDecodeAlone()
    {
        const ModelShape model = sampleModel("Llama-3-8b");
        Execution execution;
        execution.kv.keepRatio = 0.25;
        execution.kv.keepTokens = 64;
        execution.kv.observedQueries = 32;
        const Operation all = find(operationsOf(model, Step::decode(1, 1000)), "attention");
        const Operation kept = find(operationsOf(model, Step::decode(1, 1000), execution), "attention");
        QCOMPARE(kept.cacheReadBytes, all.cacheReadBytes / 4);
        QCOMPARE(kept.matrixFlops, all.matrixFlops / 4);
        QCOMPARE(find(operationsOf(model, Step::decode(1, 100), execution), "attention").matrixFlops * 100,
                 find(operationsOf(model, Step::decode(1, 100)), "attention").matrixFlops * 64);
        const StepOperations prefill = operationsOf(model, Step::prefill(1, 1000), execution);
        QCOMPARE(find(prefill, "attention").matrixFlops,
                 find(operationsOf(model, Step::prefill(1, 1000)), "attention").matrixFlops);
        QCOMPARE(find(prefill, "kv_select").matrixFlops, 2.0 * 32 * 32 * 1000 * 128);
    }

    void quantisedCacheKeepsRecentTokens()
    {
        const ModelShape model = sampleModel("Llama-3-8b");
        Execution execution;
        execution.kv = {.bits = 2, .metaBits = 1, .recentTokens = 100};
        const StepOperations step = operationsOf(model, Step::decode(1, 1000), execution);
        QCOMPARE(find(step, "attention").cacheReadBytes, 2.0 * 8 * 128 * (900 * 3.0 / 8 + 100 * 2));
        QCOMPARE(find(step, "kv_store").vectorFlops, 3.0 * 2 * 8 * 128);
    }

    void prunedTokensShrinkTheirLayer()
    {
        ModelShape model = sampleModel("Llama-3-8b");
        std::vector<LayerShape> layers = model.expanded();
        layers[31].tokenKeep = 0.5;
        model.setLayers(layers);
        const StepOperations step = operationsOf(model, Step::prefill(1, 1000));
        QCOMPARE(step.sections.size(), std::size_t(4));
        QCOMPARE(step.sections[2].operations[1].matrixFlops, step.sections[1].operations[1].matrixFlops / 2);
    }

    void lowRankReplacesTheProduct()
    {
        ModelShape model = sampleModel("Llama-2-7b");
        std::vector<LayerShape> layers = model.expanded();
        for (LayerShape& layer : layers)
            std::get<MlpShape>(layer.sublayers[1].part).up.format =
                WeightFormat {.lowRank = LowRank {.rank = 256, .replaces = true}};
        model.setLayers(layers);
        const Operation up = find(operationsOf(model, Step::decode(2, 10)), "up_proj");
        QCOMPARE(up.matrixFlops, 2.0 * 2 * 256 * (4096 + 11008));
        QCOMPARE(up.weightBytes, 2.0 * 256 * (4096 + 11008));
        QCOMPARE(up.launches, 2.0);
    }

    void sparseKernelsLeaveTheMatrixUnits()
    {
        Execution execution;
        execution.weights.sparsity = {.density = 0.5, .hasKernel = true};
        const Operation q = find(operationsOf(sampleModel("Llama-2-7b"), Step::decode(1, 10), execution), "q_proj");
        QCOMPARE(q.matrixFlops, 0.0);
        QCOMPARE(q.vectorFlops, 0.5 * 2 * 4096 * 4096);
    }

    void fusionRemovesTrafficAndNoFlops_data()
    {
        QTest::addColumn<bool>("qkv");
        QTest::addColumn<bool>("gateUp");
        QTest::addColumn<bool>("addNorm");
        QTest::addColumn<bool>("activation");
        QTest::addColumn<bool>("rotaryStore");
        QTest::addColumn<double>("saved"); // bytes per layer at one token of Llama-2-7b
        const double hidden = 4096 * 2;
        const double width = 11008 * 2;
        QTest::addRow("qkv") << true << false << false << false << false << 2 * hidden;
        QTest::addRow("gate and up") << false << true << false << false << false << hidden;
        QTest::addRow("sum and norm") << false << false << true << false << false << 2 * hidden;
        QTest::addRow("activation") << false << true << false << true << false << hidden + 4 * width;
        QTest::addRow("rotation and store") << false << false << false << false << true << 2 * hidden;
    }
    void fusionRemovesTrafficAndNoFlops()
    {
        QFETCH(bool, qkv);
        QFETCH(bool, gateUp);
        QFETCH(bool, addNorm);
        QFETCH(bool, activation);
        QFETCH(bool, rotaryStore);
        QFETCH(double, saved);
        Execution execution;
        execution.fusion = {
            .qkv = qkv, .gateUp = gateUp, .addNorm = addNorm, .activation = activation, .rotaryStore = rotaryStore};
        const ModelShape model = sampleModel("Llama-2-7b");
        const StepOperations plain = operationsOf(model, Step::decode(1, 10));
        const StepOperations fused = operationsOf(model, Step::decode(1, 10), execution);
        QCOMPARE(fused.flops(), plain.flops());
        QCOMPARE(plain.bytes() - fused.bytes(), 32 * saved);
    }

    void parallelLayersShareTheWork()
    {
        const ModelShape model = sampleModel("Llama-3-8b");
        Execution execution;
        execution.parallel.tensor = 4;
        const StepOperations whole = operationsOf(model, Step::decode(2, 100));
        const StepOperations part = operationsOf(model, Step::decode(2, 100), execution);
        for (const char* name : {"q_proj", "k_proj", "o_proj", "gate_proj", "down_proj", "attention", "lm_head"})
            QVERIFY2(isClose(find(part, name).matrixFlops * 4, find(whole, name).matrixFlops), name);
        QCOMPARE(find(part, "attn_norm").bytes(), find(whole, "attn_norm").bytes());
        QCOMPARE(find(part, "attn_all_reduce").messageBytes, 2.0 * 4096 * 2);
        QCOMPARE(find(part, "logits_all_gather").messageBytes, 2.0 * 128256 * 4);
        execution.parallel.tensor = 32; // eight kv heads: each is on four devices
        const StepOperations replicated = operationsOf(model, Step::decode(2, 100), execution);
        QCOMPARE(find(replicated, "k_proj").matrixFlops * 8, find(whole, "k_proj").matrixFlops);
        QCOMPARE(find(replicated, "attention").cacheReadBytes * 8, find(whole, "attention").cacheReadBytes);
    }

    void sequenceParallelSharesNorms()
    {
        Execution execution;
        execution.parallel = {.tensor = 4, .sequence = true};
        const ModelShape model = sampleModel("Llama-3-8b");
        const StepOperations part = operationsOf(model, Step::prefill(1, 100), execution);
        const StepOperations whole = operationsOf(model, Step::prefill(1, 100));
        QCOMPARE(find(part, "attn_add").bytes() * 4, find(whole, "attn_add").bytes());
        QVERIFY(find(part, "attn_all_reduce").collective == Collective::ReduceScatter);
        QVERIFY(has(part, "all_gather"));
    }

    void expertParallelSharesExperts()
    {
        Execution execution;
        execution.parallel.expert = 8;
        const ModelShape model = sampleModel("DeepSeek-V3");
        const StepOperations step = operationsOf(model, Step::decode(8, 100), execution);
        MoeShape moe;
        moe.experts = 256;
        moe.chosen = 8;
        QVERIFY(isClose(find(step, "expert_up").weightBytes, activeExperts(moe, 64) / 8 * 7168 * 2048 * 2));
        QCOMPARE(find(step, "expert_up").matrixFlops, 2.0 * 8 * 8 * 7168 * 2048);
        QCOMPARE(find(step, "dispatch").messageBytes, 8.0 * 8 * 7168 * 2);
        execution.parallel.deduplicatedDispatch = true;
        const StepOperations once = operationsOf(model, Step::decode(8, 100), execution);
        QVERIFY(isClose(find(once, "dispatch").messageBytes, 8 * dispatchedDevices(256, 8, 8) * 7168 * 2));
    }

    void quantisedActivationsAreRoundedOnce()
    {
        Execution execution;
        execution.weights = plainWeightFormat(8);
        execution.activations = {.bits = 8, .codes = CodeKind::Integer, .fusedQuantisation = false};
        const StepOperations step = operationsOf(sampleModel("Llama-2-7b"), Step::decode(3, 10), execution);
        const Operation quantise = find(step, "quantise");
        QCOMPARE(quantise.vectorFlops, 3.0 * 3 * 4096);
        QCOMPARE(quantise.activationInBytes, 3.0 * 4096 * 2);
        QCOMPARE(quantise.activationOutBytes, 3.0 * (4096 + 4));
        QVERIFY(find(step, "q_proj").matrixType == MatrixType::Int8);
        QVERIFY(find(step, "attention").matrixType == MatrixType::Float16);
        int count = 0;
        for (const Operation& operation : step.sections[1].operations)
            count += operation.name == "quantise";
        QCOMPARE(count, 4); // of q/k/v, o, gate/up, down
    }

    void readsKeysAgainWhereTheyLeaveTheCache()
    {
        const ModelShape model = sampleModel("Llama-3-8b");
        const Step step = Step::prefill(1, 4096); // 32 blocks of queries
        const auto attention = [&](std::optional<double> l2) {
            const StepOperations operations =
                orDie(stepOperations(model, {}, step, {.l2Bytes = l2, .processors = 108}));
            return find(operations, "attention").cacheReadBytes;
        };
        const double once = 2.0 * 4096 * 8 * 128 * 2;
        QCOMPARE(attention(std::nullopt), once);
        QCOMPARE(attention(40e6), once);
        QCOMPARE(attention(1e6), 16 * once);
    }

    void diffusionTransformersMakeOnePass()
    {
        const core::Json config = core::Json::parse(R"({"depth": 28, "hidden_size": 1152, "num_heads": 16})");
        const StepOperations pass = operationsOf(orDie(diffusionTransformerShape(config)), Step::prefill(2, 256));
        QCOMPARE(find(pass, "adaln").matrixFlops, 2.0 * 2 * 1152 * 6 * 1152);
        QCOMPARE(find(pass, "attention").matrixFlops, 4.0 * 2 * 16 * 256 * 256 * 72);
        QVERIFY(!has(pass, "kv_store") && !has(pass, "lm_head") && !has(pass, "embed") && !has(pass, "gate_proj"));
        const double linears = 2.0 * 12 * 1152 * 1152 * 2 * 256 + 2.0 * 2 * 6 * 1152 * 1152;
        QVERIFY(isClose(pass.matrixFlops(), 28 * (linears + 4.0 * 2 * 16 * 256 * 256 * 72)));
    }

    void visionTransformersEmbedPatches()
    {
        const core::Json config = core::Json::parse(R"({"hidden_size": 768, "num_hidden_layers": 12,
            "num_attention_heads": 12, "intermediate_size": 3072, "image_size": 224, "patch_size": 16})");
        const StepOperations pass = operationsOf(orDie(visionTransformerShape(config)), Step::prefill(1, 196));
        QCOMPARE(find(pass, "patch_embed").matrixFlops, 2.0 * 196 * 3 * 256 * 768);
        QCOMPARE(find(pass, "final_norm").vectorFlops, 7.0 * 196 * 768);
    }

    void statesReplaceTheCache()
    {
        ModelShape model = sampleModel("Llama-3-8b");
        std::vector<LayerShape> layers = model.expanded();
        layers[0].sublayers[0].part = LinearAttentionShape {.heads = 32,
                                                            .headDim = 128,
                                                            .stateDim = 64,
                                                            .input = {.in = 4096, .out = 8192},
                                                            .output = {.in = 4096, .out = 4096}};
        model.setLayers(layers);
        const Operation early = find(operationsOf(model, Step::decode(2, 10)), "linear_attention");
        const Operation late = find(operationsOf(model, Step::decode(2, 10000)), "linear_attention");
        QCOMPARE(early.matrixFlops, 4.0 * 2 * 32 * 128 * 64);
        QCOMPARE(early.cacheReadBytes, 2.0 * 32 * 128 * 64 * 2);
        QCOMPARE(early.bytes(), late.bytes());
    }

    void refusesImpossibleValues_data()
    {
        QTest::addColumn<double>("batch");
        QTest::addColumn<double>("queries");
        QTest::addColumn<double>("visible");
        QTest::addColumn<double>("bits");
        QTest::addColumn<int>("tensor");
        QTest::addColumn<QByteArray>("message");
        const double nan = std::nan("");
        const auto row = [](const char* tag, double batch, double queries, double visible, double bits, int tensor,
                            const char* message) {
            QTest::addRow("%s", tag) << batch << queries << visible << bits << tensor << QByteArray(message);
        };
        row("no batch", 0, 1, 1, 16, 1, "the batch is 0");
        row("negative batch", -1, 1, 1, 16, 1, "the batch is -1");
        row("huge batch", 1e30, 1, 1, 16, 1, "the batch is 1e+30");
        row("no number", nan, 1, 1, 16, 1, "the batch is null");
        row("no tokens", 1, 0, 1, 16, 1, "the number of tokens is 0");
        row("less visible than new", 1, 8, 7, 16, 1, "the number of visible tokens is 7");
        row("no bits", 1, 1, 1, 0, 1, "the bits of a weight is 0");
        row("no number of bits", 1, 1, 1, nan, 1, "the bits of a weight is null");
        row("parallel", 1, 1, 1, 16, 3, "does not divide the 32 attention heads");
        row("no devices", 1, 1, 1, 16, 0, "the tensor-parallel size is 0");
    }
    void refusesImpossibleValues()
    {
        QFETCH(double, batch);
        QFETCH(double, queries);
        QFETCH(double, visible);
        QFETCH(double, bits);
        QFETCH(int, tensor);
        QFETCH(QByteArray, message);
        Execution execution;
        execution.weights.bits = bits;
        execution.parallel.tensor = tensor;
        const auto found = stepOperations(sampleModel("Llama-3-8b"), execution, {{{batch, queries, visible}}, 1});
        QVERIFY(!found.ok());
        const std::string sentence = found.error().sentence();
        QVERIFY2(sentence.find(message.toStdString()) != std::string::npos, sentence.c_str());
    }

    /// Whatever value of an execution makes no sense, there is no number.
    void everyValueIsChecked_data()
    {
        QTest::addColumn<Setter>("set");
        const auto row = [](const char* name, Setter set) { QTest::addRow("%s", name) << std::move(set); };
        row("weight bits", [](Execution& e, double v) { e.weights.bits = v; });
        row("scale bits", [](Execution& e, double v) { e.weights.scaleBits = v; });
        row("zero bits", [](Execution& e, double v) { e.weights.zeroBits = v; });
        row("group size", [](Execution& e, double v) { e.weights.groupSize = v; });
        row("outliers", [](Execution& e, double v) { e.weights.outlierDensity = v; });
        row("density", [](Execution& e, double v) { e.weights.sparsity.density = v; });
        row("index bits", [](Execution& e, double v) { e.weights.sparsity.indexBits = v; });
        row("rank", [](Execution& e, double v) { e.weights.lowRank = LowRank {.rank = v}; });
        row("factor bits", [](Execution& e, double v) { e.weights.lowRank = LowRank {.rank = 8, .bits = v}; });
        row("codebook entries", [](Execution& e, double v) { e.weights.codebooks = Codebooks {.entries = v}; });
        row("codebook length", [](Execution& e, double v) { e.weights.codebooks = Codebooks {.length = v}; });
        row("lossless ratio", [](Execution& e, double v) { e.weights.compression = v; });
        row("decoding rate", [](Execution& e, double v) { e.weights.decodeBytesPerSecond = v; });
        row("stored bits", [](Execution& e, double v) { e.weights.storedBits = v; });
        row("head bits", [](Execution& e, double v) { e.headWeights.bits = v; });
        row("activation bits", [](Execution& e, double v) { e.activations.bits = v; });
        row("cache bits", [](Execution& e, double v) { e.kv.bits = v; });
        row("cache metadata", [](Execution& e, double v) { e.kv.metaBits = v; });
        row("kept share", [](Execution& e, double v) { e.kv.keepRatio = v; });
        row("kept tokens", [](Execution& e, double v) { e.kv.keepTokens = v; });
        row("recent tokens", [](Execution& e, double v) { e.kv.recentTokens = v; });
        row("observed queries", [](Execution& e, double v) { e.kv.observedQueries = v; });
        row("layers per cache", [](Execution& e, double v) { e.kv.layersPerCache = v; });
        row("page", [](Execution& e, double v) { e.kv.pageTokens = v; });
        row("stream bits", [](Execution& e, double v) { e.streamBits = v; });
        row("logit bits", [](Execution& e, double v) { e.logitBits = v; });
        row("score bits", [](Execution& e, double v) { e.scoreBits = v; });
        row("router bits", [](Execution& e, double v) { e.routerBits = v; });
        row("query block", [](Execution& e, double v) { e.queryBlock = v; });
        row("splits", [](Execution& e, double v) { e.decodeSplits = v; });
        row("imbalance", [](Execution& e, double v) { e.parallel.expertImbalance = v; });
    }
    void everyValueIsChecked()
    {
        QFETCH(Setter, set);
        for (const double value : {-1.0, 1e30, std::nan(""), -std::numeric_limits<double>::infinity()}) {
            Execution execution;
            set(execution, value);
            const auto found = stepOperations(sampleModel("Llama-3-8b"), execution, Step::decode(1, 10));
            QVERIFY2(!found.ok(), qPrintable(QString::number(value)));
            QCOMPARE(found.error().code, core::ErrorCode::InvalidArgument);
        }
    }
};

QTEST_GUILESS_MAIN(TstOperations)
#include "tst_operations.moc"
