// SPDX-License-Identifier: Apache-2.0
#include "core/tokenizer/tokenizer.h"

#include "core/base/mapped_file.h"

#include <QtTest>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

using namespace paretoscope::core;
using Ids = std::vector<std::int32_t>;

/// Each normalizer, pre-tokenizer, model, post-processor and decoder by itself, against what the reference library says
/// (tests/data/tokenizer_parts; its generate.py made the cases).
class TstTokenizerParts : public QObject
{
    Q_OBJECT

private Q_SLOTS:
    void partsAgree_data();
    void partsAgree();
    void specialTokensAreSkippedWhateverTheNormalizerMakesOfThem();
    void loadingRefuses_data();
    void loadingRefuses();
    void foldersWithoutTokenizerAreExplained_data();
    void foldersWithoutTokenizerAreExplained();
    void beginningTokenComesFromTheFirstFileThatNamesIt_data();
    void beginningTokenComesFromTheFirstFileThatNamesIt();
    void idsOutsideTheVocabularyAreNamed();
    void invalidBytesBecomeReplacementCharacters_data();
    void invalidBytesBecomeReplacementCharacters();

private:
    void write(const std::string& name, const std::string& content)
    {
        QVERIFY(writeFileAtomically(std::filesystem::path(m_folder.path().toStdString()) / name, content).ok());
    }
    Result<Tokenizer> load(const Json& tokenizer)
    {
        write("tokenizer.json", tokenizer.dump());
        return Tokenizer::load(m_folder.path().toStdString());
    }

    QTemporaryDir m_folder;
};

namespace {

Json referenceCases()
{
    const std::filesystem::path path = std::filesystem::path(PARETOSCOPE_TEST_DATA) / "tokenizer_parts" / "cases.json";
    return parseJson(readTextFile(path).value(), path.string()).value();
}

/// A tokenizer.json of four tokens; `changes` is merged into it.
Json small(const std::string& changes = "{}")
{
    Json json = parseJson(R"({"version":"1.0","model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2,"<s>":3},
                              "merges":[["a","b"]]},"decoder":{"type":"Fuse"}})",
                          "small")
                    .value();
    json.merge_patch(parseJson(changes, "row").value());
    return json;
}

} // namespace

void TstTokenizerParts::partsAgree_data()
{
    QTest::addColumn<Json>("tokenizer");
    QTest::addColumn<std::vector<std::string>>("texts");
    QTest::addColumn<Json>("expected");
    const Json reference = referenceCases();
    const auto texts = reference.at("texts").get<std::vector<std::string>>();
    int number = 0;
    for (const Json& expected : reference.at("cases")) {
        Json tokenizer {{"version", "1.0"}, {"model", reference.at("model")}};
        tokenizer.update(expected.at("parts"));
        std::string names;
        for (const auto& [kind, part] : expected.at("parts").items()) {
            if (part.is_object())
                names += " " + kind + " " + part.value("type", "without type");
        }
        QTest::addRow("%d:%s", ++number, names.c_str()) << tokenizer << texts << expected;
    }
}

void TstTokenizerParts::partsAgree()
{
    QFETCH(Json, tokenizer);
    QFETCH(std::vector<std::string>, texts);
    QFETCH(Json, expected);
    const auto loaded = load(tokenizer);
    QVERIFY2(loaded.ok(), loaded.ok() ? "" : loaded.error().sentence().c_str());
    for (std::size_t i = 0; i < texts.size(); ++i) {
        const auto ids = expected.at("ids").at(i).get<Ids>();
        const std::string where = Json(texts[i]).dump();
        QVERIFY2(loaded.value().encode(texts[i], true) == ids, where.c_str());
        QCOMPARE(loaded.value().decode(ids).value(), expected.at("decoded").at(i).get<std::string>());
    }
}

void TstTokenizerParts::specialTokensAreSkippedWhateverTheNormalizerMakesOfThem()
{
    const auto tokenizer = load(small(R"({"normalizer":{"type":"Prepend","prepend":"b"},
        "added_tokens":[{"id":3,"content":"<s>","normalized":true,"special":true}]})"));
    QCOMPARE(tokenizer.value().decode(Ids {3, 0}).value(), std::string("b<s>a"));
    QCOMPARE(tokenizer.value().decode(Ids {3, 0}, true).value(), std::string("a"));
}

void TstTokenizerParts::loadingRefuses_data()
{
    QTest::addColumn<std::string>("changes");
    QTest::addColumn<int>("code");
    QTest::addColumn<std::string>("mentions");
    const auto add = [](const char* tag, const char* changes, ErrorCode code, const char* mentions) {
        QTest::addRow("%s", tag) << std::string(changes) << static_cast<int>(code) << std::string(mentions);
    };
    const auto corrupt = [&](const char* tag, const char* changes, const char* mentions) {
        add(tag, changes, ErrorCode::Corrupt, mentions);
    };
    const auto unsupported = [&](const char* tag, const char* changes, const char* mentions) {
        add(tag, changes, ErrorCode::Unsupported, mentions);
    };
    unsupported("version", R"({"version":"2.0"})", "version is \"2.0\"");
    unsupported("unknown top level", R"({"reranker":{}})", "\"reranker\"");
    unsupported("unknown normalizer", R"({"normalizer":{"type":"NFKX"}})",
                "normalizer \"NFKX\" is not known (did you mean \"NFKC\"?)");
    unsupported("unknown pre-tokenizer in a sequence",
                R"({"pre_tokenizer":{"type":"Sequence","pretokenizers":[{"type":"Digits"},{"type":"Chunker"}]}})",
                "pre_tokenizer.pretokenizers[1] \"Chunker\" is not known");
    unsupported("unknown post-processor", R"({"post_processor":{"type":"Postit"}})", "post_processor \"Postit\"");
    unsupported("unknown decoder", R"({"decoder":{"type":"Morse"}})", "decoder \"Morse\"");
    unsupported("unknown model", R"({"model":{"type":"Neural"}})", "model \"Neural\"");
    unsupported("unknown field", R"({"model":{"temperature":1}})", "model has the field \"temperature\" = 1");
    unsupported("random ids", R"({"model":{"dropout":0.1}})", "model.dropout is 0.1");
    corrupt("part without type", R"({"normalizer":{"lowercase":true}})", "normalizer.type must be a string");
    corrupt("part is a list", R"({"pre_tokenizer":[1]})", "pre_tokenizer must be an object, but is [1]");
    corrupt("no model", R"({"model":null})", "tokenizer.model must be an object");
    corrupt("model is a string", R"({"model":"BPE"})", "model");
    corrupt("mistyped flag", R"({"model":{"byte_fallback":"yes"}})", "model.byte_fallback must be true or false");
    corrupt("missing field", R"({"pre_tokenizer":{"type":"Split","pattern":{"String":" "}}})",
            "pre_tokenizer.behavior must be a string, but is missing");
    unsupported("unknown behavior",
                R"({"pre_tokenizer":{"type":"Split","pattern":{"String":" "},"behavior":"Isolate"}})", "Isolated");
    corrupt("pattern of two kinds",
            R"({"pre_tokenizer":{"type":"Split","pattern":{"String":" ","Regex":" "},"behavior":"Isolated"}})",
            "pre_tokenizer.pattern must be");
    corrupt("negative id", R"({"model":{"vocab":{"x":-1}}})", "the token \"x\" has the id -1");
    corrupt("huge id", R"({"model":{"vocab":{"x":4000000000}}})", "4000000000");
    corrupt("fractional id", R"({"model":{"vocab":{"x":1.5}}})", "1.5");
    corrupt("id given twice", R"({"model":{"vocab":{"x":1}}})", "has the id 1 of \"b\"");
    corrupt("merge of one", R"({"model":{"merges":[["a"]]}})", "model.merges[0] must be two tokens");
    corrupt("merge of three words", R"({"model":{"merges":["a b c"]}})", "model.merges[0] must be two tokens");
    corrupt("merge of unknown token", R"({"model":{"merges":[["a","b"],["a","c"]]}})",
            "model.merges[1]: the token \"c\" is not in the vocabulary");
    corrupt("merge into unknown token", R"({"model":{"merges":[["b","a"]]}})", "the token \"ba\"");
    corrupt("unknown token unknown", R"({"model":{"unk_token":"<unk>"}})", "model.unk_token is \"<unk>\"");
    corrupt("added tokens no list", R"({"added_tokens":{}})", "added_tokens must be an array");
    corrupt("added token without id", R"({"added_tokens":[{"content":"x"}]})", "added_tokens[0].id");
    corrupt("added token at another's place", R"({"added_tokens":[{"id":0,"content":"<s>"}]})",
            "the token \"<s>\" has the id 0, but its place in the vocabulary is 3");
    corrupt("added token leaves a hole", R"({"added_tokens":[{"id":9,"content":"x"}]})",
            "its place in the vocabulary is 4");
    corrupt("added token twice", R"({"added_tokens":[{"id":4,"content":"x"},{"id":5,"content":"x"}]})", "given twice");
    corrupt("template without text",
            R"({"post_processor":{"type":"TemplateProcessing","single":[],"pair":[],"special_tokens":{}}})",
            "the sequence A exactly once");
    corrupt("template with unknown token",
            R"({"post_processor":{"type":"TemplateProcessing","pair":[],"special_tokens":{},
                "single":[{"SpecialToken":{"id":"<x>","type_id":0}},{"Sequence":{"id":"A","type_id":0}}]}})",
            "special token \"<x>\"");
    corrupt("unigram without vocabulary", R"({"model":{"type":"Unigram","vocab":[],"unk_id":0,"merges":null}})",
            "unk_id is 0, but there are 0 tokens");
    corrupt("charsmap not base64", R"({"normalizer":{"type":"Precompiled","precompiled_charsmap":"!!!!"}})",
            "normalizer.precompiled_charsmap is not base64");
    corrupt("charsmap cut", R"({"normalizer":{"type":"Precompiled","precompiled_charsmap":"AAEAAAAA"}})",
            "states a trie of 256 bytes, but holds 2");
    for (const char* pattern : {"a(",
                                "a)",
                                "[a",
                                "a\\\\",
                                "(?<n>a)",
                                "(*ACCEPT)",
                                "[a&&b]",
                                "[a[b]]",
                                "[[:alpha:]]",
                                "\\\\h",
                                "\\\\G",
                                "\\\\K",
                                "\\\\1",
                                "a(?i)b",
                                "(?i:ß)",
                                "(?i:ss)",
                                "(?i:[ß])",
                                "(?i:\\\\xdf)",
                                "(?i:\\\\p{Lu})",
                                "(?m:.)",
                                "\\\\p{Nonsense}",
                                "\\\\pL",
                                "\\\\x{110000}",
                                "\\\\u12",
                                "{",
                                "a{,2}",
                                "a{2}?",
                                "(?<=a+)b",
                                "[z-a]",
                                "[]a]",
                                "*a",
                                "(?R)",
                                "\\\\Q"}) {
        const std::string changes =
            R"({"normalizer":{"type":"Replace","content":"","pattern":{"Regex":")" + std::string(pattern) + R"("}}})";
        QTest::addRow("regular expression %s", pattern)
            << changes << static_cast<int>(ErrorCode::Unsupported) << std::string("normalizer.pattern: the regular");
    }
}

void TstTokenizerParts::loadingRefuses()
{
    QFETCH(std::string, changes);
    QFETCH(int, code);
    QFETCH(std::string, mentions);
    const auto tokenizer = load(small(changes));
    QVERIFY(!tokenizer.ok());
    const std::string sentence = tokenizer.error().sentence();
    QVERIFY2(sentence.find(mentions) != std::string::npos, sentence.c_str());
    QVERIFY2(sentence.find("tokenizer.json: ") != std::string::npos, sentence.c_str());
    QVERIFY2(static_cast<int>(tokenizer.error().code) == code, sentence.c_str());
    QVERIFY2(!tokenizer.error().hint.empty(), sentence.c_str());
}

void TstTokenizerParts::foldersWithoutTokenizerAreExplained_data()
{
    QTest::addColumn<QString>("file");
    QTest::addColumn<QString>("mentions");
    QTest::addRow("SentencePiece only") << "tokenizer.model"
                                        << "save_pretrained";
    QTest::addRow("GPT-2's old files") << "vocab.json"
                                       << "save_pretrained";
    QTest::addRow("nothing of the kind") << "readme.txt"
                                         << "has no tokenizer.json";
    QTest::addRow("no folder") << ""
                               << "does not exist";
}

void TstTokenizerParts::foldersWithoutTokenizerAreExplained()
{
    QFETCH(QString, file);
    QFETCH(QString, mentions);
    const QTemporaryDir folder;
    if (!file.isEmpty()) {
        QFile written(folder.filePath(file));
        QVERIFY(written.open(QIODevice::WriteOnly));
    }
    const QString path = file.isEmpty() ? folder.filePath(QStringLiteral("missing")) : folder.path();
    const auto tokenizer = Tokenizer::load(path.toStdString());
    QVERIFY(!tokenizer.ok());
    QCOMPARE(tokenizer.error().code, ErrorCode::NotFound);
    const QString sentence = QString::fromStdString(tokenizer.error().sentence());
    QVERIFY2(sentence.contains(mentions), qPrintable(sentence));
    QVERIFY2(sentence.contains(path), qPrintable(sentence));
}

void TstTokenizerParts::beginningTokenComesFromTheFirstFileThatNamesIt_data()
{
    QTest::addColumn<std::string>("tokenizerConfig");
    QTest::addColumn<std::string>("specialTokensMap");
    QTest::addColumn<std::string>("config");
    QTest::addColumn<std::optional<std::int32_t>>("bos");
    const auto add = [](const char* tag, const char* tokenizerConfig, const char* map, const char* config,
                        std::optional<std::int32_t> bos) {
        QTest::addRow("%s", tag) << std::string(tokenizerConfig) << std::string(map) << std::string(config) << bos;
    };
    add("a text", R"({"bos_token":"<s>"})", "{}", R"({"bos_token_id":1})", 3);
    add("an object", R"({"bos_token":{"content":"<s>","lstrip":false}})", "{}", "{}", 3);
    add("null means none", R"({"bos_token":null})", R"({"bos_token":"<s>"})", R"({"bos_token_id":1})", std::nullopt);
    add("special tokens map", "{}", R"({"bos_token":"<s>"})", R"({"bos_token_id":1})", 3);
    add("model configuration", "{}", "{}", R"({"bos_token_id":1})", 1);
    add("the first of several", "{}", "{}", R"({"bos_token_id":[2,1]})", 2);
    add("a token that does not exist", R"({"bos_token":"<bos>"})", "{}", "{}", std::nullopt);
    add("an id that does not exist", "{}", "{}", R"({"bos_token_id":-1})", std::nullopt);
    add("nobody says", "{}", "{}", "{}", std::nullopt);
}

void TstTokenizerParts::beginningTokenComesFromTheFirstFileThatNamesIt()
{
    QFETCH(std::string, tokenizerConfig);
    QFETCH(std::string, specialTokensMap);
    QFETCH(std::string, config);
    QFETCH(std::optional<std::int32_t>, bos);
    write("tokenizer_config.json", tokenizerConfig);
    write("special_tokens_map.json", specialTokensMap);
    write("config.json", config);
    const auto tokenizer = load(small());
    QVERIFY2(tokenizer.ok(), tokenizer.ok() ? "" : tokenizer.error().sentence().c_str());
    QCOMPARE(tokenizer.value().bosId(), bos);
    for (const char* name : {"tokenizer_config.json", "special_tokens_map.json", "config.json"})
        QVERIFY(QFile::remove(m_folder.filePath(QString::fromLatin1(name))));
}

void TstTokenizerParts::idsOutsideTheVocabularyAreNamed()
{
    const auto tokenizer = load(small());
    QCOMPARE(tokenizer.value().vocabularySize(), std::int64_t(4));
    for (const std::int32_t id : {4, -1, 1 << 30}) {
        const auto text = tokenizer.value().decode(Ids {0, id});
        QVERIFY(!text.ok());
        QCOMPARE(text.error().code, ErrorCode::InvalidArgument);
        const std::string sentence = text.error().sentence();
        QVERIFY2(sentence.find("token id " + std::to_string(id) + " at position 1") != std::string::npos,
                 sentence.c_str());
        QVERIFY2(sentence.find("between 0 and 3") != std::string::npos, sentence.c_str());
    }
}

void TstTokenizerParts::invalidBytesBecomeReplacementCharacters_data()
{
    QTest::addColumn<std::string>("bytes");
    QTest::addColumn<std::string>("text");
    // The substitution of maximal subparts as in Python's errors="replace" and Rust's from_utf8_lossy.
    QTest::addRow("lone continuation") << std::string("a\x80") << std::string("a\xef\xbf\xbd");
    QTest::addRow("cut sequence is one") << std::string("\xe2\x82") << std::string("\xef\xbf\xbd");
    QTest::addRow("cut by a letter") << std::string("\xf0\x9f\x98z") << std::string("\xef\xbf\xbdz");
    QTest::addRow("overlong are two") << std::string("\xc0\xaf") << std::string("\xef\xbf\xbd\xef\xbf\xbd");
    QTest::addRow("surrogate are three") << std::string("\xed\xa0\x80")
                                         << std::string("\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
    QTest::addRow("beyond Unicode are four")
        << std::string("\xf4\x90\x80\x80") << std::string("\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
}

void TstTokenizerParts::invalidBytesBecomeReplacementCharacters()
{
    QFETCH(std::string, bytes);
    QFETCH(std::string, text);
    const std::filesystem::path model =
        std::filesystem::path(PARETOSCOPE_TEST_DATA) / "parity" / "tokenizers" / "bpe_gpt2";
    const auto tokenizer = Tokenizer::load(model);
    QCOMPARE(tokenizer.value().encode(bytes), tokenizer.value().encode(text));
    QCOMPARE(tokenizer.value().decode(tokenizer.value().encode(bytes)).value(), text);
}

QTEST_GUILESS_MAIN(TstTokenizerParts)
#include "tst_tokenizer_parts.moc"
