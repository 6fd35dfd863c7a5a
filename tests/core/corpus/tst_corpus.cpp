// SPDX-License-Identifier: Apache-2.0
#include "core/corpus/corpus.h"

#include "core/base/mapped_file.h"
#include "core/corpus/corpus_text.h"
#include "core/corpus/python_random.h"
#include "core/corpus/rolling_windows.h"

#include <QtTest>

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

using namespace paretoscope::core;
using Ids = std::vector<std::int32_t>;

namespace {

const std::filesystem::path kResources(PARETOSCOPE_RESOURCES);
const std::filesystem::path kWiki = kResources / "demo" / "corpora" / "wiki.test.tokens";

bool contains(const std::string& text, const std::string& part)
{
    return text.find(part) != std::string::npos;
}

Ids joined(const std::vector<Ids>& sequences)
{
    Ids all;
    for (const Ids& ids : sequences)
        all.insert(all.end(), ids.begin(), ids.end());
    return all;
}

} // namespace

class TstCorpus : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void initTestCase();

    void rowsAreJoinedAsTheDataSetHasThem_data();
    void rowsAreJoinedAsTheDataSetHasThem();
    void textIsReadAsItStands();
    void documentsOfJsonLinesAreJoined();
    void badCorporaAreNamed_data();
    void badCorporaAreNamed();

    void windowsAreConsecutive();
    void windowsFollowTheProtocol_data();
    void windowsFollowTheProtocol();
    void shortCorporaAreRefusedWithCounts_data();
    void shortCorporaAreRefusedWithCounts();
    void beginningTokenMustExist();

    void pythonRandomMatchesPublishedValues();
    void calibrationTakesTheFirstTokens();
    void calibrationDrawsAsPythonDoes();
    void shortCalibrationIsRefusedWithCounts_data();
    void shortCalibrationIsRefusedWithCounts();

    void rollingWindowsPredictEachTokenOnce_data();
    void rollingWindowsPredictEachTokenOnce();

private:
    std::filesystem::path write(const std::string& name, const std::string& content)
    {
        const std::filesystem::path path = std::filesystem::path(m_folder.path().toStdString()) / name;
        [&] { QVERIFY(writeFileAtomically(path, content).ok()); }();
        return path;
    }

    QTemporaryDir m_folder;
    std::unique_ptr<Tokenizer> m_tokenizer; ///< of tiny-llama; "a b c" are single tokens
    std::string m_text;                     ///< of m_corpus
    std::filesystem::path m_corpus;         ///< 20 tokens
    Ids m_ids;
};

void TstCorpus::initTestCase()
{
    m_tokenizer = std::make_unique<Tokenizer>(Tokenizer::load(kResources / "models" / "tiny-llama").value());
    m_text = "one two three four five six seven eight nine ten one two three four five six seven eight nine ten";
    m_ids = m_tokenizer->encode(m_text);
    while (m_ids.size() > 20) {
        m_text.pop_back();
        m_ids = m_tokenizer->encode(m_text);
    }
    QCOMPARE(m_ids.size(), std::size_t(20));
    m_corpus = write("short.txt", m_text);
}

void TstCorpus::rowsAreJoinedAsTheDataSetHasThem_data()
{
    QTest::addColumn<std::string>("text");
    QTest::addColumn<std::string>("joined");
    QTest::addRow("six lines, three blank") << std::string(" \n = Title = \n \n First row .\n\nSecond\n")
                                            << std::string("\n\n = Title = \n\n\n\n\n First row .\n\n\n\n\nSecond\n");
    QTest::addRow("no final newline") << std::string("a\nb") << std::string("a\n\n\nb");
    QTest::addRow("empty") << std::string() << std::string();
    QTest::addRow("no-break space is blank") << std::string("\xc2\xa0\nb\n") << std::string("\n\nb\n");
}

void TstCorpus::rowsAreJoinedAsTheDataSetHasThem()
{
    QFETCH(std::string, text);
    QFETCH(std::string, joined);
    QCOMPARE(joinRows(text), joined);
}

void TstCorpus::textIsReadAsItStands()
{
    const std::string text = "\xef\xbb\xbfmark\r\nline\n";
    const auto corpus = readCorpusText(write("bom.txt", text), "raw");
    QCOMPARE(corpus.value().text, text);
    QCOMPARE(corpus.value().digest, sha256(text));
}

void TstCorpus::documentsOfJsonLinesAreJoined()
{
    const std::string lines =
        "\xef\xbb\xbf{\"text\": \"one\\n\", \"id\": 1}\n\n{\"text\": \"\"}\r\n{\"text\": \"\\u00e9\"}";
    const auto corpus = readCorpusText(write("documents.jsonl", lines), "raw");
    QCOMPARE(corpus.value().text, std::string("one\n\n\n\n\n\xc3\xa9"));
    QCOMPARE(corpus.value().digest, sha256(lines));
}

void TstCorpus::badCorporaAreNamed_data()
{
    QTest::addColumn<std::string>("name");
    QTest::addColumn<std::string>("content");
    QTest::addColumn<std::string>("join");
    QTest::addColumn<int>("code");
    QTest::addColumn<std::string>("mentions");
    const auto add = [](const char* tag, const char* name, const std::string& content, const char* join, ErrorCode code,
                        const char* mentions) {
        QTest::addRow("%s", tag) << std::string(name) << content << std::string(join) << static_cast<int>(code)
                                 << std::string(mentions);
    };
    add("Latin-1", "latin.txt", "first line\ncaf\xe9\n", "raw", ErrorCode::Corrupt,
        "byte 0xe9 at position 14 (line 2)");
    add("cut inside a character", "cut.txt", "12345678\xe2\x82", "raw", ErrorCode::Corrupt, "position 8 (line 1)");
    add("surrogate", "surrogate.txt", "\xed\xa0\x80", "raw", ErrorCode::Corrupt, "0xed at position 0");
    add("overlong", "overlong.txt", "\xc0\xaf", "raw", ErrorCode::Corrupt, "0xc0");
    add("not an object", "a.jsonl", "{\"text\":\"x\"}\n[1]\n", "raw", ErrorCode::Corrupt, "line 2");
    add("text missing", "b.jsonl", "{\"Text\":\"x\"}\n", "raw", ErrorCode::Corrupt, "no field \"text\"");
    add("text is a number", "c.jsonl", "{\"text\":1}\n", "raw", ErrorCode::Corrupt, "line 1");
    add("not JSON", "d.jsonl", "hello\n", "raw", ErrorCode::Corrupt, "line 1");
    add("rows of documents", "e.jsonl", "{\"text\":\"x\"}\n", "rows", ErrorCode::InvalidArgument,
        "one document a line");
}

void TstCorpus::badCorporaAreNamed()
{
    QFETCH(std::string, name);
    QFETCH(std::string, content);
    QFETCH(std::string, join);
    QFETCH(int, code);
    QFETCH(std::string, mentions);
    const auto corpus = readCorpusText(write(name, content), join);
    QVERIFY(!corpus.ok());
    QCOMPARE(static_cast<int>(corpus.error().code), code);
    QVERIFY2(contains(corpus.error().message, mentions), corpus.error().sentence().c_str());
    QVERIFY(contains(corpus.error().message, name));
    QVERIFY(!corpus.error().hint.empty());
}

void TstCorpus::windowsAreConsecutive()
{
    const auto windows = readWindows({.corpus = kWiki, .length = 512, .windows = 32}, *m_tokenizer).value();
    QCOMPARE(windows.sequences.size(), std::size_t(32));
    const Ids all = m_tokenizer->encode(readTextFile(kWiki).value());
    const Ids head(all.begin(), all.begin() + 32 * 512);
    QCOMPARE(joined(windows.sequences), head);
    QCOMPARE(windows.corpusDigest.hex().substr(0, 8), std::string("d790b833"));
    QCOMPARE(windows.idsDigest, sha256(std::as_bytes(std::span(head))));
    QCOMPARE(windows.starts.at(31), std::int64_t(31 * 512));
    const auto rest = readWindows({.corpus = kWiki, .length = 512, .first = 31}, *m_tokenizer).value();
    QCOMPARE(rest.sequences.front(), windows.sequences.back());
    QCOMPARE(rest.sequences.size(), all.size() / 512 - 31); // the tail is dropped
}

void TstCorpus::windowsFollowTheProtocol_data()
{
    QTest::addColumn<std::string>("options");
    QTest::addColumn<std::vector<std::int64_t>>("starts");
    QTest::addColumn<std::string>("bos");
    using Starts = std::vector<std::int64_t>;
    const auto add = [](const char* tag, const char* options, const Starts& starts, const char* bos = "none") {
        QTest::addRow("%s", tag) << std::string(options) << starts << std::string(bos);
    };
    add("tail dropped", R"("length":6)", Starts {0, 6, 12});
    add("exact fit", R"("length":10)", Starts {0, 10});
    add("first and count", R"("length":5,"first":1,"windows":2)", Starts {5, 10});
    add("stride", R"("length":8,"stride":4)", Starts {0, 4, 8, 12});
    add("stride, later windows", R"("length":8,"stride":4,"first":2,"windows":1)", Starts {8});
    add("second half changes no token", R"("length":10,"score":"second-half")", Starts {0, 10});
    add("one BOS before the text", R"("length":7,"bos":"first")", Starts {0, 7, 14}, "first");
    add("BOS in each window", R"("length":10,"bos":"each")", Starts {0, 10}, "each");
}

void TstCorpus::windowsFollowTheProtocol()
{
    QFETCH(std::string, options);
    QFETCH(std::vector<std::int64_t>, starts);
    QFETCH(std::string, bos);
    Json json = parseJson("{" + options + "}", "row").value();
    json["corpus"] = m_corpus.string();
    const auto protocol = WindowProtocol::fromJson(json).value();
    const auto windows = readWindows(protocol, *m_tokenizer).value();
    Ids ids = m_ids;
    if (bos == "first")
        ids.insert(ids.begin(), *m_tokenizer->bosId());
    QCOMPARE(windows.starts, starts);
    for (std::size_t i = 0; i < starts.size(); ++i) {
        Ids expected(ids.begin() + starts[i], ids.begin() + starts[i] + protocol.length);
        if (bos == "each")
            expected.front() = *m_tokenizer->bosId();
        QCOMPARE(windows.sequences.at(i), expected);
    }
}

void TstCorpus::shortCorporaAreRefusedWithCounts_data()
{
    QTest::addColumn<std::string>("options");
    QTest::addColumn<std::string>("message");
    QTest::addColumn<std::string>("hint");
    const auto add = [](const char* tag, const char* options, const char* message, const char* hint) {
        QTest::addRow("%s", tag) << std::string(options) << std::string(message) << std::string(hint);
    };
    add("less than one window", R"("length":21)", "has 20 tokens with this tokenizer, but one window of length 21",
        "a length of at most 20");
    add("too many windows", R"("length":5,"windows":5)", "4 windows of length 5; first 0 and windows 5 ask for 5",
        "windows of at most 4");
    add("first beyond the end", R"("length":5,"first":4)", "4 windows", "first of at most 3");
    add("second half of one window", R"("length":11,"score":"second-half")", "needs two windows of length 11",
        "a length of at most 10");
}

void TstCorpus::shortCorporaAreRefusedWithCounts()
{
    QFETCH(std::string, options);
    QFETCH(std::string, message);
    QFETCH(std::string, hint);
    Json json = parseJson("{" + options + "}", "row").value();
    json["corpus"] = m_corpus.string();
    const auto windows = readWindows(WindowProtocol::fromJson(json).value(), *m_tokenizer);
    QVERIFY(!windows.ok());
    QCOMPARE(windows.error().code, ErrorCode::InvalidArgument);
    QVERIFY2(contains(windows.error().message, message), windows.error().sentence().c_str());
    QVERIFY2(contains(windows.error().message, m_corpus.string()), windows.error().sentence().c_str());
    QVERIFY2(contains(windows.error().hint, hint), windows.error().sentence().c_str());
}

void TstCorpus::beginningTokenMustExist()
{
    const auto qwen = Tokenizer::load(std::filesystem::path(PARETOSCOPE_TEST_DATA) / "parity/tokenizers/bpe_qwen2");
    QVERIFY(qwen.ok());
    QVERIFY(!qwen.value().bosId());
    const auto windows = readWindows({.corpus = m_corpus, .length = 4, .bos = "each"}, qwen.value());
    QVERIFY(!windows.ok());
    QCOMPARE(windows.error().code, ErrorCode::InvalidArgument);
    QVERIFY(contains(windows.error().hint, "bos: none"));
}

void TstCorpus::pythonRandomMatchesPublishedValues()
{
    // Printed by CPython: random.seed(n); random.randint(a, b).
    PythonRandom million(0);
    for (const std::int64_t expected : {885440, 403958, 794772, 933488, 441001})
        QCOMPARE(million.randint(0, 1000000), expected);
    PythonRandom calibration(0);
    for (const std::int64_t expected : {201979, 220500, 21225})
        QCOMPARE(calibration.randint(0, 339420), expected);
    // A seed of two words, and a range of exactly a power of two, which needs one bit more.
    PythonRandom large(0x123456789abcdef0U);
    for (const std::int64_t expected : {982, 967, 722, 645})
        QCOMPARE(large.randint(10, 10 + 1023), expected);
    PythonRandom single(7);
    QCOMPARE(single.randint(5, 5), std::int64_t(5));
}

void TstCorpus::calibrationTakesTheFirstTokens()
{
    const auto sequences = readCalibration({.corpus = m_corpus, .samples = 3, .length = 6}, *m_tokenizer).value();
    QCOMPARE(joined(sequences.sequences), Ids(m_ids.begin(), m_ids.begin() + 18));
    QCOMPARE(sequences.starts, (std::vector<std::int64_t> {0, 6, 12}));
}

void TstCorpus::calibrationDrawsAsPythonDoes()
{
    const auto path = kResources / "demo" / "corpora" / "train_excerpt.raw.txt";
    const CalibrationSpec spec {.corpus = path, .samples = 4, .length = 256, .select = "random", .seed = 3};
    const auto sequences = readCalibration(spec, *m_tokenizer).value();
    const Ids all = m_tokenizer->encode(readTextFile(path).value());
    PythonRandom generator(3);
    for (std::size_t i = 0; i < 4; ++i) {
        const auto start = generator.randint(0, static_cast<std::int64_t>(all.size()) - 256 - 1);
        QCOMPARE(sequences.starts.at(i), start);
        QCOMPARE(sequences.sequences.at(i), Ids(all.begin() + start, all.begin() + start + 256));
    }
    const auto other =
        readCalibration({.corpus = path, .samples = 4, .length = 256, .select = "random", .seed = 4}, *m_tokenizer);
    QVERIFY(other.value().idsDigest != sequences.idsDigest);
}

void TstCorpus::shortCalibrationIsRefusedWithCounts_data()
{
    QTest::addColumn<std::string>("select");
    QTest::addColumn<int>("samples");
    QTest::addColumn<int>("length");
    QTest::addColumn<std::string>("message");
    QTest::addColumn<std::string>("hint");
    QTest::addRow("too many samples") << std::string("first") << 4 << 6 << std::string("has 20 tokens")
                                      << std::string("samples of at most 3");
    QTest::addRow("too long") << std::string("first") << 1 << 21 << std::string("needs 21") << std::string("smaller");
    QTest::addRow("random needs one more")
        << std::string("random") << 1 << 20 << std::string("needs 21") << std::string("smaller length");
}

void TstCorpus::shortCalibrationIsRefusedWithCounts()
{
    QFETCH(std::string, select);
    QFETCH(int, samples);
    QFETCH(int, length);
    QFETCH(std::string, message);
    QFETCH(std::string, hint);
    const auto sequences =
        readCalibration({.corpus = m_corpus, .samples = samples, .length = length, .select = select}, *m_tokenizer);
    QVERIFY(!sequences.ok());
    QCOMPARE(sequences.error().code, ErrorCode::InvalidArgument);
    QVERIFY2(contains(sequences.error().message, message), sequences.error().sentence().c_str());
    QVERIFY2(contains(sequences.error().hint, hint), sequences.error().sentence().c_str());
}

void TstCorpus::rollingWindowsPredictEachTokenOnce_data()
{
    QTest::addColumn<int>("tokens");
    QTest::addColumn<std::vector<Ids>>("inputs");
    QTest::addColumn<std::vector<Ids>>("scored");
    using Lists = std::vector<Ids>;
    QTest::addRow("the last one is shifted")
        << 10 << Lists {{-1, 0, 1, 2}, {3, 4, 5, 6}, {5, 6, 7, 8}} << Lists {{0, 1, 2, 3}, {4, 5, 6, 7}, {8, 9}};
    QTest::addRow("exact") << 4 << Lists {{-1, 0, 1, 2}} << Lists {{0, 1, 2, 3}};
    QTest::addRow("short") << 2 << Lists {{-1, 0}} << Lists {{0, 1}};
    QTest::addRow("none") << 0 << Lists {} << Lists {};
}

void TstCorpus::rollingWindowsPredictEachTokenOnce()
{
    QFETCH(int, tokens);
    QFETCH(std::vector<Ids>, inputs);
    QFETCH(std::vector<Ids>, scored);
    Ids ids;
    for (int i = 0; i < tokens; ++i)
        ids.push_back(i);
    const auto windows = rollingWindows(ids, -1, 4);
    QCOMPARE(windows.size(), inputs.size());
    for (std::size_t i = 0; i < windows.size(); ++i) {
        QCOMPARE(windows[i].input, inputs[i]);
        QCOMPARE(windows[i].targets.size(), windows[i].input.size());
        QCOMPARE(Ids(windows[i].targets.begin() + static_cast<std::ptrdiff_t>(windows[i].firstScored),
                     windows[i].targets.end()),
                 scored[i]);
    }
}

QTEST_GUILESS_MAIN(TstCorpus)
#include "tst_corpus.moc"
