// SPDX-License-Identifier: Apache-2.0
#include "core/tokenizer/tokenizer.h"

#include "core/base/mapped_file.h"

#include <QtTest>

#include <array>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <vector>

using namespace paretoscope::core;
using Ids = std::vector<std::int32_t>;

namespace {

const std::filesystem::path kData(PARETOSCOPE_TEST_DATA);

/// Damages JSON values and their bytes; the same seed does the same damage.
class Mutator
{
public:
    explicit Mutator(std::uint32_t seed)
        : m_random(seed)
    {}

    std::size_t below(std::size_t count) { return m_random() % count; }

    /// One value somewhere in `json` is replaced, removed, doubled or put elsewhere.
    void mutate(Json& json)
    {
        Json* node = &json;
        // The further down, the likelier to stop; the large vocabulary would swallow nearly all mutations otherwise.
        while (node->is_structured() && !node->empty() && below(5) != 0) {
            const std::size_t index = below(std::min<std::size_t>(node->size(), 12));
            auto child = node->begin();
            std::advance(child, static_cast<std::ptrdiff_t>(index));
            m_seen.push_back(*child);
            node = &*child;
        }
        switch (below(8)) {
        case 0:
            *node = m_seen[below(m_seen.size())];
            break;
        case 1:
            if (node->is_object() && !node->empty())
                node->erase(node->begin());
            break;
        case 2:
            if (node->is_array() && !node->empty())
                node->push_back(node->front());
            break;
        case 3:
            if (node->is_string())
                *node = damaged(node->get<std::string>());
            break;
        default:
            *node = anyValue();
        }
    }

private:
    Json anyValue()
    {
        static const std::vector<Json> kValues {nullptr,
                                                true,
                                                false,
                                                0,
                                                1,
                                                -1,
                                                2147483647,
                                                4294967295U,
                                                1e300,
                                                0.5,
                                                "",
                                                "a",
                                                " ",
                                                "Ġ",
                                                "▁",
                                                "<unk>",
                                                "\\p{L}+",
                                                "(a+)+$",
                                                "^",
                                                "(?i:x)",
                                                "Regex",
                                                "String",
                                                Json::array(),
                                                Json::object(),
                                                Json {{"Regex", "(\\s|a)*"}},
                                                Json {{"String", ""}},
                                                Json {{"type", "Sequence"}, {"normalizers", Json::array()}},
                                                Json {{"type", "Fuse"}},
                                                Json {{"type", "NFKC"}},
                                                Json {{"type", "ByteLevel"}, {"add_prefix_space", true}}};
        return kValues[below(kValues.size())];
    }
    std::string damaged(std::string text)
    {
        for (std::size_t i = 0; i < 3 && !text.empty(); ++i)
            text[below(text.size())] = static_cast<char>('!' + below(90));
        // Only whole characters, so that the document stays JSON.
        return parseJson(Json(text).dump(-1, ' ', true, Json::error_handler_t::replace), "text").value();
    }

    std::mt19937 m_random;
    std::vector<Json> m_seen {nullptr};
};

std::vector<Json> seeds()
{
    std::vector<Json> list;
    for (const char* name : {"bpe_llama3", "sp_bpe_llama2", "unigram_t5", "wordpiece_bert"}) {
        const std::filesystem::path path = kData / "parity" / "tokenizers" / name / "tokenizer.json";
        list.push_back(parseJson(readTextFile(path).value(), path.string()).value());
    }
    const std::filesystem::path path = kData / "tokenizer_parts" / "cases.json";
    const Json parts = parseJson(readTextFile(path).value(), path.string()).value();
    const Json model = parseJson(R"({"type":"WordLevel","unk_token":"a","vocab":{"a":0}})", "model").value();
    for (const Json& entry : parts.at("cases")) {
        Json tokenizer {{"version", "1.0"}, {"model", model}};
        tokenizer.update(entry.at("parts"));
        list.push_back(std::move(tokenizer));
    }
    return list;
}

} // namespace

class TstHostileTokenizer : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void damagedFilesAreRefusedOrWork();
    void damagedBytesAreRefusedOrWork();
    void growthWithoutBoundsIsRefused_data();
    void growthWithoutBoundsIsRefused();
    void patternsThatBacktrackEndlesslyEnd();
    void deepNestingIsRefused();
    void manyAddedTokensAreFound();

private:
    /// Loads `text` as tokenizer.json and uses what comes of it. Returns whether it could be loaded.
    bool survives(const std::string& text);

    QTemporaryDir m_folder;
};

bool TstHostileTokenizer::survives(const std::string& text)
{
    const std::filesystem::path folder(m_folder.path().toStdString());
    std::ofstream(folder / "tokenizer.json", std::ios::binary) << text;
    const auto tokenizer = Tokenizer::load(folder);
    if (!tokenizer.ok()) {
        [&] { QVERIFY(!tokenizer.error().message.empty() && !tokenizer.error().hint.empty()); }();
        return false;
    }
    for (const std::string sample : {"Hello  wörld, it's <s>1234</s>\n\n", "中文 ▁x😀\xff", "aaaaaaaaaaaaaaaa", ""}) {
        const Ids ids = tokenizer.value().encode(sample, true);
        // Post-processors may name ids that do not exist; decoding then says so.
        const auto decoded = tokenizer.value().decode(ids, true);
        if (!decoded.ok())
            [&] { QCOMPARE(decoded.error().code, ErrorCode::InvalidArgument); }();
    }
    return true;
}

void TstHostileTokenizer::damagedFilesAreRefusedOrWork()
{
    const std::vector<Json> originals = seeds();
    Mutator mutator(20240611);
    int refused = 0;
    int loaded = 0;
    for (int round = 0; round < 1500; ++round) {
        // The small ones more often: they are quick, and their parts are what differs.
        Json json = originals[round % 50 == 0 ? mutator.below(4) : 4 + mutator.below(originals.size() - 4)];
        const std::size_t mutations = 1 + mutator.below(3);
        for (std::size_t i = 0; i < mutations; ++i)
            mutator.mutate(json);
        (survives(json.dump()) ? loaded : refused) += 1;
    }
    QVERIFY2(refused > 300, qPrintable(QString::number(refused))); // the damage is felt ...
    QVERIFY2(loaded > 100, qPrintable(QString::number(loaded)));   // ... and what loads is used
}

void TstHostileTokenizer::damagedBytesAreRefusedOrWork()
{
    const std::string original =
        readTextFile(kData / "parity" / "tokenizers" / "wordpiece_bert" / "tokenizer.json").value();
    Mutator mutator(7);
    for (int round = 0; round < 150; ++round) {
        std::string text = original;
        if (round % 3 == 0)
            text.resize(mutator.below(text.size()));
        for (std::size_t i = 0; i < 4 && !text.empty(); ++i)
            text[mutator.below(text.size())] = static_cast<char>(mutator.below(256));
        survives(text);
    }
}

void TstHostileTokenizer::growthWithoutBoundsIsRefused_data()
{
    QTest::addColumn<QString>("place");
    QTest::addColumn<QString>("list");
    QTest::addColumn<QString>("step");
    QTest::addRow("normalizer") << "normalizer"
                                << "normalizers"
                                << R"({"type":"Replace","pattern":{"String":"a"},"content":"aa"})";
    QTest::addRow("pre-tokenizer") << "pre_tokenizer"
                                   << "pretokenizers"
                                   << R"({"type":"ByteLevel"})";
    QTest::addRow("decoder") << "decoder"
                             << "decoders"
                             << R"({"type":"Replace","pattern":{"Regex":"^"},"content":"aa"})";
}

void TstHostileTokenizer::growthWithoutBoundsIsRefused()
{
    QFETCH(QString, place);
    QFETCH(QString, list);
    QFETCH(QString, step);
    QStringList steps;
    steps.fill(step, 40);
    const QString text = QStringLiteral(R"({"model":{"type":"WordLevel","unk_token":"a","vocab":{"a":0}},"%1":)"
                                        R"({"type":"Sequence","%2":[%3]}})")
                             .arg(place, list, steps.join(QLatin1Char(',')));
    const std::filesystem::path folder(m_folder.path().toStdString());
    QVERIFY(writeFileAtomically(folder / "tokenizer.json", text.toStdString()).ok());
    const auto tokenizer = Tokenizer::load(folder);
    QVERIFY(!tokenizer.ok());
    const QString sentence = QString::fromStdString(tokenizer.error().sentence());
    QVERIFY2(sentence.contains(place + QStringLiteral(" may make text more than 10000 times longer")),
             qPrintable(sentence));
}

void TstHostileTokenizer::patternsThatBacktrackEndlesslyEnd()
{
    QVERIFY(survives(R"({"model":{"type":"WordLevel","unk_token":"a","vocab":{"a":0}},"pre_tokenizer":{"type":"Split",
        "pattern":{"Regex":"(?:a|a)+b|(?:a+)+c"},"behavior":"Isolated"}})"));
}

void TstHostileTokenizer::deepNestingIsRefused()
{
    std::string text = R"({"type":"NFC"})";
    for (int i = 0; i < 10000; ++i)
        text = R"({"type":"Sequence","normalizers":[)" + text + "]}";
    QVERIFY(!survives(R"({"model":{"type":"WordLevel","unk_token":"a","vocab":{"a":0}},"normalizer":)" + text + "}"));
}

void TstHostileTokenizer::manyAddedTokensAreFound()
{
    Json json = parseJson(R"({"model":{"type":"WordLevel","unk_token":"a","vocab":{"a":0}}})", "json").value();
    std::string text;
    Ids expected;
    for (int i = 1; i <= 20000; ++i) {
        const std::string content = "<extra_" + std::to_string(i) + ">";
        json["added_tokens"].push_back({{"id", i}, {"content", content}, {"special", true}});
        text += content;
        expected.push_back(i);
    }
    const std::filesystem::path folder(m_folder.path().toStdString());
    QVERIFY(writeFileAtomically(folder / "tokenizer.json", json.dump()).ok());
    QCOMPARE(Tokenizer::load(folder).value().encode(text), expected);
}

QTEST_GUILESS_MAIN(TstHostileTokenizer)
#include "tst_hostile_tokenizer.moc"
