// SPDX-License-Identifier: Apache-2.0
#include "app/command_line/console.h"

#include <QtTest>

#include <map>

using namespace paretoscope;
using namespace paretoscope::app;

namespace {

Environment environmentOf(const QStringList& assignments)
{
    std::map<std::string, std::string> values;
    for (const QString& assignment : assignments)
        values[assignment.section(QLatin1Char('='), 0, 0).toStdString()] =
            assignment.section(QLatin1Char('='), 1).toStdString();
    return [values](const char* name) {
        const auto found = values.find(name);
        return found == values.end() ? std::nullopt : std::optional<std::string>(found->second);
    };
}

/// What a stream received.
class Capture
{
public:
    Capture()
        : m_file(std::tmpfile())
    {}
    ~Capture() { std::fclose(m_file); }
    std::FILE* file() const { return m_file; }
    QByteArray text() const
    {
        std::fflush(m_file);
        QByteArray all(static_cast<int>(std::ftell(m_file)), '\0');
        std::rewind(m_file);
        const std::size_t read = std::fread(all.data(), 1, static_cast<std::size_t>(all.size()), m_file);
        all.truncate(static_cast<int>(read));
        return all;
    }

private:
    std::FILE* m_file;
};

} // namespace

class TstConsole : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void colourFollowsItsConventions_data()
    {
        QTest::addColumn<int>("mode");
        QTest::addColumn<bool>("terminal");
        QTest::addColumn<QStringList>("environment");
        QTest::addColumn<bool>("expected");
        const int automatic = int(ColourMode::Auto);
        const int always = int(ColourMode::Always);
        const int never = int(ColourMode::Never);
        const QString term = QStringLiteral("TERM=xterm-256color");
        QTest::addRow("terminal") << automatic << true << QStringList {term} << true;
        QTest::addRow("pipe") << automatic << false << QStringList {term} << false;
        QTest::addRow("dumb terminal") << automatic << true << QStringList {QStringLiteral("TERM=dumb")} << false;
        QTest::addRow("no TERM") << automatic << true << QStringList {} << false;
        QTest::addRow("NO_COLOR") << automatic << true << QStringList {term, QStringLiteral("NO_COLOR=1")} << false;
        QTest::addRow("empty NO_COLOR") << automatic << true << QStringList {term, QStringLiteral("NO_COLOR=")} << true;
        QTest::addRow("forced in a pipe")
            << automatic << false << QStringList {QStringLiteral("CLICOLOR_FORCE=1")} << true;
        QTest::addRow("forced 0") << automatic << false << QStringList {QStringLiteral("CLICOLOR_FORCE=0")} << false;
        QTest::addRow("NO_COLOR beats force")
            << automatic << true << QStringList {QStringLiteral("NO_COLOR=1"), QStringLiteral("CLICOLOR_FORCE=1")}
            << false;
        QTest::addRow("always in a pipe") << always << false << QStringList {QStringLiteral("NO_COLOR=1")} << true;
        QTest::addRow("never on a terminal") << never << true << QStringList {term} << false;
    }
    void colourFollowsItsConventions()
    {
        QFETCH(int, mode);
        QFETCH(bool, terminal);
        QFETCH(QStringList, environment);
        QFETCH(bool, expected);
        QCOMPARE(wantsColour(static_cast<ColourMode>(mode), terminal, environmentOf(environment)), expected);
    }

    void resultsAndRemarksGoToTheirStreams()
    {
        const Capture out;
        const Capture err;
        Console console(out.file(), err.file(), environmentOf({}));
        console.line("result");
        console.note("note");
        console.detail("detail");
        console.problem({core::ErrorCode::NotFound, "no \x1b[31mfile", "look"}, "run");
        console.showStatus("never seen: not a terminal");
        QVERIFY(console.flush().ok());
        QCOMPARE(out.text(), QByteArray("result\n"));
        QCOMPARE(err.text(), QByteArray("note\nparetoscope run: no ?[31mfile (look)\n"));
    }

    void quietKeepsErrors()
    {
        const Capture out;
        const Capture err;
        Console console(out.file(), err.file(), environmentOf({}));
        console.setVerbosity(-1);
        console.note("note");
        console.problem({core::ErrorCode::Io, "broken", ""});
        QCOMPARE(err.text(), QByteArray("paretoscope: broken\n"));
    }

    void documentIsOneLineOfUtf8()
    {
        const Capture out;
        const Capture err;
        Console console(out.file(), err.file(), environmentOf({}));
        console.document({{"name", "bad \xff byte"}, {"nan", std::nan("")}});
        QCOMPARE(out.text(), QByteArray("{\"name\":\"bad \xEF\xBF\xBD byte\",\"nan\":null}\n"));
    }

    void fullDiskIsNoticed()
    {
        std::FILE* full = std::fopen("/dev/full", "w");
        if (!full)
            QSKIP("no /dev/full here");
        const Capture err;
        Console console(full, err.file(), environmentOf({}));
        console.line("result");
        QVERIFY(!console.flush().ok());
        std::fclose(full);
    }
};

QTEST_GUILESS_MAIN(TstConsole)
#include "tst_console.moc"
