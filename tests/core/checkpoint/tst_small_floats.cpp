// SPDX-License-Identifier: Apache-2.0
#include "core/checkpoint/small_floats.h"

#include <QtTest>

#include <cmath>
#include <limits>

using namespace paretoscope::core;

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// The value of a half by its definition.
float halfByDefinition(std::uint16_t code)
{
    const int exponent = (code >> 10) & 31;
    const int mantissa = code & 1023;
    const double magnitude = exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(1024 + mantissa, exponent - 25);
    const float sign = (code & 0x8000) != 0 ? -1.0F : 1.0F;
    if (exponent == 31)
        return mantissa == 0 ? sign * kInfinity : std::numeric_limits<float>::quiet_NaN();
    return sign * static_cast<float>(magnitude);
}

bool isSame(float a, float b)
{
    return (std::isnan(a) && std::isnan(b)) || (a == b && std::signbit(a) == std::signbit(b));
}

} // namespace

class TstSmallFloats : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void everyHalfWidensExactlyAndComesBack()
    {
        for (std::uint32_t i = 0; i < 65536; ++i) {
            const auto code = static_cast<std::uint16_t>(i);
            const float value = halfToFloat(code);
            QVERIFY2(isSame(value, halfByDefinition(code)), std::to_string(i).c_str());
            if (!std::isnan(value))
                QCOMPARE(floatToHalf(value), code);
            else
                QVERIFY(std::isnan(halfToFloat(floatToHalf(value))));
        }
    }

    void everyBrainFloatComesBack()
    {
        for (std::uint32_t i = 0; i < 65536; ++i) {
            const float value = bfloat16ToFloat(static_cast<std::uint16_t>(i));
            if (!std::isnan(value))
                QCOMPARE(floatToBfloat16(value), static_cast<std::uint16_t>(i));
            else
                QVERIFY(std::isnan(bfloat16ToFloat(floatToBfloat16(value))));
        }
    }

    void roundingToHalfIsToNearestEven()
    {
        // Between each pair of neighbours: the middle goes to the even code, a hair beside it to the nearer one.
        for (std::uint16_t code = 0; code < 0x7bff; ++code) {
            const float low = halfToFloat(code);
            const float high = halfToFloat(static_cast<std::uint16_t>(code + 1));
            const float middle = 0.5F * (low + high); // exact in float32
            const auto even = static_cast<std::uint16_t>(code + (code & 1));
            QCOMPARE(floatToHalf(middle), even);
            QCOMPARE(floatToHalf(std::nextafter(middle, 0.0F)), code);
            QCOMPARE(floatToHalf(std::nextafter(middle, kInfinity)), static_cast<std::uint16_t>(code + 1));
        }
    }

    // Values from the OCP 8-bit floating point specification (OFP8) and, for "fnuz", from the definition: bias 8
    // and 16.
    void eightBitFloats_data()
    {
        QTest::addColumn<float>("actual");
        QTest::addColumn<float>("expected");
        const float nan = std::numeric_limits<float>::quiet_NaN();
        QTest::addRow("e4m3 largest") << kFloat8E4M3[0x7e] << 448.0F;
        QTest::addRow("e4m3 smallest normal") << kFloat8E4M3[0x08] << 0x1p-6F;
        QTest::addRow("e4m3 smallest") << kFloat8E4M3[0x01] << 0x1p-9F;
        QTest::addRow("e4m3 minus zero") << kFloat8E4M3[0x80] << -0.0F;
        QTest::addRow("e4m3 NaN") << kFloat8E4M3[0x7f] << nan;
        QTest::addRow("e4m3 negative NaN") << kFloat8E4M3[0xff] << nan;
        QTest::addRow("e5m2 largest") << kFloat8E5M2[0x7b] << 57344.0F;
        QTest::addRow("e5m2 smallest normal") << kFloat8E5M2[0x04] << 0x1p-14F;
        QTest::addRow("e5m2 smallest") << kFloat8E5M2[0x81] << -0x1p-16F;
        QTest::addRow("e5m2 infinity") << kFloat8E5M2[0xfc] << -kInfinity;
        QTest::addRow("e5m2 NaN") << kFloat8E5M2[0x7d] << nan;
        QTest::addRow("e4m3fnuz largest") << kFloat8E4M3Fnuz[0x7f] << 240.0F;
        QTest::addRow("e4m3fnuz NaN") << kFloat8E4M3Fnuz[0x80] << nan;
        QTest::addRow("e4m3fnuz smallest") << kFloat8E4M3Fnuz[0x01] << 0x1p-10F;
        QTest::addRow("e5m2fnuz largest") << kFloat8E5M2Fnuz[0x7f] << 57344.0F;
        QTest::addRow("e5m2fnuz NaN") << kFloat8E5M2Fnuz[0x80] << nan;
        QTest::addRow("e8m0 one") << exponentOnlyToFloat(127) << 1.0F;
        QTest::addRow("e8m0 smallest") << exponentOnlyToFloat(0) << 0x1p-127F;
        QTest::addRow("e8m0 largest") << exponentOnlyToFloat(254) << 0x1p127F;
        QTest::addRow("e8m0 NaN") << exponentOnlyToFloat(255) << nan;
    }
    void eightBitFloats()
    {
        QFETCH(float, actual);
        QFETCH(float, expected);
        QVERIFY2(isSame(actual, expected), std::to_string(actual).c_str());
    }
};

QTEST_GUILESS_MAIN(TstSmallFloats)
#include "tst_small_floats.moc"
