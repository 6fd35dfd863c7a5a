// SPDX-License-Identifier: Apache-2.0
#include "core/tokenizer/tokenizer.h"

#include "core/base/mapped_file.h"

#include <QtTest>

#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <vector>

using namespace paretoscope::core;
using Ids = std::vector<std::int32_t>;

namespace {

const std::filesystem::path kData = std::filesystem::path(PARETOSCOPE_TEST_DATA) / "parity" / "tokenizers";

const std::vector<std::string> kNames {"smollm2",    "smollm2_digits", "bpe_gpt2",         "bpe_llama3",
                                       "bpe_qwen2",  "sp_bpe_llama2",  "sp_bpe_metaspace", "sp_bpe_gemma",
                                       "unigram_t5", "wordpiece_bert"};

std::vector<Json> linesOf(const std::filesystem::path& path)
{
    std::vector<Json> lines;
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);)
        lines.push_back(parseJson(line, path.string()).value());
    return lines;
}

Sha256Digest digestOf(const Ids& ids)
{
    return sha256(std::as_bytes(std::span(ids))); // little-endian, as every machine we build for
}

} // namespace

/// Every stored case of the reference library, both ways.
class TstTokenizerParity : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void initTestCase();
    void textAndIdsAgree_data() { addCases("cases.jsonl"); }
    void textAndIdsAgree();
    void idsCutInsideACharacterDecode_data() { addCases("decode_cases.jsonl"); }
    void idsCutInsideACharacterDecode();
    void wholeCorporaAgree_data();
    void wholeCorporaAgree();
    void severalThreadsMayEncode();

private:
    void addCases(const std::string& file);
    std::filesystem::path folderOf(const std::string& name);
    const Tokenizer& tokenizer(const std::string& name) { return *m_tokenizers.at(name); }

    QTemporaryDir m_temporary;
    std::map<std::string, std::unique_ptr<Tokenizer>> m_tokenizers;
};

/// smollm2_digits is stored as a change to smollm2.
std::filesystem::path TstTokenizerParity::folderOf(const std::string& name)
{
    if (name != "smollm2_digits")
        return kData / name;
    Json json = parseJson(readTextFile(kData / "smollm2" / "tokenizer.json").value(), "tokenizer.json").value();
    const Json change =
        parseJson(readTextFile(kData / name / "pre_tokenizer.json").value(), "pre_tokenizer.json").value();
    json["pre_tokenizer"] = change.at("pre_tokenizer");
    const std::filesystem::path folder = m_temporary.path().toStdString();
    std::ofstream(folder / "tokenizer.json") << json.dump();
    return folder;
}

void TstTokenizerParity::initTestCase()
{
    for (const std::string& name : kNames) {
        auto loaded = Tokenizer::load(folderOf(name));
        QVERIFY2(loaded.ok(), loaded.ok() ? "" : loaded.error().sentence().c_str());
        m_tokenizers[name] = std::make_unique<Tokenizer>(std::move(loaded).value());
    }
}

void TstTokenizerParity::addCases(const std::string& file)
{
    QTest::addColumn<std::string>("name");
    QTest::addColumn<Json>("expected");
    for (const std::string& name : kNames) {
        int line = 0;
        for (Json& expected : linesOf(kData / name / file))
            QTest::addRow("%s line %d", name.c_str(), ++line) << name << std::move(expected);
    }
}

void TstTokenizerParity::textAndIdsAgree()
{
    QFETCH(std::string, name);
    QFETCH(Json, expected);
    const auto text = expected.at("text").get<std::string>();
    const auto ids = expected.at("ids").get<Ids>();
    const auto special = expected.at("ids_special").get<Ids>();
    QCOMPARE(tokenizer(name).encode(text), ids);
    QCOMPARE(tokenizer(name).encode(text, true), special);
    QCOMPARE(tokenizer(name).decode(ids).value(), expected.at("decoded").get<std::string>());
    QCOMPARE(tokenizer(name).decode(special).value(), expected.at("decoded_special").get<std::string>());
    QCOMPARE(tokenizer(name).decode(special, true).value(), expected.at("decoded_skip").get<std::string>());
}

void TstTokenizerParity::idsCutInsideACharacterDecode()
{
    QFETCH(std::string, name);
    QFETCH(Json, expected);
    const auto text = tokenizer(name).decode(expected.at("ids").get<Ids>());
    QVERIFY2(text.ok(), text.ok() ? "" : text.error().sentence().c_str());
    QCOMPARE(text.value(), expected.at("decoded").get<std::string>());
}

void TstTokenizerParity::wholeCorporaAgree_data()
{
    const std::map<std::string, std::filesystem::path> places {
        {"corpora/wikitext-2/wiki.test.tokens",
         std::filesystem::path(PARETOSCOPE_RESOURCES) / "demo" / "corpora" / "wiki.test.tokens"},
        {"corpora/alice29.txt", std::filesystem::path(PARETOSCOPE_TEST_DATA) / "corpora" / "alice29.txt"},
    };
    QTest::addColumn<std::string>("name");
    QTest::addColumn<QString>("path");
    QTest::addColumn<Json>("expected");
    const Json stored =
        parseJson(readTextFile(kData / "smollm2" / "corpora_ids.json").value(), "corpora_ids.json").value();
    for (const auto& [file, entry] : stored.at("files").items()) {
        for (const std::string name : {"smollm2", "smollm2_digits"}) {
            QTest::addRow("%s %s", name.c_str(), file.c_str())
                << name << QString::fromStdString(places.at(file).string()) << entry.at(name);
        }
    }
}

void TstTokenizerParity::wholeCorporaAgree()
{
    QFETCH(std::string, name);
    QFETCH(QString, path);
    QFETCH(Json, expected);
    const Ids ids = tokenizer(name).encode(readTextFile(path.toStdString()).value());
    QCOMPARE(ids.size(), expected.at("n_tokens").get<std::size_t>());
    QCOMPARE(digestOf(ids).hex(), expected.at("sha256_ids_le_int32").get<std::string>());
}

void TstTokenizerParity::severalThreadsMayEncode()
{
    const std::string text =
        readTextFile(std::filesystem::path(PARETOSCOPE_TEST_DATA) / "corpora" / "alice29.txt").value();
    const Ids expected = tokenizer("smollm2").encode(text);
    std::vector<Ids> results(4);
    {
        std::vector<std::jthread> threads;
        for (Ids& result : results)
            threads.emplace_back([&] { result = tokenizer("smollm2").encode(text); });
    }
    for (const Ids& result : results)
        QCOMPARE(result, expected);
}

QTEST_GUILESS_MAIN(TstTokenizerParity)
#include "tst_tokenizer_parity.moc"
