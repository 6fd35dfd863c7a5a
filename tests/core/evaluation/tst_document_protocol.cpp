// SPDX-License-Identifier: Apache-2.0
#include "core/evaluation/document_protocol.h"

#include "core/base/mapped_file.h"

#include <QTemporaryDir>
#include <QtTest>

#include <numeric>
#include <string>

using namespace paretoscope::core;

namespace {

using Ids = std::vector<std::int32_t>;

const std::filesystem::path kTinyLlama = PARETOSCOPE_RESOURCES "/models/tiny-llama";
const std::filesystem::path kAlice = PARETOSCOPE_TEST_DATA "/corpora/alice29.txt";

double bytesOf(const DocumentWindows& read)
{
    return std::accumulate(read.windows.begin(), read.windows.end(), 0.0,
                           [](double sum, const DocumentWindow& window) { return sum + window.bytes; });
}

} // namespace

class TstDocumentProtocol : public QObject
{
    Q_OBJECT

    QTemporaryDir m_folder;
    std::unique_ptr<Tokenizer> m_tokenizer;

    std::filesystem::path write(const char* name, const std::string& text) const
    {
        const std::filesystem::path file = std::filesystem::path(m_folder.path().toStdString()) / name;
        if (!writeFileAtomically(file, text).ok())
            qFatal("cannot write");
        return file;
    }

private Q_SLOTS:
    void initTestCase() { m_tokenizer = std::make_unique<Tokenizer>(Tokenizer::load(kTinyLlama).value()); }

    void everyTokenIsPredictedOnce()
    {
        const Ids ids = m_tokenizer->encode(readTextFile(kAlice).value());
        const auto read = readDocumentWindows({.corpus = kAlice, .length = 500}, *m_tokenizer).value();
        Ids scored;
        for (const DocumentWindow& window : read.windows) {
            const RollingWindow& rolling = window.window;
            QCOMPARE(rolling.input.size(), rolling.targets.size());
            scored.insert(scored.end(), rolling.targets.begin() + std::ptrdiff_t(rolling.firstScored),
                          rolling.targets.end());
        }
        QCOMPARE(scored, ids);
        QCOMPARE(bytesOf(read), double(std::filesystem::file_size(kAlice)));
        const std::int32_t prefix = m_tokenizer->bosId() ? *m_tokenizer->bosId() : m_tokenizer->eosId().value();
        QCOMPARE(read.windows.front().window.input.front(), prefix);
    }

    /// The text is cut where the tokens are: the parts before and behind tokenise to the tokens of each.
    void partCountsTheBytesOfItsTokens()
    {
        const std::string text = readTextFile(kAlice).value();
        const Ids ids = m_tokenizer->encode(text);
        const auto read =
            readDocumentWindows({.corpus = kAlice, .length = 100, .windows = 3, .first = 2}, *m_tokenizer).value();
        QCOMPARE(read.windows.size(), std::size_t(3));
        QVERIFY(read.exactBytes);
        const std::string before = m_tokenizer->decode(std::span(ids).first(200)).value();
        const std::string upTo = m_tokenizer->decode(std::span(ids).first(500)).value();
        QVERIFY(text.starts_with(upTo));
        QCOMPARE(bytesOf(read), double(upTo.size() - before.size()));
    }

    void charactersCutInTwoCountOnce()
    {
        // A byte-level tokenizer cuts such characters into several tokens.
        std::string text;
        for (int i = 0; i < 40; ++i)
            text += "\xf0\x9f\x98\x80\xe6\xbc\xa2\xc3\xa9 x";
        const auto file = write("emoji.txt", text);
        const auto all = readDocumentWindows({.corpus = file, .length = 7}, *m_tokenizer).value();
        double sum = 0;
        for (int i = 0; i < int(all.windows.size()); ++i) {
            const auto one =
                readDocumentWindows({.corpus = file, .length = 7, .windows = 1, .first = i}, *m_tokenizer).value();
            QVERIFY(one.exactBytes);
            sum += bytesOf(one);
        }
        QCOMPARE(sum, double(text.size()));
    }

    void firstTokenNeedNotBePredicted()
    {
        const std::string text = "one two three four";
        const Ids ids = m_tokenizer->encode(text);
        const auto file = write("short.txt", text);
        const auto read = readDocumentWindows({.corpus = file, .length = 64, .bos = "none"}, *m_tokenizer).value();
        QCOMPARE(read.windows.size(), std::size_t(1));
        QCOMPARE(read.windows[0].window.input, Ids(ids.begin(), ids.end() - 1));
        QCOMPARE(read.windows[0].window.targets, Ids(ids.begin() + 1, ids.end()));
        const std::string first = m_tokenizer->decode(std::span(ids).first(1)).value();
        QCOMPARE(bytesOf(read), double(text.size() - first.size()));
    }

    void linesOfJsonAreDocuments()
    {
        const auto file = write("two.jsonl", "{\"text\": \"one two\"}\n{\"text\": \"\"}\n{\"text\": \"three\"}\n");
        const auto read = readDocumentWindows({.corpus = file, .length = 64}, *m_tokenizer).value();
        QCOMPARE(read.windows.size(), std::size_t(2)); // the empty one predicts nothing
        QCOMPARE(read.windows[0].document, std::size_t(0));
        QCOMPARE(read.windows[1].document, std::size_t(2));
        QCOMPARE(read.windows[0].bytes, 7.0);
        QCOMPARE(read.windows[1].bytes, 5.0);
    }

    void tooFewWindowsAreRefusedWithCounts()
    {
        const auto file = write("tiny.txt", "one two three");
        const auto read = readDocumentWindows({.corpus = file, .length = 64, .windows = 3}, *m_tokenizer);
        QVERIFY(!read.ok());
        QCOMPARE(read.error().code, ErrorCode::InvalidArgument);
        QVERIFY2(read.error().message.find("gives 1 windows") != std::string::npos, read.error().message.c_str());
    }
};

QTEST_GUILESS_MAIN(TstDocumentProtocol)
#include "tst_document_protocol.moc"
