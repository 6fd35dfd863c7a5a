// SPDX-License-Identifier: Apache-2.0
#include "plugins/quantization/awq/awq.h"
#include "plugins/quantization/awq/module_error.h"

#include <QtTest>

#include <algorithm>
#include <cmath>
#include <vector>

using namespace paretoscope;

namespace {

using Rows = std::vector<std::vector<double>>;

/// A layer whose inputs have a few strong channels, reproducible everywhere.
awq::Consumer layerOf(std::int64_t out, std::int64_t in, std::int64_t tokens)
{
    const auto noise = [](std::int64_t rows, std::int64_t columns, double seed) {
        return at::arange(rows * columns, at::kFloat)
            .mul(12.9898)
            .add(seed)
            .sin()
            .mul(43758.5453)
            .frac()
            .view({rows, columns});
    };
    const at::Tensor strength = at::where(at::arange(in).remainder(11).eq(3), at::full({in}, 20.0), at::ones({in}));
    return {noise(out, in, 0.3), noise(tokens, in, 7.7) * strength, {}};
}

at::Tensor magnitudesOf(const awq::Consumer& consumer)
{
    return consumer.rows.abs().mean(0);
}

awq::Options optionsFor(int bits, std::int64_t group, bool includeZero = false)
{
    awq::Options options;
    options.grid.bits = bits;
    options.grid.groupSize = group;
    options.grid.includeZero = includeZero;
    options.grid.scaleType = engine::ScaleType::Float32;
    return options;
}

Rows toRows(const at::Tensor& tensor)
{
    const at::Tensor wide = tensor.to(at::kDouble).contiguous();
    Rows rows(std::size_t(wide.size(0)));
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const double* first = wide.const_data_ptr<double>() + std::int64_t(i) * wide.size(1);
        rows[i].assign(first, first + wide.size(1));
    }
    return rows;
}

/// Rounds [first, end) of a row on its own grid, value by value in float32: both ends of a clipped range lie midway
/// between two codes, where the last bit decides.
void roundGroup(std::vector<double>& row, std::size_t first, std::size_t end, const engine::AffineOptions& grid)
{
    const auto levels = float((1 << grid.bits) - 1);
    auto low = float(*std::min_element(row.begin() + long(first), row.begin() + long(end)));
    auto high = float(*std::max_element(row.begin() + long(first), row.begin() + long(end)));
    if (grid.includeZero) {
        low = std::min(low, 0.0F);
        high = std::max(high, 0.0F);
    }
    const float scale = (high - low) / levels;
    const float zero = std::clamp(std::nearbyint(-low / scale), 0.0F, levels);
    for (std::size_t i = first; i < end; ++i) {
        const float code = std::clamp(std::nearbyint(float(row[i]) / scale) + zero, 0.0F, levels);
        row[i] = double(scale * (code - zero));
    }
}

Rows roundRows(Rows rows, const engine::AffineOptions& grid)
{
    const std::size_t columns = rows.front().size();
    const std::size_t size = grid.groupSize < 0 ? columns : std::size_t(grid.groupSize);
    for (auto& row : rows) {
        for (std::size_t first = 0; first < columns; first += size)
            roundGroup(row, first, std::min(columns, first + size), grid);
    }
    return rows;
}

/// Mean squared error of X Wᵀ when W becomes Q(W diag s) diag(1/s), element by element.
double lossOf(const awq::Consumer& consumer, const std::vector<double>& factors, const engine::AffineOptions& grid)
{
    const Rows weight = toRows(consumer.weight);
    Rows scaled = weight;
    for (auto& row : scaled) {
        for (std::size_t j = 0; j < row.size(); ++j)
            row[j] *= factors[j];
    }
    const Rows rounded = roundRows(scaled, grid);
    double sum = 0;
    for (const auto& x : toRows(consumer.rows)) {
        for (std::size_t o = 0; o < weight.size(); ++o) {
            double error = 0;
            for (std::size_t j = 0; j < x.size(); ++j)
                error += x[j] * (rounded[o][j] / factors[j] - weight[o][j]);
            sum += error * error;
        }
    }
    return sum / double(weight.size()) / double(consumer.rows.size(0));
}

/// A block that gives (x Wᵀ)² after its only step.
class TwoLayers : public engine::BlockReplay
{
public:
    TwoLayers(const at::Tensor& weight, std::vector<at::Tensor> inputs)
        : m_weights {{"first", weight}}
        , m_inputs(std::move(inputs))
    {}
    int steps() const override { return 1; }
    int samples() const override { return static_cast<int>(m_inputs.size()); }
    const engine::NamedTensors& weights() const override { return m_weights; }
    core::Result<std::vector<at::Tensor>> run(const engine::ReplayRequest& request) override
    {
        const auto other = request.weights.find("first");
        const at::Tensor weight = other == request.weights.end() ? m_weights.at("first") : other->second;
        std::vector<at::Tensor> results;
        for (const int sample : request.samples)
            results.push_back(at::mm(m_inputs[std::size_t(sample)], weight.t()).square());
        return results;
    }
    core::Result<engine::ReplayLoss> loss(const engine::ReplayRequest&, const std::vector<at::Tensor>&,
                                          const std::vector<std::string>&) override
    {
        return engine::ReplayLoss {};
    }
    core::Result<int> stepOf(std::string_view) override { return 0; }

private:
    engine::NamedTensors m_weights;
    std::vector<at::Tensor> m_inputs;
};

core::Result<awq::Scales> search(const std::vector<awq::Consumer>& consumers, const at::Tensor& magnitudes,
                                 const awq::Options& options)
{
    return awq::searchScales(consumers, magnitudes, options, awq::outputLoss(consumers, options));
}

} // namespace

class TstAwq : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void scalesEqualTheDirectSearch_data()
    {
        QTest::addColumn<int>("bits");
        QTest::addColumn<qint64>("group");
        QTest::addRow("3 bit, group 16") << 3 << qint64(16);
        QTest::addRow("4 bit, last group shorter") << 4 << qint64(20);
        QTest::addRow("3 bit, whole row") << 3 << qint64(-1);
    }
    void scalesEqualTheDirectSearch()
    {
        QFETCH(int, bits);
        QFETCH(qint64, group);
        const awq::Consumer layer = layerOf(24, 48, 30);
        const awq::Options options = optionsFor(bits, group);
        const auto found = search({layer}, magnitudesOf(layer), options);
        QVERIFY2(found.ok(), found.ok() ? "" : found.error().sentence().c_str());
        const std::vector<double> magnitudes = toRows(magnitudesOf(layer).unsqueeze(0)).front();
        double least = INFINITY;
        double exponent = 0;
        for (int step = 0; step < 20; ++step) {
            std::vector<double> factors;
            for (const double magnitude : magnitudes)
                factors.push_back(std::max(1e-4, std::pow(magnitude, step / 20.0)));
            const double centre = std::sqrt(*std::max_element(factors.begin(), factors.end()) *
                                            *std::min_element(factors.begin(), factors.end()));
            for (double& factor : factors)
                factor /= centre;
            const double loss = lossOf(layer, factors, options.grid);
            if (step == 0)
                QVERIFY(std::fabs(found.value().plainLoss - loss) < 1e-3 * loss);
            if (loss < least) {
                least = loss;
                exponent = step / 20.0;
            }
        }
        QVERIFY2(std::fabs(found.value().loss - least) < 1e-3 * least,
                 qPrintable(QStringLiteral("%1, expected %2").arg(found.value().loss).arg(least)));
        QCOMPARE(found.value().exponent, exponent);
    }

    void scalesNeverHarm_data()
    {
        QTest::addColumn<bool>("duo");
        QTest::addRow("activations alone") << false;
        QTest::addRow("duo scaling") << true;
    }
    void scalesNeverHarm()
    {
        QFETCH(bool, duo);
        const awq::Consumer layer = layerOf(64, 96, 128);
        const awq::Consumer other {layer.weight.flip(0).roll(5, 1), layer.rows, {}};
        awq::Options options = optionsFor(3, 32);
        options.duoScaling = duo;
        const auto found = search({layer, other}, magnitudesOf(layer), options);
        QVERIFY(found.ok());
        QVERIFY(found.value().loss <= found.value().plainLoss);
        QVERIFY2(found.value().loss < 0.9 * found.value().plainLoss, "a tenth of the channels is 20 times as strong");
        const at::Tensor& factors = found.value().factors;
        QVERIFY(std::fabs((factors.max() * factors.min()).item<double>() - 1) < 1e-4);
    }

    void anotherSearchFindsLessToScale()
    {
        const awq::Consumer layer = layerOf(64, 96, 128);
        const awq::Options options = optionsFor(3, 32);
        const auto first = search({layer}, magnitudesOf(layer), options);
        QVERIFY(first.ok() && first.value().exponent > 0);
        const at::Tensor& factors = first.value().factors;
        const awq::Consumer folded {layer.weight * factors, layer.rows / factors, {}};
        const auto second = search({folded}, magnitudesOf(folded), options);
        QVERIFY(second.ok());
        QVERIFY(second.value().factors.log().abs().mean().item<double>() < factors.log().abs().mean().item<double>());
    }

    void equalChannelsAreLeftAlone()
    {
        awq::Consumer layer = layerOf(16, 32, 64);
        const auto found = search({layer}, at::full({32}, 0.7), optionsFor(4, 16));
        QVERIFY(found.ok());
        QCOMPARE(found.value().exponent, 0.0);
        QVERIFY(found.value().factors.eq(1).all().item<bool>());
    }

    void deadChannelsDoNotBlowUp()
    {
        awq::Consumer layer = layerOf(16, 32, 64);
        layer.rows.select(1, 4).zero_();
        const auto found = search({layer}, magnitudesOf(layer), optionsFor(3, 16));
        QVERIFY(found.ok());
        QVERIFY(found.value().factors.isfinite().all().item<bool>());
        QVERIFY(found.value().factors.gt(0).all().item<bool>());
    }

    void activationsThatAreNotFiniteAreAnError()
    {
        awq::Consumer layer = layerOf(16, 32, 64);
        layer.rows[3][3] = INFINITY;
        const auto found = search({layer}, at::ones({32}), optionsFor(3, 16));
        QVERIFY(!found.ok());
        QCOMPARE(found.error().code, core::ErrorCode::Numerical);
    }

    /// Of two layers with a square in between: f(x) = (x W₁ᵀ)² W₂ᵀ; the replay gives what W₂ reads.
    void moduleErrorIsThatOfTheOutput()
    {
        const awq::Consumer first = layerOf(12, 16, 30);
        const awq::Consumer second = layerOf(6, 12, 30);
        TwoLayers replay(first.weight, {first.rows, first.rows.flip(1)});
        const auto error = awq::ModuleError::open(replay, {0, 1}, second.weight, {1});
        QVERIFY(error.ok());
        QCOMPARE(error.value().of({}).value(), 0.0);
        const at::Tensor changed = first.weight * 1.01 + 0.001;
        const Rows x = toRows(first.rows.flip(1));
        const Rows before = toRows(first.weight);
        const Rows after = toRows(changed);
        const Rows reads = toRows(second.weight);
        double sum = 0;
        for (const auto& token : x) {
            for (const auto& out : reads) {
                double moved = 0;
                for (std::size_t hidden = 0; hidden < out.size(); ++hidden) {
                    double was = 0;
                    double is = 0;
                    for (std::size_t j = 0; j < token.size(); ++j) {
                        was += token[j] * before[hidden][j];
                        is += token[j] * after[hidden][j];
                    }
                    moved += out[hidden] * (is * is - was * was);
                }
                sum += moved * moved;
            }
        }
        const double expected = sum / double(x.size()) / double(reads.size());
        const double found = error.value().of({{"first", changed}}).value();
        QVERIFY2(std::fabs(found - expected) < 1e-3 * expected,
                 qPrintable(QStringLiteral("%1, expected %2").arg(found).arg(expected)));
    }

    void sequencesOfASearch_data()
    {
        QTest::addColumn<int>("sequences");
        QTest::addColumn<qint64>("total");
        QTest::addColumn<qint64>("tokens");
        QTest::addColumn<QList<int>>("expected");
        QTest::addRow("two of 32") << 32 << qint64(32 * 512) << qint64(1024) << QList<int> {0, 16};
        QTest::addRow("longer than all that is asked for") << 3 << qint64(3 * 2048) << qint64(512) << QList<int> {0};
        QTest::addRow("more than there are") << 3 << qint64(192) << qint64(1024) << QList<int> {0, 1, 2};
    }
    void sequencesOfASearch()
    {
        QFETCH(int, sequences);
        QFETCH(qint64, total);
        QFETCH(qint64, tokens);
        QFETCH(QList<int>, expected);
        const std::vector<int> found = awq::chooseSequences(sequences, total, tokens);
        QCOMPARE(QList<int>(found.begin(), found.end()), expected);
    }

    void clippingEqualsTheDirectSearch_data()
    {
        QTest::addColumn<qint64>("group");
        QTest::addColumn<qint64>("tokens");
        QTest::addRow("group 16, more tokens than weights") << qint64(16) << qint64(40);
        QTest::addRow("last group shorter") << qint64(20) << qint64(40);
        QTest::addRow("whole row, fewer tokens") << qint64(-1) << qint64(10);
    }
    void clippingEqualsTheDirectSearch()
    {
        QFETCH(qint64, group);
        QFETCH(qint64, tokens);
        const awq::Consumer layer = layerOf(12, 48, tokens);
        const awq::Options options = optionsFor(3, group, true);
        const auto found = awq::clipRanges(layer, options);
        QVERIFY2(found.ok(), found.ok() ? "" : found.error().sentence().c_str());
        const Rows weight = toRows(layer.weight);
        const Rows x = toRows(layer.rows);
        const Rows clipped = toRows(found.value().weight);
        const std::size_t size = group < 0 ? 48 : std::size_t(group);
        for (std::size_t o = 0; o < weight.size(); ++o) {
            for (std::size_t first = 0; first < 48; first += size) {
                const std::size_t end = std::min<std::size_t>(48, first + size);
                double largest = 0;
                for (std::size_t j = first; j < end; ++j)
                    largest = std::max(largest, std::fabs(weight[o][j]));
                const auto errorOf = [&](double limit) {
                    std::vector<double> row = weight[o];
                    for (std::size_t j = first; j < end; ++j)
                        row[j] = std::clamp(row[j], -limit, limit);
                    roundGroup(row, first, end, options.grid);
                    double sum = 0;
                    for (const auto& token : x) {
                        double error = 0;
                        for (std::size_t j = first; j < end; ++j)
                            error += token[j] * (row[j] - weight[o][j]);
                        sum += error * error;
                    }
                    return sum;
                };
                double least = INFINITY;
                for (int step = 0; step < 10; ++step)
                    least = std::min(least, errorOf(double(float(largest) * float(1 - step / 20.0))));
                double limit = 0;
                for (std::size_t j = first; j < end; ++j)
                    limit = std::max(limit, std::fabs(clipped[o][j]));
                QVERIFY2(errorOf(limit) <= least * 1.001,
                         qPrintable(QStringLiteral("row %1, column %2").arg(o).arg(first)));
            }
        }
    }

    void clippingNeverHarms()
    {
        const awq::Consumer layer = layerOf(64, 128, 128);
        const auto found = awq::clipRanges(layer, optionsFor(3, 32, true));
        QVERIFY(found.ok());
        QVERIFY(found.value().error < found.value().plainError);
        QVERIFY(found.value().weight.abs().le(layer.weight.abs() + 1e-6).all().item<bool>());
    }
};

QTEST_GUILESS_MAIN(TstAwq)
#include "tst_awq.moc"
