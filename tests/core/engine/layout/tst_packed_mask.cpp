// SPDX-License-Identifier: Apache-2.0
#include "core/engine/layout/packed_mask.h"

#include "core/engine/layout/bit_stream.h"

#include <QtTest>

using namespace paretoscope;
using engine::PackedMask;
using Packing = engine::PackedMask::Packing;

Q_DECLARE_METATYPE(at::Tensor)
Q_DECLARE_METATYPE(paretoscope::engine::PackedMask::Packing)

namespace {

/// A fixed pattern without structure: about `percent` of the entries are kept.
at::Tensor scattered(std::int64_t rows, std::int64_t columns, std::uint32_t percent)
{
    at::Tensor mask = at::empty({rows, columns}, at::kBool);
    std::uint32_t state = 1;
    for (std::int64_t i = 0; i < mask.numel(); ++i) {
        state = state * 1664525U + 1013904223U;
        mask.mutable_data_ptr<bool>()[i] = (state >> 8) % 100 < percent;
    }
    return mask;
}

/// n of every m, at places that move from group to group.
at::Tensor grouped(std::int64_t rows, std::int64_t columns, std::int64_t n, std::int64_t m)
{
    at::Tensor mask = at::zeros({rows, columns}, at::kBool);
    for (std::int64_t group = 0; group < mask.numel() / m; ++group) {
        for (std::int64_t i = 0; i < n; ++i)
            mask.mutable_data_ptr<bool>()[group * m + (group * 3 + i) % m] = true;
    }
    return mask;
}

at::Tensor withRows(std::int64_t rows, std::int64_t columns)
{
    return (at::arange(rows) % 3 == 0).unsqueeze(1).expand({rows, columns}).contiguous();
}

std::int64_t toldBits(const PackedMask& mask)
{
    std::int64_t bits = 0;
    for (const engine::StoredPart& part : mask.storedParts())
        bits += part.bits.value;
    return bits;
}

core::Result<PackedMask> readBack(const PackedMask& mask, const engine::TensorParts& parts)
{
    return PackedMask::fromParts(mask.description(), mask.mask().size(0), mask.mask().size(1), parts);
}

} // namespace

class TstPackedMask : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void bitStreamReadsBack_data()
    {
        QTest::addColumn<int>("bits");
        for (const int bits : {1, 2, 3, 4, 7, 8, 12, 17, 31})
            QTest::addRow("%d bits", bits) << bits;
    }
    void bitStreamReadsBack()
    {
        QFETCH(int, bits);
        const at::Tensor values =
            (at::arange(0, 101, at::kLong) * 2654435761LL).bitwise_and((1LL << bits) - 1).to(at::kInt);
        const at::Tensor words = engine::packStream(values, bits);
        QCOMPARE(words.numel(), (101 * bits + 31) / 32);
        QVERIFY(at::equal(engine::unpackStream(words, 101, bits), values));
        // The first number lies in the lowest bits of the first word.
        QCOMPARE(words[0].item<int>() & ((1LL << bits) - 1), values[0].item<int>());
    }

    /// Expected sizes by the table of specs pruning_lowrank 0.1, padded to 32 bits.
    void cheapestPackingIsChosen_data()
    {
        QTest::addColumn<at::Tensor>("mask");
        QTest::addColumn<Packing>("packing");
        QTest::addColumn<qint64>("bits");
        const qint64 entries = 64 * 128;
        QTest::addRow("half of it at random") << scattered(64, 128, 50) << Packing::Bitmask << entries;
        QTest::addRow("odd sizes") << scattered(5, 7, 50) << Packing::Bitmask << qint64(64);
        QTest::addRow("2:4 costs the same as bits, and hardware reads it")
            << grouped(64, 128, 2, 4) << Packing::NOfM << entries;
        QTest::addRow("1:2") << grouped(64, 128, 1, 2) << Packing::NOfM << entries / 2;
        QTest::addRow("1:4") << grouped(64, 128, 1, 4) << Packing::NOfM << entries / 2;
        QTest::addRow("1:16") << grouped(64, 128, 1, 16) << Packing::NOfM << entries / 4;
        QTest::addRow("3:4 is dearer than bits") << grouped(64, 128, 3, 4) << Packing::Bitmask << entries;
        QTest::addRow("4:8 is dearer than bits") << grouped(64, 128, 4, 8) << Packing::Bitmask << entries;
        at::Tensor few = at::zeros({64, 128}, at::kBool);
        few[0][3] = true;
        few[0][127] = true;
        few[63][0] = true;
        QTest::addRow("three entries: 7 bits each and 65 pointers") << few << Packing::Columns << qint64(32 + 65 * 32);
        QTest::addRow("whole rows") << withRows(64, 128) << Packing::Rows << qint64(64);
        QTest::addRow("everything") << at::ones({64, 128}, at::kBool) << Packing::Rows << qint64(64);
        QTest::addRow("nothing") << at::zeros({64, 128}, at::kBool) << Packing::Rows << qint64(64);
    }
    void cheapestPackingIsChosen()
    {
        QFETCH(at::Tensor, mask);
        QFETCH(Packing, packing);
        QFETCH(qint64, bits);
        const PackedMask packed(mask);
        QCOMPARE(packed.packing(), packing);
        QCOMPARE(packed.kept(), mask.sum().item<std::int64_t>());
        QCOMPARE(toldBits(packed), bits);
        std::int64_t real = 0;
        for (const auto& [name, part] : packed.serialise())
            real += static_cast<std::int64_t>(part.nbytes()) * 8;
        QCOMPARE(real, bits);
        const auto read = readBack(packed, packed.serialise());
        QVERIFY2(read.ok(), read.ok() ? "" : read.error().message.c_str());
        QVERIFY(at::equal(read.value().mask(), mask));
        const at::Tensor values = at::arange(1, mask.numel() + 1, at::kFloat).view(mask.sizes());
        QVERIFY(at::equal(packed.spread(packed.keptOf(values)), values.masked_fill(mask.logical_not(), 0)));
    }

    void damagedPartsAreRefused_data()
    {
        QTest::addColumn<at::Tensor>("mask");
        QTest::addColumn<QString>("part");
        QTest::addColumn<int>("word");
        QTest::addColumn<int>("value");
        const at::Tensor few = at::eye(64, at::kBool).repeat({1, 4}).logical_and(withRows(64, 256));
        QTest::addRow("two equal places in a group of 2:4") << grouped(8, 16, 2, 4) << "mask" << 0 << 0;
        QTest::addRow("falling columns") << few << "mask" << 0 << -1;
        QTest::addRow("pointers that do not begin at 0") << few << "mask_row_pointers" << 0 << 1;
        QTest::addRow("falling pointers") << few << "mask_row_pointers" << 10 << 1000;
    }
    void damagedPartsAreRefused()
    {
        QFETCH(at::Tensor, mask);
        QFETCH(QString, part);
        QFETCH(int, word);
        QFETCH(int, value);
        const PackedMask packed(mask);
        engine::TensorParts parts = packed.serialise();
        QVERIFY(readBack(packed, parts).ok());
        engine::partNamed(parts, part.toStdString())[word] = value;
        const auto read = readBack(packed, parts);
        QVERIFY(!read.ok());
        QCOMPARE(read.error().code, core::ErrorCode::Corrupt);
    }

    void partsOfAnotherSizeAreRefused()
    {
        const PackedMask packed(scattered(64, 128, 50));
        QVERIFY(!PackedMask::fromParts(packed.description(), 64, 129, packed.serialise()).ok());
        QVERIFY(!PackedMask::fromParts(packed.description(), 0, 128, packed.serialise()).ok());
        QVERIFY(!PackedMask::fromParts({{"packing", "other"}}, 64, 128, packed.serialise()).ok());
        QVERIFY(!PackedMask::fromParts(packed.description(), 64, 128, {}).ok());
    }
};

QTEST_GUILESS_MAIN(TstPackedMask)
#include "tst_packed_mask.moc"
