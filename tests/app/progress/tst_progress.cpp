// SPDX-License-Identifier: Apache-2.0
#include "app/format/text.h"
#include "app/progress/progress_reporter.h"

#include <QtTest>

using namespace paretoscope;
using namespace paretoscope::app;

namespace {

ProgressState state(int total, int done, int skipped, double elapsed)
{
    ProgressState s;
    s.total = total;
    s.done = done;
    s.skipped = skipped;
    s.elapsedSeconds = elapsed;
    return s;
}

/// A console whose stderr can be read back.
struct Captured
{
    std::FILE* out = std::tmpfile();
    std::FILE* err = std::tmpfile();
    Console console {out, err, [](const char*) { return std::optional<std::string>(); }};
    ~Captured()
    {
        std::fclose(out);
        std::fclose(err);
    }
    QByteArray text() const
    {
        QByteArray all(static_cast<int>(std::ftell(err)), '\0');
        std::rewind(err);
        const std::size_t got = std::fread(all.data(), 1, static_cast<std::size_t>(all.size()), err);
        all.truncate(static_cast<int>(got));
        return all;
    }
};

} // namespace

class TstProgress : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void remainingTimeFollowsThePace()
    {
        QVERIFY(!state(10, 0, 0, 5).remainingSeconds());
        QCOMPARE(*state(10, 5, 0, 20).remainingSeconds(), 20.0);
        // Two of the five were there before: the pace is three in 30 s.
        QCOMPARE(*state(10, 5, 2, 30).remainingSeconds(), 50.0);
        QCOMPARE(*state(10, 10, 0, 30).remainingSeconds(), 0.0);
        QVERIFY(!state(10, 4, 4, 1).remainingSeconds());
    }

    void trialInWorkCountsPartly()
    {
        ProgressState s = state(2, 0, 0, 10);
        s.active.push_back({"gptq(bits=3)", "evaluate", 16, 32});
        QCOMPARE(s.fraction(), 0.7 / 2);
        s.active[0].phase = "something new";
        QCOMPARE(s.fraction(), 0.0);
    }

    void barFitsAnyTerminal_data()
    {
        QTest::addColumn<int>("width");
        for (const int width : {0, 1, 10, 20, 39, 40, 59, 60, 79, 80, 120, 200})
            QTest::addRow("%d", width) << width;
    }
    void barFitsAnyTerminal()
    {
        QFETCH(int, width);
        ProgressState s = state(12, 5, 0, 12);
        s.failed = 1;
        s.active.push_back({"gptq(bits=3,group_size=64) + eora(rank=16)", "evaluate", 12, 32});
        s.active.push_back({"rtn(bits=3)", "load", 0, 0});
        const std::string line = barLine(s, width);
        QVERIFY2(displayWidth(line) <= static_cast<std::size_t>(width), line.c_str());
        QVERIFY2(line.find('\n') == std::string::npos, line.c_str());
    }

    void barTellsAll()
    {
        ProgressState s = state(12, 6, 0, 12);
        s.failed = 1;
        s.active.push_back({"gptq(bits=3)", "evaluate", 0, 32});
        s.active.push_back({"rtn(bits=3)", "load", 0, 0});
        QCOMPARE(
            QString::fromStdString(barLine(s, 120)),
            QStringLiteral("[##########..........] 6/12 (1 failed) gptq(bits=3): evaluate 0/32 +1  12 s, 11 s left"));
    }

    void linesInWords()
    {
        ProgressState s = state(12, 6, 0, 12);
        s.failed = 1;
        QCOMPARE(plainLine(s), std::string("6/12 trials (50 %), 1 failed, 12 s elapsed, about 12 s left"));
        ProgressState one;
        one.active.push_back({"", "evaluate", 8, 32});
        one.elapsedSeconds = 3;
        QCOMPARE(plainLine(one), std::string("evaluate 8/32, 3.0 s elapsed, about 9.0 s left"));
    }

    void plainIsOneLinePerTenPercentOrMinute()
    {
        Captured captured;
        const auto reporter = makeProgressReporter("auto", captured.console);
        reporter->update(state(100, 0, 0, 0));
        for (int done = 1; done <= 30; ++done)
            reporter->update(state(100, done, 0, done));
        QCOMPARE(captured.text().count('\n'), 3);
        reporter->update(state(100, 30, 0, 80));
        QCOMPARE(captured.text().count('\n'), 3);
        reporter->update(state(100, 30, 0, 91));
        reporter->finish(state(100, 30, 0, 91));
        QCOMPARE(captured.text().count('\n'), 4);
        QVERIFY(!captured.text().contains('\r') && !captured.text().contains('\x1b'));
    }

    void whatWasThereNeedsNoLine()
    {
        Captured captured;
        const auto reporter = makeProgressReporter("plain", captured.console);
        reporter->update(state(10, 8, 8, 0));
        QCOMPARE(captured.text(), QByteArray());
    }

    void barInAPipeIsPlain()
    {
        Captured captured;
        const auto reporter = makeProgressReporter("bar", captured.console);
        reporter->update(state(10, 0, 0, 0));
        reporter->update(state(10, 5, 0, 5));
        QCOMPARE(captured.text(), QByteArray("5/10 trials (50 %), 5.0 s elapsed, about 5.0 s left\n"));
    }

    void quietShowsNothingUnlessAsked()
    {
        Captured captured;
        captured.console.setVerbosity(-1);
        const auto reporter = makeProgressReporter("auto", captured.console);
        reporter->update(state(10, 0, 0, 0));
        reporter->update(state(10, 5, 0, 5));
        QCOMPARE(captured.text(), QByteArray());
        const auto none = makeProgressReporter("none", captured.console);
        none->update(state(10, 10, 0, 5));
        QCOMPARE(captured.text(), QByteArray());
    }

    void jsonIsOneDocumentALine()
    {
        Captured captured;
        const auto reporter = makeProgressReporter("json", captured.console);
        reporter->update(state(10, 0, 0, 0));
        reporter->update(state(10, 0, 0, 0.5)); // too soon
        ProgressState s = state(10, 1, 0, 0.6);
        s.active.push_back({"rtn(bits=3)", "load", 0, 1});
        reporter->update(s);
        reporter->finish(state(10, 10, 0, 5));
        const QList<QByteArray> lines = captured.text().trimmed().split('\n');
        QCOMPARE(lines.size(), 3);
        const core::Json second = core::Json::parse(lines[1].toStdString());
        QCOMPARE(second["schema"].get<std::string>(), std::string("paretoscope.progress/1"));
        QCOMPARE(second["done"].get<int>(), 1);
        QCOMPARE(second["active"][0]["phase"].get<std::string>(), std::string("load"));
    }
};

QTEST_GUILESS_MAIN(TstProgress)
#include "tst_progress.moc"
