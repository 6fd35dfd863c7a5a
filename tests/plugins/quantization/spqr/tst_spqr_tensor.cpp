// SPDX-License-Identifier: Apache-2.0
#include "plugins/quantization/spqr/spqr_tensor.h"

#include "core/engine/model/packed_tensor.h"
#include "plugins/quantization/spqr/spqr.h"
#include "tests/plugins/quantization/correlated_layer.h"

#include <QtTest>

#include <algorithm>
#include <array>
#include <cmath>

using namespace paretoscope;
using engine::TensorParts;
using spqr::Format;
using spqr::SpqrTensor;

namespace {

constexpr std::array kLayouts {engine::TensorLayout {SpqrTensor::kLayout, &SpqrTensor::fromParts}};

std::int64_t storedBits(const engine::CompressedTensor& tensor)
{
    std::int64_t bits = 0;
    for (const engine::StoredPart& part : tensor.storedParts())
        bits += part.bits.value;
    return bits;
}

std::int64_t serialisedBits(const engine::CompressedTensor& tensor)
{
    std::int64_t bits = 0;
    for (const auto& [name, part] : tensor.serialise())
        bits += static_cast<std::int64_t>(part.nbytes()) * 8;
    return bits;
}

/// Second-level numbers of a matrix, any values.
spqr::GroupNumbers secondLevel(std::int64_t groups, std::int64_t rows, std::int64_t runs, int bits)
{
    return {{},
            at::randint(1 << bits, {groups, rows}, at::kByte),
            at::full({groups, runs}, 0.5F),
            at::full({groups, runs}, -2.0F)};
}

/// `share` of all weights as outliers, every so many columns.
spqr::Outliers outliersOf(std::int64_t rows, std::int64_t columns, double share)
{
    const auto perRow = std::int64_t(double(columns) * share);
    const auto distance = columns / std::max<std::int64_t>(perRow, 1);
    return {at::arange(rows + 1, at::kInt) * perRow, (at::arange(perRow, at::kInt) * distance).repeat({rows}),
            at::full({rows * perRow}, 0.25, at::kHalf)};
}

/// A weight in each of the forms that the parameters allow.
std::shared_ptr<const SpqrTensor> example(const QByteArray& form)
{
    const tests::CorrelatedLayer layer(24, 40, 256);
    spqr::Options options;
    options.format.rule.bits = 3;
    at::Tensor mask;
    if (form == "no outliers")
        options.outlierThreshold = std::numeric_limits<double>::infinity();
    if (form == "stored order")
        options.order = spqr::ActivationOrder::None;
    if (form == "float16 scales")
        options.format.scaleBits = options.format.zeroBits = Format::kHalf;
    if (form == "whole zeros")
        options.format.rule.roundZero = true;
    if (form == "symmetric")
        options.format.rule.symmetric = true;
    if (form == "pruned")
        mask = layer.weight > 0;
    auto quantized = spqr::quantize(layer.weight, engine::factorise(layer.hessian, options.factor()), options, mask);
    return std::make_shared<SpqrTensor>(quantized.value().parts, options.format, mask);
}

void addForms()
{
    QTest::addColumn<QByteArray>("form");
    for (const char* form :
         {"as usual", "no outliers", "stored order", "float16 scales", "whole zeros", "symmetric", "pruned"})
        QTest::addRow("%s", form) << QByteArray(form);
}

} // namespace

class TstSpqrTensor : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void initTestCase() { at::manual_seed(5); }

    void averageBitsFollowTheFormula_data()
    {
        QTest::addColumn<double>("share");
        QTest::addColumn<bool>("roundZero");
        QTest::addColumn<double>("expected");
        // specs quantization 1 and 8: b + (qs + qz)/β1 + 64/(β1 β2) + 32 ρ; with whole zeros
        // b + (qs + b)/β1 + 32/(β1 β2) + 32 ρ.
        QTest::addRow("no outliers") << 0.0 << false << 4.625;
        QTest::addRow("one in 64") << 1.0 / 64 << false << 4.625 + 0.5;
        QTest::addRow("whole zeros") << 1.0 / 64 << true << 4 + 7.0 / 16 + 32.0 / 256 + 0.5;
    }
    void averageBitsFollowTheFormula()
    {
        QFETCH(double, share);
        QFETCH(bool, roundZero);
        QFETCH(double, expected);
        const std::int64_t rows = 64;
        const std::int64_t columns = 4096;
        Format format;
        format.rule.roundZero = roundZero;
        spqr::Parts parts;
        parts.codes = at::randint(16, {rows, columns}, at::kByte);
        parts.scales = secondLevel(256, rows, 4, 3);
        parts.zeros = roundZero ? spqr::GroupNumbers {at::randint(16, {256, rows}).to(at::kFloat), {}, {}, {}}
                                : secondLevel(256, rows, 4, 3);
        if (share > 0)
            parts.outliers = outliersOf(rows, columns, share);
        const SpqrTensor tensor(parts, format);
        const double counted = double(serialisedBits(tensor)) / double(rows * columns);
        QVERIFY2(std::fabs(counted - expected) < 0.005 * expected, qPrintable(QString::number(counted)));
        QCOMPARE(storedBits(tensor), serialisedBits(tensor));
    }

    void valuesByHand()
    {
        // Two rows, one group of two columns: scale 0.5 (c + 2), zero 0.25 c, value scale (code - zero).
        Format format;
        format.groupSize = 8;
        spqr::Parts parts;
        parts.codes = at::tensor({0, 3, 15, 8}, at::kByte).view({2, 2});
        parts.scales = {
            {}, at::tensor({0, 2}, at::kByte).view({1, 2}), at::full({1, 1}, 0.5F), at::full({1, 1}, -2.0F)};
        parts.zeros = {{}, at::tensor({4, 0}, at::kByte).view({1, 2}), at::full({1, 1}, 0.25F), at::zeros({1, 1})};
        parts.outliers = {at::tensor({0, 0, 1}, at::kInt), at::tensor({1}, at::kInt), at::full({1}, -10, at::kHalf)};
        const at::Tensor expected = at::tensor({-1.0F, 2.0F, 30.0F, 6.0F}).view({2, 2});
        QVERIFY(at::equal(SpqrTensor(parts, format).dequantize(), expected));
    }

    void comesBackFromItsParts_data() { addForms(); }
    void comesBackFromItsParts()
    {
        QFETCH(QByteArray, form);
        const auto tensor = example(form);
        const auto layouts = engine::TensorLayouts::builtIn()->with(kLayouts);
        QVERIFY(layouts->canRead(*tensor));
        const auto back = engine::unpack(engine::pack(*tensor), *layouts);
        QVERIFY2(back.ok(), back.ok() ? "" : back.error().sentence().c_str());
        QVERIFY(at::equal(back.value()->dequantize(), tensor->dequantize()));
        QCOMPARE(engine::pack(*back.value()), engine::pack(*tensor));
        QCOMPARE(storedBits(*back.value()), serialisedBits(*tensor));
    }

    void damagedPartsAreRefused_data()
    {
        QTest::addColumn<QByteArray>("part"); // missing, shortened or with a value that cannot be
        QTest::addColumn<QByteArray>("form");
        for (const char* part :
             {"codes", "scale_codes", "scale_steps", "scale_offsets", "zero_codes", "zero_steps", "zero_offsets",
              "column_groups", "outlier_values", "outlier_columns", "outlier_row_pointers"})
            QTest::addRow("%s", part) << QByteArray(part) << QByteArray("as usual");
        QTest::addRow("scales") << QByteArray("scales") << QByteArray("float16 scales");
        QTest::addRow("mask") << QByteArray("mask") << QByteArray("pruned");
    }
    void damagedPartsAreRefused()
    {
        QFETCH(QByteArray, part);
        QFETCH(QByteArray, form);
        const auto tensor = example(form);
        const auto layouts = engine::TensorLayouts::builtIn()->with(kLayouts);
        TensorParts shortened = tensor->serialise();
        TensorParts filled = shortened;
        bool found = false;
        for (std::size_t i = 0; i < shortened.size(); ++i) {
            if (shortened[i].first != part.toStdString())
                continue;
            found = true;
            shortened[i].second = shortened[i].second.flatten().slice(0, 1);
            filled[i].second = at::full_like(filled[i].second, -1);
        }
        QVERIFY(found);
        const auto isCorrupt = [&](const TensorParts& parts) {
            const auto read = layouts->read(tensor->layout(), tensor->description(), parts);
            return !read.ok() && read.error().code == core::ErrorCode::Corrupt;
        };
        QVERIFY(isCorrupt(shortened));
        if (part == "column_groups" || part == "outlier_columns" || part == "outlier_row_pointers")
            QVERIFY(isCorrupt(filled));
    }

    void damagedDescriptionsAreRefused_data()
    {
        QTest::addColumn<QByteArray>("member");
        QTest::addColumn<int>("value");
        QTest::addRow("bits") << QByteArray("bits") << 9;
        QTest::addRow("rows") << QByteArray("rows") << 23;
        QTest::addRow("too many rows") << QByteArray("rows") << std::numeric_limits<int>::max();
        QTest::addRow("columns") << QByteArray("columns") << -1;
        QTest::addRow("group_size") << QByteArray("group_size") << 0;
        QTest::addRow("scale_bits") << QByteArray("scale_bits") << 12;
        QTest::addRow("scale_group_size") << QByteArray("scale_group_size") << 8;
    }
    void damagedDescriptionsAreRefused()
    {
        QFETCH(QByteArray, member);
        QFETCH(int, value);
        const auto tensor = example("as usual");
        core::Json description = tensor->description();
        description[member.toStdString()] = value;
        const auto layouts = engine::TensorLayouts::builtIn()->with(kLayouts);
        const auto read = layouts->read(tensor->layout(), description, tensor->serialise());
        QVERIFY(!read.ok());
        QCOMPARE(read.error().code, core::ErrorCode::Corrupt);
    }
};

QTEST_GUILESS_MAIN(TstSpqrTensor)
#include "tst_spqr_tensor.moc"
