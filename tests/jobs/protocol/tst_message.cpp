// SPDX-License-Identifier: Apache-2.0
#include "jobs/protocol/channel.h"
#include "jobs/protocol/message.h"

#include <QRandomGenerator>
#include <QtTest>

#include <csignal>
#include <string>

#include <unistd.h>

using namespace paretoscope;
using jobs::FrameReader;
using jobs::Message;

namespace {

std::string header(std::uint32_t length)
{
    std::string bytes = "PSC1";
    for (int i = 0; i < 4; ++i)
        bytes += static_cast<char>((length >> (8 * i)) & 0xff);
    return bytes;
}

std::string frameOf(std::string_view json)
{
    return header(static_cast<std::uint32_t>(json.size())) + std::string(json);
}

} // namespace

class TstMessage : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void frameHasTheDocumentedBytes()
    {
        QCOMPARE(jobs::encodeFrame({"ab", {{"x", 1}}}), std::string("PSC1\x13\0\0\0{\"type\":\"ab\",\"x\":1}", 27));
    }

    void messagesSurviveAnyCutting_data()
    {
        QTest::addColumn<int>("chunk");
        QTest::addRow("byte by byte") << 1;
        QTest::addRow("three bytes") << 3;
        QTest::addRow("odd chunks") << 17;
        QTest::addRow("all at once") << 1'000'000;
    }
    void messagesSurviveAnyCutting()
    {
        QFETCH(int, chunk);
        std::string stream;
        for (int i = 0; i < 50; ++i)
            stream += jobs::encodeFrame({"progress", {{"task", i}, {"phase", std::string(std::size_t(i), 'x')}}});
        FrameReader reader;
        int received = 0;
        for (std::size_t at = 0; at < stream.size(); at += std::size_t(chunk)) {
            reader.feed(std::string_view(stream).substr(at, std::size_t(chunk)));
            for (;;) {
                const auto next = reader.next();
                QVERIFY2(next.ok(), next.ok() ? "" : next.error().message.c_str());
                if (!next.value())
                    break;
                QCOMPARE(next.value()->type, std::string("progress"));
                QCOMPARE(jobs::taskOf(*next.value()), received);
                QVERIFY(!next.value()->body.contains("type"));
                ++received;
            }
        }
        QCOMPARE(received, 50);
        QCOMPARE(reader.pending(), std::size_t(0));
    }

    void largeMessageArrives()
    {
        const std::string text(std::size_t(20) << 20, 'z');
        const std::string frame = jobs::encodeFrame({"done", {{"result", text}}});
        FrameReader reader;
        for (std::size_t at = 0; at < frame.size(); at += 65536) {
            QVERIFY(!reader.next().value());
            reader.feed(std::string_view(frame).substr(at, 65536));
        }
        const auto next = reader.next();
        QVERIFY(next.ok() && next.value());
        QCOMPARE(next.value()->body.at("result").get<std::string>().size(), text.size());
    }

    void badStreamIsLost_data()
    {
        QTest::addColumn<std::string>("bytes");
        QTest::addColumn<std::string>("told");
        QTest::addRow("a printed line") << std::string("Loading plugin...\n") << std::string("Loading plugin....");
        QTest::addRow("wrong from the third byte") << std::string("PSX") << std::string("PSX");
        QTest::addRow("length beyond the limit") << header(0xffffffffU) << std::string("4294967295");
        QTest::addRow("no JSON") << frameOf("{oops}") << std::string("JSON");
        QTest::addRow("array") << frameOf("[1]") << std::string("no object");
        QTest::addRow("no type") << frameOf("{\"a\":1}") << std::string("\"type\"");
        QTest::addRow("type is a number") << frameOf("{\"type\":1}") << std::string("\"type\"");
        QTest::addRow("empty frame") << header(0) << std::string("JSON");
        QTest::addRow("nested too deep") << frameOf("{\"type\":\"a\",\"b\":" + std::string(100, '[') +
                                                    std::string(100, ']') + "}")
                                         << std::string("nested");
    }
    void badStreamIsLost()
    {
        QFETCH(std::string, bytes);
        QFETCH(std::string, told);
        FrameReader reader;
        reader.feed(jobs::encodeFrame({"heartbeat"}));
        reader.feed(bytes);
        QVERIFY(reader.next().value()); // what came before is not lost
        const auto bad = reader.next();
        QVERIFY(!bad.ok());
        QCOMPARE(bad.error().code, core::ErrorCode::Corrupt);
        QVERIFY2(bad.error().message.find(told) != std::string::npos, bad.error().message.c_str());
        reader.feed(jobs::encodeFrame({"heartbeat"}));
        QVERIFY(!reader.next().ok()); // no way back
    }

    void damagedStreamsAreRefusedNotFollowed()
    {
        QRandomGenerator random(7);
        std::string good;
        for (int i = 0; i < 5; ++i)
            good += jobs::encodeFrame({"progress", {{"task", i}, {"phase", "apply"}}});
        int refused = 0;
        for (int round = 0; round < 3000; ++round) {
            std::string stream = good;
            for (int damage = 0; damage < 3; ++damage)
                stream[std::size_t(random.bounded(int(stream.size())))] = static_cast<char>(random.bounded(256));
            FrameReader reader;
            reader.feed(stream);
            for (int i = 0; i < 6; ++i) { // never more messages than were sent
                const auto next = reader.next();
                if (!next.ok()) {
                    ++refused;
                    break;
                }
                QVERIFY(i < 5 || !next.value());
            }
        }
        QVERIFY(refused > 1000);
    }

    void tornFrameIsPending()
    {
        const std::string frame = jobs::encodeFrame({"hello", {{"pid", 1}}});
        FrameReader reader;
        reader.feed(std::string_view(frame).substr(0, frame.size() - 1));
        QVERIFY(!reader.next().value());
        QCOMPARE(reader.pending(), frame.size() - 1);
    }

    void failureKeepsEveryCode_data()
    {
        QTest::addColumn<core::ErrorCode>("code");
        for (const auto code : {core::ErrorCode::InvalidArgument, core::ErrorCode::NotFound, core::ErrorCode::Io,
                                core::ErrorCode::Corrupt, core::ErrorCode::Busy, core::ErrorCode::OutOfMemory,
                                core::ErrorCode::Numerical, core::ErrorCode::Cancelled, core::ErrorCode::Unsupported})
            QTest::addRow("%s", std::string(core::errorCodeName(code)).c_str()) << code;
    }
    void failureKeepsEveryCode()
    {
        QFETCH(core::ErrorCode, code);
        const core::Error error {code, "layer 3: it broke", "do this"};
        QVERIFY(jobs::errorFromFailure(jobs::failureBody(error)) == error);
    }

    void failureWithoutTextSaysSo()
    {
        QVERIFY(!jobs::errorFromFailure(core::Json::object()).message.empty());
        QVERIFY(!jobs::errorFromFailure({{"message", 7}}).message.empty());
    }

    void invalidUtf8IsReplaced()
    {
        FrameReader reader;
        reader.feed(jobs::encodeFrame({"failed", {{"message", "bad \xff byte"}}}));
        const auto next = reader.next();
        QVERIFY(next.ok() && next.value());
    }

    void writerTellsThatTheReaderIsGone()
    {
        std::signal(SIGPIPE, SIG_IGN);
        int ends[2];
        QCOMPARE(::pipe(ends), 0);
        jobs::FrameWriter writer(ends[1]);
        QVERIFY(writer.send({"heartbeat"}).ok());
        ::close(ends[0]);
        const auto sent = writer.send({"heartbeat"});
        QVERIFY(!sent.ok());
        QCOMPARE(sent.error().code, core::ErrorCode::Io);
        ::close(ends[1]);
    }

    void writerRefusesWhatNoReaderTakes()
    {
        jobs::FrameWriter writer(-1);
        const auto sent = writer.send({"done", {{"result", std::string(jobs::kMaxFrameBytes, 'x')}}});
        QVERIFY(!sent.ok());
        QCOMPARE(sent.error().code, core::ErrorCode::InvalidArgument);
    }
};

QTEST_GUILESS_MAIN(TstMessage)
#include "tst_message.moc"
