// SPDX-License-Identifier: Apache-2.0
#include "core/corpus/corpus.h"

#include <QtTest>

#include <string>

using namespace paretoscope::core;

namespace {

Json json(const std::string& text)
{
    return parseJson(text, "row").value();
}

void addRefusal(const char* tag, const char* options, const char* mentions, const char* hint)
{
    QTest::addRow("%s", tag) << std::string(options) << std::string(mentions) << std::string(hint);
}

void addRefusalColumns()
{
    QTest::addColumn<std::string>("options");
    QTest::addColumn<std::string>("mentions");
    QTest::addColumn<std::string>("hint");
}

bool contains(const std::string& text, const std::string& part)
{
    return text.find(part) != std::string::npos;
}

} // namespace

class TstCorpusOptions : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void windowDefaultsAreThoseOfTheHeader()
    {
        const auto protocol = WindowProtocol::fromJson(json(R"({"corpus":"a/wiki.test.tokens"})")).value();
        QCOMPARE(protocol.corpus.string(), std::string("a/wiki.test.tokens"));
        QCOMPARE(canonicalJson(protocol.toJson()), canonicalJson(WindowProtocol {.corpus = protocol.corpus}.toJson()));
    }

    void windowOptionsSurviveTheRoundTrip_data()
    {
        QTest::addColumn<std::string>("options");
        QTest::addRow("all set") << std::string(
            R"({"bos":"each","corpus":"c.txt","first":3,"join":"rows","length":2048,"score":"all","stride":256,"windows":7})");
        QTest::addRow("llama.cpp") << std::string(
            R"({"bos":"none","corpus":"c.txt","first":0,"join":"raw","length":512,"score":"second-half","stride":0,"windows":0})");
        QTest::addRow("llama.cpp with its own rule for BOS") << std::string(
            R"({"bos":"auto","corpus":"c.txt","first":0,"join":"raw","length":512,"score":"second-half","stride":0,"windows":0})");
    }
    void windowOptionsSurviveTheRoundTrip()
    {
        QFETCH(std::string, options);
        QCOMPARE(canonicalJson(WindowProtocol::fromJson(json(options)).value().toJson()), options);
    }

    void protocolIdSpellsWhatChangesTheNumber_data()
    {
        QTest::addColumn<std::string>("options");
        QTest::addColumn<std::string>("id");
        const auto add = [](const char* tag, const char* options, const char* id) {
            QTest::addRow("%s", tag) << std::string(options) << std::string(id);
        };
        add("the example of the command line contract", R"({"corpus":"d/wiki.test.tokens","windows":32})",
            "perplexity.window/wiki.test.tokens#d790b833/512/first0+32/bos-none/join-raw/score-all");
        add("all windows", R"({"corpus":"c.txt"})",
            "perplexity.window/c.txt#d790b833/512/first0+all/bos-none/join-raw/score-all");
        add("overlapping windows", R"({"corpus":"c.txt","stride":256})",
            "perplexity.window/c.txt#d790b833/512/stride256/first0+all/bos-none/join-raw/score-all");
        add("a stride of one length is none", R"({"corpus":"c.txt","stride":512})",
            "perplexity.window/c.txt#d790b833/512/first0+all/bos-none/join-raw/score-all");
        add("llama.cpp's windows", R"({"corpus":"c.txt","score":"second-half"})",
            "perplexity.window/c.txt#d790b833/512/first0+all/bos-auto/join-raw/score-second-half");
        add("everything else",
            R"({"corpus":"c.txt","first":4,"windows":2,"length":16,"bos":"each","join":"rows","score":"second-half"})",
            "perplexity.window/c.txt#d790b833/16/first4+2/bos-each/join-rows/score-second-half");
    }
    void protocolIdSpellsWhatChangesTheNumber()
    {
        QFETCH(std::string, options);
        QFETCH(std::string, id);
        const auto digest =
            Sha256Digest::fromHex("d790b833ef8cf03a90db7bf1271b7520b83c45ce07ba3c1a9699df81e239eca0").value();
        QCOMPARE(WindowProtocol::fromJson(json(options)).value().id("perplexity", digest), id);
    }

    void wrongWindowOptionsAreNamed_data()
    {
        addRefusalColumns();
        addRefusal("misspelt", R"({"corpus":"c","lenght":512})", "\"lenght\"", "length");
        addRefusal("no corpus", R"({"length":512})", "corpus must be a file name, but is missing", ".txt");
        addRefusal("empty corpus", R"({"corpus":""})", "corpus", ".txt");
        addRefusal("length is text", R"({"corpus":"c","length":"long"})", R"("long")", "");
        addRefusal("length is a fraction", R"({"corpus":"c","length":5.5})", "5.5", "");
        addRefusal("length too small", R"({"corpus":"c","length":1})", "length must be an integer from 2", "");
        addRefusal("length too large", R"({"corpus":"c","length":1e300})", "length", "");
        addRefusal("negative windows", R"({"corpus":"c","windows":-1})", "windows", "");
        addRefusal("first beyond int64", R"({"corpus":"c","first":18446744073709551615})", "first", "");
        addRefusal("stride above length", R"({"corpus":"c","length":8,"stride":9})", "stride 9 exceeds length 8",
                   "stride");
        addRefusal("unknown bos", R"({"corpus":"c","bos":"eahc"})", "none, first, each or auto", "each");
        addRefusal("bos is a flag", R"({"corpus":"c","bos":true})", "true", "");
        addRefusal("unknown join", R"({"corpus":"c","join":"lines"})", "raw or rows", "raw");
        addRefusal("stride with second half", R"({"corpus":"c","stride":8,"score":"second-half"})", "exclude", "");
        addRefusal("second half of two tokens", R"({"corpus":"c","length":2,"score":"second-half"})", "at least 4", "");
        addRefusal("not a set of options", R"("c.txt")", "set of options", "corpus");
    }
    void wrongWindowOptionsAreNamed()
    {
        QFETCH(std::string, options);
        QFETCH(std::string, mentions);
        QFETCH(std::string, hint);
        const auto protocol = WindowProtocol::fromJson(json(options));
        QVERIFY(!protocol.ok());
        QCOMPARE(protocol.error().code, ErrorCode::InvalidArgument);
        QVERIFY2(contains(protocol.error().message, mentions), protocol.error().sentence().c_str());
        QVERIFY2(contains(protocol.error().hint, hint), protocol.error().sentence().c_str());
    }

    void calibrationNamesTheSeedOnlyWhereItCounts()
    {
        const auto first = CalibrationSpec::fromJson(json(R"({"corpus":"c","samples":32,"length":512,"seed":9})"));
        QCOMPARE(canonicalJson(first.value().toJson()),
                 std::string(R"({"corpus":"c","join":"raw","length":512,"samples":32,"select":"first"})"));
        const auto random =
            CalibrationSpec::fromJson(json(R"({"corpus":"c","select":"random","seed":18446744073709551615})"));
        QCOMPARE(
            canonicalJson(random.value().toJson()),
            std::string(
                R"({"corpus":"c","join":"raw","length":2048,"samples":128,"seed":18446744073709551615,"select":"random"})"));
    }

    void wrongCalibrationOptionsAreNamed_data()
    {
        addRefusalColumns();
        addRefusal("misspelt", R"({"corpus":"c","sample":1})", "\"sample\"", "samples");
        addRefusal("no samples", R"({"corpus":"c","samples":0})", "samples", "");
        addRefusal("unknown selection", R"({"corpus":"c","select":"randon"})", "first or random", "random");
        addRefusal("negative seed", R"({"corpus":"c","seed":-1})", "seed", "");
        addRefusal("fractional seed", R"({"corpus":"c","seed":0.5})", "seed", "");
        addRefusal("more tokens than memory", R"({"corpus":"c","samples":1000000000})", "2^31", "");
    }
    void wrongCalibrationOptionsAreNamed()
    {
        QFETCH(std::string, options);
        QFETCH(std::string, mentions);
        QFETCH(std::string, hint);
        const auto spec = CalibrationSpec::fromJson(json(options));
        QVERIFY(!spec.ok());
        QCOMPARE(spec.error().code, ErrorCode::InvalidArgument);
        QVERIFY2(contains(spec.error().message, mentions), spec.error().sentence().c_str());
        QVERIFY2(contains(spec.error().hint, hint), spec.error().sentence().c_str());
    }
};

QTEST_GUILESS_MAIN(TstCorpusOptions)
#include "tst_corpus_options.moc"
