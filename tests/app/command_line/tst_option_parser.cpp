// SPDX-License-Identifier: Apache-2.0
#include "app/command_line/option_parser.h"

#include <QtTest>

using namespace paretoscope;
using namespace paretoscope::app;

namespace {

/// A verb's worth of targets.
struct Targets
{
    std::string file;
    std::vector<std::string> rest;
    int jobs = 0;
    std::string retry = "interrupted";
    std::vector<std::string> set;
    bool dry = false;
    int verbose = 0;
    bool help = false;

    OptionTable table()
    {
        OptionTable options;
        options.text("SWEEP", "", file, "The sweep file. YAML.").required = true;
        options.integer("--jobs", "N", jobs, {1, 64}, "Workers.").setting = "jobs";
        options.choice("--retry", retry, {"failed", "interrupted", "none"}, "What to try again.");
        options.list("--set", "PATH=VALUE", set, "Overrides.");
        options.flag("--dry-run", dry, "Only tell.");
        OptionSpec& more = options.custom("--verbose", "", "More.", [this](const std::string&) {
            ++verbose;
            return core::success();
        });
        more.shortName = "-v";
        more.repeatable = true;
        options.flag("--help", help, "Help.").shortName = "-h";
        return options;
    }
};

std::vector<std::string> words(const QString& line)
{
    std::vector<std::string> list;
    for (const QString& word : line.split(QLatin1Char(' '), Qt::SkipEmptyParts))
        list.push_back(word.toStdString());
    return list;
}

Settings noSettings()
{
    return Settings::read("/nonexistent", [](const char*) { return std::nullopt; }, {});
}

} // namespace

class TstOptionParser : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void acceptsEverySpelling_data()
    {
        QTest::addColumn<QString>("line");
        QTest::addColumn<QString>("expected"); // file jobs retry set dry verbose
        const auto row = [](const char* tag, const char* line, const char* expected) {
            QTest::addRow("%s", tag) << QString::fromUtf8(line) << QString::fromUtf8(expected);
        };
        row("argument alone", "a.yaml", "a.yaml 0 interrupted [] 0 0");
        row("value after a space", "a.yaml --jobs 3", "a.yaml 3 interrupted [] 0 0");
        row("value after =", "--jobs=3 a.yaml", "a.yaml 3 interrupted [] 0 0");
        row("the last of two counts", "a.yaml --jobs 3 --jobs 4", "a.yaml 4 interrupted [] 0 0");
        row("choice", "--retry failed a.yaml", "a.yaml 0 failed [] 0 0");
        row("repeatable keeps order", "--set b=1 a.yaml --set a=2,3", "a.yaml 0 interrupted [b=1|a=2,3] 0 0");
        row("flags", "a.yaml --dry-run -vv", "a.yaml 0 interrupted [] 1 2");
        row("flags one by one", "a.yaml -v --verbose -v", "a.yaml 0 interrupted [] 0 3");
        row("dash is an argument", "-", "- 0 interrupted [] 0 0");
        row("double dash ends the options", "--dry-run -- --jobs", "--jobs 0 interrupted [] 1 0");
        row("option as value on purpose", "a.yaml --set=--jobs", "a.yaml 0 interrupted [--jobs] 0 0");
    }
    void acceptsEverySpelling()
    {
        QFETCH(QString, line);
        QFETCH(QString, expected);
        Targets t;
        const OptionTable table = t.table();
        const auto parsed = parseOptions(table, words(line), noSettings(), "run");
        QVERIFY2(parsed.ok(), parsed.ok() ? "" : parsed.error().sentence().c_str());
        QStringList set;
        for (const std::string& s : t.set)
            set << QString::fromStdString(s);
        QCOMPARE(QStringLiteral("%1 %2 %3 [%4] %5 %6")
                     .arg(QString::fromStdString(t.file))
                     .arg(t.jobs)
                     .arg(QString::fromStdString(t.retry), set.join(QLatin1Char('|')))
                     .arg(t.dry)
                     .arg(t.verbose),
                 expected);
    }

    void errorNamesOptionAndRemedy_data()
    {
        QTest::addColumn<QString>("line");
        QTest::addColumn<QStringList>("parts");
        const auto row = [](const char* tag, const char* line, const QStringList& parts) {
            QTest::addRow("%s", tag) << QString::fromUtf8(line) << parts;
        };
        row("unknown option", "a.yaml --jbos 3", {QStringLiteral("--jbos"), QStringLiteral("did you mean \"--jobs\"")});
        row("unknown option with value", "a --jbos=3",
            {QStringLiteral("\"--jbos\""), QStringLiteral("did you mean \"--jobs\"")});
        row("unknown without a near one", "a --frobnicate",
            {QStringLiteral("--frobnicate"), QStringLiteral("paretoscope help run")});
        row("surplus argument", "a.yaml b.yaml", {QStringLiteral("\"b.yaml\"")});
        row("no number", "a --jobs many",
            {QStringLiteral("--jobs"), QStringLiteral("many"), QStringLiteral("1 to 64")});
        row("fraction", "a --jobs 1.5", {QStringLiteral("--jobs"), QStringLiteral("1.5"), QStringLiteral("1 to 64")});
        row("out of range", "a --jobs 65", {QStringLiteral("--jobs"), QStringLiteral("65"), QStringLiteral("1 to 64")});
        row("too large for any integer", "a --jobs 99999999999999999999", {QStringLiteral("1 to 64")});
        row("empty number", "a --jobs=", {QStringLiteral("--jobs")});
        row("wrong choice", "a --retry faild", {QStringLiteral("--retry"), QStringLiteral("did you mean \"failed\"")});
        row("value missing at the end", "a --jobs", {QStringLiteral("--jobs needs a value"), QStringLiteral("N")});
        row("value is an option", "a --jobs --dry-run", {QStringLiteral("--jobs"), QStringLiteral("--dry-run")});
        row("flag with a value", "a --dry-run=maybe", {QStringLiteral("--dry-run"), QStringLiteral("no value")});
        row("argument missing", "--jobs 3", {QStringLiteral("SWEEP is missing: The sweep file")});
        row("short option unknown", "a -x", {QStringLiteral("-x")});
    }
    void errorNamesOptionAndRemedy()
    {
        QFETCH(QString, line);
        QFETCH(QStringList, parts);
        Targets t;
        const OptionTable table = t.table();
        const auto parsed = parseOptions(table, words(line), noSettings(), "run");
        QVERIFY(!parsed.ok());
        QCOMPARE(parsed.error().code, core::ErrorCode::InvalidArgument);
        const QString sentence = QString::fromStdString(parsed.error().sentence());
        for (const QString& part : parts)
            QVERIFY2(sentence.contains(part), qPrintable(sentence));
    }

    void helpNeedsNothingElse()
    {
        Targets t;
        const OptionTable table = t.table();
        QVERIFY(parseOptions(table, {"--help"}, noSettings(), "run").ok());
        QVERIFY(t.help);
    }

    void environmentFillsWhatIsNotGiven()
    {
        const auto environment = [](const char* name) {
            return std::string_view(name) == "PARETOSCOPE_JOBS" ? std::optional<std::string>("7") : std::nullopt;
        };
        const Settings settings = Settings::read("/nonexistent", environment, {"jobs"});
        Targets given;
        const OptionTable first = given.table();
        const auto a = parseOptions(first, {"a", "--jobs", "2"}, settings, "run");
        QVERIFY(a.ok());
        QCOMPARE(given.jobs, 2);
        QCOMPARE(a.value().values.at("--jobs").origin, std::string("--jobs"));
        Targets unset;
        const OptionTable second = unset.table();
        const auto b = parseOptions(second, {"a"}, settings, "run");
        QVERIFY(b.ok());
        QCOMPARE(unset.jobs, 7);
        QCOMPARE(b.value().values.at("--jobs").origin, std::string("PARETOSCOPE_JOBS"));
    }

    void wrongSettingNamesItsOrigin()
    {
        const auto environment = [](const char*) { return std::optional<std::string>("lots"); };
        const Settings settings = Settings::read("/nonexistent", environment, {"jobs"});
        Targets t;
        const OptionTable table = t.table();
        const auto parsed = parseOptions(table, {"a"}, settings, "run");
        QVERIFY(!parsed.ok());
        const QString sentence = QString::fromStdString(parsed.error().sentence());
        QVERIFY2(sentence.contains(QLatin1String("PARETOSCOPE_JOBS")), qPrintable(sentence));
        QVERIFY2(sentence.contains(QLatin1String("lots")), qPrintable(sentence));
    }
};

QTEST_GUILESS_MAIN(TstOptionParser)
#include "tst_option_parser.moc"
