// SPDX-License-Identifier: Apache-2.0
// Blocks made by hand, every code once where the type has few; independent of the reference files.
#include "core/checkpoint/dequantize.h"

#include "core/checkpoint/small_floats.h"

#include <QtTest>

#include <string>
#include <vector>

using namespace paretoscope::core;

namespace {

std::string half(float value)
{
    const std::uint16_t code = floatToHalf(value);
    return {static_cast<char>(code & 255), static_cast<char>(code >> 8)};
}

std::vector<float> decoded(ElementType type, const std::string& block, std::size_t elements)
{
    std::vector<float> out(elements);
    dequantize(type, std::as_bytes(std::span(block)), out);
    return out;
}

/// Bytes whose low nibbles are 0..15 and whose high nibbles are 15..0.
std::string nibbles()
{
    std::string bytes;
    for (int j = 0; j < 16; ++j)
        bytes += static_cast<char>(j | ((15 - j) << 4));
    return bytes;
}

/// f(code) for the codes of `nibbles()`.
template <typename Value>
std::vector<float> ofNibbles(Value value)
{
    std::vector<float> out;
    for (int j = 0; j < 16; ++j)
        out.push_back(value(j));
    for (int j = 0; j < 16; ++j)
        out.push_back(value(15 - j));
    return out;
}

} // namespace

class TstDequantize : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void blocksOf32_data()
    {
        QTest::addColumn<int>("type");
        QTest::addColumn<std::string>("block");
        QTest::addColumn<std::vector<float>>("expected");
        const auto row = [](const char* tag, ElementType type, std::string block, std::vector<float> expected) {
            QTest::addRow("%s", tag) << static_cast<int>(type) << std::move(block) << std::move(expected);
        };
        row("Q4_0", ElementType::Q4_0, half(0.5F) + nibbles(),
            ofNibbles([](int q) { return 0.5F * static_cast<float>(q - 8); }));
        row("Q4_1", ElementType::Q4_1, half(0.25F) + half(-3) + nibbles(),
            ofNibbles([](int q) { return 0.25F * static_cast<float>(q) - 3; }));
        // Fifth bits: set for the first 16 elements, clear for the others.
        row("Q5_0", ElementType::Q5_0, half(2) + std::string("\xff\xff\0\0", 4) + nibbles(), [] {
            std::vector<float> out = ofNibbles([](int q) { return 2 * static_cast<float>(q - 16); });
            for (std::size_t j = 0; j < 16; ++j)
                out[j] += 32;
            return out;
        }());
        row("Q5_1", ElementType::Q5_1, half(2) + half(1) + std::string("\x01\0\0\x80", 4) + nibbles(), [] {
            std::vector<float> out = ofNibbles([](int q) { return 2 * static_cast<float>(q) + 1; });
            out[0] += 32;  // bit 0
            out[31] += 32; // bit 31
            return out;
        }());
        std::string signedBytes;
        std::vector<float> signedValues;
        for (int j = 0; j < 32; ++j) {
            signedBytes += static_cast<char>(8 * j - 128);
            signedValues.push_back(static_cast<float>(8 * j - 128) * 0.125F);
        }
        row("Q8_0", ElementType::Q8_0, half(0.125F) + signedBytes, signedValues);
        const std::vector<float> e2m1 {0, 0.5F, 1, 1.5F, 2, 3, 4, 6, -0.0F, -0.5F, -1, -1.5F, -2, -3, -4, -6};
        row("MXFP4", ElementType::Mxfp4, std::string(1, static_cast<char>(129)) + nibbles(),
            ofNibbles([&](int q) { return 4 * e2m1[static_cast<std::size_t>(q)]; }));
    }
    void blocksOf32()
    {
        QFETCH(int, type);
        QFETCH(std::string, block);
        QFETCH(std::vector<float>, expected);
        QCOMPARE(decoded(static_cast<ElementType>(type), block, 32), expected);
        // A row of blocks is its blocks one after the other.
        std::vector<float> twice = expected;
        twice.insert(twice.end(), expected.begin(), expected.end());
        QCOMPARE(decoded(static_cast<ElementType>(type), block + block, 64), twice);
    }

    void q2kHasScaleAndMinimumPer16()
    {
        std::string block;
        for (int sub = 0; sub < 16; ++sub)
            block += static_cast<char>(sub | ((15 - sub) << 4)); // scale sub, minimum 15 - sub
        block += std::string(64, '\xe4');                        // codes 0, 1, 2, 3 in the four bit pairs
        block += half(1) + half(0.5F);
        std::vector<float> expected;
        for (int sub = 0; sub < 16; ++sub) {
            const int code = (sub % 8) / 2;
            expected.insert(expected.end(), 16, static_cast<float>(sub * code) - 0.5F * static_cast<float>(15 - sub));
        }
        QCOMPARE(decoded(ElementType::Q2_K, block, 256), expected);
    }

    void q3kHasSixBitScalesAndAMask()
    {
        std::string block(32, '\x55'); // mask: set for even groups of 32
        block += std::string(64, '\xe4');
        // Scales 0..15 plus 32 (so that the value is the index): low nibbles as they are, upper bits 2 everywhere.
        for (int i = 0; i < 8; ++i)
            block += static_cast<char>(i | ((i + 8) << 4));
        block += std::string(4, '\xaa');
        block += half(2);
        std::vector<float> expected;
        for (int sub = 0; sub < 16; ++sub) {
            const int code = (sub % 8) / 2 - ((sub / 2) % 2 == 0 ? 0 : 4);
            expected.insert(expected.end(), 16, 2 * static_cast<float>(sub) * static_cast<float>(code));
        }
        QCOMPARE(decoded(ElementType::Q3_K, block, 256), expected);
    }

    /// The eight scales 1, 2, 3, 4, 17, 18, 35, 52 and minimums 5, 6, 7, 8, 33, 18, 3, 20 in 12 bytes.
    static std::string packedScales()
    {
        const int scales[8] {1, 2, 3, 4, 17, 18, 35, 52};
        const int minimums[8] {5, 6, 7, 8, 33, 18, 3, 20};
        std::string bytes(12, '\0');
        for (std::size_t j = 0; j < 4; ++j) {
            bytes[j] = static_cast<char>(scales[j] | ((scales[j + 4] >> 4) << 6));
            bytes[j + 4] = static_cast<char>(minimums[j] | ((minimums[j + 4] >> 4) << 6));
            bytes[j + 8] = static_cast<char>((scales[j + 4] & 15) | ((minimums[j + 4] & 15) << 4));
        }
        return bytes;
    }
    static std::vector<float> scaledCodes(int lowCode, int highCode)
    {
        const float scales[8] {1, 2, 3, 4, 17, 18, 35, 52};
        const float minimums[8] {5, 6, 7, 8, 33, 18, 3, 20};
        std::vector<float> out;
        for (std::size_t j = 0; j < 8; ++j)
            out.insert(out.end(), 32,
                       0.5F * scales[j] * static_cast<float>(j % 2 == 0 ? lowCode : highCode) - 0.25F * minimums[j]);
        return out;
    }

    void q4kUnpacksItsScales()
    {
        const std::string block = half(0.5F) + half(0.25F) + packedScales() + std::string(128, '\x9c');
        QCOMPARE(decoded(ElementType::Q4_K, block, 256), scaledCodes(12, 9));
    }

    void q5kAddsTheFifthBit()
    {
        // Bit j of qh belongs to sub-block j: set for the odd ones.
        const std::string block =
            half(0.5F) + half(0.25F) + packedScales() + std::string(32, '\xaa') + std::string(128, '\x9c');
        QCOMPARE(decoded(ElementType::Q5_K, block, 256), scaledCodes(12, 9 + 16));
    }

    void q6kJoinsFourAndTwoBits()
    {
        std::string block(128, '\x5a');   // low nibble 10, high nibble 5
        block += std::string(64, '\xe4'); // upper bits 0, 1, 2, 3
        std::vector<float> scales;
        for (int i = 0; i < 16; ++i) {
            block += static_cast<char>(3 * i - 24);
            scales.push_back(static_cast<float>(3 * i - 24));
        }
        block += half(0.5F);
        std::vector<float> expected;
        for (int sub = 0; sub < 16; ++sub) {
            const int quarter = (sub % 8) / 2;
            const int code = (quarter < 2 ? 10 : 5) + 16 * quarter - 32;
            expected.insert(expected.end(), 16,
                            0.5F * scales[static_cast<std::size_t>(sub)] * static_cast<float>(code));
        }
        QCOMPARE(decoded(ElementType::Q6_K, block, 256), expected);
    }

    void layoutsMatchTheFormat_data()
    {
        QTest::addColumn<int>("type");
        QTest::addColumn<std::string>("name");
        QTest::addColumn<qint64>("bytesOf512");
        const auto row = [](ElementType type, const char* name, qint64 bytes) {
            QTest::addRow("%s", name) << static_cast<int>(type) << std::string(name) << bytes;
        };
        row(ElementType::Bool, "bool", 512);
        row(ElementType::I64, "i64", 4096);
        row(ElementType::F8E4M3, "f8_e4m3", 512);
        row(ElementType::F4E2M1, "f4_e2m1", 256);
        row(ElementType::BF16, "bf16", 1024);
        row(ElementType::C64, "c64", 4096);
        row(ElementType::Q4_1, "q4_1", 320);
        row(ElementType::Q2_K, "q2_k", 168);
        row(ElementType::Q6_K, "q6_k", 420);
        row(ElementType::Mxfp4, "mxfp4", 272);
    }
    void layoutsMatchTheFormat()
    {
        QFETCH(int, type);
        QFETCH(std::string, name);
        QFETCH(qint64, bytesOf512);
        const auto element = static_cast<ElementType>(type);
        QCOMPARE(std::string(layoutOf(element).name), name);
        QCOMPARE(qint64(storedBytes(element, 512).value().value), bytesOf512);
        QVERIFY(!storedBytes(element, -1).ok());
    }

    void sizesAreChecked()
    {
        QCOMPARE(storedBytes(ElementType::Q4_0, 33).error().code, ErrorCode::Corrupt);
        QCOMPARE(storedBytes(ElementType::F64, std::int64_t(1) << 60).error().code, ErrorCode::Corrupt);
        const std::vector<std::int64_t> overflow {std::int64_t(1) << 32, std::int64_t(1) << 31};
        QCOMPARE(elementCount(overflow).error().code, ErrorCode::Corrupt);
        const std::vector<std::int64_t> empty {std::int64_t(1) << 40, std::int64_t(1) << 40, 0};
        QCOMPARE(elementCount(empty).value(), std::int64_t(0));
        QCOMPARE(elementCount({}).value(), std::int64_t(1));
    }
};

QTEST_GUILESS_MAIN(TstDequantize)
#include "tst_dequantize.moc"
