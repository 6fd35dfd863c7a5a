// SPDX-License-Identifier: Apache-2.0
#include "core/evaluation/metric_kind.h"

#include <QtTest>

#include <string>

using namespace paretoscope::core;

namespace {

Json json(const std::string& text)
{
    return parseJson(text, "row").value();
}

Sha256Digest digestThatBegins(const std::string& hex)
{
    return Sha256Digest::fromHex(hex + std::string(64 - hex.size(), '0')).value();
}

} // namespace

class TstMetricKind : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void everyKindIsComplete()
    {
        for (const MetricKind& kind : metricKinds()) {
            QCOMPARE(findMetricKind(kind.name).value(), &kind);
            QVERIFY2(!kind.doc.empty() && !kind.values.empty(), kind.name.data());
            const Json options = kind.complete({{std::string(kind.file), "data/x.txt"}}).value();
            // Completing twice changes nothing, so equal measurements have equal options.
            QCOMPARE(canonicalJson(kind.complete(options).value()), canonicalJson(options));
            const std::string id = kind.protocolId(options, {digestThatBegins("d790b833"), digestThatBegins("ba5e")});
            QVERIFY2(id.find("/x.txt#d790b833/") != std::string::npos, id.c_str());
            QCOMPARE(id.find("/baseline-ba5e0000") != std::string::npos, kind.compares);
        }
    }

    void idsSpellEveryOption_data()
    {
        QTest::addColumn<QString>("metric");
        QTest::addColumn<QString>("options");
        QTest::addColumn<QString>("id");
        const auto row = [](const char* metric, const char* options, const char* id) {
            QTest::addRow("%s", metric) << QString::fromLatin1(metric) << QString::fromLatin1(options)
                                        << QString::fromLatin1(id);
        };
        row("perplexity", R"({"corpus": "a/wiki.txt", "windows": 32})",
            "perplexity.window/wiki.txt#d790b833/512/first0+32/bos-none/join-raw/score-all");
        row("bits_per_byte", R"({"corpus": "a/wiki.txt", "length": 64, "first": 2})",
            "bits_per_byte.document/wiki.txt#d790b833/64/first2+all/bos-first/join-raw");
        row("kl_divergence", R"({"corpus": "a/wiki.txt", "score": "second-half", "baseline": "m"})",
            "kl_divergence.window/wiki.txt#d790b833/512/first0+all/bos-auto/join-raw/score-second-half/"
            "baseline-ba5e0000");
        row("task", R"({"file": "a/arc.jsonl", "limit": 30, "order": "shuffled"})",
            "task.likelihood/arc.jsonl#d790b833/order-shuffled/limit-30/bos-auto");
        row("greedy_match", R"({"corpus": "a/wiki.txt", "prompts": 10})",
            "greedy_match.window/wiki.txt#d790b833/prompt64/tokens64/first0+10/join-raw/baseline-ba5e0000");
    }
    void idsSpellEveryOption()
    {
        QFETCH(QString, metric);
        QFETCH(QString, options);
        QFETCH(QString, id);
        const MetricKind* kind = findMetricKind(metric.toStdString()).value();
        const Json complete = kind->complete(json(options.toStdString())).value();
        QCOMPARE(QString::fromStdString(
                     kind->protocolId(complete, {digestThatBegins("d790b833"), digestThatBegins("ba5e")})),
                 id);
    }

    void wrongOptionsAreNamed_data()
    {
        QTest::addColumn<QString>("metric");
        QTest::addColumn<QString>("options");
        QTest::addColumn<QString>("message");
        QTest::addColumn<QString>("hint");
        const auto row = [](const char* tag, const char* metric, const char* options, const char* message,
                            const char* hint) {
            QTest::addRow("%s", tag) << QString::fromLatin1(metric) << QString::fromLatin1(options)
                                     << QString::fromLatin1(message) << QString::fromLatin1(hint);
        };
        row("misspelt", "task", R"({"file": "t", "limt": 3})", "there is no option \"limt\"", "limit");
        row("negative limit", "task", R"({"file": "t", "limit": -1})", "limit must be", "");
        row("no file", "task", R"({"limit": 1})", "file must be a file name", "");
        row("unknown order", "task", R"({"file": "t", "order": "random"})", "file or shuffled", "");
        row("a stride means nothing", "bits_per_byte", R"({"corpus": "t", "stride": 8})",
            "there is no option \"stride\"", "");
        row("baseline is a number", "kl_divergence", R"({"corpus": "t", "baseline": 3})", "baseline must be a model",
            "");
        row("misspelt beside a baseline", "kl_divergence", R"({"corpus": "t", "baseline": "m", "lenght": 3})",
            "there is no option \"lenght\"", "length");
        row("no tokens", "greedy_match", R"({"corpus": "t", "tokens": 0})", "tokens must be", "");
    }
    void wrongOptionsAreNamed()
    {
        QFETCH(QString, metric);
        QFETCH(QString, options);
        QFETCH(QString, message);
        QFETCH(QString, hint);
        const auto complete = findMetricKind(metric.toStdString()).value()->complete(json(options.toStdString()));
        QVERIFY(!complete.ok());
        QCOMPARE(complete.error().code, ErrorCode::InvalidArgument);
        const QString found = QString::fromStdString(withoutReader(complete.error().message));
        QVERIFY2(found.startsWith(message) || found.contains(message), qPrintable(found));
        QVERIFY2(QString::fromStdString(complete.error().hint).contains(hint), complete.error().hint.c_str());
    }

    void unknownMetricNamesTheNearOne()
    {
        const auto found = findMetricKind("kl_divergense");
        QVERIFY(!found.ok());
        QVERIFY2(found.error().hint.find("kl_divergence") != std::string::npos, found.error().hint.c_str());
    }
};

QTEST_GUILESS_MAIN(TstMetricKind)
#include "tst_metric_kind.moc"
