// SPDX-License-Identifier: Apache-2.0
#include "jobs/protocol/handshake.h"

#include <QtTest>

using namespace paretoscope;

class TstHandshake : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void configurationSurvivesTheTrip()
    {
        jobs::Configuration sent;
        sent.threads = 3;
        sent.device = "cuda:1";
        sent.cache = "/c";
        sent.plugins = {"/p", "/q r"};
        sent.architectures = "/a";
        sent.arithmetic = "bfloat16";
        sent.memoryBudget = core::Bytes {std::int64_t(5) << 30};
        sent.cacheLimit = core::Bytes {std::int64_t(7) << 30};
        sent.heartbeatMilliseconds = 250;
        const auto read = jobs::configurationFromJson(jobs::toJson(sent));
        QVERIFY(read.ok());
        QCOMPARE(jobs::toJson(read.value()), jobs::toJson(sent));
        QCOMPARE(read.value().memoryBudget->value, std::int64_t(5) << 30);
        QCOMPARE(read.value().cacheLimit->value, std::int64_t(7) << 30);
        QCOMPARE(read.value().arithmetic, std::string("bfloat16"));
    }

    void helloSurvivesTheTrip()
    {
        jobs::Hello sent;
        sent.build = "0.1.0";
        sent.libtorch = "2.11.0";
        sent.plugins = {"quantization/rtn"};
        sent.device = "cpu";
        sent.threads = 2;
        sent.pid = 77;
        sent.description = {{"devices", {"cpu"}}};
        const auto read = jobs::helloFromJson(jobs::toJson(sent));
        QVERIFY(read.ok());
        QCOMPARE(jobs::toJson(read.value()), jobs::toJson(sent));
    }

    void strangersAreRefused_data()
    {
        QTest::addColumn<std::string>("body");
        QTest::addColumn<core::ErrorCode>("code");
        QTest::addRow("no version") << std::string("{}") << core::ErrorCode::Unsupported;
        QTest::addRow("newer") << std::string(R"({"protocol":99})") << core::ErrorCode::Unsupported;
        QTest::addRow("version is text") << std::string(R"({"protocol":"1"})") << core::ErrorCode::Unsupported;
        QTest::addRow("threads is text") << std::string(R"({"protocol":1,"threads":"2"})") << core::ErrorCode::Corrupt;
    }
    void strangersAreRefused()
    {
        QFETCH(std::string, body);
        QFETCH(core::ErrorCode, code);
        const auto json = core::parseJson(body, "row").value();
        const auto configuration = jobs::configurationFromJson(json);
        const auto hello = jobs::helloFromJson(json);
        QVERIFY(!configuration.ok() && !hello.ok());
        QCOMPARE(configuration.error().code, code);
        QCOMPARE(hello.error().code, code);
        QVERIFY(!hello.error().hint.empty());
    }

    void unknownFieldsAreIgnored()
    {
        QVERIFY(jobs::helloFromJson({{"protocol", jobs::kProtocolVersion}, {"moon_phase", "full"}}).ok());
    }
};

QTEST_GUILESS_MAIN(TstHandshake)
#include "tst_handshake.moc"
