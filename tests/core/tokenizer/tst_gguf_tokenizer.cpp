// SPDX-License-Identifier: Apache-2.0
#include "core/tokenizer/tokenizer.h"

#include "core/base/mapped_file.h"
#include "tests/core/checkpoint/gguf_builder.h"

#include <QtTest>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

using namespace paretoscope::core;
using paretoscope::test::bytesOf;
using paretoscope::test::GgufBuilder;
using Ids = std::vector<std::int32_t>;

namespace {

const std::filesystem::path kParity = std::filesystem::path(PARETOSCOPE_TEST_DATA) / "parity";

Json readJson(const std::filesystem::path& path)
{
    return parseJson(readTextFile(path).value(), path.string()).value();
}

std::vector<Json> linesOf(const std::filesystem::path& path)
{
    std::vector<Json> lines;
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);)
        lines.push_back(parseJson(line, path.string()).value());
    return lines;
}

/// Tokens by id, token types and the other metadata of a tokenizer.json, as a converter writes them.
GgufBuilder converted(const Json& json, const std::string& pre)
{
    const Json& vocab = json.at("model").at("vocab");
    std::size_t count = vocab.size();
    for (const Json& added : json.at("added_tokens"))
        count = std::max(count, added.at("id").get<std::size_t>() + 1);
    std::vector<std::string> tokens(count);
    for (const auto& [token, id] : vocab.items())
        tokens[id.get<std::size_t>()] = token;
    std::vector<std::int32_t> types(count, 1);
    for (const Json& added : json.at("added_tokens")) {
        tokens[added.at("id").get<std::size_t>()] = added.at("content").get<std::string>();
        types[added.at("id").get<std::size_t>()] = added.at("special").get<bool>() ? 3 : 4;
    }
    std::vector<std::string> merges;
    for (const Json& merge : json.at("model").at("merges"))
        merges.push_back(merge[0].get<std::string>() + " " + merge[1].get<std::string>());
    GgufBuilder file;
    file.string("general.architecture", "llama").string("tokenizer.ggml.model", "gpt2");
    file.string("tokenizer.ggml.pre", pre).strings("tokenizer.ggml.tokens", tokens);
    file.strings("tokenizer.ggml.merges", merges);
    file.array("tokenizer.ggml.token_type", GgufValueType::I32, types.size(), bytesOf(types));
    return file;
}

/// As `converted`, for SentencePiece BPE: scores in place of merges, the earlier merge the better score.
GgufBuilder convertedSentencePiece(const Json& json)
{
    const Json& vocab = json.at("model").at("vocab");
    std::vector<std::string> tokens(vocab.size());
    for (const auto& [token, id] : vocab.items())
        tokens[id.get<std::size_t>()] = token;
    std::vector<std::int32_t> types(tokens.size(), 1);
    for (std::size_t i = 0; i < tokens.size(); ++i)
        types[i] = tokens[i] == "<unk>" ? 2 : tokens[i] == "<s>" || tokens[i] == "</s>" ? 3 : i < 259 ? 6 : 1;
    std::vector<float> scores(tokens.size(), -1e6F);
    float next = 0;
    for (const Json& merge : json.at("model").at("merges")) {
        const std::string merged = merge[0].get<std::string>() + merge[1].get<std::string>();
        float& score = scores[vocab.at(merged).get<std::size_t>()];
        if (score == -1e6F)
            score = next--;
    }
    GgufBuilder file;
    file.string("tokenizer.ggml.model", "llama").strings("tokenizer.ggml.tokens", tokens);
    file.array("tokenizer.ggml.scores", GgufValueType::F32, scores.size(), bytesOf(scores));
    file.array("tokenizer.ggml.token_type", GgufValueType::I32, types.size(), bytesOf(types));
    file.u32("tokenizer.ggml.bos_token_id", 1).u32("tokenizer.ggml.eos_token_id", 2);
    return file;
}

/// A tokenizer of five tokens.
GgufBuilder small(const std::string& leftOut = {})
{
    GgufBuilder file;
    const auto wanted = [&](const char* key) { return leftOut != key; };
    if (wanted("model"))
        file.string("tokenizer.ggml.model", "gpt2");
    if (wanted("pre"))
        file.string("tokenizer.ggml.pre", "gpt-2");
    if (wanted("tokens"))
        file.strings("tokenizer.ggml.tokens", {"a", "b", "ab", "<s>", "</s>"});
    if (wanted("merges"))
        file.strings("tokenizer.ggml.merges", {"a b"});
    if (wanted("token_type"))
        file.array("tokenizer.ggml.token_type", GgufValueType::I32, 5,
                   bytesOf(std::vector<std::int32_t> {1, 1, 1, 3, 3}));
    return file;
}

} // namespace

class TstGgufTokenizer : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void metadataMeansTheSameAsTokenizerJson_data();
    void metadataMeansTheSameAsTokenizerJson();
    void casesOfSmollmAgree_data();
    void casesOfSmollmAgree();
    void casesOfSentencePieceAgree_data();
    void casesOfSentencePieceAgree();
    void embeddedTokenizerJsonCounts();
    void beginningAndEndAreAddedAsStated();
    void digestCoversWhatDecidesIds();
    void badMetadataIsNamed_data();
    void badMetadataIsNamed();
    void corporaOfTheRealFileAgree_data();
    void corporaOfTheRealFileAgree();

private:
    Result<Tokenizer> load(const GgufBuilder& file)
    {
        const std::filesystem::path path = std::filesystem::path(m_folder.path().toStdString()) / "model.gguf";
        [&] { QVERIFY(writeFileAtomically(path, file.bytes()).ok()); }();
        return Tokenizer::load(path);
    }

    QTemporaryDir m_folder;
};

void TstGgufTokenizer::metadataMeansTheSameAsTokenizerJson_data()
{
    QTest::addColumn<QString>("name");
    QTest::addColumn<QString>("pre");
    QTest::addRow("GPT-2") << "bpe_gpt2"
                           << "gpt-2";
    QTest::addRow("Llama 3") << "bpe_llama3"
                             << "llama-bpe";
    QTest::addRow("Qwen 2") << "bpe_qwen2"
                            << "qwen2";
}

void TstGgufTokenizer::metadataMeansTheSameAsTokenizerJson()
{
    QFETCH(QString, name);
    QFETCH(QString, pre);
    const std::filesystem::path folder = kParity / "tokenizers" / name.toStdString();
    Json json = readJson(folder / "tokenizer.json");
    GgufBuilder file = converted(json, pre.toStdString());
    if (name == QLatin1String("bpe_llama3"))
        file.u32("tokenizer.ggml.bos_token_id", 1005);
    const auto gguf = load(file);
    QVERIFY2(gguf.ok(), gguf.ok() ? "" : gguf.error().sentence().c_str());
    json["normalizer"] = nullptr; // Qwen's NFC has no place in the metadata
    QVERIFY(
        writeFileAtomically(std::filesystem::path(m_folder.path().toStdString()) / "tokenizer.json", json.dump()).ok());
    const auto reference = Tokenizer::load(m_folder.path().toStdString());
    for (const Json& line : linesOf(folder / "cases.jsonl")) {
        const auto text = line.at("text").get<std::string>();
        const Ids ids = reference.value().encode(text);
        QCOMPARE(gguf.value().encode(text), ids);
        QCOMPARE(gguf.value().encode(text, true), reference.value().encode(text, true));
        QCOMPARE(gguf.value().decode(ids).value(), reference.value().decode(ids).value());
        QCOMPARE(gguf.value().decode(ids, true).value(), reference.value().decode(ids, true).value());
    }
}

void TstGgufTokenizer::casesOfSmollmAgree_data()
{
    QTest::addColumn<Json>("expected");
    int line = 0;
    for (Json& expected : linesOf(kParity / "tokenizers" / "smollm2_digits" / "cases.jsonl"))
        QTest::addRow("line %d", ++line) << std::move(expected);
}

void TstGgufTokenizer::casesOfSmollmAgree()
{
    static const auto tokenizer =
        load(converted(readJson(kParity / "tokenizers" / "smollm2" / "tokenizer.json"), "smollm"));
    QVERIFY2(tokenizer.ok(), tokenizer.ok() ? "" : tokenizer.error().sentence().c_str());
    QFETCH(Json, expected);
    const auto ids = expected.at("ids").get<Ids>();
    QCOMPARE(tokenizer.value().encode(expected.at("text").get<std::string>()), ids);
    QCOMPARE(tokenizer.value().decode(ids).value(), expected.at("decoded").get<std::string>());
    QCOMPARE(tokenizer.value().decode(ids, true).value(), expected.at("decoded_skip").get<std::string>());
}

void TstGgufTokenizer::casesOfSentencePieceAgree_data()
{
    QTest::addColumn<Json>("expected");
    int line = 0;
    for (Json& expected : linesOf(kParity / "tokenizers" / "sp_bpe_llama2" / "cases.jsonl"))
        QTest::addRow("line %d", ++line) << std::move(expected);
}

void TstGgufTokenizer::casesOfSentencePieceAgree()
{
    static const auto tokenizer =
        load(convertedSentencePiece(readJson(kParity / "tokenizers" / "sp_bpe_llama2" / "tokenizer.json")));
    QVERIFY2(tokenizer.ok(), tokenizer.ok() ? "" : tokenizer.error().sentence().c_str());
    QFETCH(Json, expected);
    const auto special = expected.at("ids_special").get<Ids>();
    QCOMPARE(tokenizer.value().encode(expected.at("text").get<std::string>()), expected.at("ids").get<Ids>());
    QCOMPARE(tokenizer.value().encode(expected.at("text").get<std::string>(), true), special);
    QCOMPARE(tokenizer.value().decode(special).value(), expected.at("decoded_special").get<std::string>());
    QCOMPARE(tokenizer.value().decode(special, true).value(), expected.at("decoded_skip").get<std::string>());
}

void TstGgufTokenizer::embeddedTokenizerJsonCounts()
{
    const std::filesystem::path folder = kParity / "tokenizers" / "wordpiece_bert";
    GgufBuilder file = small();
    file.string("tokenizer.huggingface.json", readTextFile(folder / "tokenizer.json").value());
    const auto gguf = load(file);
    QVERIFY2(gguf.ok(), gguf.ok() ? "" : gguf.error().sentence().c_str());
    const std::string text = "The quick brown fox";
    QCOMPARE(gguf.value().encode(text, true), Tokenizer::load(folder).value().encode(text, true));
}

void TstGgufTokenizer::beginningAndEndAreAddedAsStated()
{
    GgufBuilder file = small();
    file.u32("tokenizer.ggml.bos_token_id", 3).u32("tokenizer.ggml.eos_token_id", 4);
    const auto plain = load(file);
    QCOMPARE(plain.value().encode("ab", true), Ids {2});
    QCOMPARE(plain.value().bosId(), std::optional(3));
    QCOMPARE(plain.value().eosId(), std::optional(4));
    QCOMPARE(plain.value().vocabularySize(), std::int64_t(5));
    file.entry("tokenizer.ggml.add_bos_token", GgufValueType::Bool, "\1");
    file.entry("tokenizer.ggml.add_eos_token", GgufValueType::Bool, "\1");
    const auto both = load(file);
    QCOMPARE(both.value().encode("ab", true), (Ids {3, 2, 4}));
    QCOMPARE(both.value().encode("<s>ba</s>"), (Ids {3, 1, 0, 4}));
}

void TstGgufTokenizer::digestCoversWhatDecidesIds()
{
    const Sha256Digest digest = load(small()).value().digest();
    GgufBuilder renamed = small();
    renamed.string("general.name", "another name").string("tokenizer.chat_template", "{{ messages }}");
    QCOMPARE(load(renamed).value().digest(), digest);
    GgufBuilder longer = small();
    longer.u32("tokenizer.ggml.bos_token_id", 3);
    QVERIFY(load(longer).value().digest() != digest);
}

void TstGgufTokenizer::badMetadataIsNamed_data()
{
    QTest::addColumn<std::string>("bytes");
    QTest::addColumn<int>("code");
    QTest::addColumn<std::string>("mentions");
    const auto add = [](const char* tag, const GgufBuilder& file, ErrorCode code, const char* mentions) {
        QTest::addRow("%s", tag) << file.bytes() << static_cast<int>(code) << std::string(mentions);
    };
    using Type = GgufValueType;
    add("no tokenizer", small("model"), ErrorCode::NotFound, "no tokenizer");
    add("unknown kind", small("model").string("tokenizer.ggml.model", "gtp2"), ErrorCode::Unsupported, "\"gtp2\"");
    add("kind is a number", small("model").u32("tokenizer.ggml.model", 1), ErrorCode::Corrupt, "tokenizer.ggml.model");
    add("no splitting rule", small("pre"), ErrorCode::Unsupported, "tokenizer.ggml.pre is missing");
    add("unknown splitting rule", small("pre").string("tokenizer.ggml.pre", "smolm"), ErrorCode::Unsupported,
        "tokenizer.ggml.pre \"smolm\" is not known (did you mean \"smollm\"?)");
    add("no tokens", small("tokens"), ErrorCode::NotFound, "tokenizer.ggml.tokens");
    add("no merges", small("merges"), ErrorCode::NotFound, "tokenizer.ggml.merges");
    add("token given twice", small("tokens").strings("tokenizer.ggml.tokens", {"a", "b", "ab", "a", "c"}),
        ErrorCode::Corrupt, "\"a\" is given twice, at 0 and 3");
    add("token not UTF-8", small("tokens").strings("tokenizer.ggml.tokens", {"a", "b", "ab", "\xff", "c"}),
        ErrorCode::Corrupt, "tokens[3] is not UTF-8");
    add("merge of unknown token", small("merges").strings("tokenizer.ggml.merges", {"a b", "a c"}), ErrorCode::Corrupt,
        "merges[1]: the token \"c\"");
    add("merge of one token", small("merges").strings("tokenizer.ggml.merges", {"ab"}), ErrorCode::Corrupt,
        "merges[0] must be two tokens");
    add("too few types", small("token_type").array("tokenizer.ggml.token_type", Type::I32, 1, bytesOf(std::int32_t(1))),
        ErrorCode::Corrupt, "1 entries for 5 tokens");
    add("SentencePiece without scores", small("model").string("tokenizer.ggml.model", "llama"), ErrorCode::NotFound,
        "tokenizer.ggml.scores");
    add("too few scores",
        small("model")
            .string("tokenizer.ggml.model", "llama")
            .array("tokenizer.ggml.scores", Type::F32, 1, bytesOf(1.0F)),
        ErrorCode::Corrupt, "1 entries for 5 tokens");
    add("score not a number",
        small("model")
            .string("tokenizer.ggml.model", "llama")
            .array("tokenizer.ggml.scores", Type::F32, 5, bytesOf(std::vector<float>(5, NAN))),
        ErrorCode::Corrupt, "not a finite number");
    add("nothing stands for unknown text",
        small("model")
            .string("tokenizer.ggml.model", "llama")
            .array("tokenizer.ggml.scores", Type::F32, 5, bytesOf(std::vector<float>(5, 0))),
        ErrorCode::Corrupt, "unknown_token_id is missing");
    add("BOS outside the vocabulary", small().u32("tokenizer.ggml.bos_token_id", 5), ErrorCode::Corrupt,
        "bos_token_id is 5, but there are 5 tokens");
    add("BOS wanted but not named", small().entry("tokenizer.ggml.add_bos_token", Type::Bool, "\1"), ErrorCode::Corrupt,
        "bos_token_id is missing");
}

void TstGgufTokenizer::badMetadataIsNamed()
{
    QFETCH(std::string, bytes);
    QFETCH(int, code);
    QFETCH(std::string, mentions);
    const std::filesystem::path path = std::filesystem::path(m_folder.path().toStdString()) / "bad.gguf";
    QVERIFY(writeFileAtomically(path, bytes).ok());
    const auto tokenizer = Tokenizer::load(path);
    QVERIFY(!tokenizer.ok());
    const std::string sentence = tokenizer.error().sentence();
    QVERIFY2(static_cast<int>(tokenizer.error().code) == code, sentence.c_str());
    QVERIFY2(sentence.find(mentions) != std::string::npos, sentence.c_str());
    QVERIFY2(sentence.find("bad.gguf") != std::string::npos, sentence.c_str());
    QVERIFY(!tokenizer.error().hint.empty());
}

void TstGgufTokenizer::corporaOfTheRealFileAgree_data()
{
    QTest::addColumn<QString>("path");
    QTest::addColumn<Json>("expected");
    const std::filesystem::path demo = std::filesystem::path(PARETOSCOPE_RESOURCES) / "demo" / "corpora";
    const std::map<std::string, std::filesystem::path> places {
        {"wikitext-2/wiki.test.tokens", demo / "wiki.test.tokens"},
        {"wikitext-2/train_excerpt.raw.txt", demo / "train_excerpt.raw.txt"},
        {"alice29.txt", std::filesystem::path(PARETOSCOPE_TEST_DATA) / "corpora" / "alice29.txt"},
    };
    const Json stored = readJson(kParity / "smollm2_gguf.json");
    for (const auto& [name, expected] : stored.at("corpora").items())
        QTest::addRow("%s", name.c_str()) << QString::fromStdString(places.at(name).string()) << expected;
}

void TstGgufTokenizer::corporaOfTheRealFileAgree()
{
    const QByteArray models = qgetenv("PARETOSCOPE_MODELS");
    if (models.isEmpty())
        QSKIP("PARETOSCOPE_MODELS is not set");
    const std::filesystem::path model =
        std::filesystem::path(models.split(':').first().toStdString()) / "SmolLM2-135M-Instruct.Q4_1.gguf";
    if (!std::filesystem::exists(model))
        QSKIP("SmolLM2-135M-Instruct.Q4_1.gguf is not in PARETOSCOPE_MODELS");
    QFETCH(QString, path);
    QFETCH(Json, expected);
    const auto tokenizer = Tokenizer::load(model);
    QVERIFY2(tokenizer.ok(), tokenizer.ok() ? "" : tokenizer.error().sentence().c_str());
    const Ids ids = tokenizer.value().encode(readTextFile(path.toStdString()).value());
    QCOMPARE(ids.size(), expected.at("n_tokens").get<std::size_t>());
    QCOMPARE(sha256(std::as_bytes(std::span(ids))).hex(), expected.at("ids_sha256_le_int32").get<std::string>());
}

QTEST_GUILESS_MAIN(TstGgufTokenizer)
#include "tst_gguf_tokenizer.moc"
