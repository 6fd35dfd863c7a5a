// SPDX-License-Identifier: Apache-2.0
#include "core/search/driver_kind.h"

#include <QtTest>

using namespace paretoscope::core;

class TstDriverKind : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void everyKindMakesItsDriver()
    {
        for (const DriverKind& kind : driverKinds()) {
            Json driver {{std::string(kind.name), driverDefaults(kind)}};
            const auto made = makeDriver(driver, SearchSpace({{5, true}, {4, false}}), 1, planHalving(27, 32, 3, 1));
            QVERIFY2(!made->ask().empty(), std::string(kind.name).c_str());
            QCOMPARE(kindOf(driver).name, kind.name);
        }
    }

    void optionsAreChecked_data()
    {
        QTest::addColumn<std::string>("name");
        QTest::addColumn<std::string>("value");
        QTest::addColumn<std::string>("expected"); // of nsga2; a sentence, or the value
        const auto row = [](const char* name, const char* value, const char* expected) {
            QTest::addRow("%s: %s", name, value) << std::string(name) << std::string(value) << std::string(expected);
        };
        row("population", "24", "24");
        row("population", "24.0", "24");
        row("population", "2.5", "driver.nsga2.population is 2.5, not an integer from 2 to 100000 (the default is 50)");
        row("population", "1", "driver.nsga2.population is 1, not an integer from 2 to 100000");
        row("population", "\"x\"", "driver.nsga2.population is \"x\", not an integer");
        row("populaton", "24", "driver.nsga2: unknown key \"populaton\" (did you mean \"population\"?)");
        row("crossover_probability", "0.5", "0.5");
        row("crossover_probability", "2", "driver.nsga2.crossover_probability is 2, not a number from 0 to 1");
        row("constraints", "\"stored_bytes <= 5e6\"", "[\"stored_bytes <= 5e6\"]");
        row("constraints", "[\"a >= 1\", \"b<=2\"]", "[\"a >= 1\",\"b<=2\"]");
        row("constraints", "[\"stored_bytes < 5\"]", "\"stored_bytes < 5\" is not METRIC <= NUMBER");
        row("constraints", "[5]", "constraints holds 5, not a text");
    }
    void optionsAreChecked()
    {
        QFETCH(std::string, name);
        QFETCH(std::string, value);
        QFETCH(std::string, expected);
        const auto option = driverOption(*findDriverKind("nsga2").value(), name, Json::parse(value));
        const std::string got = option.ok() ? option.value().dump() : option.error().sentence();
        QVERIFY2(got.rfind(expected, 0) == 0, got.c_str());
        QVERIFY(option.ok() || !option.error().hint.empty());
    }

    void unknownDriversAreRefused()
    {
        QCOMPARE(findDriverKind("nsga").error().hint, std::string("did you mean \"nsga2\"?"));
        QCOMPARE(findDriverKind("nsga").error().code, ErrorCode::InvalidArgument);
        QCOMPARE(findDriverKind("evopress").error().code, ErrorCode::Unsupported);
        QVERIFY(findDriverKind("evopress").error().hint.find("successive_halving") != std::string::npos);
    }

    void constraintsMeasureTheirViolation_data()
    {
        QTest::addColumn<std::string>("text");
        QTest::addColumn<double>("value");
        QTest::addColumn<double>("violation");
        QTest::addRow("kept") << std::string("bits <= 4") << 4.0 << 0.0;
        QTest::addRow("a quarter above") << std::string("bits <= 4") << 5.0 << 0.25;
        QTest::addRow("half below") << std::string("acc>=0.8") << 0.4 << 0.5;
        QTest::addRow("of zero") << std::string("kl <= 0") << 0.5 << 0.5;
        QTest::addRow("of a negative bound") << std::string("x >= -2") << -3.0 << 0.5;
    }
    void constraintsMeasureTheirViolation()
    {
        QFETCH(std::string, text);
        QFETCH(double, value);
        QFETCH(double, violation);
        const auto constraint = parseConstraint(text);
        QVERIFY(constraint.ok());
        QCOMPARE(constraint.value().violationAt(value), violation);
    }
};

QTEST_GUILESS_MAIN(TstDriverKind)
#include "tst_driver_kind.moc"
