// SPDX-License-Identifier: Apache-2.0
#include "core/engine/quantization/number_format.h"

#include <QtTest>

#include <cmath>
#include <limits>
#include <map>
#include <vector>

using paretoscope::engine::NumberFormat;

namespace {

/// What a code of a small float means, from its fields.
double meaning(int code, int bits, int mantissaBits, int bias)
{
    const int sign = code >> (bits - 1);
    const int exponent = (code >> mantissaBits) & ((1 << (bits - 1 - mantissaBits)) - 1);
    const double mantissa = code & ((1 << mantissaBits) - 1);
    const double fraction = mantissa / double(1 << mantissaBits);
    const double magnitude = exponent == 0 ? std::ldexp(fraction, 1 - bias) : std::ldexp(1 + fraction, exponent - bias);
    return sign ? -magnitude : magnitude;
}

/// Distinct finite values of a format with the code that they are encoded to.
std::map<float, int> valuesOf(const NumberFormat& format)
{
    std::map<float, int> values;
    for (int code = 0; code < 1 << format.bits; ++code) {
        if (std::isfinite(format.decode(std::uint8_t(code))) && !values.contains(format.decode(std::uint8_t(code))))
            values.emplace(format.decode(std::uint8_t(code)), code);
    }
    return values;
}

} // namespace

class TstNumberFormat : public QObject
{
    Q_OBJECT

    static void addFormats()
    {
        QTest::addColumn<QString>("name");
        for (const NumberFormat& format : NumberFormat::all()) {
            const std::string name(format.name);
            QTest::addRow("%s", name.c_str()) << QString::fromStdString(name);
        }
    }
    static const NumberFormat& named(const QString& name) { return *NumberFormat::find(name.toStdString()); }

private Q_SLOTS:
    void smallFloatsDecodeByTheirFields_data()
    {
        QTest::addColumn<QString>("name");
        QTest::addColumn<int>("mantissaBits");
        QTest::addColumn<int>("bias");
        QTest::addColumn<double>("largest");
        QTest::addColumn<int>("finiteCodes");
        QTest::addColumn<int>("nans");
        const auto row = [](const char* name, int mantissa, int bias, double largest, int finite, int nans) {
            QTest::addRow("%s", name) << QString::fromLatin1(name) << mantissa << bias << largest << finite << nans;
        };
        row("fp4_e2m1", 1, 1, 6, 16, 0);
        row("fp6_e2m3", 3, 1, 7.5, 64, 0);
        row("fp6_e3m2", 2, 3, 28, 64, 0);
        row("fp8_e4m3", 3, 7, 448, 254, 2);
        row("fp8_e5m2", 2, 15, 57344, 248, 6);
    }
    void smallFloatsDecodeByTheirFields()
    {
        QFETCH(QString, name);
        QFETCH(int, mantissaBits);
        QFETCH(int, bias);
        QFETCH(double, largest);
        QFETCH(int, finiteCodes);
        QFETCH(int, nans);
        const NumberFormat& format = named(name);
        int finite = 0;
        int notNumbers = 0;
        for (int code = 0; code < 1 << format.bits; ++code) {
            const float value = format.decode(std::uint8_t(code));
            notNumbers += std::isnan(value) ? 1 : 0;
            if (!std::isfinite(value))
                continue;
            ++finite;
            QCOMPARE(double(value), meaning(code, format.bits, mantissaBits, bias));
        }
        QCOMPARE(finite, finiteCodes);
        QCOMPARE(notNumbers, nans);
        QCOMPARE(double(format.largest), largest);
    }

    void everyValueIsEncodedToItself_data() { addFormats(); }
    void everyValueIsEncodedToItself()
    {
        QFETCH(QString, name);
        const NumberFormat& format = named(name);
        for (const auto& [value, code] : valuesOf(format)) {
            QCOMPARE(format.decode(format.encode(value)), value);
            if (value == 0)
                QVERIFY2(!std::signbit(format.decode(format.encode(-0.0F))), "-0 becomes +0");
        }
    }

    void nearestValueIsTaken_data() { addFormats(); }
    void nearestValueIsTaken()
    {
        QFETCH(QString, name);
        const NumberFormat& format = named(name);
        const auto values = valuesOf(format);
        float before = -std::numeric_limits<float>::infinity();
        for (auto low = values.begin(); std::next(low) != values.end(); ++low) {
            const float high = std::next(low)->first;
            for (const float share : {0.0F, 0.25F, 0.49F, 0.51F, 0.75F, 1.0F}) {
                const float value = low->first + share * (high - low->first);
                const float found = format.decode(format.encode(value));
                QCOMPARE(found, share < 0.5F ? low->first : high);
                QVERIFY2(found >= before, "not monotone");
                before = found;
            }
        }
        // Beyond the ends.
        QCOMPARE(format.decode(format.encode(1e30F)), values.rbegin()->first);
        QCOMPARE(format.decode(format.encode(-1e30F)), values.begin()->first);
    }

    void ties_data()
    {
        QTest::addColumn<QString>("name");
        QTest::addColumn<float>("value");
        QTest::addColumn<float>("expected");
        const auto row = [](const char* name, float value, float expected) {
            QTest::addRow("%s of %g", name, double(value)) << QString::fromLatin1(name) << value << expected;
        };
        // specs quantization 3: |x| <= 0.25 -> 0, < 0.75 -> 0.5, <= 1.25 -> 1, < 1.75 -> 1.5, <= 2.5 -> 2, < 3.5 -> 3,
        // <= 5 -> 4, else 6
        row("fp4_e2m1", 0.25F, 0);
        row("fp4_e2m1", 0.75F, 1);
        row("fp4_e2m1", 1.25F, 1);
        row("fp4_e2m1", 1.75F, 2);
        row("fp4_e2m1", -2.5F, -2);
        row("fp4_e2m1", -3.5F, -4);
        row("fp4_e2m1", 5, 4);
        row("fp4_e2m1", 5.001F, 6);
        row("fp8_e4m3", 465, 448);    // a bare cast gives NaN from 464 on
        row("fp8_e4m3", 0x1p-10F, 0); // half the smallest subnormal
        row("fp8_e4m3", 0x1.8p-9F, 0x1p-8F);
        row("ternary", 0.5F, 0);
        row("ternary", -0.5F, 0);
        row("ternary", -0.501F, -1);
        row("nf4", (0.7229568362236023F + 1) / 2, 0.7229568362236023F); // the lower level
    }
    void ties()
    {
        QFETCH(QString, name);
        QFETCH(float, value);
        QFETCH(float, expected);
        const NumberFormat& format = named(name);
        QCOMPARE(format.decode(format.encode(value)), expected);
    }

    void normalFloatIsMadeOfQuantiles()
    {
        // specs quantization 3: normal quantiles, divided by the largest; found here by bisection of the error
        // function.
        const auto quantile = [](double p) {
            double low = -10;
            double high = 10;
            for (int i = 0; i < 100; ++i) {
                const double middle = (low + high) / 2;
                (0.5 * std::erfc(-middle / std::sqrt(2.0)) < p ? low : high) = middle;
            }
            return low;
        };
        std::vector<double> levels {0};
        for (int i = 0; i < 8; ++i)
            levels.push_back(quantile(0.9677083 + (0.5 - 0.9677083) * i / 8));
        for (int i = 0; i < 7; ++i)
            levels.push_back(-quantile(0.9677083 + (0.5 - 0.9677083) * i / 7));
        std::sort(levels.begin(), levels.end());
        const NumberFormat& format = *NumberFormat::find("nf4");
        for (std::size_t i = 0; i < levels.size(); ++i)
            QVERIFY(std::fabs(levels[i] / levels.back() - double(format.values[i])) < 1e-6);
    }

    void unknownNamesAreNotFound() { QVERIFY(!NumberFormat::find("fp3")); }
};

QTEST_GUILESS_MAIN(TstNumberFormat)
#include "tst_number_format.moc"
